// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDelegatedValidators} from "../../src/chain/IDelegatedValidators.sol";
import {IValidators} from "../../src/chain/IValidators.sol";
import {ChainFixture} from "./ChainFixture.sol";

contract DelegatedValidatorsTest is ChainFixture {
    uint256 private constant VOTER = 50;

    function setUp() public {
        genesis(DELEGATED, 4, 100 ether);
    }

    function rewards(uint256 index) private view returns (uint256) {
        return chain.standing(account(index)).rewards;
    }

    function test_theMostVotedAreElectedEachWithPowerOne() public {
        registerAs(4, 10 ether, 0);
        voteAs(VOTER, 4, 100 ether);
        assertEq(power(4), 0);
        endEpoch();
        assertEq(power(4), 1, "110 of votes, the others have 100");
        uint256 last = 0;
        for (uint256 i = 1; i < 4; ++i) {
            if (account(i) > account(last)) last = i;
        }
        for (uint256 i = 0; i < 4; ++i) {
            assertEq(power(i), i == last ? 0 : 1, "of equal votes the lower accounts");
        }
        as_(VOTER);
        delegated().unvote(account(4), 50 ether);
        endEpoch();
        assertEq(power(4), 0);
        assertEq(power(last), 1);
    }

    function test_rewardsAreSharedByVotesAfterTheCommission() public {
        as_(0);
        delegated().setCommission(2_000);
        endEpoch();
        voteAs(VOTER, 0, 300 ether);
        endEpoch();
        seal(account(0), 0, 10 ether);
        assertEq(rewards(0), 2 ether + 2 ether, "commission, and 100 of 400 votes");
        assertEq(rewards(VOTER), 6 ether);
        as_(VOTER);
        assertEq(chain.claimRewards(), 6 ether);
        as_(0);
        assertEq(chain.claimRewards(), 4 ether);
        assertEq(rewards(VOTER) + rewards(0), 0);
        seal(account(0), 0, 10 ether);
        assertEq(rewards(VOTER), 6 ether);
    }

    function test_votesEarnFromTheNextEpochOn() public {
        voteAs(VOTER, 0, 100 ether);
        seal(account(0), 0, 10 ether);
        assertEq(rewards(VOTER), 0);
        assertEq(rewards(0), 10 ether);
        endEpoch();
        seal(account(0), 0, 10 ether);
        assertEq(rewards(VOTER), 5 ether);
        // More votes do not touch what the first earn.
        voteAs(VOTER, 0, 200 ether);
        assertEq(rewards(VOTER), 5 ether);
        seal(account(0), 0, 10 ether);
        assertEq(rewards(VOTER), 10 ether);
        endEpoch();
        seal(account(0), 0, 8 ether);
        assertEq(rewards(VOTER), 16 ether, "300 of 400");
        assertEq(rewards(0), 10 ether + 5 ether + 5 ether + 2 ether);
    }

    function test_votesThatAreTakenBackEarnNothing() public {
        voteAs(VOTER, 0, 100 ether);
        endEpoch();
        seal(account(0), 0, 10 ether);
        as_(VOTER);
        delegated().unvote(account(0), 100 ether);
        seal(account(0), 0, 10 ether);
        assertEq(rewards(VOTER), 5 ether);
        assertEq(rewards(0), 15 ether);
        (address[] memory delegates,) = delegated().ballotsOf(account(VOTER));
        assertEq(delegates.length, 0);
        assertEq(delegated().freeCoinsOf(account(VOTER)), 100 ether);
    }

    function test_freshVotesGoFirst() public {
        voteAs(VOTER, 0, 100 ether);
        endEpoch();
        voteAs(VOTER, 0, 50 ether);
        as_(VOTER);
        delegated().unvote(account(0), 60 ether);
        seal(account(0), 0, 19 ether);
        assertEq(rewards(VOTER), 9 ether, "90 of 190");
        assertEq(rewards(0), 10 ether);
    }

    function test_lockedCoinsLeaveAfterTheDelay() public {
        voteAs(VOTER, 0, 100 ether);
        vm.expectRevert(abi.encodeWithSelector(IDelegatedValidators.VoterLockExceeded.selector, account(VOTER), 1, 0));
        as_(VOTER);
        delegated().unlock(1);
        as_(VOTER);
        delegated().unvote(account(0), 40 ether);
        as_(VOTER);
        delegated().unlock(30 ether);
        assertEq(chain.exitsOf(account(VOTER))[0].releaseHeight, EPOCH + UNBONDING);
        assertFalse(chain.exitsOf(account(VOTER))[0].atRisk);
        sealUntil(EPOCH + UNBONDING - 1);
        vm.expectRevert(abi.encodeWithSelector(IValidators.ValidatorsAmountZero.selector, account(VOTER)));
        as_(VOTER);
        chain.withdraw();
        seal();
        as_(VOTER);
        assertEq(chain.withdraw(), 30 ether);
        assertEq(delegated().freeCoinsOf(account(VOTER)), 10 ether);
    }

    function test_aCommissionIsRaisedAfterAWholeEpoch() public {
        seal();
        as_(0);
        delegated().setCommission(5_000);
        assertEq(delegated().delegateInfo(account(0)).commissionBps, 0);
        assertEq(delegated().delegateInfo(account(0)).nextCommissionBps, 5_000);
        assertEq(delegated().delegateInfo(account(0)).nextCommissionEpoch, 2);
        endEpoch();
        assertEq(delegated().delegateInfo(account(0)).commissionBps, 0);
        endEpoch();
        assertEq(delegated().delegateInfo(account(0)).commissionBps, 5_000);
        as_(0);
        delegated().setCommission(9_000);
        as_(0);
        delegated().setCommission(4_000);
        assertEq(delegated().delegateInfo(account(0)).commissionBps, 4_000, "lower at once");
        assertEq(delegated().delegateInfo(account(0)).nextCommissionEpoch, 0, "and nothing waits");
        vm.expectRevert(abi.encodeWithSelector(IDelegatedValidators.DelegateCommission.selector, 10_001));
        as_(0);
        delegated().setCommission(10_001);
        vm.expectRevert(abi.encodeWithSelector(IValidators.ValidatorsNoStake.selector, account(9)));
        as_(9);
        delegated().setCommission(0);
    }

    function test_nobodyLeavesItsVotersToComeBackDearer() public {
        voteAs(VOTER, 0, 10 ether);
        unstakeAs(0, 100 ether);
        registerAs(0, 10 ether, 10_000);
        assertEq(delegated().delegateInfo(account(0)).commissionBps, 0);
        assertEq(delegated().delegateInfo(account(0)).nextCommissionEpoch, 2);
        unstakeAs(1, 100 ether);
        registerAs(1, 10 ether, 10_000);
        assertEq(delegated().delegateInfo(account(1)).commissionBps, 10_000, "nobody votes for it");
    }

    function test_whoResignsIsOutAtTheNextElection() public {
        voteAs(VOTER, 0, 10 ether);
        unstakeAs(0, 100 ether);
        assertFalse(chain.standing(account(0)).candidate);
        vm.deal(account(VOTER), 1);
        vm.startPrank(account(VOTER));
        delegated().lock{value: 1}();
        vm.expectRevert(abi.encodeWithSelector(IDelegatedValidators.DelegateNotListed.selector, account(0)));
        delegated().vote(account(0), 1);
        vm.stopPrank();
        endEpoch();
        assertEq(power(0), 0);
        assertEq(chain.exitsOf(account(0))[0].releaseHeight, EPOCH + UNBONDING);
        as_(VOTER);
        delegated().unvote(account(0), 10 ether);
    }

    function test_whereNobodyStandsAllStay() public {
        for (uint256 i = 0; i < 4; ++i) {
            unstakeAs(i, 100 ether);
        }
        endEpoch();
        endEpoch();
        for (uint256 i = 0; i < 4; ++i) {
            assertEq(power(i), 1);
            assertEq(chain.exitsOf(account(i))[0].releaseHeight, 3 * EPOCH + UNBONDING);
        }
        registerAs(4, 10 ether, 0);
        endEpoch();
        (, uint256 count) = totalPower();
        assertEq(count, 1);
        assertEq(power(4), 1);
    }

    function test_oneAccountVotesForFewDelegates() public {
        for (uint256 i = 4; i < 17; ++i) {
            registerAs(i, 10 ether, 0);
        }
        for (uint256 i = 0; i < 16; ++i) {
            voteAs(VOTER, i, 1 ether);
        }
        (address[] memory delegates, uint256[] memory amounts) = delegated().ballotsOf(account(VOTER));
        assertEq(delegates.length, 16);
        assertEq(amounts[15], 1 ether);
        send(VOTER, abi.encodeWithSignature("lock()"), 1 ether);
        vm.expectRevert(abi.encodeWithSelector(IDelegatedValidators.VoterTooManyDelegates.selector, account(VOTER), 16));
        as_(VOTER);
        delegated().vote(account(16), 1 ether);
        as_(VOTER);
        delegated().vote(account(15), 1 ether);
        vm.expectRevert(
            abi.encodeWithSelector(
                IDelegatedValidators.VoterVotesExceeded.selector, account(VOTER), account(0), 2 ether, 1 ether
            )
        );
        as_(VOTER);
        delegated().unvote(account(0), 2 ether);
    }

    function test_rewardsOfStrangersAreTheirs() public {
        seal(account(40), 0, 3 ether);
        assertEq(rewards(40), 3 ether);
    }

    function test_minimumsHold() public {
        vm.deal(account(9), 100 ether);
        vm.startPrank(account(9));
        vm.expectRevert(
            abi.encodeWithSelector(IValidators.ValidatorsStakeTooSmall.selector, account(9), 10 ether - 1, 10 ether)
        );
        delegated().register{value: 10 ether - 1}(0);
        vm.expectRevert(abi.encodeWithSelector(IValidators.ValidatorsNoStake.selector, account(9)));
        chain.addStake{value: 1}();
        delegated().register{value: 11 ether}(0);
        vm.expectRevert(abi.encodeWithSelector(IValidators.ValidatorsAlreadyStaked.selector, account(9)));
        delegated().register{value: 11 ether}(0);
        vm.expectRevert(abi.encodeWithSelector(IValidators.ValidatorsAmountZero.selector, account(9)));
        chain.addStake();
        chain.addStake{value: 1}();
        vm.expectRevert(
            abi.encodeWithSelector(IValidators.ValidatorsStakeTooSmall.selector, account(9), 10 ether - 1, 10 ether)
        );
        chain.unstake(1 ether + 2);
        vm.expectRevert(abi.encodeWithSelector(IValidators.ValidatorsAmountZero.selector, account(9)));
        chain.unstake(0);
        vm.expectRevert(
            abi.encodeWithSelector(IValidators.ValidatorsStakeExceeded.selector, account(9), 12 ether, 11 ether + 1)
        );
        chain.unstake(12 ether);
        vm.expectRevert(abi.encodeWithSelector(IValidators.ValidatorsAmountZero.selector, account(9)));
        delegated().lock();
        vm.expectRevert(abi.encodeWithSelector(IValidators.ValidatorsAmountZero.selector, account(9)));
        delegated().vote(account(0), 0);
        vm.expectRevert(abi.encodeWithSelector(IValidators.ValidatorsAmountZero.selector, account(9)));
        delegated().unvote(account(0), 0);
        vm.expectRevert(abi.encodeWithSelector(IValidators.ValidatorsAmountZero.selector, account(9)));
        delegated().unlock(0);
        chain.unstake(1 ether + 1);
        assertEq(chain.standing(account(9)).stake, 10 ether);
    }
}
