//! The document of Web3 Secret Storage: scrypt makes a key of the password, AES-128-CTR encrypts, keccak-256 tells whether the
//! password was right. Pure.

use aes::{
    Aes128,
    cipher::{KeyIvInit, StreamCipher},
};
use alloy::primitives::{Address, keccak256};
use serde::{Deserialize, Serialize};

/// The most work that is done for a document: memory is 128 · n · r bytes, 1 GiB here. Geth's own are a quarter of it.
const N_MAX: u64 = 1 << 20;
const R_MAX: u32 = 8;
const P_MAX: u32 = 16;

/// How hard a password is to guess from the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// Geth's standard, for passwords of people: a quarter of a gigabyte and about a second.
    Standard,
    /// Geth's light one, for passwords that nobody can guess.
    Light,
}

/// A document does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CipherError {
    /// It is no such document.
    #[error("it is no keystore of version 3 ({0}); restore it from a backup")]
    Malformed(String),
    /// It wants more work than is reasonable, or parameters that do not exist.
    #[error(
        "it asks for scrypt with n = {n}, r = {r}, p = {p}, which is not done here; encrypt it anew with geth's standard"
    )]
    Cost {
        /// As in the document.
        n: u64,
        /// As in the document.
        r: u32,
        /// As in the document.
        p: u32,
    },
    /// The password is another's.
    #[error("the password is wrong, or the file was changed")]
    WrongPassword,
}

/// What a document held.
pub(super) struct Opened {
    pub(super) secret: [u8; 32],
    /// The account that the document names, if it does.
    pub(super) address: Option<Address>,
}

#[derive(Serialize, Deserialize)]
struct Document {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    // Some programs write it with a capital.
    #[serde(alias = "Crypto")]
    crypto: Crypto,
    #[serde(default)]
    id: String,
    version: u32,
}

#[derive(Serialize, Deserialize)]
struct Crypto {
    cipher: String,
    cipherparams: CipherParams,
    ciphertext: Digits,
    kdf: String,
    kdfparams: KdfParams,
    mac: Digits,
}

#[derive(Serialize, Deserialize)]
struct CipherParams {
    iv: Digits,
}

#[derive(Serialize, Deserialize)]
struct KdfParams {
    dklen: u32,
    n: u64,
    r: u32,
    p: u32,
    salt: Digits,
}

/// Bytes as hexadecimal digits.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Digits(String);

impl Digits {
    fn of(bytes: &[u8]) -> Self {
        Self(hex::encode(bytes))
    }

    fn bytes(&self) -> Result<Vec<u8>, CipherError> {
        hex::decode(&self.0).map_err(|_| CipherError::Malformed("a field is not hexadecimal digits".into()))
    }

    fn exactly<const N: usize>(&self) -> Result<[u8; N], CipherError> {
        let wrong = |_| CipherError::Malformed(format!("a field is not {N} bytes in hexadecimal digits"));
        self.bytes()?.try_into().map_err(wrong)
    }
}

/// The document of a secret. `random` is fresh randomness: the salt, then the start of the key stream and the document's id.
pub(super) fn encrypt(
    secret: &[u8; 32],
    address: Address,
    password: &[u8],
    cost: Cost,
    random: [[u8; 32]; 2],
) -> Result<String, CipherError> {
    let (n, r, p) = match cost {
        Cost::Standard => (1 << 18, 8, 1),
        Cost::Light => (1 << 12, 8, 6),
    };
    let [salt, rest] = random;
    let (mut iv, mut id) = ([0; 16], [0; 16]);
    iv.copy_from_slice(&rest[..16]);
    id.copy_from_slice(&rest[16..]);
    let kdfparams = KdfParams {
        dklen: 32,
        n,
        r,
        p,
        salt: Digits::of(&salt),
    };
    let derived = derive(password, &kdfparams)?;
    let mut ciphertext = secret.to_vec();
    apply(&derived, &iv, &mut ciphertext);
    let document = Document {
        address: Some(hex::encode(address)),
        crypto: Crypto {
            cipher: "aes-128-ctr".into(),
            cipherparams: CipherParams { iv: Digits::of(&iv) },
            ciphertext: Digits::of(&ciphertext),
            mac: Digits::of(&mac(&derived, &ciphertext)),
            kdf: "scrypt".into(),
            kdfparams,
        },
        id: uuid(id),
        version: 3,
    };
    serde_json::to_string(&document).map_err(|error| CipherError::Malformed(error.to_string()))
}

/// The secret in a document.
pub(super) fn decrypt(text: &str, password: &[u8]) -> Result<Opened, CipherError> {
    let malformed = |reason: &str| CipherError::Malformed(reason.into());
    // What serde says may quote the document, which is no secret: its secret is encrypted.
    let document: Document = serde_json::from_str(text).map_err(|error| malformed(&error.to_string()))?;
    let crypto = document.crypto;
    if document.version != 3 || crypto.cipher != "aes-128-ctr" || crypto.kdf != "scrypt" || crypto.kdfparams.dklen != 32
    {
        return Err(malformed(
            "its version, cipher or kdf is another; wanted are 3, aes-128-ctr, scrypt",
        ));
    }
    let (iv, promised) = (crypto.cipherparams.iv.exactly()?, crypto.mac.exactly()?);
    let mut secret: [u8; 32] = crypto.ciphertext.exactly()?;
    let derived = derive(password, &crypto.kdfparams)?;
    if mac(&derived, &secret) != promised {
        return Err(CipherError::WrongPassword);
    }
    apply(&derived, &iv, &mut secret);
    let address = document.address.map(|text| text.parse());
    Ok(Opened {
        secret,
        address: address.transpose().map_err(|_| malformed("its address is none"))?,
    })
}

fn derive(password: &[u8], params: &KdfParams) -> Result<[u8; 32], CipherError> {
    let KdfParams { n, r, p, .. } = *params;
    let cost = || CipherError::Cost { n, r, p };
    if !n.is_power_of_two() || !(2..=N_MAX).contains(&n) || r > R_MAX || p > P_MAX {
        return Err(cost());
    }
    let log_n = u8::try_from(n.trailing_zeros()).map_err(|_| cost())?;
    let scrypt_params = scrypt::Params::new(log_n, r, p, 32).map_err(|_| cost())?;
    let mut derived = [0; 32];
    scrypt::scrypt(password, &params.salt.bytes()?, &scrypt_params, &mut derived).map_err(|_| cost())?;
    Ok(derived)
}

/// Encrypts and decrypts alike.
fn apply(derived: &[u8; 32], iv: &[u8; 16], bytes: &mut [u8]) {
    let mut key = [0; 16];
    key.copy_from_slice(&derived[..16]);
    ctr::Ctr128BE::<Aes128>::new(&key.into(), &(*iv).into()).apply_keystream(bytes);
}

fn mac(derived: &[u8; 32], ciphertext: &[u8]) -> [u8; 32] {
    keccak256([&derived[16..], ciphertext].concat()).0
}

/// A random UUID of these bytes (RFC 9562, version 4).
fn uuid(mut bytes: [u8; 16]) -> String {
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let digits = hex::encode(bytes);
    [
        &digits[..8],
        &digits[8..12],
        &digits[12..16],
        &digits[16..20],
        &digits[20..],
    ]
    .join("-")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Geth's own test document (`very-light-scrypt.json`), with an empty password.
    const VECTOR: &str = r#"{
        "address": "45dea0fb0bba44f4fcf290bba71fd57d7117cbb8",
        "crypto": {
            "cipher": "aes-128-ctr",
            "ciphertext": "b87781948a1befd247bff51ef4063f716cf6c2d3481163e9a8f42e1f9bb74145",
            "cipherparams": { "iv": "dc4926b48a105133d2f16b96833abf1e" },
            "kdf": "scrypt",
            "kdfparams": {
                "dklen": 32, "n": 2, "p": 1, "r": 8,
                "salt": "004244bbdc51cadda545b1cfa43cff9ed2ae88e08c61f1479dbb45410722f8f0"
            },
            "mac": "39990c1684557447940d4c69e06b1b82b2aceacb43f284df65c956daf3046b85"
        },
        "id": "ce541d8d-c79b-40f8-9f8c-20f59616faba",
        "version": 3
    }"#;

    #[test]
    fn a_document_of_geth_opens() {
        let opened = decrypt(VECTOR, b"").unwrap();
        let key = rayswarm_model::signed::AccountKey::from_bytes(&opened.secret).unwrap();
        assert_eq!(opened.address, Some(key.address()));
        assert!(matches!(decrypt(VECTOR, b"x"), Err(CipherError::WrongPassword)));
    }

    #[test]
    fn what_was_encrypted_opens_again_and_looks_as_others_expect() {
        let (secret, address) = ([7; 32], Address::repeat_byte(0xab));
        let text = encrypt(&secret, address, b"word", Cost::Light, [[1; 32], [0xff; 32]]).unwrap();
        let opened = decrypt(&text, b"word").unwrap();
        assert_eq!((opened.secret, opened.address), (secret, Some(address)));
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["address"], "ab".repeat(20));
        assert_eq!(document["id"], "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(document["crypto"]["kdfparams"]["n"], 4_096);
    }

    #[test]
    fn broken_and_unreasonable_documents_are_refused() {
        let malformed = |text: &str| matches!(decrypt(text, b""), Err(CipherError::Malformed(_)));
        for text in ["", "{}", "[1]"] {
            assert!(malformed(text), "{text}");
        }
        for (from, to) in [
            ("\"version\": 3", "\"version\": 4"),
            ("\"scrypt\"", "\"pbkdf2\""),
            ("aes-128-ctr", "aes-128-cbc"),
            ("9bb74145", "9bb741"),
            ("dc4926b4", "dc4926"),
            ("\"dklen\": 32", "\"dklen\": 16"),
        ] {
            assert!(malformed(&VECTOR.replace(from, to)), "{to}");
        }
        for (from, to) in [
            ("\"n\": 2", "\"n\": 3"),
            ("\"n\": 2", "\"n\": 1"),
            ("\"n\": 2", "\"n\": 0"),
            ("\"n\": 2", "\"n\": 2097152"),
            ("\"p\": 1", "\"p\": 17"),
            ("\"r\": 8", "\"r\": 0"),
            ("\"r\": 8", "\"r\": 9"),
        ] {
            let opened = decrypt(&VECTOR.replace(from, to), b"");
            assert!(matches!(opened, Err(CipherError::Cost { .. })), "{to}");
        }
    }
}
