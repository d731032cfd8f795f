//! Corrupt results: whose fault they are.

#![allow(clippy::unwrap_used)]
use super::*;
use rayswarm_imaging::{Channel, Compression, Picture, Samples, encode};
use rayswarm_model::{
    B256, CpuTime, JobId, Rect, Resolution, Slice, TaskId, TaskSpec, Work, keccak256,
    signed::{AccountKey, Domain, Receipt, Signed},
};

const DOMAIN: Domain = Domain {
    chain_id: 31_337,
    escrow: rayswarm_model::Address::repeat_byte(0xe5),
};
const SIZE: Resolution = Resolution { width: 7, height: 5 };

/// What a provider has rendered and signed, and where its file arrives.
struct Delivered {
    folder: tempfile::TempDir,
    key: AccountKey,
    receipt: Receipt,
}

/// A picture whose red is `brightest` in one pixel.
fn picture(brightest: f32) -> Picture {
    let pixels = (SIZE.width * SIZE.height) as usize;
    let channel = |name: &str, peak: f32| {
        let mut samples: Vec<f32> = (0..pixels).map(|index| index as f32 / 64.0).collect();
        samples[pixels / 2] = peak;
        Channel::new(name, Samples::F32(samples))
    };
    Picture::new(
        SIZE,
        vec![channel("R", brightest), channel("G", 0.5), channel("B", 0.25)],
    )
    .unwrap()
}

fn file_of(picture: &Picture) -> Vec<u8> {
    encode(picture, Compression::Uncompressed).unwrap()
}

/// The same value but for its last bit.
fn flipped(value: f32) -> f32 {
    f32::from_bits(value.to_bits() ^ 1)
}

impl Delivered {
    /// A provider that committed to `picture(1.0)`.
    fn honest() -> Self {
        let (folder, key) = (tempfile::tempdir().unwrap(), AccountKey::from_bytes(&[7; 32]).unwrap());
        let bytes = file_of(&picture(1.0));
        let delivered = Self {
            receipt: Receipt {
                job: JobId::from_bytes([1; 32]),
                task: TaskId(3),
                attempt: AttemptId(4),
                provider: key.address(),
                bytes_hash: keccak256(&bytes),
                pixel_commitment: B256::ZERO,
                cpu: CpuTime { millis: 1 },
            },
            folder,
            key,
        };
        std::fs::write(delivered.file(), &bytes).unwrap();
        let measured = pixels::measure_file(&delivered.file(), SIZE.whole(), SIZE.whole()).unwrap();
        Self {
            receipt: Receipt {
                pixel_commitment: measured.commitment,
                ..delivered.receipt
            },
            ..delivered
        }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("result.exr")
    }

    fn arrives(&self, bytes: &[u8]) -> Result<(), Fault> {
        std::fs::write(self.file(), bytes).unwrap();
        self.checked()
    }

    fn checked(&self) -> Result<(), Fault> {
        let tile: Rect = SIZE.whole();
        let task = TaskSpec {
            id: self.receipt.task,
            frame: 1,
            tile,
            slice: Slice::whole(4),
            work: Work::ZERO,
        };
        let signed = Signed::sign(self.receipt, &DOMAIN, &self.key);
        checking::check_delivery(&self.file(), tile, &task, &signed, self.key.address(), &DOMAIN, None)
            .map_err(Fault::from)
    }
}

#[test]
fn a_single_flipped_byte_is_the_provider_s_fault() {
    let delivered = Delivered::honest();
    let bytes = file_of(&picture(1.0));
    assert!(delivered.arrives(&bytes).is_ok());
    for at in 0..bytes.len() {
        let mut corrupt = bytes.clone();
        corrupt[at] ^= 1;
        assert!(
            matches!(delivered.arrives(&corrupt), Err(Fault::Theirs(_))),
            "byte {at}"
        );
    }
    for length in [0, 1, bytes.len() / 2, bytes.len() - 1] {
        assert!(
            matches!(delivered.arrives(&bytes[..length]), Err(Fault::Theirs(_))),
            "{length} bytes"
        );
    }
    let longer = [&bytes[..], b"x"].concat();
    assert!(matches!(delivered.arrives(&longer), Err(Fault::Theirs(_))));
}

#[test]
fn a_single_flipped_pixel_in_a_file_that_reads_is_the_provider_s_fault() {
    let mut delivered = Delivered::honest();
    let other = file_of(&picture(flipped(1.0)));
    let Err(Fault::Theirs(message)) = delivered.arrives(&other) else {
        panic!("it was accepted");
    };
    assert!(message.contains("bytes do not match the receipt"), "{message}");
    // Even one that signs the very bytes it sends is held to the pixels it committed to.
    delivered.receipt.bytes_hash = keccak256(&other);
    let Err(Fault::Theirs(message)) = delivered.arrives(&other) else {
        panic!("it was accepted");
    };
    assert!(message.contains("pixels do not match the receipt"), "{message}");
}

#[test]
fn a_file_that_cannot_be_read_is_this_machine_s_fault() {
    let delivered = Delivered::honest();
    std::fs::remove_file(delivered.file()).unwrap();
    assert!(matches!(delivered.checked(), Err(Fault::Ours(_))));
    std::fs::create_dir(delivered.file()).unwrap();
    assert!(matches!(delivered.checked(), Err(Fault::Ours(_))));
}
