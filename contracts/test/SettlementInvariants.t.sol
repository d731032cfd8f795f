// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {console} from "forge-std/console.sol";
import {DisputeConfig} from "../src/disputes/DisputeConfig.sol";
import {IDisputes} from "../src/interfaces/IDisputes.sol";
import {IJobClaims} from "../src/interfaces/IJobClaims.sol";
import {IJobEscrow, JobId} from "../src/interfaces/IJobEscrow.sol";
import {IProviderStakes} from "../src/interfaces/IProviderStakes.sol";
import {Caps} from "./Caps.sol";
import {NosyToken} from "./HostileTokens.sol";
import {SettlementFixture} from "./SettlementFixture.sol";
import {SettlementHandler} from "./SettlementHandler.sol";

/// @dev The invariants of money, over random interleavings of everything that anyone can do.
contract SettlementInvariants is SettlementFixture {
    SettlementHandler private handler;
    NosyToken private nosy;

    function config() internal view override returns (DisputeConfig memory with) {
        with = super.config();
        with.committees = new uint16[](2);
        (with.committees[0], with.committees[1]) = (3, 7);
        (with.feeBps, with.feeRecipient) = (300, treasury);
        // A second longer than half a day to reject and two rounds of seven hours, so that runs get to withdrawals and no
        // slack hides one that comes too early.
        (with.maxChallengeSeconds, with.unbondingSeconds, with.jailSeconds) = (12 hours, 26 hours + 1, 12 hours);
    }

    function setUp() public override {
        super.setUp();
        nosy = new NosyToken();
        handler = new SettlementHandler(disputes, nosy);
        handler.open(0, BUDGET + 1, 5 days, EXIT_WINDOW, 12 hours);
        handler.open(1, BUDGET + 1, 5 days, EXIT_WINDOW, CHALLENGE);
        targetContract(address(handler));
    }

    /// @dev All at once, so that every call of a run is held against every one of them.
    function invariant_money() public view {
        _everyUnitIsAccountedFor();
        _claimsAreHeldBack();
        _nothingIsPaidTwiceOrAboveACap();
        _capsAreCovered();
        _stakesAreThere();
        _disputesHoldWhatTheyOwe();
    }

    /// @dev deposits = payouts + fees + refunds + locked, by the contract's books, by ours, and by the token's.
    function _everyUnitIsAccountedFor() private view {
        uint256 held = 0;
        for (uint256 i = 0; i < handler.jobCount(); ++i) {
            JobId jobId = handler.jobs(i);
            IJobEscrow.Job memory job = escrow.job(jobId);
            assertEq(job.deposited, uint256(job.paid) + job.fees + job.refunded + job.locked, "deposited");
            assertEq(job.deposited, handler.deposited(jobId), "deposited against tokens sent");
            assertEq(job.refunded, handler.refunded(jobId), "refunded against tokens received");
            uint256 received = 0;
            for (uint256 p = 0; p < handler.providerCount(); ++p) {
                received += handler.received(jobId, handler.provider(p));
            }
            assertEq(job.paid, received, "paid against tokens received");
            held += job.locked + job.fees;
        }
        assertEq(nosy.balanceOf(treasury), handler.collected(), "collected fees");
        held -= handler.collected();
        assertEq(nosy.balanceOf(address(escrow)), held, "the escrow holds what is locked and the fees");
    }

    /// @dev What claims hold back is the sum of the claims, and is locked.
    function _claimsAreHeldBack() private view {
        for (uint256 i = 0; i < handler.jobCount(); ++i) {
            JobId jobId = handler.jobs(i);
            uint256 sum = 0;
            for (uint256 p = 0; p < handler.providerCount(); ++p) {
                sum += escrow.claimOf(jobId, handler.provider(p)).amount;
            }
            IJobEscrow.Job memory job = escrow.job(jobId);
            assertEq(job.reserved, sum, "reserved");
            assertLe(job.reserved, job.locked, "reserved is locked");
        }
    }

    /// @dev What is open of the caps in force is covered, until the exit window is over.
    function _capsAreCovered() private view {
        for (uint256 i = 0; i < handler.jobCount(); ++i) {
            JobId jobId = handler.jobs(i);
            IJobEscrow.Job memory job = escrow.job(jobId);
            Caps.Line[] memory lines = handler.capsOf(jobId);
            if (block.timestamp >= job.refundableAt) continue;
            uint256 open = 0;
            for (uint256 p = 0; p < lines.length; ++p) {
                if (job.settlementHash != 0 && escrow.paidTo(jobId, lines[p].provider) == 0) continue;
                open += lines[p].cap - escrow.usedOf(jobId, lines[p].provider);
            }
            assertLe(open, job.locked - job.reserved, "caps in force exceed what is free");
        }
    }

    /// @dev Paid is monotone, within caps, and replays and callbacks change nothing.
    function _nothingIsPaidTwiceOrAboveACap() private view {
        for (uint256 i = 0; i < handler.jobCount(); ++i) {
            JobId jobId = handler.jobs(i);
            for (uint256 p = 0; p < handler.providerCount(); ++p) {
                address provider = handler.provider(p);
                assertGe(escrow.paidTo(jobId, provider), handler.largestPaid(jobId, provider), "paid fell");
                assertLe(escrow.paidTo(jobId, provider), handler.earned(jobId, provider), "paid more than was earned");
            }
            Caps.Line[] memory lines = handler.capsOf(jobId);
            for (uint256 p = 0; p < lines.length; ++p) {
                assertLe(escrow.usedOf(jobId, lines[p].provider), lines[p].cap, "above a cap");
            }
        }
        assertEq(handler.paidFell(), 0, "paid fell");
        assertEq(handler.replaysThatChanged(), 0, "a replay changed something");
        assertEq(nosy.entered(), 0, "the token got in");
    }

    /// @dev staked = withdrawn + slashed + held, for every account: so a slash is at most the stake, and exactly what the
    /// dispute froze. Frozen stake is there, and nobody left while a claim of before could still be judged.
    function _stakesAreThere() private view {
        uint256 sum = 0;
        for (uint256 i = 0; i < handler.stakerCount(); ++i) {
            address account = handler.staker(i);
            IProviderStakes.Standing memory held = registry.standing(account);
            uint256 there = uint256(held.bonded) + held.unbonding;
            assertLe(held.frozen, there, "frozen is there");
            uint256 slashed = i < handler.providerCount() ? _slashedOf(account) : 0;
            assertEq(handler.staked(account), handler.withdrawn(account) + slashed + there, "staked");
            sum += there;
        }
        assertEq(stakeToken.balanceOf(address(registry)), sum, "the registry holds the stakes");
        assertEq(handler.leftTooEarly(), 0, "a stake left too early");
    }

    /// @dev Frozen stake is what open disputes froze; bonds, credits and fees not yet paid are there.
    function _disputesHoldWhatTheyOwe() private view {
        uint256 owed = 0;
        uint256 frozen = 0;
        uint256 slashed = 0;
        for (uint256 id = 1; id <= disputes.disputeCount(); ++id) {
            IDisputes.Dispute memory held = disputes.dispute(id);
            if (!held.concluded) frozen += held.frozenStake;
            else if (held.standing == IDisputes.Verdict.Bad) slashed += held.frozenStake;
            for (uint8 round = 0; round <= held.round; ++round) {
                IDisputes.Round memory seen = disputes.roundOf(id, round);
                owed += held.concluded ? _unpaid(id, round) : seen.bond;
            }
        }
        uint256 frozenStakes = 0;
        for (uint256 i = 0; i < handler.stakerCount(); ++i) {
            owed += disputes.creditOf(handler.staker(i));
            frozenStakes += registry.standing(handler.staker(i)).frozen;
        }
        owed += disputes.creditOf(handler.requestor(0)) + disputes.creditOf(handler.requestor(1));
        assertEq(stakeToken.balanceOf(address(disputes)), owed, "disputes hold what they owe");
        assertEq(handler.bonds() + slashed, handler.cashed() + owed, "bonds and slashed stake are paid out or owed");
        assertEq(frozenStakes, frozen, "frozen for open disputes");
    }

    /// @dev However a run ended, time alone and a stranger bring every dispute, claim and job to its end; then everybody
    /// takes out what is left, and nothing stays behind.
    function afterInvariant() public {
        _tellHowFarItGot();
        vm.startPrank(stranger);
        for (uint256 id = 1; id <= disputes.disputeCount(); ++id) {
            if (disputes.phase(id) == IDisputes.Phase.Concluded) continue;
            vm.warp(block.timestamp + 2 days);
            disputes.conclude(id);
        }
        vm.warp(block.timestamp + escrow.MAX_DURATION_SECONDS() + escrow.MAX_EXIT_WINDOW_SECONDS());
        for (uint256 i = 0; i < handler.jobCount(); ++i) {
            JobId jobId = handler.jobs(i);
            for (uint256 p = 0; p < handler.providerCount(); ++p) {
                address provider = handler.provider(p);
                if (escrow.claimOf(jobId, provider).state != IJobClaims.ClaimState.None) {
                    escrow.payClaim(jobId, provider);
                }
            }
            if (escrow.job(jobId).state != IJobEscrow.JobState.Refunded) escrow.refund(jobId);
            IJobEscrow.Job memory job = escrow.job(jobId);
            assertEq(job.refunded, job.deposited - job.paid - job.fees, "dust goes to the refund");
        }
        escrow.collectFees(address(nosy));
        vm.stopPrank();
        assertEq(nosy.balanceOf(address(escrow)), 0, "something stayed locked");
        _everybodyLeaves();
        assertEq(stakeToken.balanceOf(address(registry)), 0, "a stake stayed behind");
        assertEq(stakeToken.balanceOf(address(disputes)), 0, "a bond or a fee stayed behind");
    }

    function _tellHowFarItGot() private view {
        uint256 concluded = 0;
        uint256 appealed = 0;
        uint256 lost = 0;
        for (uint256 id = 1; id <= disputes.disputeCount(); ++id) {
            IDisputes.Dispute memory held = disputes.dispute(id);
            if (held.concluded) ++concluded;
            if (held.round > 0) ++appealed;
            if (held.concluded && held.standing == IDisputes.Verdict.Bad) ++lost;
        }
        console.log("calls %d, stakes withdrawn %d", handler.calls(), handler.withdrawals());
        console.log("disputes concluded %d, appealed %d, lost by the provider %d", concluded, appealed, lost);
    }

    function _everybodyLeaves() private {
        for (uint256 i = 0; i < handler.stakerCount(); ++i) {
            address account = handler.staker(i);
            for (uint256 id = 1; id <= disputes.disputeCount(); ++id) {
                for (uint8 round = 0; round <= disputes.dispute(id).round; ++round) {
                    if (_feeOf(id, round, account) > 0) disputes.payJuror(id, round, account);
                }
            }
            uint128 bonded = registry.standing(account).bonded;
            vm.startPrank(account);
            if (bonded > 0) registry.unbond(bonded);
            vm.warp(block.timestamp + registry.unbondingSeconds());
            if (registry.standing(account).unbonding > 0) registry.withdraw();
            vm.stopPrank();
            _cash(account);
        }
        _cash(handler.requestor(0));
        _cash(handler.requestor(1));
    }

    function _cash(address account) private {
        if (disputes.creditOf(account) == 0) return;
        vm.prank(account);
        disputes.withdraw();
    }

    function _slashedOf(address account) private view returns (uint256 slashed) {
        for (uint256 id = 1; id <= disputes.disputeCount(); ++id) {
            IDisputes.Dispute memory held = disputes.dispute(id);
            bool lost = held.concluded && held.standing == IDisputes.Verdict.Bad;
            if (lost && held.provider == account) slashed += held.frozenStake;
        }
    }

    /// @dev What jurors have not taken yet; a provider judges too.
    function _unpaid(uint256 id, uint8 round) private view returns (uint256 fees) {
        for (uint256 i = 0; i < handler.stakerCount(); ++i) {
            fees += _feeOf(id, round, handler.staker(i));
        }
    }

    function _feeOf(uint256 id, uint8 round, address juror) private view returns (uint256) {
        IDisputes.Ballot memory ballot = disputes.ballotOf(id, round, juror);
        if (ballot.verdict == IDisputes.Verdict.None || ballot.paid) return 0;
        bool undecided = disputes.roundVerdict(id, round) == IDisputes.Verdict.None;
        return undecided || ballot.verdict == disputes.dispute(id).standing ? JUROR_FEE : 0;
    }
}
