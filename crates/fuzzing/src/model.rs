//! Documents that travel inside messages or as blobs, in their canonical encoding.

use rayswarm_model::{
    Allocation, Manifest, Plan, canonical,
    signed::{SignedEndpointBinding, SignedReceipt, SignedVoucher},
};
use std::fmt::Debug;

/// Any of them: the bytes are read as each.
pub fn document(bytes: &[u8]) -> bool {
    let taken = [
        one::<Allocation>("allocation", bytes),
        one::<Manifest>("manifest", bytes),
        one::<Plan>("plan", bytes),
        one::<SignedVoucher>("voucher", bytes),
        one::<SignedReceipt>("receipt", bytes),
        one::<SignedEndpointBinding>("endpoint binding", bytes),
    ];
    taken.contains(&true)
}

fn one<T>(name: &'static str, bytes: &[u8]) -> bool
where
    T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + Debug,
{
    let Ok(document) = canonical::decode::<T>(name, bytes) else {
        return false;
    };
    let again = canonical::encode(name, &document).unwrap_or_default();
    assert!(again.len() <= bytes.len(), "{name}");
    let same = canonical::decode::<T>(name, &again);
    assert_eq!(same.ok(), Some(document), "{name}");
    let longer = canonical::decode::<T>(name, &[&again[..], &[0]].concat());
    assert!(longer.is_err(), "{name}: bytes follow its end");
    true
}
