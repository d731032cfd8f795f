//! The seal of a block: precommits of more than two thirds of the power, by a bitmap over the set of its height.

use super::message::{ROUND_MAX, Signature};
use super::signatures::Signatures;
use crate::{
    validators::{VALIDATORS_MAX, ValidatorSet},
    votes::{Vote, VoteDomain, VoteKind},
};
use alloy_primitives::{Address, B256, Bytes};

/// The first byte: another encoding would have another.
const VERSION: u8 = 1;

/// The longest seal, in bytes.
pub const SEAL_BYTES_MAX: usize = 5 + VALIDATORS_MAX.div_ceil(8) + 65 * VALIDATORS_MAX;

/// Precommits for one block in one round. Encoded as version, round (4 bytes), a bitmap of the set's validators by account
/// (the lowest bit of the first byte is the first) and the signatures in that order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The round.
    pub round: u32,
    /// Who precommitted, and the signatures, by account.
    pub signatures: Vec<(Address, Signature)>,
}

impl Certificate {
    /// The seal for blocks of which `set` decides. Signatures of others are left out.
    pub fn encode(&self, set: &ValidatorSet) -> Bytes {
        let mut signers = vec![0u8; set.as_slice().len().div_ceil(8)];
        let mut signatures = Vec::with_capacity(65 * self.signatures.len());
        for (index, validator) in set.as_slice().iter().enumerate() {
            let signed = self
                .signatures
                .iter()
                .find(|(account, _)| *account == validator.account);
            if let Some((_, signature)) = signed {
                signers[index / 8] |= 1 << (index % 8);
                signatures.extend_from_slice(signature.as_slice());
            }
        }
        let round = self.round.to_be_bytes();
        [&[VERSION], round.as_slice(), &signers, &signatures].concat().into()
    }

    /// Reads a seal. There is one encoding of each certificate.
    pub fn decode(bytes: &[u8], set: &ValidatorSet) -> Option<Self> {
        let (version, bytes) = bytes.split_first()?;
        let (round, bytes) = bytes.split_first_chunk::<4>()?;
        let (signers, mut bytes) = bytes.split_at_checked(set.as_slice().len().div_ceil(8))?;
        let round = u32::from_be_bytes(*round);
        if *version != VERSION || round > ROUND_MAX {
            return None;
        }
        let mut signatures = Vec::new();
        for index in 0..8 * signers.len() {
            if signers[index / 8] & (1 << (index % 8)) == 0 {
                continue;
            }
            let validator = set.as_slice().get(index)?;
            let (signature, rest) = bytes.split_first_chunk::<65>()?;
            signatures.push((validator.account, Signature::from(*signature)));
            bytes = rest;
        }
        bytes.is_empty().then_some(Self { round, signatures })
    }

    /// Whether the precommits carry the block.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn check(
        &self,
        height: u64,
        block: B256,
        set: &ValidatorSet,
        domain: &VoteDomain,
        known: &Signatures,
    ) -> Result<(), String> {
        let powers = self.signatures.iter().filter_map(|(account, _)| set.get(*account));
        let power: u64 = powers.map(|validator| validator.power).sum();
        let total = set.total_power();
        if u128::from(power) * 3 <= u128::from(total) * 2 {
            return Err(format!(
                "they have {power} of {total} of the power, more than two thirds are needed"
            ));
        }
        let vote = Vote {
            height,
            round: self.round,
            kind: VoteKind::Precommit,
            block,
        };
        let is_signed =
            |(account, signature): &&(Address, Signature)| known.is_signed(&vote, domain, signature, *account);
        match self.signatures.iter().find(|signed| !is_signed(signed)) {
            None => Ok(()),
            Some((account, _)) => Err(format!("the signature of {account} is not its own")),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::validators::Validator;
    use proptest::prelude::*;
    use rayswarm_model::signed::AccountKey;

    const DOMAIN: VoteDomain = VoteDomain {
        chain_id: 1,
        contract: Address::ZERO,
    };

    fn key(number: u8) -> AccountKey {
        AccountKey::from_bytes(&[number; 32]).unwrap()
    }

    fn set(powers: &[u64]) -> ValidatorSet {
        let validator = |(number, power): (u8, &u64)| Validator {
            account: key(number).address(),
            power: *power,
        };
        ValidatorSet::new((1..).zip(powers).map(validator).collect()).unwrap()
    }

    fn certificate(signers: &[u8], block: B256) -> Certificate {
        let vote = Vote {
            height: 4,
            round: 2,
            kind: VoteKind::Precommit,
            block,
        };
        let known = Signatures::default();
        let signed = |number: &u8| (key(*number).address(), known.sign(&vote, &DOMAIN, &key(*number)));
        let mut signatures: Vec<_> = signers.iter().map(signed).collect();
        signatures.sort();
        Certificate { round: 2, signatures }
    }

    #[test]
    fn more_than_two_thirds_carry_a_block_and_two_thirds_do_not() {
        let set = set(&[1, 1, 2, 2]);
        let block = B256::repeat_byte(9);
        let check = |certificate: &Certificate, height, block| {
            let certificate = Certificate::decode(&certificate.encode(&set), &set).unwrap();
            certificate.check(height, block, &set, &DOMAIN, &Signatures::default())
        };
        assert_eq!(check(&certificate(&[1, 3, 4], block), 4, block), Ok(()));
        assert!(check(&certificate(&[3, 4], block), 4, block).is_err(), "four of six");
        assert!(
            check(&certificate(&[1, 3, 4], block), 5, block).is_err(),
            "another height"
        );
        assert!(
            check(&certificate(&[1, 3, 4], B256::ZERO), 4, block).is_err(),
            "another block"
        );
        let mut swapped = certificate(&[1, 3, 4], block);
        let first = swapped.signatures[0].1;
        swapped.signatures[0].1 = std::mem::replace(&mut swapped.signatures[1].1, first);
        assert!(check(&swapped, 4, block).is_err(), "each other's signatures");
    }

    #[test]
    fn a_certificate_has_one_encoding() {
        let set = set(&[1; 9]);
        let certificate = certificate(&[1, 2, 3, 4, 5, 6, 7], B256::ZERO);
        let bytes = certificate.encode(&set);
        assert!(bytes.len() <= SEAL_BYTES_MAX);
        assert_eq!(Certificate::decode(&bytes, &set), Some(certificate));
        let changed = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = bytes.to_vec();
            change(&mut bytes);
            Certificate::decode(&bytes, &set)
        };
        assert_eq!(changed(&|bytes| bytes.push(0)), None, "longer");
        assert_eq!(changed(&|bytes| bytes.truncate(100)), None, "shorter");
        assert_eq!(changed(&|bytes| bytes[0] = 2), None, "another version");
        assert_eq!(changed(&|bytes| bytes[6] |= 0x80), None, "a tenth validator of nine");
    }

    proptest! {
        #[test]
        fn no_bytes_break_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = Certificate::decode(&bytes, &set(&[1, 2, 3]));
        }
    }
}
