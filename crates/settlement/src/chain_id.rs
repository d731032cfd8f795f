//! Ids of chains that are made here and not chosen (EIP-155).

/// Chain id of development chains: "RS" in ASCII.
pub const DEVELOPMENT_CHAIN_ID: u64 = 0x5253;

/// A chain id that no other chain has: a vote or a transaction that was signed for one chain counts on all with its id, such as those
/// that the same accounts begin anew. It fits in 53 bits, as JavaScript wants it.
pub const fn own_chain_id(random: u32) -> u64 {
    DEVELOPMENT_CHAIN_ID << 32 | random as u64
}

/// Whether a chain has an id that was made here.
pub const fn is_own_chain_id(chain_id: u64) -> bool {
    chain_id == DEVELOPMENT_CHAIN_ID || chain_id >> 32 == DEVELOPMENT_CHAIN_ID
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_are_made_are_known_again() {
        for random in [0, 1, u32::MAX] {
            let id = own_chain_id(random);
            assert!(is_own_chain_id(id) && id < 1 << 53);
        }
        for other in [1, 1_337, 31_337, 1 << 32, u64::MAX] {
            assert!(!is_own_chain_id(other));
        }
        assert!(is_own_chain_id(DEVELOPMENT_CHAIN_ID));
    }
}
