// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IValidators, ValidatorParams} from "../../src/chain/IValidators.sol";
import {StakedValidators} from "../../src/chain/StakedValidators.sol";
import {ChainFixture} from "./ChainFixture.sol";

contract StakedValidatorsTest is ChainFixture {
    function setUp() public {
        genesis(STAKED, 3, 100 ether);
    }

    function test_theGenesisSetVotesFromTheFirstBlock() public view {
        (address[] memory accounts, uint64[] memory powers) = chain.validators();
        assertEq(accounts.length, 3);
        for (uint256 i = 0; i < 3; ++i) {
            assertEq(powers[i], 100);
            if (i > 0) assertTrue(accounts[i - 1] < accounts[i], "by account");
            assertEq(power(i), 100);
        }
        assertEq(chain.epoch(), 0);
        assertEq(chain.epochBlocks(), EPOCH);
        assertEq(chain.parameters().minStake, 10 ether);
    }

    function test_stakeCountsFromTheEndOfTheNextEpoch() public {
        sealUntil(4);
        stakeAs(3, 50.9 ether);
        endEpoch();
        assertEq(block.number, 11);
        assertEq(power(3), 0, "end of the epoch in which it was staked");
        endEpoch();
        assertEq(power(3), 50, "end of the next, in whole coins");
    }

    function test_stakeOfTheLastBlockOfAnEpochIsOfThatEpoch() public {
        sealUntil(EPOCH);
        stakeAs(3, 50 ether);
        endEpoch();
        assertEq(power(3), 0);
        endEpoch();
        assertEq(power(3), 50);
    }

    function test_aChangeAboveTheBoundWaits() public {
        stakeAs(3, 300 ether);
        endEpoch();
        endEpoch();
        assertEq(power(3), 100, "a third of 300");
        endEpoch();
        assertEq(power(3), 233, "and of 400");
        endEpoch();
        assertEq(power(3), 300);
        assertEq(chain.standing(account(3)).stake, 300 ether);
    }

    function test_theLastStayUntilOthersAreIn() public {
        for (uint256 i = 0; i < 3; ++i) {
            unstakeAs(i, 100 ether);
        }
        for (uint256 i = 0; i < 20; ++i) {
            endEpoch();
        }
        (uint256 total, uint256 count) = totalPower();
        assertEq(total, 1);
        assertEq(count, 1);
        (address[] memory accounts,) = chain.validators();
        uint256 last = accounts[0] == account(0) ? 0 : accounts[0] == account(1) ? 1 : 2;
        for (uint256 i = 0; i < 3; ++i) {
            as_(i);
            if (i == last) {
                vm.expectRevert(abi.encodeWithSelector(IValidators.ValidatorsAmountZero.selector, account(i)));
            }
            chain.withdraw();
        }

        stakeAs(3, 50 ether);
        for (uint256 i = 0; i < 20; ++i) {
            endEpoch();
        }
        assertEq(power(last), 0);
        assertEq(power(3), 50);
        as_(last);
        assertEq(chain.withdraw(), 100 ether);
    }

    function test_unbondingBeginsWhenTheSetNoLongerCountsIt() public {
        unstakeAs(0, 40 ether);
        // Counts until the end of epoch 1, then 36 blocks.
        IValidators.Exit[] memory exits = chain.exitsOf(account(0));
        assertEq(exits.length, 1);
        assertEq(exits[0].releaseHeight, 2 * EPOCH + UNBONDING);
        assertTrue(exits[0].atRisk);
        assertEq(chain.standing(account(0)).unbonding, 40 ether);
        endEpoch();
        assertEq(power(0), 100);
        endEpoch();
        assertEq(power(0), 60);
        sealUntil(2 * EPOCH + UNBONDING - 1);
        vm.expectRevert(abi.encodeWithSelector(IValidators.ValidatorsAmountZero.selector, account(0)));
        as_(0);
        chain.withdraw();
        seal();
        as_(0);
        assertEq(chain.withdraw(), 40 ether);
        assertEq(account(0).balance, 40 ether);
        vm.expectRevert(abi.encodeWithSelector(IValidators.ValidatorsAmountZero.selector, account(0)));
        as_(0);
        chain.withdraw();
    }

    function test_unbondingWaitsForWhoTheSetCannotLetGo() public {
        unstakeAs(0, 100 ether);
        unstakeAs(1, 100 ether);
        endEpoch();
        endEpoch();
        (uint256 first, uint256 second) = power(0) == 0 ? (uint256(0), uint256(1)) : (uint256(1), uint256(0));
        assertEq(power(first), 0);
        assertEq(power(second), 100, "a third of the power has left already");
        assertEq(chain.exitsOf(account(first))[0].releaseHeight, 2 * EPOCH + UNBONDING);
        assertEq(chain.exitsOf(account(second))[0].releaseHeight, 3 * EPOCH + UNBONDING);
        endEpoch();
        assertEq(power(second), 34, "66 of 200");
        endEpoch();
        assertEq(power(second), 0);
        assertEq(chain.exitsOf(account(second))[0].releaseHeight, 4 * EPOCH + UNBONDING);
    }

    function test_theLargestStakesVoteAndTiesGoToTheLowerAccount() public {
        stakeAs(3, 20 ether);
        stakeAs(4, 30 ether);
        stakeAs(5, 20 ether);
        endEpoch();
        endEpoch();
        assertEq(power(4), 30, "four places");
        assertEq(power(3) + power(5), 0);
        unstakeAs(0, 100 ether);
        for (uint256 i = 0; i < 4; ++i) {
            endEpoch();
        }
        assertEq(power(account(3) < account(5) ? 3 : 5), 20);
        assertEq(power(account(3) < account(5) ? 5 : 3), 0);
    }

    function test_whoWaitsLongestComesFirst() public {
        stakeAs(3, 1_000 ether);
        endEpoch();
        unstakeAs(0, 100 ether);
        endEpoch();
        assertEq(power(3), 100);
        endEpoch();
        assertEq(power(3), 233, "the newcomer has waited, who leaves has not");
        assertEq(power(0), 100);
    }

    function test_rewardsAreTheProposers() public {
        seal(account(1), 0, 2 ether);
        seal(account(1), 0, 1 ether);
        seal(account(2), 0, 5 ether);
        assertEq(chain.standing(account(1)).rewards, 3 ether);
        as_(1);
        assertEq(chain.claimRewards(), 3 ether);
        assertEq(account(1).balance, 3 ether);
        vm.expectRevert(abi.encodeWithSelector(IValidators.ValidatorsAmountZero.selector, account(1)));
        as_(1);
        chain.claimRewards();
    }

    function test_stakesHaveAMinimum() public {
        bytes memory tooSmall =
            abi.encodeWithSelector(IValidators.ValidatorsStakeTooSmall.selector, account(3), 10 ether - 1, 10 ether);
        vm.deal(account(3), 100 ether);
        vm.startPrank(account(3));
        vm.expectRevert(tooSmall);
        staked().stake{value: 10 ether - 1}();
        vm.expectRevert(abi.encodeWithSelector(IValidators.ValidatorsNoStake.selector, account(3)));
        staked().addStake{value: 10 ether}();
        staked().stake{value: 15 ether}();
        vm.expectRevert(abi.encodeWithSelector(IValidators.ValidatorsAlreadyStaked.selector, account(3)));
        staked().stake{value: 15 ether}();
        vm.expectRevert(abi.encodeWithSelector(IValidators.ValidatorsAmountZero.selector, account(3)));
        staked().addStake();
        vm.expectRevert(tooSmall);
        chain.unstake(5 ether + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IValidators.ValidatorsStakeExceeded.selector, account(3), 15 ether + 1, 15 ether)
        );
        chain.unstake(15 ether + 1);
        vm.expectRevert(abi.encodeWithSelector(IValidators.ValidatorsAmountZero.selector, account(3)));
        chain.unstake(0);
        chain.unstake(5 ether);
        chain.unstake(10 ether);
        assertEq(chain.exitsOf(account(3)).length, 1, "exits of one epoch are one");
        staked().stake{value: 20 ether}();
    }

    function test_exitsAreBounded() public {
        for (uint256 i = 0; i < 16; ++i) {
            unstakeAs(0, 1 ether);
            endEpoch();
        }
        // Most are over, but only withdrawing makes room.
        vm.expectRevert(abi.encodeWithSelector(IValidators.ValidatorsTooManyExits.selector, account(0), 16));
        as_(0);
        chain.unstake(1 ether);
        uint256 releasable = 0;
        IValidators.Exit[] memory exits = chain.exitsOf(account(0));
        for (uint256 i = 0; i < exits.length; ++i) {
            if (exits[i].releaseHeight <= block.number) releasable += exits[i].amount;
        }
        as_(0);
        assertEq(chain.withdraw(), releasable);
        assertEq(chain.standing(account(0)).unbonding, 16 ether - releasable);
        unstakeAs(0, 1 ether);
    }

    function test_whoHasLeftIsNoCandidate() public {
        unstakeAs(0, 100 ether);
        assertTrue(chain.standing(account(0)).candidate);
        endEpoch();
        (address[] memory accounts,) = chain.candidates();
        assertEq(accounts.length, 3, "it counts for this epoch still");
        endEpoch();
        (accounts,) = chain.candidates();
        assertEq(accounts.length, 2);
        assertFalse(chain.standing(account(0)).candidate);
        stakeAs(0, 100 ether);
        assertTrue(chain.standing(account(0)).candidate);
    }

    function test_aFullListMakesRoomForTheLarger() public {
        uint256 places = staked().CANDIDATES_MAX();
        for (uint256 i = 3; i < places; ++i) {
            stakeAs(i, 20 ether + i);
        }
        vm.deal(account(places), 1_000 ether);
        vm.expectRevert(abi.encodeWithSelector(IValidators.ValidatorsListFull.selector, places, 20 ether + 3));
        as_(places);
        staked().stake{value: 20 ether + 3}();
        as_(places);
        staked().stake{value: 20 ether + 4}();
        assertFalse(chain.standing(account(3)).candidate);
        assertEq(chain.standing(account(3)).stake, 20 ether + 3, "it keeps its stake");
        vm.deal(account(3), 10 ether);
        as_(3);
        chain.addStake{value: 2}();
        assertTrue(chain.standing(account(3)).candidate);
        assertEq(chain.standing(account(4)).candidate && chain.standing(account(places)).candidate, false);
    }

    function test_onlyTheChainInitializesAndEndsBlocks() public {
        vm.expectRevert(abi.encodeWithSelector(IValidators.ValidatorsOnlySystem.selector, address(this)));
        chain.endBlock(account(0), 0, 0);
        address[] memory accounts = new address[](1);
        uint256[] memory stakes = new uint256[](1);
        (accounts[0], stakes[0]) = (account(9), 10 ether);
        vm.expectRevert(abi.encodeWithSelector(IValidators.ValidatorsOnlySystem.selector, address(this)));
        chain.initialize(params(), accounts, stakes);
        vm.expectRevert(IValidators.ValidatorsAlreadyInitialized.selector);
        vm.prank(SYSTEM);
        chain.initialize(params(), accounts, stakes);
    }
}
