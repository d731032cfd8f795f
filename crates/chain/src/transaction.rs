//! Transactions as they arrive: bytes in, a checked envelope with its sender out.
//!
//! Legacy, EIP-2930, EIP-1559 and EIP-7702 transactions are taken. Blob transactions (EIP-4844) are refused,
//! since this chain has no blobs to keep available.

use alloy_consensus::{EthereumTxEnvelope, Transaction as _, TxEip4844, Typed2718, transaction::Recovered};
use alloy_eips::eip2718::{Decodable2718, Eip2718Error};
use alloy_primitives::{Address, B256, Signature};
use revm::{
    context::TxEnv,
    context_interface::{cfg::gas::calculate_initial_tx_gas_for_tx, either::Either},
    primitives::hardfork::SpecId,
};
use secp256k1::{
    Message, SECP256K1,
    ecdsa::{RecoverableSignature, RecoveryId},
};

/// A signed transaction.
pub type Transaction = EthereumTxEnvelope<TxEip4844>;

/// A signed transaction whose sender is known from its signature.
pub type RecoveredTransaction = Recovered<Transaction>;

/// The largest transaction taken, in bytes of its encoding: what other Ethereum nodes accept too.
pub const TRANSACTION_BYTES_MAX: usize = 128 * 1024;

/// Why bytes are not a transaction of this chain, whatever its state.
#[derive(Debug, thiserror::Error)]
pub enum TransactionError {
    /// Longer than [`TRANSACTION_BYTES_MAX`].
    #[error("oversized data: transaction of {0} bytes, at most {TRANSACTION_BYTES_MAX} are taken; split the call")]
    TooLarge(usize),
    /// The bytes do not decode.
    #[error("transaction does not decode; send the signed EIP-2718 encoding")]
    Malformed(#[source] Eip2718Error),
    /// A type this chain does not run.
    #[error("transaction type not supported: type {0}; send a legacy, EIP-2930, EIP-1559 or EIP-7702 transaction")]
    UnsupportedType(u8),
    /// No account can have signed this.
    #[error("invalid sender: the signature belongs to no account, or has a high `s` (EIP-2); sign again")]
    BadSignature,
    /// Signed for another chain.
    #[error(
        "invalid chain id for signer: transaction is for chain {got}, this is chain {expected}; sign again with the right id"
    )]
    WrongChain {
        /// This chain.
        expected: u64,
        /// What the signature says.
        got: u64,
    },
    /// A legacy signature without a chain id, which could be replayed from anywhere.
    #[error("only replay-protected (EIP-155) transactions are taken; sign for chain {expected}")]
    Unprotected {
        /// This chain.
        expected: u64,
    },
}

/// Decodes what a wallet sends and recovers its sender, which takes nearly all of the time.
///
/// # Errors
/// See [`TransactionError`].
pub fn decode_transaction(raw: &[u8], chain_id: u64) -> Result<RecoveredTransaction, TransactionError> {
    if raw.len() > TRANSACTION_BYTES_MAX {
        return Err(TransactionError::TooLarge(raw.len()));
    }
    let transaction = Transaction::decode_2718_exact(raw).map_err(|error| match raw.first() {
        // Below 0xc0 stands a type. A blob transaction also comes with its sidecar, which is another shape
        // and would be called malformed: name the real reason.
        Some(&kind) if kind < 0xc0 && !matches!(kind, 1 | 2 | 4) => TransactionError::UnsupportedType(kind),
        _ => TransactionError::Malformed(error),
    })?;
    check_chain(&transaction, chain_id)?;
    recover(transaction)
}

/// Whether a transaction was signed for this chain and no other.
pub(crate) fn check_chain(transaction: &Transaction, expected: u64) -> Result<(), TransactionError> {
    match transaction.chain_id() {
        Some(id) if id == expected => Ok(()),
        Some(got) => Err(TransactionError::WrongChain { expected, got }),
        None => Err(TransactionError::Unprotected { expected }),
    }
}

/// Finds the sender of a decoded transaction.
///
/// # Errors
/// [`TransactionError::UnsupportedType`] for blobs, [`TransactionError::BadSignature`].
pub fn recover(transaction: Transaction) -> Result<RecoveredTransaction, TransactionError> {
    let sender = recover_sender(&transaction)?;
    Ok(Recovered::new_unchecked(transaction, sender))
}

/// The sender of a transaction. Whoever has a block and several threads runs it on all of them, and then
/// [`Chain::prepare_check`](crate::Chain::prepare_check).
///
/// # Errors
/// As [`recover`].
pub fn recover_sender(transaction: &Transaction) -> Result<Address, TransactionError> {
    if transaction.is_eip4844() {
        return Err(TransactionError::UnsupportedType(3));
    }
    let signature = transaction.signature();
    // EIP-2: of the two signatures of one meaning only the one with the smaller s counts.
    if signature.normalize_s().is_some() {
        return Err(TransactionError::BadSignature);
    }
    signer_of(&transaction.signature_hash(), signature).map_err(|_| TransactionError::BadSignature)
}

/// Whose key signed this hash.
fn signer_of(hash: &B256, signature: &Signature) -> Result<Address, secp256k1::Error> {
    let id = RecoveryId::try_from(i32::from(signature.v()))?;
    let [scalars @ .., _] = signature.as_bytes();
    let signature = RecoverableSignature::from_compact(&scalars, id)?;
    let key = SECP256K1.recover_ecdsa(Message::from_digest(hash.0), &signature)?;
    let [_, point @ ..] = key.serialize_uncompressed();
    Ok(Address::from_raw_public_key(&point))
}

/// The transaction with a sender that was recovered before.
pub(crate) fn with_sender(transaction: Transaction, sender: Address) -> Result<RecoveredTransaction, TransactionError> {
    if transaction.is_eip4844() {
        return Err(TransactionError::UnsupportedType(3));
    }
    Ok(Recovered::new_unchecked(transaction, sender))
}

/// The transaction as revm takes it.
pub(crate) fn evm_transaction(transaction: &Transaction, sender: Address) -> TxEnv {
    TxEnv {
        tx_type: transaction.ty(),
        caller: sender,
        gas_limit: transaction.gas_limit(),
        gas_price: transaction.max_fee_per_gas(),
        kind: transaction.kind(),
        value: transaction.value(),
        data: transaction.input().clone(),
        nonce: transaction.nonce(),
        chain_id: transaction.chain_id(),
        access_list: transaction.access_list().cloned().unwrap_or_default(),
        gas_priority_fee: transaction.max_priority_fee_per_gas(),
        blob_hashes: Vec::new(),
        max_fee_per_blob_gas: 0,
        authorization_list: transaction
            .authorization_list()
            .unwrap_or_default()
            .iter()
            .cloned()
            .map(Either::Left)
            .collect(),
    }
}

/// Gas that a transaction costs before its first instruction, the calldata floor of EIP-7623 included.
pub(crate) fn intrinsic_gas(transaction: &TxEnv, spec: SpecId) -> u64 {
    let gas = calculate_initial_tx_gas_for_tx(transaction, spec, None);
    gas.initial_regular_gas.max(gas.floor_gas)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use alloy_consensus::transaction::SignerRecoverable;
    use alloy_eips::eip2718::Encodable2718;
    use alloy_primitives::{U256, hex};
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{CHAIN_ID, Key, Tx};

    #[test]
    fn the_sender_is_the_one_who_signed() {
        let key = Key::new(1);
        let raw = Tx::transfer(Address::repeat_byte(2), U256::from(5))
            .sign(&key)
            .encoded_2718();
        assert_eq!(decode_transaction(&raw, CHAIN_ID).unwrap().signer(), key.address());
    }

    /// A transfer with another signature in the place of its own.
    fn signed_with(r: U256, s: U256, odd: bool) -> Transaction {
        let Transaction::Eip1559(signed) = Tx::transfer(Address::ZERO, U256::ZERO).sign(&Key::new(1)) else {
            panic!("not of EIP-1559")
        };
        let transaction = signed.strip_signature();
        alloy_consensus::SignableTransaction::into_signed(transaction, Signature::new(r, s, odd)).into()
    }

    proptest! {
        /// alloy's k256 is another implementation.
        #[test]
        fn any_signature_is_of_who_alloy_says_or_of_nobody(r in any::<[u8; 32]>(), s in any::<[u8; 32]>(), odd: bool) {
            let half = U256::from_be_bytes(s) >> 1;
            for (r, s) in [(r, half), (r, U256::from_be_bytes(s)), (r, U256::ZERO), ([0; 32], half), ([0xff; 32], half)] {
                let transaction = signed_with(U256::from_be_bytes(r), s, odd);
                let ours = recover_sender(&transaction).ok();
                prop_assert_eq!(ours, transaction.recover_signer().ok());
            }
        }
    }

    /// The worked example of EIP-155.
    #[test]
    fn the_example_of_eip_155_decodes() {
        let raw = hex!(
            "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a7640000802\
             5a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb7\
             03304b3800ccf555c9f3dc64214b297fb1966a3b6d83"
        );
        let recovered = decode_transaction(&raw, 1).unwrap();
        assert_eq!(
            recovered.signer(),
            alloy_primitives::address!("0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F")
        );
        assert!(matches!(
            decode_transaction(&raw, 2),
            Err(TransactionError::WrongChain { expected: 2, got: 1 })
        ));
    }

    #[test]
    fn bad_bytes_are_refused_with_their_reason() {
        let raw = Tx::transfer(Address::ZERO, U256::ZERO)
            .sign(&Key::new(1))
            .encoded_2718();
        let cut = &raw[..raw.len() - 1];
        assert!(matches!(
            decode_transaction(cut, CHAIN_ID),
            Err(TransactionError::Malformed(_))
        ));
        let mut long = raw.clone();
        long.push(0);
        assert!(matches!(
            decode_transaction(&long, CHAIN_ID),
            Err(TransactionError::Malformed(_))
        ));
        assert!(matches!(
            decode_transaction(&[3, 0xc0], CHAIN_ID),
            Err(TransactionError::UnsupportedType(3))
        ));
        assert!(matches!(
            decode_transaction(&[6, 0xc0], CHAIN_ID),
            Err(TransactionError::UnsupportedType(6))
        ));
        assert!(matches!(
            decode_transaction(&vec![0; TRANSACTION_BYTES_MAX + 1], CHAIN_ID),
            Err(TransactionError::TooLarge(_))
        ));
        assert!(decode_transaction(&[], CHAIN_ID).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_decoder_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            let _ = decode_transaction(&bytes, CHAIN_ID);
        }
    }
}
