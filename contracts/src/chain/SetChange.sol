// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Arrays} from "@openzeppelin/contracts/utils/Arrays.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {Members} from "./Members.sol";

/// @title How a set becomes another one in steps that are small enough
/// @notice Power that leaves and power that comes are at most a third of the former set's together. So of any two thirds of
/// the new set more than a third (4/9 at least) of the former set's power is part, and who knows only the former set can
/// still tell a block of the new one.
library SetChange {
    struct Change {
        address account;
        uint256 from;
        uint256 goal;
        /// What it is in the next set.
        uint256 to;
        /// Lower goes first: those who signed twice, those who were absent, all others.
        uint256 urgency;
        /// Since when it waits; lower goes first.
        uint256 since;
    }

    /// @notice What the step from `set` to `goal` may move, of a set of so much power.
    function bound(uint256 total) internal pure returns (uint256) {
        return Math.max(total / 3, 1);
    }

    /// @notice Every account of either set, by account. Both are sorted.
    function merge(uint256[] memory set, uint256[] memory goal) internal pure returns (Change[] memory changes) {
        changes = new Change[](set.length + goal.length);
        (uint256 i, uint256 j, uint256 count) = (0, 0, 0);
        while (i < set.length || j < goal.length) {
            Change memory change = changes[count++];
            address former = i < set.length ? Members.accountOf(set[i]) : address(type(uint160).max);
            address next = j < goal.length ? Members.accountOf(goal[j]) : address(type(uint160).max);
            change.account = former < next ? former : next;
            if (i < set.length && former == change.account) change.from = Members.powerOf(set[i++]);
            if (j < goal.length && next == change.account) change.goal = Members.powerOf(goal[j++]);
            change.to = change.from;
        }
        // Memory arrays have no pop.
        assembly ("memory-safe") {
            mstore(changes, count)
        }
    }

    /// @notice Goes as far towards the goals as the bound and the seats allow. Some power always stays.
    function step(Change[] memory changes, uint256 seatsMax) internal pure {
        uint256 total = 0;
        uint256 seats = 0;
        for (uint256 i = 0; i < changes.length; ++i) {
            total += changes[i].from;
            if (changes[i].from > 0) ++seats;
        }
        uint256 left = bound(total);
        uint256[] memory order = _order(changes);
        // Whoever found no seat has another turn when all others had theirs: a seat may be free since.
        for (uint256 turn = 0; turn < 2 * order.length; ++turn) {
            Change memory change = changes[uint16(order[turn % order.length])];
            if (change.goal < change.to) {
                uint256 cut = Math.min(Math.min(change.to - change.goal, left), total - 1);
                change.to -= cut;
                total -= cut;
                left -= cut;
                if (change.to == 0) --seats;
            } else if (change.to > 0 || seats < seatsMax) {
                uint256 growth = Math.min(change.goal - change.to, left);
                if (change.to == 0 && growth > 0) ++seats;
                change.to += growth;
                total += growth;
                left -= growth;
            }
        }
    }

    /// @dev The places of `changes` in the order of their turns, in the low 16 bits: by urgency, by time waited, what leaves
    /// before what comes, large before small, by account.
    function _order(Change[] memory changes) private pure returns (uint256[] memory order) {
        order = new uint256[](changes.length);
        for (uint256 i = 0; i < changes.length; ++i) {
            Change memory change = changes[i];
            bool grows = change.goal > change.from;
            uint256 size = grows ? change.goal - change.from : change.from - change.goal;
            order[i] = (change.urgency << 240) | (change.since << 160) | (grows ? 1 << 152 : 0)
                | ((type(uint64).max - size) << 64) | i;
        }
        Arrays.sort(order);
    }
}
