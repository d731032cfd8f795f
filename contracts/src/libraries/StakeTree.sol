// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Checkpoints} from "@openzeppelin/contracts/utils/structs/Checkpoints.sol";

/// @title Weights of accounts as a sum tree that remembers
/// @notice Every node keeps its history, so a draw can be made over the weights of an earlier second: nobody can move
/// a draw by changing stakes once its randomness is known. A change writes one node per level.
library StakeTree {
    using Checkpoints for Checkpoints.Trace208;

    /// @dev A member keeps its index for ever, since earlier draws may still be asked for.
    struct Tree {
        Checkpoints.Trace208 count;
        mapping(uint256 place => Checkpoints.Trace208) sums;
        mapping(uint256 index => address) members;
        mapping(address member => uint256) indexPlusOne;
    }

    /// @notice From now on `member` weighs `weight`.
    function set(Tree storage self, address member, uint208 weight) internal {
        uint48 since = uint48(block.timestamp);
        uint256 index = self.indexPlusOne[member];
        if (index == 0) {
            if (weight == 0) return;
            uint208 count = self.count.latest();
            self.members[count] = member;
            self.indexPlusOne[member] = count + 1;
            self.count.push(since, count + 1);
            index = count + 1;
        }
        index -= 1;
        self.sums[_place(0, index)].push(since, weight);
        uint256 top = _top(self.count.latest());
        for (uint256 level = 1; level <= top; ++level) {
            index >>= 1;
            uint208 left = self.sums[_place(level - 1, 2 * index)].latest();
            uint208 right = self.sums[_place(level - 1, 2 * index + 1)].latest();
            self.sums[_place(level, index)].push(since, left + right);
        }
    }

    /// @notice What `member` weighs now.
    function weightOf(Tree storage self, address member) internal view returns (uint256) {
        uint256 index = self.indexPlusOne[member];
        return index == 0 ? 0 : self.sums[_place(0, index - 1)].latest();
    }

    /// @notice What all members weighed at second `time`.
    function total(Tree storage self, uint48 time) internal view returns (uint256) {
        uint256 count = self.count.upperLookupRecent(time);
        return count == 0 ? 0 : _sum(self, _top(count), 0, time);
    }

    /// @notice The interval of `member` on the line of all weights at second `time`; width 0 if it had none.
    function interval(Tree storage self, uint48 time, address member)
        internal
        view
        returns (uint256 start, uint256 width)
    {
        uint256 index = self.indexPlusOne[member];
        if (index == 0) return (0, 0);
        index -= 1;
        width = _sum(self, 0, index, time);
        uint256 top = _top(self.count.upperLookupRecent(time));
        for (uint256 level = 0; level < top; ++level) {
            if (index % 2 == 1) start += _sum(self, level, index - 1, time);
            index >>= 1;
        }
    }

    /// @notice The member whose interval at second `time` holds `point`, which is below the total.
    function find(Tree storage self, uint48 time, uint256 point)
        internal
        view
        returns (address member, uint256 start, uint256 width)
    {
        uint256 index = 0;
        for (uint256 level = _top(self.count.upperLookupRecent(time)); level > 0; --level) {
            index *= 2;
            uint256 left = _sum(self, level - 1, index, time);
            if (point - start >= left) {
                start += left;
                index += 1;
            }
        }
        return (self.members[index], start, _sum(self, 0, index, time));
    }

    function _sum(Tree storage self, uint256 level, uint256 index, uint48 time) private view returns (uint256) {
        return self.sums[_place(level, index)].upperLookupRecent(time);
    }

    /// @dev The level of the root of a tree with so many leaves.
    function _top(uint256 count) private pure returns (uint256) {
        return count < 2 ? 0 : Math.log2(count - 1) + 1;
    }

    function _place(uint256 level, uint256 index) private pure returns (uint256) {
        return (level << 128) | index;
    }
}
