// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title A set of validators, one word each, by account
/// @notice A word is the account (160 bits), 32 bits of nothing, and the power (64 bits), so sorted words are sorted accounts.
library Members {
    /// @dev 2^64 divided by the golden ratio, made odd.
    uint256 private constant GOLDEN = 0x9e3779b97f4a7c15;
    /// @dev 2^64 times the square root of two less one, made odd.
    uint256 private constant SILVER = 0x6a09e667f3bcc909;

    function pack(address account, uint256 power) internal pure returns (uint256) {
        return (uint256(uint160(account)) << 96) | power;
    }

    function accountOf(uint256 member) internal pure returns (address) {
        return address(uint160(member >> 96));
    }

    function powerOf(uint256 member) internal pure returns (uint256) {
        return uint64(member);
    }

    function totalOf(uint256[] memory set) internal pure returns (uint256 total) {
        for (uint256 i = 0; i < set.length; ++i) {
            total += powerOf(set[i]);
        }
    }

    /// @notice Whose turn it is, as `ValidatorSet::proposer` of the Rust consensus has it: multiples of the golden ratio go round
    /// the set with the heights, those of the square root of two with the rounds.
    /// @param total The power of `set` in all.
    function proposer(uint256[] memory set, uint256 total, uint64 height, uint32 round)
        internal
        pure
        returns (address)
    {
        uint256 around = uint64(height * GOLDEN + round * SILVER);
        uint256 left = (around * total) >> 64;
        uint256 i = 0;
        while (left >= powerOf(set[i])) {
            left -= powerOf(set[i]);
            ++i;
        }
        return accountOf(set[i]);
    }

    /// @notice The power of `account`, zero if it is not in the set.
    function powerIn(uint256[] storage set, address account) internal view returns (uint256) {
        uint256 from = 0;
        uint256 to = set.length;
        while (from < to) {
            uint256 middle = (from + to) / 2;
            uint256 member = set[middle];
            if (accountOf(member) == account) return powerOf(member);
            if (accountOf(member) < account) from = middle + 1;
            else to = middle;
        }
        return 0;
    }

    /// @notice The set as accounts and powers.
    function unpack(uint256[] memory set) internal pure returns (address[] memory accounts, uint64[] memory powers) {
        accounts = new address[](set.length);
        powers = new uint64[](set.length);
        for (uint256 i = 0; i < set.length; ++i) {
            accounts[i] = accountOf(set[i]);
            powers[i] = uint64(set[i]);
        }
    }
}
