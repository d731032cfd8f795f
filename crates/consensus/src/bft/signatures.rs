//! Who signed what, remembered: a vote is looked at when it comes, in certificates, and again when the block is decided.

use super::message::Signature;
use crate::votes::{Signable, VoteDomain};
use alloy_primitives::{Address, B256};
use rayswarm_model::signed::AccountKey;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// How many signatures each of the two halves of the memory holds: the votes of a few rounds of the largest set.
const HALF: usize = 4_096;

/// Signatures that were recovered before. Clones share their memory.
#[derive(Clone, Debug, Default)]
pub struct Signatures(Arc<Mutex<Memory>>);

#[derive(Debug, Default)]
struct Memory {
    young: HashMap<(B256, Signature), Option<Address>>,
    old: HashMap<(B256, Signature), Option<Address>>,
}

impl Signatures {
    /// Signs, and remembers it.
    pub fn sign(&self, subject: &impl Signable, domain: &VoteDomain, key: &AccountKey) -> Signature {
        let digest = subject.digest(domain);
        let signature = Signature::from(key.sign_digest(&digest).as_bytes());
        self.remember((digest, signature), Some(key.address()));
        signature
    }

    /// Whether `account` has signed it, in the one form that contracts take.
    pub fn is_signed(
        &self,
        subject: &impl Signable,
        domain: &VoteDomain,
        signature: &Signature,
        account: Address,
    ) -> bool {
        let asked = (subject.digest(domain), *signature);
        let known = {
            let memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            memory.young.get(&asked).or_else(|| memory.old.get(&asked)).copied()
        };
        let signer = known.unwrap_or_else(|| {
            let signer = recover(&asked.0, signature);
            self.remember(asked, signer);
            signer
        });
        signer == Some(account)
    }

    fn remember(&self, what: (B256, Signature), signer: Option<Address>) {
        let mut memory = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if memory.young.len() >= HALF {
            memory.old = std::mem::take(&mut memory.young);
        }
        memory.young.insert(what, signer);
    }
}

/// The signer, unless the signature is in a form that contracts refuse: evidence must hold there too.
fn recover(digest: &B256, signature: &Signature) -> Option<Address> {
    let is_canonical = matches!(signature.0[64], 27 | 28);
    let signature = alloy_primitives::Signature::from_raw_array(&signature.0).ok()?;
    if !is_canonical || signature.normalize_s().is_some() {
        return None;
    }
    signature.recover_address_from_prehash(digest).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::votes::{Vote, VoteKind};
    use alloy_primitives::U256;

    #[test]
    fn a_signature_has_one_form_and_one_signer() {
        let domain = VoteDomain {
            chain_id: 1,
            contract: Address::ZERO,
        };
        let key = AccountKey::from_bytes(&[5; 32]).unwrap();
        let vote = Vote {
            height: 1,
            round: 0,
            kind: VoteKind::Prevote,
            block: B256::ZERO,
        };
        let signature = Signatures::default().sign(&vote, &domain, &key);
        let is_signed = |signature: &Signature, account| {
            let fresh = Signatures::default();
            let first = fresh.is_signed(&vote, &domain, signature, account);
            assert_eq!(
                first,
                fresh.is_signed(&vote, &domain, signature, account),
                "as remembered"
            );
            first
        };
        assert!(is_signed(&signature, key.address()));
        assert!(!is_signed(&signature, Address::repeat_byte(1)), "somebody else's");
        // The mirrored form, which recovers to the same account.
        let order = U256::from_be_slice(&alloy_primitives::hex!(
            "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
        ));
        let mut mirrored = signature;
        let s = order - U256::from_be_slice(&signature[32..64]);
        mirrored[32..64].copy_from_slice(&s.to_be_bytes::<32>());
        mirrored[64] = 27 + 28 - signature[64];
        assert!(!is_signed(&mirrored, key.address()), "the other form");
        assert!(!is_signed(&Signature::ZERO, Address::ZERO), "none at all");
    }
}
