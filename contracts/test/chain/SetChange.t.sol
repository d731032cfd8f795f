// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {Arrays} from "@openzeppelin/contracts/utils/Arrays.sol";
import {Members} from "../../src/chain/Members.sol";
import {Ranking} from "../../src/chain/Ranking.sol";
import {SetChange} from "../../src/chain/SetChange.sol";

/// @dev The pure rules: how a set may change, and who is best.
contract SetChangeTest is Test {
    using Members for uint256[];
    using Ranking for Ranking.Best;

    uint256[] private kept;

    /// @dev Up to twelve accounts; what is zero is not in the set.
    function set(uint64[12] memory powers, uint64 most) private pure returns (uint256[] memory members) {
        members = new uint256[](12);
        uint256 count = 0;
        for (uint256 i = 0; i < 12; ++i) {
            uint256 power = powers[i] % (uint256(most) + 1);
            if (power > 0) members[count++] = Members.pack(address(uint160(i + 1)), power);
        }
        assembly ("memory-safe") {
            mstore(members, count)
        }
    }

    function next(SetChange.Change[] memory changes) private pure returns (uint256[] memory members) {
        members = new uint256[](changes.length);
        uint256 count = 0;
        for (uint256 i = 0; i < changes.length; ++i) {
            if (changes[i].to > 0) members[count++] = Members.pack(changes[i].account, changes[i].to);
        }
        assembly ("memory-safe") {
            mstore(members, count)
        }
    }

    function distance(SetChange.Change[] memory changes) private pure returns (uint256 moved, uint256 missing) {
        for (uint256 i = 0; i < changes.length; ++i) {
            SetChange.Change memory change = changes[i];
            // Never past the goal, never away from it.
            if (change.goal >= change.from) {
                assertGe(change.to, change.from);
                assertLe(change.to, change.goal);
            } else {
                assertLe(change.to, change.from);
                assertGe(change.to, change.goal);
            }
            moved += change.to > change.from ? change.to - change.from : change.from - change.to;
            missing += change.to > change.goal ? change.to - change.goal : change.goal - change.to;
        }
    }

    function testFuzz_aStepIsBoundedAndLeavesSomebody(
        uint64[12] memory powers,
        uint64[12] memory goals,
        uint64 most,
        uint8 seats
    ) public pure {
        most = uint64(bound(most, 1, 2 ** 56));
        uint256[] memory from = set(powers, most);
        vm.assume(from.length > 0);
        uint256 total = from.totalOf();
        uint256 seatsMax = bound(seats, from.length < 2 ? 2 : from.length, 12);
        SetChange.Change[] memory changes = SetChange.merge(from, set(goals, most));
        SetChange.step(changes, seatsMax);
        (uint256 moved, uint256 missing) = distance(changes);
        assertLe(moved, total < 3 ? 1 : total / 3);
        uint256[] memory to = next(changes);
        assertGt(to.length, 0);
        assertLe(to.length, seatsMax);
        if (missing > 0 && to.length < seatsMax && to.totalOf() > 1) {
            assertEq(moved, total < 3 ? 1 : total / 3, "nothing waits that fits");
        }
    }

    function test_whoWaitsForASeatHasTheOneThatComesFreeInTheSameStep() public pure {
        SetChange.Change[] memory changes = new SetChange.Change[](3);
        // Of two seats one is left in this step, by somebody whose turn comes after the one who waits for it.
        changes[0] = SetChange.Change(address(1), 8, 8, 8, 2, 9);
        changes[1] = SetChange.Change(address(2), 1, 0, 1, 2, 9);
        changes[2] = SetChange.Change(address(3), 0, 5, 0, 2, 1);
        SetChange.step(changes, 2);
        assertEq(changes[1].to, 0);
        assertEq(changes[2].to, 2, "a third of nine, less what has left");
        (uint256 moved,) = distance(changes);
        assertEq(moved, 3);
    }

    function testFuzz_stepsReachTheGoal(uint64[12] memory powers, uint64[12] memory goals, uint16 most) public pure {
        most = uint16(bound(most, 1, 1_000));
        uint256[] memory from = set(powers, most);
        uint256[] memory goal = set(goals, most);
        vm.assume(from.length > 0 && goal.length > 0);
        uint256 seatsMax = from.length > goal.length ? from.length : goal.length;
        if (seatsMax < 2) seatsMax = 2;
        for (uint256 i = 0; i < 100; ++i) {
            SetChange.Change[] memory changes = SetChange.merge(from, goal);
            for (uint256 j = 0; j < changes.length; ++j) {
                // As in the contract: what leaves and what comes since the same time.
                changes[j].since = 1;
            }
            SetChange.step(changes, seatsMax);
            from = next(changes);
        }
        assertEq(keccak256(abi.encode(from)), keccak256(abi.encode(goal)));
    }

    function testFuzz_theRankingIsASort(uint96[20] memory weights, uint8 places, uint8 distinct) public {
        places = uint8(bound(places, 1, 25));
        Ranking.Best memory best = Ranking.places(places);
        uint256[] memory keys = new uint256[](20);
        for (uint256 i = 0; i < 20; ++i) {
            // Often equal.
            uint256 weight = weights[i] % (uint256(distinct) + 1);
            address account = address(uint160(uint256(keccak256(abi.encode(i)))));
            best.offer(account, weight);
            keys[i] = ((type(uint96).max - weight) << 160) | uint160(account);
        }
        Arrays.sort(keys);
        assertEq(best.count, places < 20 ? places : 20);
        for (uint256 i = 0; i < best.count; ++i) {
            (address account, uint256 weight) = best.entry(i);
            kept.push(((type(uint96).max - weight) << 160) | uint160(account));
        }
        uint256[] memory got = kept;
        Arrays.sort(got);
        for (uint256 i = 0; i < got.length; ++i) {
            assertEq(got[i], keys[i]);
        }
    }

    function test_weightsAboveTheLargestAreEqual() public pure {
        Ranking.Best memory best = Ranking.places(1);
        best.offer(address(2), type(uint128).max);
        best.offer(address(1), type(uint96).max);
        (address account, uint256 weight) = best.entry(0);
        assertEq(account, address(1));
        assertEq(weight, type(uint96).max);
    }

    function testFuzz_membersAreFound(uint64[12] memory powers, uint8 index) public {
        kept = set(powers, type(uint64).max - 1);
        uint256 expected = index < 12 ? powers[index] % type(uint64).max : 0;
        assertEq(Members.powerIn(kept, address(uint160(index) + 1)), expected);
    }

    /// @dev What the bound is for: any two thirds of the new power contain more than a third of the old.
    function testFuzz_quorumsOfNeighboursOverlap(
        uint64[12] memory powers,
        uint64[12] memory goals,
        uint32 most,
        uint16 signers
    ) public pure {
        most = uint32(bound(most, 1_000, type(uint32).max));
        uint256[] memory from = set(powers, most);
        vm.assume(from.length > 0 && from.totalOf() >= 3);
        SetChange.Change[] memory changes = SetChange.merge(from, set(goals, most));
        SetChange.step(changes, 12);
        (uint256 oldTotal, uint256 newTotal, uint256 oldSigned, uint256 newSigned) = (0, 0, 0, 0);
        for (uint256 i = 0; i < changes.length; ++i) {
            oldTotal += changes[i].from;
            newTotal += changes[i].to;
            if ((signers >> i) & 1 == 0) continue;
            oldSigned += changes[i].from;
            newSigned += changes[i].to;
        }
        if (3 * newSigned > 2 * newTotal) assertGt(3 * oldSigned, oldTotal);
    }
}
