// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IJobClaims} from "../src/interfaces/IJobClaims.sol";
import {IJobEscrow, JobId} from "../src/interfaces/IJobEscrow.sol";
import {Caps} from "./Caps.sol";
import {SettlementFixture} from "./SettlementFixture.sol";

/// @dev The forced exit of a provider, as far as it goes without a dispute.
contract ClaimsTest is SettlementFixture {
    JobId private jobId;
    Caps.Line[] private lines;

    function setUp() public override {
        super.setUp();
        Caps.Line[] memory made;
        (jobId, made) = openAllocated();
        lines.push(made[0]);
        lines.push(made[1]);
        stake(ada, PROVIDER_STAKE);
    }

    function test_aClaimIsPaidAfterSilence() public {
        redeem(jobId, lines, 0, 30e18);
        uint64 endsAt = uint64(block.timestamp) + CHALLENGE;
        vm.expectEmit(address(escrow));
        emit IJobClaims.ClaimFiled(jobId, ada, 70e18, 100e18, "results", endsAt);
        claim(jobId, lines, 0, 100e18);
        assertClaim(jobId, ada, IJobClaims.ClaimState.Pending, 70e18);
        assertEq(escrow.usedOf(jobId, ada), 100e18);
        assertEq(escrow.job(jobId).reserved, 70e18);
        assertJob(jobId, IJobEscrow.JobState.Open, 30e18, 0, BUDGET - 30e18);

        vm.warp(endsAt - 1);
        vm.expectRevert(abi.encodeWithSelector(IJobClaims.ClaimNotDue.selector, jobId, ada, endsAt, endsAt - 1));
        escrow.payClaim(jobId, ada);
        vm.warp(endsAt);
        vm.prank(stranger);
        assertEq(escrow.payClaim(jobId, ada), 70e18);
        assertEq(token.balanceOf(ada), 100e18);
        assertEq(escrow.paidTo(jobId, ada), 100e18);
        assertEq(escrow.usedOf(jobId, ada), 100e18);
        assertClaim(jobId, ada, IJobClaims.ClaimState.None, 0);
        vm.expectRevert(abi.encodeWithSelector(IJobClaims.ClaimStateWrong.selector, jobId, ada, 0));
        escrow.payClaim(jobId, ada);

        claim(jobId, lines, 0, 101e18);
        assertClaim(jobId, ada, IJobClaims.ClaimState.Pending, 1e18);
    }

    function test_aClaimNeedsSomethingNewWithinTheCapAndACommitment() public {
        redeem(jobId, lines, 0, 30e18);
        IJobEscrow.CapProof memory cap = Caps.proof(lines, 0);
        vm.startPrank(ada);
        vm.expectRevert(abi.encodeWithSelector(IJobClaims.ClaimNothingDue.selector, jobId, ada, 30e18, 30e18));
        escrow.claim(jobId, 30e18, "results", cap);
        vm.expectRevert(abi.encodeWithSelector(IJobEscrow.EscrowCapExceeded.selector, jobId, ada, 570e18 + 1, 570e18));
        escrow.claim(jobId, 600e18 + 1, "results", cap);
        vm.expectRevert(abi.encodeWithSelector(IJobClaims.ClaimCommitmentMissing.selector, jobId, ada));
        escrow.claim(jobId, 31e18, 0, cap);
        escrow.claim(jobId, 600e18, "results", cap);
        vm.expectRevert(abi.encodeWithSelector(IJobClaims.ClaimStateWrong.selector, jobId, ada, 1));
        escrow.claim(jobId, 600e18, "results", cap);
        vm.stopPrank();

        // A proof is its provider's alone.
        vm.prank(bob);
        vm.expectPartialRevert(IJobEscrow.EscrowAllocationWrong.selector);
        escrow.claim(jobId, 1, "results", cap);
    }

    function test_aClaimNeedsAStakeThatIsFree() public {
        IJobEscrow.CapProof memory cap = Caps.proof(lines, 1);
        vm.prank(bob);
        vm.expectRevert(
            abi.encodeWithSelector(IJobClaims.ClaimStakeTooSmall.selector, jobId, bob, 0, uint256(PROVIDER_STAKE))
        );
        escrow.claim(jobId, 1, "results", cap);

        // What is on its way out does not count.
        vm.prank(ada);
        registry.unbond(1);
        cap = Caps.proof(lines, 0);
        vm.prank(ada);
        vm.expectPartialRevert(IJobClaims.ClaimStakeTooSmall.selector);
        escrow.claim(jobId, 1, "results", cap);

        IJobEscrow.JobTerms memory with = terms();
        with.providerStake = 0;
        vm.prank(requestor);
        JobId free = escrow.openJob(with, "free");
        allocate(free, lines);
        claim(free, lines, 1, 1);
    }

    function test_claimsEndWithTheExitWindow() public {
        uint64 refundableAt = escrow.job(jobId).refundableAt;
        IJobEscrow.CapProof memory cap = Caps.proof(lines, 0);
        vm.warp(refundableAt);
        vm.prank(ada);
        vm.expectRevert(
            abi.encodeWithSelector(IJobClaims.ClaimTooLate.selector, jobId, refundableAt, uint256(refundableAt))
        );
        escrow.claim(jobId, 1, "results", cap);
    }

    function test_aRefundLeavesWhatClaimsHoldBack() public {
        uint64 refundableAt = escrow.job(jobId).refundableAt;
        vm.warp(refundableAt - 1);
        claim(jobId, lines, 0, 100e18);
        vm.warp(refundableAt);
        assertEq(escrow.refund(jobId), BUDGET - 100e18);
        assertJob(jobId, IJobEscrow.JobState.Closed, 0, BUDGET - 100e18, 100e18);
        vm.expectRevert(abi.encodeWithSelector(IJobEscrow.EscrowClaimsOpen.selector, jobId, 100e18));
        escrow.refund(jobId);

        vm.warp(block.timestamp + CHALLENGE);
        escrow.payClaim(jobId, ada);
        assertEq(token.balanceOf(ada), 100e18);
        assertEq(escrow.refund(jobId), 0);
        assertJob(jobId, IJobEscrow.JobState.Refunded, 100e18, BUDGET - 100e18, 0);
    }

    function test_aVoucherIsPaidOutOfTheClaimFirst() public {
        claim(jobId, lines, 0, 100e18);
        assertEq(redeem(jobId, lines, 0, 30e18), 30e18);
        assertClaim(jobId, ada, IJobClaims.ClaimState.Pending, 70e18);
        assertEq(escrow.usedOf(jobId, ada), 100e18);
        assertEq(redeem(jobId, lines, 0, 130e18), 100e18);
        assertClaim(jobId, ada, IJobClaims.ClaimState.None, 0);
        assertEq(escrow.usedOf(jobId, ada), 130e18);
        assertJob(jobId, IJobEscrow.JobState.Open, 130e18, 0, BUDGET - 130e18);
        assertEq(escrow.job(jobId).reserved, 0);
        assertEq(redeem(jobId, lines, 0, 700e18), 470e18);
    }

    function test_aClaimOfAFormerEpochDoesNotCountAgainstTheNextCap() public {
        claim(jobId, lines, 0, 100e18);
        Caps.Line[] memory next = caps(50e18, 400e18);
        allocate(jobId, next);
        vm.warp(block.timestamp + NOTICE);
        assertEq(escrow.usedOf(jobId, ada), 0);
        assertEq(redeem(jobId, next, 0, 160e18), 150e18);
        assertEq(escrow.usedOf(jobId, ada), 50e18);
    }

    function test_aClaimOfAFormerEpochIsPaidAllTheSame() public {
        claim(jobId, lines, 0, 100e18);
        allocate(jobId, caps(50e18, 400e18));
        vm.warp(block.timestamp + CHALLENGE);
        assertEq(escrow.payClaim(jobId, ada), 100e18);
        assertEq(escrow.usedOf(jobId, ada), 0);
        assertEq(escrow.paidTo(jobId, ada), 100e18);
    }

    function test_onlyDisputesJudge() public {
        claim(jobId, lines, 0, 100e18);
        bytes memory reason =
            abi.encodeWithSelector(IJobClaims.ClaimOnlyDisputes.selector, requestor, address(disputes));
        vm.startPrank(requestor);
        vm.expectRevert(reason);
        escrow.disputeClaim(jobId, ada);
        vm.expectRevert(reason);
        escrow.resolveClaim(jobId, ada, false);
        vm.stopPrank();
        vm.startPrank(address(disputes));
        vm.expectRevert(abi.encodeWithSelector(IJobClaims.ClaimStateWrong.selector, jobId, ada, 1));
        escrow.resolveClaim(jobId, ada, false);
        vm.expectRevert(abi.encodeWithSelector(IJobClaims.ClaimStateWrong.selector, jobId, bob, 0));
        escrow.disputeClaim(jobId, bob);
        vm.warp(block.timestamp + CHALLENGE);
        vm.expectRevert(
            abi.encodeWithSelector(IJobClaims.ClaimWindowOver.selector, jobId, ada, block.timestamp, block.timestamp)
        );
        escrow.disputeClaim(jobId, ada);
    }

    function test_aJudgedClaimIsPaidOrBarsItsProvider() public {
        claim(jobId, lines, 0, 100e18);
        vm.startPrank(address(disputes));
        IJobClaims.DisputedJob memory told = escrow.disputeClaim(jobId, ada);
        assertEq(told.requestor, requestor);
        assertEq(told.comparisonClass, CLASS);
        assertEq(told.providerStake, PROVIDER_STAKE);
        vm.expectRevert(abi.encodeWithSelector(IJobClaims.ClaimStateWrong.selector, jobId, ada, 2));
        escrow.payClaim(jobId, ada);
        escrow.resolveClaim(jobId, ada, true);
        vm.stopPrank();
        assertClaim(jobId, ada, IJobClaims.ClaimState.Upheld, 100e18);
        escrow.payClaim(jobId, ada);
        assertEq(token.balanceOf(ada), 100e18);

        claim(jobId, lines, 0, 150e18);
        vm.startPrank(address(disputes));
        escrow.disputeClaim(jobId, ada);
        vm.expectEmit(address(escrow));
        emit IJobClaims.ClaimReleased(jobId, ada, 50e18);
        escrow.resolveClaim(jobId, ada, false);
        vm.stopPrank();
        assertEq(escrow.job(jobId).reserved, 0);
        IJobEscrow.CapProof memory cap = Caps.proof(lines, 0);
        vm.prank(ada);
        vm.expectRevert(abi.encodeWithSelector(IJobClaims.ClaimBarred.selector, jobId, ada));
        escrow.claim(jobId, 150e18, "results", cap);
        // The requestor's own word still counts.
        assertEq(redeem(jobId, lines, 0, 150e18), 50e18);
    }

    function test_vouchersMayPayAllOfADisputedClaim() public {
        claim(jobId, lines, 0, 100e18);
        vm.prank(address(disputes));
        escrow.disputeClaim(jobId, ada);
        assertEq(redeem(jobId, lines, 0, 100e18), 100e18);
        assertClaim(jobId, ada, IJobClaims.ClaimState.Disputed, 0);
        vm.prank(address(disputes));
        escrow.resolveClaim(jobId, ada, true);
        assertClaim(jobId, ada, IJobClaims.ClaimState.None, 0);
        claim(jobId, lines, 0, 101e18);
    }
}
