// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IJobEscrow} from "../src/interfaces/IJobEscrow.sol";
import {MerkleSum} from "../src/libraries/MerkleSum.sol";

/// @dev Caps of an epoch as a requestor keeps them, and the proofs it hands out. Written apart from the contract's own
/// way up the tree.
library Caps {
    struct Line {
        address provider;
        uint128 cap;
    }

    function root(Line[] memory lines) internal pure returns (bytes32 hash, uint128 total) {
        uint256[] memory nodes = new uint256[](2 * lines.length);
        for (uint256 i = 0; i < lines.length; ++i) {
            MerkleSum.put(nodes, i, lines[i].provider, lines[i].cap);
        }
        return MerkleSum.root(nodes);
    }

    function proof(Line[] memory lines, uint256 index) internal pure returns (IJobEscrow.CapProof memory found) {
        (bytes32[] memory hashes, uint128[] memory sums) = _leaves(lines);
        MerkleSum.Sibling[] memory siblings = new MerkleSum.Sibling[](64);
        uint256 count;
        found.cap = lines[index].cap;
        for (uint256 width = lines.length; width > 1; width = (width + 1) / 2) {
            uint256 other = index ^ 1;
            if (other < width) {
                siblings[count] = MerkleSum.Sibling(hashes[other], sums[other]);
                if (index % 2 == 1) found.path |= 1 << count;
                ++count;
            }
            for (uint256 i = 0; i < width; i += 2) {
                (hashes[i / 2], sums[i / 2]) = i + 1 < width
                    ? MerkleSum.node(hashes[i], sums[i], hashes[i + 1], sums[i + 1])
                    : (hashes[i], sums[i]);
            }
            index /= 2;
        }
        found.siblings = new MerkleSum.Sibling[](count);
        for (uint256 i = 0; i < count; ++i) {
            found.siblings[i] = siblings[i];
        }
    }

    function _leaves(Line[] memory lines) private pure returns (bytes32[] memory hashes, uint128[] memory sums) {
        hashes = new bytes32[](lines.length);
        sums = new uint128[](lines.length);
        for (uint256 i = 0; i < lines.length; ++i) {
            hashes[i] = MerkleSum.leaf(lines[i].provider, lines[i].cap);
            sums[i] = lines[i].cap;
        }
    }
}
