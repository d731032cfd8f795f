//! A block as it is kept beside its state: with what its execution showed, so that nothing need be executed to answer for it.

use alloy_consensus::{
    ReceiptEnvelope,
    proofs::{calculate_receipt_root, calculate_transaction_root},
};
use alloy_primitives::Address;
use alloy_rlp::{Decodable, RlpEncodable};

use crate::block::{Block, BlockError, SealedBlock, decode};

#[derive(RlpEncodable)]
struct Stored {
    block: Block,
    senders: Vec<Address>,
    receipts: Vec<ReceiptEnvelope>,
}

impl SealedBlock {
    /// Block, senders and receipts in one: RLP of the three.
    pub fn encode_executed(&self) -> Vec<u8> {
        alloy_rlp::encode(Stored {
            block: self.block.clone(),
            senders: self.senders.clone(),
            receipts: self.receipts.clone(),
        })
    }

    /// Reads what [`SealedBlock::encode_executed`] wrote, and holds transactions and receipts against the header. The
    /// senders are believed, as on one's own disk: whoever has it from a peer recovers them.
    ///
    /// # Errors
    /// [`BlockError::Malformed`], [`BlockError::Transactions`], [`BlockError::Body`], [`BlockError::Root`],
    /// [`BlockError::Senders`].
    pub fn decode_executed(bytes: &[u8]) -> Result<Self, BlockError> {
        let mut rest = bytes;
        let mut items = alloy_rlp::Header::decode_bytes(&mut rest, true).map_err(BlockError::Malformed)?;
        let block = decode::read(&mut items)?;
        let senders = Vec::<Address>::decode(&mut items).map_err(BlockError::Malformed)?;
        let receipts = Vec::<ReceiptEnvelope>::decode(&mut items).map_err(BlockError::Malformed)?;
        if !rest.is_empty() || !items.is_empty() {
            return Err(BlockError::Malformed(alloy_rlp::Error::UnexpectedLength));
        }
        let (header, transactions) = (&block.header, &block.body.transactions);
        let roots = [
            (
                "transactions root",
                calculate_transaction_root(transactions),
                header.transactions_root,
            ),
            ("receipts root", calculate_receipt_root(&receipts), header.receipts_root),
        ];
        for (field, expected, got) in roots {
            if expected != got {
                return Err(BlockError::Root { field, expected, got });
            }
        }
        if senders.len() != transactions.len() {
            return Err(BlockError::Senders {
                transactions: transactions.len(),
                senders: senders.len(),
            });
        }
        Ok(Self::new(block, senders, receipts))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use alloy_primitives::{Bytes, U256};

    use super::*;
    use crate::{
        BlockAttributes, Chain,
        testing::{GENESIS_TIME, Key, Tx, genesis, token_code, token_transfer},
    };

    fn block() -> SealedBlock {
        let mut chain = Chain::new(genesis()).unwrap();
        let token = Key::new(1).address().create(0);
        let move_tokens = Tx::call(token, token_transfer(Address::repeat_byte(2), 3)).nonce(1);
        for (seed, tx) in [
            (1, Tx::create(token_code())),
            (1, move_tokens),
            (2, Tx::transfer(token, U256::ZERO).kind(0)),
        ] {
            chain.submit(tx.recovered(&Key::new(seed))).unwrap();
        }
        let attributes = BlockAttributes {
            timestamp: GENESIS_TIME,
            extra_data: Bytes::from_static(b"x"),
            ..BlockAttributes::default()
        };
        chain.build_block(attributes).unwrap().executed.sealed
    }

    #[test]
    fn a_block_comes_back_with_all_that_its_execution_showed() {
        let block = block();
        assert!(block.receipts.iter().any(|receipt| !receipt.logs().is_empty()));
        let back = SealedBlock::decode_executed(&block.encode_executed()).unwrap();
        assert_eq!((back.hash, back.size), (block.hash, block.size));
        assert_eq!(
            (back.block, back.senders, back.receipts),
            (block.block, block.senders, block.receipts)
        );
    }

    #[test]
    fn what_does_not_belong_together_is_refused() {
        let good = block();
        let with = |spoil: fn(&mut SealedBlock)| {
            let mut bad = good.clone();
            spoil(&mut bad);
            SealedBlock::decode_executed(&bad.encode_executed())
        };
        assert!(matches!(
            with(|block| block.senders.truncate(2)),
            Err(BlockError::Senders { .. })
        ));
        assert!(matches!(
            with(|block| block.receipts.truncate(2)),
            Err(BlockError::Root {
                field: "receipts root",
                ..
            })
        ));
        assert!(matches!(
            with(|block| block.block.body.transactions.swap(0, 1)),
            Err(BlockError::Root {
                field: "transactions root",
                ..
            })
        ));
        let mut long = good.encode_executed();
        long.push(0);
        assert!(matches!(
            SealedBlock::decode_executed(&long),
            Err(BlockError::Malformed(_))
        ));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_decoder_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..700)) {
            let _ = SealedBlock::decode_executed(&bytes);
        }
    }
}
