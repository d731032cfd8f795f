//! The Blender releases this build knows, with the hash of every file it would download.
//!
//! A hash here is what makes an installation reproducible and a tampered mirror harmless. A release without one cannot be
//! installed; add it here, from the package index's own page, in a change of its own.

/// The release used for scenes that do not need another: the newest 4.5 LTS known.
pub const BLENDER_DEFAULT: &str = "4.5.15";

/// A release of the PyPI package `bpy` and what it needs beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlenderRelease {
    /// Exact version.
    pub version: &'static str,
    /// The Python it is built for, as `major.minor`.
    pub python: &'static str,
    /// `bpy` first, then what it imports at start.
    pub wheels: &'static [Wheel],
    /// Bytes on disk once installed, rounded up; the same again is needed while installing.
    pub installed_bytes: u64,
}

/// One file of the package index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wheel {
    /// Package name.
    pub package: &'static str,
    /// Exact version.
    pub version: &'static str,
    /// File name.
    pub file: &'static str,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: &'static str,
    /// Its size in bytes.
    pub bytes: u64,
}

const NUMPY_1_26: Wheel = Wheel {
    package: "numpy",
    version: "1.26.4",
    file: "numpy-1.26.4-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
    sha256: "666dbfb6ec68962c033a450943ded891bed2d54e6755e35e5835d63f4f6931d5",
    bytes: 18_252_005,
};

// `bpy` also names cython, requests and zstandard: add-ons use them, rendering does not.
const RELEASES: [BlenderRelease; 1] = [BlenderRelease {
    version: "4.5.15",
    python: "3.11",
    wheels: &[
        Wheel {
            package: "bpy",
            version: "4.5.15",
            file: "bpy-4.5.15-cp311-cp311-manylinux_2_28_x86_64.whl",
            sha256: "19203fb7825b005d2024b2e724d600fc82550a6deea71fbcc4447244df9ea737",
            bytes: 372_767_766,
        },
        NUMPY_1_26,
    ],
    installed_bytes: 950_000_000,
}];

/// Every release that can be installed.
pub fn releases() -> &'static [BlenderRelease] {
    &RELEASES
}

/// The release of exactly this version.
pub fn release(version: &str) -> Option<&'static BlenderRelease> {
    RELEASES.iter().find(|release| release.version == version)
}

impl BlenderRelease {
    /// Bytes to download.
    pub fn download_bytes(&self) -> u64 {
        self.wheels.iter().map(|wheel| wheel.bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_default_release_is_known_and_every_hash_has_its_length() {
        assert!(release(BLENDER_DEFAULT).is_some());
        for wheel in releases().iter().flat_map(|release| release.wheels) {
            assert_eq!(wheel.sha256.len(), 64, "{}", wheel.file);
            assert!(
                wheel.sha256.bytes().all(|digit| digit.is_ascii_hexdigit()),
                "{}",
                wheel.file
            );
            assert!(wheel.file.starts_with(&format!("{}-{}-", wheel.package, wheel.version)));
        }
    }
}
