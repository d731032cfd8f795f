//! Reads the encoding of a block: the one that it has, and no other.
//!
//! The library's decoder takes more: a typed transaction without the string around it, or in a string of another length. With
//! it one hash would stand for many encodings, and whoever passes a block on could choose among them.

use alloy_consensus::{BlockBody, Header as BlockHeader};
use alloy_eips::{eip2718::Decodable2718, eip4895::Withdrawals};
use alloy_rlp::{Decodable, Error, Header};

use super::{BLOCK_TRANSACTIONS_MAX, Block, BlockError};
use crate::transaction::{TRANSACTION_BYTES_MAX, Transaction, TransactionError};

/// The least bytes of a transaction: a list of nine empty strings.
const TRANSACTION_BYTES_MIN: usize = 10;

/// First byte from which on an item is a list.
const LIST: u8 = 0xc0;

/// Reads one block off the front of `bytes`.
pub(crate) fn read(bytes: &mut &[u8]) -> Result<Block, BlockError> {
    let mut items = Header::decode_bytes(bytes, true).map_err(BlockError::Malformed)?;
    let header = BlockHeader::decode(&mut items).map_err(BlockError::Malformed)?;
    let mut list = Header::decode_bytes(&mut items, true).map_err(BlockError::Malformed)?;
    let transactions = transactions(&mut list)?;
    // Neither is there on this chain, so that both are empty lists.
    if items != [LIST, LIST] {
        return Err(BlockError::Body(header.number));
    }
    let body = BlockBody {
        transactions,
        ommers: Vec::new(),
        withdrawals: Some(Withdrawals::default()),
    };
    Ok(Block { header, body })
}

/// A transaction takes many times the bytes of its shortest encoding, so they are counted before the first is read.
fn transactions(list: &mut &[u8]) -> Result<Vec<Transaction>, BlockError> {
    let mut rest = *list;
    let mut count = 0usize;
    while !rest.is_empty() {
        skip(&mut rest).map_err(BlockError::Malformed)?;
        count += 1;
    }
    if count > BLOCK_TRANSACTIONS_MAX {
        return Err(BlockError::Transactions(count));
    }
    let mut transactions = Vec::with_capacity(count.min(list.len() / TRANSACTION_BYTES_MIN));
    while !list.is_empty() {
        let item = transaction(list).map_err(BlockError::Malformed)?;
        // What no wallet could send may not come by a block either: blocks that lose give theirs back to the pool.
        if item.len() > TRANSACTION_BYTES_MAX {
            let source = TransactionError::TooLarge(item.len());
            let index = transactions.len();
            return Err(BlockError::Transaction { index, source });
        }
        let decoded = Transaction::decode_2718_exact(item).map_err(|error| BlockError::Malformed(error.into()))?;
        transactions.push(decoded);
    }
    Ok(transactions)
}

/// The bytes of a transaction within a block: a list, or a string with a type and what belongs to it.
fn transaction<'a>(items: &mut &'a [u8]) -> Result<&'a [u8], Error> {
    let begin = *items;
    skip(items)?;
    let mut item = begin.get(..begin.len() - items.len()).ok_or(Error::InputTooShort)?;
    if item.first().is_some_and(|first| *first < LIST) {
        item = Header::decode_bytes(&mut item, false)?;
        // A legacy transaction in a string, or a type without anything.
        if item.len() < 2 || item.first().is_none_or(|first| *first >= LIST) {
            return Err(Error::UnexpectedString);
        }
    }
    Ok(item)
}

fn skip(items: &mut &[u8]) -> Result<(), Error> {
    let Header { payload_length, .. } = Header::decode(items)?;
    *items = items.get(payload_length..).ok_or(Error::InputTooShort)?;
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use alloy_eips::eip2718::Encodable2718;
    use alloy_primitives::{Address, U256};

    use super::*;
    use crate::{
        block::decode_block,
        testing::{Key, Tx, genesis},
    };

    fn list(payload: &[u8]) -> Vec<u8> {
        prefixed(payload, payload.len(), true)
    }

    fn string(payload: &[u8], payload_length: usize) -> Vec<u8> {
        prefixed(payload, payload_length, false)
    }

    fn prefixed(payload: &[u8], payload_length: usize, list: bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        Header { list, payload_length }.encode(&mut bytes);
        bytes.extend_from_slice(payload);
        bytes
    }

    /// A block with these items as its transactions, and these bytes after them.
    fn block_of(transactions: &[u8], end: &[u8]) -> Result<Block, BlockError> {
        let header = alloy_rlp::encode(&genesis().block().block.header);
        decode_block(&list(&[&header, &list(transactions), end].concat()))
    }

    fn typed() -> Vec<u8> {
        let transfer = Tx::transfer(Address::repeat_byte(2), U256::from(5));
        transfer.sign(&Key::new(1)).encoded_2718()
    }

    fn legacy() -> Vec<u8> {
        let transfer = Tx::transfer(Address::repeat_byte(2), U256::from(5)).kind(0);
        transfer.sign(&Key::new(1)).encoded_2718()
    }

    #[test]
    fn a_transaction_stands_in_a_block_in_one_way() {
        let (typed, legacy) = (typed(), legacy());
        let whole = string(&typed, typed.len());
        let items = [whole.clone(), legacy.clone()].concat();
        let block = block_of(&items, &[LIST, LIST]).unwrap();
        assert_eq!(block.body.transactions.len(), 2);
        for (wrong, items) in [
            ("no string around it", typed.clone()),
            ("a string that ends early", string(&typed, typed.len() - 3)),
            (
                "a string that ends late",
                [string(&typed, typed.len() + legacy.len()), legacy.clone()].concat(),
            ),
            ("a string around what has no type", string(&legacy, legacy.len())),
            ("a type and nothing else", vec![2]),
            ("nothing", vec![0x80]),
        ] {
            assert!(
                matches!(block_of(&items, &[LIST, LIST]), Err(BlockError::Malformed(_))),
                "{wrong}"
            );
        }
    }

    #[test]
    fn ommers_and_withdrawals_are_empty_lists() {
        for end in [
            &[LIST][..],
            &[LIST, 0xc1, 0x80],
            &[0xc1, 0x80, LIST],
            &[LIST, LIST, LIST],
        ] {
            assert!(matches!(block_of(&[], end), Err(BlockError::Body(0))), "{end:?}");
        }
        assert!(block_of(&[], &[LIST, LIST]).is_ok());
    }

    #[test]
    fn a_block_holds_no_transaction_that_a_wallet_could_not_send() {
        let long = Tx::transfer(Address::repeat_byte(2), U256::ZERO).input(vec![0; TRANSACTION_BYTES_MAX].into());
        let long = long.kind(0).sign(&Key::new(1)).encoded_2718();
        let items = [legacy(), long].concat();
        let refused = block_of(&items, &[LIST, LIST]).unwrap_err();
        assert!(
            matches!(
                refused,
                BlockError::Transaction {
                    index: 1,
                    source: TransactionError::TooLarge(_)
                }
            ),
            "{refused}"
        );
    }

    #[test]
    fn transactions_are_counted_before_they_are_read() {
        // No transactions at all: only their number is looked at.
        let many = vec![LIST; BLOCK_TRANSACTIONS_MAX + 1];
        assert!(matches!(
            block_of(&many, &[LIST, LIST]),
            Err(BlockError::Transactions(count)) if count == many.len()
        ));
        assert!(matches!(
            block_of(&many[1..], &[LIST, LIST]),
            Err(BlockError::Malformed(_))
        ));
    }
}
