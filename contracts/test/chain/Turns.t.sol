// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IValidators, ValidatorParams} from "../../src/chain/IValidators.sol";
import {ChainFixture} from "./ChainFixture.sol";

/// @dev Missed turns and jail, for both kinds.
abstract contract TurnsTest is ChainFixture {
    uint64 private constant TURNS_EPOCH = 60;

    function place() internal pure virtual returns (address);

    function params() internal pure override returns (ValidatorParams memory with) {
        with = super.params();
        with.validatorsMax = 8;
        // So many that everybody has some turns.
        with.epochBlocks = TURNS_EPOCH;
    }

    function start(uint256 count) internal {
        genesis(place(), count, 100 ether);
    }

    /// @dev Seals the rest of an epoch with `absent` of the first validators proposing nothing.
    function epochWithout(uint256 absent) internal {
        uint64 epoch = chain.epoch();
        while (chain.epoch() == epoch) {
            uint64 round = 0;
            while (isAbsent(chain.proposerAt(uint64(block.number), uint32(round)), absent)) ++round;
            seal(round, 1 ether);
        }
    }

    function isAbsent(address who, uint256 absent) private pure returns (bool) {
        for (uint256 i = 0; i < absent; ++i) {
            if (account(i) == who) return true;
        }
        return false;
    }

    function test_roundsThatWerePassedAreMissedTurns() public {
        start(4);
        address first = chain.proposerAt(1, 0);
        address second = chain.proposerAt(1, 1);
        seal(2, 0);
        IValidators.Standing memory stands = chain.standing(first);
        assertEq(stands.missed, first == second ? 2 : 1);
        uint256 turns = 0;
        uint256 missed = 0;
        for (uint256 i = 0; i < 4; ++i) {
            turns += chain.standing(account(i)).turns;
            missed += chain.standing(account(i)).missed;
        }
        assertEq(turns, 3);
        assertEq(missed, 2);
        endEpoch();
        assertEq(chain.standing(first).missed, 0, "a new epoch");
    }

    function test_oneBlockCountsSixteenRoundsAtMost() public {
        start(4);
        seal(1_000_000, 0);
        uint256 missed = 0;
        for (uint256 i = 0; i < 4; ++i) {
            missed += chain.standing(account(i)).missed;
        }
        assertEq(missed, 16);
    }

    function test_whoIsAbsentIsOutAtTheNextEpochAndComesBack() public {
        start(6);
        epochWithout(2);
        uint64 until = TURNS_EPOCH + JAIL;
        for (uint256 i = 0; i < 6; ++i) {
            assertEq(power(i) == 0, i < 2);
            assertEq(chain.standing(account(i)).jailedUntil, i < 2 ? until : 0);
        }
        sealUntil(until - 1);
        vm.expectRevert(
            abi.encodeWithSelector(IValidators.ValidatorsStillJailed.selector, account(0), until, block.number)
        );
        as_(0);
        chain.unjail();
        seal();
        as_(0);
        chain.unjail();
        assertEq(power(0), 0);
        for (uint256 i = 0; i < 3; ++i) {
            endEpoch();
        }
        assertGt(power(0), 0);
        assertEq(power(1), 0);
        vm.expectRevert(abi.encodeWithSelector(IValidators.ValidatorsNotJailed.selector, account(0)));
        as_(0);
        chain.unjail();
    }

    function test_twoThirdsOfThePowerStay() public {
        start(6);
        epochWithout(4);
        (, uint256 count) = totalPower();
        assertEq(count, 4, "two of six may be jailed");
        epochWithout(4);
        (, count) = totalPower();
        assertEq(count, 3, "and one of four");
    }

    /// @dev Seals an epoch in which account 0 misses up to `most` of its turns.
    function epochMissing(uint256 most) private returns (uint256 missed) {
        while (chain.epoch() == 0) {
            address first = chain.proposerAt(uint64(block.number), 0);
            address second = chain.proposerAt(uint64(block.number), 1);
            bool misses = missed < most && first == account(0) && second != first;
            if (misses) ++missed;
            seal(misses ? 1 : 0, 0);
        }
    }

    function test_whoMissesNoMoreThanAllowedStays() public {
        uint256[] memory stakes = new uint256[](4);
        (stakes[0], stakes[1], stakes[2], stakes[3]) = (10 ether, 100 ether, 100 ether, 100 ether);
        genesis(place(), stakes);
        assertEq(epochMissing(2), 2);
        assertEq(chain.standing(account(0)).jailedUntil, 0);
    }

    function test_whoMissesNoMoreThanHalfStays() public {
        start(3);
        assertGt(epochMissing(3), 2);
        assertEq(chain.standing(account(0)).jailedUntil, 0);
    }
}

contract StakedTurnsTest is TurnsTest {
    function place() internal pure override returns (address) {
        return STAKED;
    }

    function test_whoHoldsMoreThanAThirdIsNotJailed() public {
        uint256[] memory stakes = new uint256[](3);
        (stakes[0], stakes[1], stakes[2]) = (41 ether, 39 ether, 40 ether);
        genesis(STAKED, stakes);
        epochWithout(1);
        assertEq(power(0), 41);
        assertEq(chain.standing(account(0)).jailedUntil, 0);
    }
}

contract DelegatedTurnsTest is TurnsTest {
    function place() internal pure override returns (address) {
        return DELEGATED;
    }
}
