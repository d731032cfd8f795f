//! Finding the events of contracts: a filter, and where in the chain a log sits.

use alloy_primitives::{Address, B256, Bloom, BloomInput, Log};

use crate::block::SealedBlock;

/// Which logs are wanted. Empty lists match anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// Contracts that may have emitted it.
    pub addresses: Vec<Address>,
    /// For each topic position, the values it may have.
    pub topics: [Vec<B256>; 4],
}

impl LogFilter {
    /// Whether `log` is wanted.
    pub fn matches(&self, log: &Log) -> bool {
        let address = self.addresses.is_empty() || self.addresses.contains(&log.address);
        address
            && self.topics.iter().enumerate().all(|(position, wanted)| {
                wanted.is_empty() || log.topics().get(position).is_some_and(|topic| wanted.contains(topic))
            })
    }

    /// Whether a block or receipt with this bloom may hold a wanted log.
    fn may_match(&self, bloom: &Bloom) -> bool {
        let any = |values: &[&[u8]]| {
            values.is_empty() || values.iter().any(|value| bloom.contains_input(BloomInput::Raw(value)))
        };
        let addresses: Vec<&[u8]> = self.addresses.iter().map(|address| address.as_slice()).collect();
        any(&addresses)
            && self.topics.iter().all(|wanted| {
                let topics: Vec<&[u8]> = wanted.iter().map(|topic| topic.as_slice()).collect();
                any(&topics)
            })
    }

    /// The wanted logs of one block, in order.
    pub fn select<'a>(&'a self, block: &'a SealedBlock) -> impl Iterator<Item = LogEntry<'a>> + 'a {
        let receipts = if self.may_match(&block.header().logs_bloom) {
            block.receipts.as_slice()
        } else {
            &[]
        };
        receipts
            .iter()
            .enumerate()
            .flat_map(|(transaction, receipt)| receipt.logs().iter().map(move |log| (transaction, log)))
            .enumerate()
            .filter(|(_, (_, log))| self.matches(log))
            .map(|(index, (transaction, log))| LogEntry {
                block,
                transaction,
                index,
                log,
            })
    }
}

/// One log with its place.
#[derive(Clone, Copy, Debug)]
pub struct LogEntry<'a> {
    /// The block it is in.
    pub block: &'a SealedBlock,
    /// Position of its transaction in the block.
    pub transaction: usize,
    /// Position of the log in the block.
    pub index: usize,
    /// The log.
    pub log: &'a Log,
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use alloy_primitives::Bytes;

    use super::*;

    fn log(address: u8, topics: &[u8]) -> Log {
        let topics = topics.iter().map(|byte| B256::repeat_byte(*byte)).collect();
        Log::new_unchecked(Address::repeat_byte(address), topics, Bytes::new())
    }

    fn filter(addresses: &[u8], topics: [&[u8]; 2]) -> LogFilter {
        let list = |bytes: &[u8]| bytes.iter().map(|byte| B256::repeat_byte(*byte)).collect();
        LogFilter {
            addresses: addresses.iter().map(|byte| Address::repeat_byte(*byte)).collect(),
            topics: [list(topics[0]), list(topics[1]), vec![], vec![]],
        }
    }

    #[test]
    fn positions_are_joined_by_and_their_values_by_or() {
        let seen = log(1, &[10, 20]);
        let rows: [(LogFilter, bool); 8] = [
            (filter(&[], [&[], &[]]), true),
            (filter(&[1], [&[], &[]]), true),
            (filter(&[2, 1], [&[], &[]]), true),
            (filter(&[2], [&[], &[]]), false),
            (filter(&[1], [&[10], &[20]]), true),
            (filter(&[], [&[11, 10], &[]]), true),
            (filter(&[], [&[20], &[]]), false),
            (filter(&[], [&[10], &[21]]), false),
        ];
        for (filter, expected) in rows {
            assert_eq!(filter.matches(&seen), expected, "{filter:?}");
            let bloom: Bloom = [&seen].into_iter().collect();
            // A bloom may say yes too often, never no too often.
            assert!(!expected || filter.may_match(&bloom), "{filter:?}");
        }
        assert!(!filter(&[2], [&[], &[]]).may_match(&[&seen].into_iter().collect()));
        assert!(!filter(&[], [&[10], &[]]).matches(&log(1, &[])));
    }
}
