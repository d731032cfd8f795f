// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IJobEscrow, JobId} from "../src/interfaces/IJobEscrow.sol";
import {DisputeConfig} from "../src/disputes/DisputeConfig.sol";
import {Caps} from "./Caps.sol";
import {PermitToken} from "./HostileTokens.sol";
import {SettlementFixture} from "./SettlementFixture.sol";

/// @dev One transaction that pays everybody, and what follows when somebody earned more. Also fees and decimals.
contract CooperativeSettlementTest is SettlementFixture {
    function test_everybodyIsPaidAtOneStroke() public {
        (JobId jobId, Caps.Line[] memory lines) = openAllocated();
        IJobEscrow.Share[] memory list = shares(lines, two(250e18, 100e18));
        vm.expectEmit(address(escrow));
        emit IJobEscrow.JobSettled(jobId, 350e18, keccak256(abi.encode(list)));
        vm.prank(requestor);
        assertEq(escrow.settleJob(jobId, list), 350e18);
        assertEq(token.balanceOf(ada), 250e18);
        assertEq(token.balanceOf(bob), 100e18);
        assertEq(escrow.job(jobId).settlementHash, keccak256(abi.encode(list)));
        assertEq(escrow.allocation(jobId).caps, 0);
        assertJob(jobId, IJobEscrow.JobState.Closed, 350e18, 0, 650e18);

        vm.warp(block.timestamp + EXIT_WINDOW);
        escrow.refund(jobId);
        assertJob(jobId, IJobEscrow.JobState.Refunded, 350e18, 650e18, 0);
    }

    function test_itFollowsTheCapsAndComesFirst() public {
        (JobId jobId, Caps.Line[] memory lines) = openAllocated();
        IJobEscrow.Share[] memory list = shares(lines, two(600e18 + 1, 0));
        vm.expectRevert(abi.encodeWithSelector(IJobEscrow.EscrowCapExceeded.selector, jobId, ada, 600e18 + 1, 600e18));
        vm.prank(requestor);
        escrow.settleJob(jobId, list);

        list = shares(caps(601e18, 399e18), two(0, 0));
        vm.expectPartialRevert(IJobEscrow.EscrowAllocationWrong.selector);
        vm.prank(requestor);
        escrow.settleJob(jobId, list);

        redeem(jobId, lines, 0, 1e18);
        list = shares(lines, two(2e18, 0));
        vm.expectRevert(abi.encodeWithSelector(IJobEscrow.EscrowAlreadyPaid.selector, jobId, 1e18, 0));
        vm.prank(requestor);
        escrow.settleJob(jobId, list);
    }

    function test_aClaimKeepsItOut() public {
        (JobId jobId, Caps.Line[] memory lines) = openAllocated();
        stake(ada, PROVIDER_STAKE);
        claim(jobId, lines, 0, 5e18);
        IJobEscrow.Share[] memory list = shares(lines, two(5e18, 0));
        vm.expectRevert(abi.encodeWithSelector(IJobEscrow.EscrowAlreadyPaid.selector, jobId, 0, 5e18));
        vm.prank(requestor);
        escrow.settleJob(jobId, list);
    }

    function test_whoEarnedMoreRecordsAndRedeems() public {
        (JobId jobId, Caps.Line[] memory lines, IJobEscrow.Share[] memory list) = _settled();
        IJobEscrow.SignedVoucher[] memory more = vouchers(jobId, ada, 300e18);
        IJobEscrow.CapProof[] memory cap = proofs(lines, 0);
        bytes memory unrecorded = abi.encodeWithSelector(IJobEscrow.EscrowPaymentNotRecorded.selector, jobId, ada);
        vm.expectRevert(unrecorded);
        escrow.redeem(jobId, more, cap);
        vm.prank(ada);
        vm.expectRevert(unrecorded);
        escrow.claim(jobId, 300e18, "results", cap[0]);

        address[] memory who = new address[](2);
        (who[0], who[1]) = (ada, stranger);
        vm.expectEmit(address(escrow));
        emit IJobEscrow.SettlementRecorded(jobId, ada, 250e18);
        vm.expectEmit(address(escrow));
        emit IJobEscrow.SettlementRecorded(jobId, stranger, 0);
        escrow.recordSettlement(jobId, list, who);
        assertEq(escrow.paidTo(jobId, ada), 250e18);
        assertEq(escrow.usedOf(jobId, ada), 250e18);
        assertEq(escrow.redeem(jobId, more, cap), 50e18);
        assertEq(escrow.redeem(jobId, more, cap), 0);

        // Twice changes nothing; Bob later.
        who[1] = bob;
        escrow.recordSettlement(jobId, list, who);
        assertEq(escrow.paidTo(jobId, ada), 300e18);
        assertEq(redeem(jobId, lines, 1, 500e18), 300e18);
        stake(ada, PROVIDER_STAKE);
        claim(jobId, lines, 0, 310e18);
        assertEq(escrow.job(jobId).reserved, 10e18);
        assertJob(jobId, IJobEscrow.JobState.Closed, 700e18, 0, 300e18);
    }

    function test_onlyWhatWasSettledCanBeRecorded() public {
        (JobId jobId,, IJobEscrow.Share[] memory list) = _settled();
        bytes32 expected = keccak256(abi.encode(list));
        list[0].amount -= 1;
        vm.expectRevert(
            abi.encodeWithSelector(
                IJobEscrow.EscrowSettlementWrong.selector, jobId, expected, keccak256(abi.encode(list))
            )
        );
        escrow.recordSettlement(jobId, list, new address[](0));
        vm.prank(requestor);
        JobId other = escrow.openJob(terms(), "other");
        vm.expectPartialRevert(IJobEscrow.EscrowSettlementWrong.selector);
        escrow.recordSettlement(other, list, new address[](0));
    }

    function test_aPendingEpochEndsWithTheSettlement() public {
        (JobId jobId, Caps.Line[] memory lines) = openAllocated();
        allocate(jobId, caps(0, 1_000e18));
        IJobEscrow.Share[] memory list = shares(lines, two(250e18, 100e18));
        vm.prank(requestor);
        escrow.settleJob(jobId, list);
        vm.warp(block.timestamp + NOTICE);
        address[] memory who = new address[](1);
        who[0] = ada;
        escrow.recordSettlement(jobId, list, who);
        assertEq(escrow.allocation(jobId).epoch, 1);
        assertEq(redeem(jobId, lines, 0, 260e18), 10e18);
    }

    // ---- fees and decimals ----

    function test_feesAreTakenByTheSumAndCollectedByAnyone() public {
        _deployWithFee(250);
        (JobId jobId, Caps.Line[] memory lines) = openAllocated();
        // 2.5 % of 39 and of 79 units are 0 and 1: the same as at one stroke.
        redeem(jobId, lines, 0, 39);
        redeem(jobId, lines, 0, 79);
        assertEq(token.balanceOf(ada), 78);
        stake(ada, PROVIDER_STAKE);
        claim(jobId, lines, 0, 10_000);
        vm.warp(block.timestamp + CHALLENGE);
        escrow.payClaim(jobId, ada);
        assertEq(token.balanceOf(ada), 9_750);
        IJobEscrow.Job memory job = escrow.job(jobId);
        assertEq(job.paid, 9_750);
        assertEq(job.fees, 250);
        assertEq(escrow.paidTo(jobId, ada), 10_000);

        vm.prank(stranger);
        assertEq(escrow.collectFees(address(token)), 250);
        assertEq(escrow.collectFees(address(token)), 0);
        assertEq(token.balanceOf(treasury), 250);
        assertJob(jobId, IJobEscrow.JobState.Open, 9_750, 0, BUDGET - 10_000);
    }

    function test_aSettlementPaysItsFeeToo() public {
        _deployWithFee(100);
        (JobId jobId,, IJobEscrow.Share[] memory list) = _settled();
        assertEq(token.balanceOf(ada), 247.5e18);
        assertEq(token.balanceOf(bob), 99e18);
        assertEq(escrow.collectFees(address(token)), 3.5e18);
        address[] memory who = new address[](1);
        who[0] = ada;
        escrow.recordSettlement(jobId, list, who);
        assertEq(escrow.paidTo(jobId, ada), 250e18);
    }

    /// @dev However a sum is cut, its fee is the same.
    function testFuzz_cuttingAPaymentDoesNotChangeItsFee(uint16 feeBps, uint64[5] calldata parts) public {
        _deployWithFee(uint16(bound(feeBps, 1, 1_000)));
        (JobId jobId, Caps.Line[] memory lines) = openAllocated();
        uint256 sum;
        for (uint256 i = 0; i < parts.length; ++i) {
            sum += parts[i];
            redeem(jobId, lines, 0, sum);
        }
        uint256 fee = sum * escrow.feeBps() / 10_000;
        assertEq(token.balanceOf(ada), sum - fee);
        assertEq(escrow.job(jobId).fees, fee);
    }

    function test_sixDecimalsAreAsGoodAsEighteen() public {
        PermitToken small = new PermitToken(6);
        small.mint(requestor, 1_000e6);
        IJobEscrow.JobTerms memory with = terms();
        (with.token, with.budget) = (address(small), 1_000e6);
        vm.startPrank(requestor);
        small.approve(address(escrow), 1_000e6);
        JobId jobId = escrow.openJob(with, SALT);
        vm.stopPrank();
        Caps.Line[] memory lines = caps(600e6, 400e6);
        allocate(jobId, lines);
        redeem(jobId, lines, 0, 1);
        redeem(jobId, lines, 0, 123_456_789);
        assertEq(small.balanceOf(ada), 123_456_789);
        vm.warp(escrow.job(jobId).refundableAt);
        assertEq(escrow.refund(jobId), 876_543_211);
        assertEq(small.balanceOf(address(escrow)), 0);
    }

    function _settled() private returns (JobId jobId, Caps.Line[] memory lines, IJobEscrow.Share[] memory list) {
        (jobId, lines) = openAllocated();
        list = shares(lines, two(250e18, 100e18));
        vm.prank(requestor);
        escrow.settleJob(jobId, list);
    }

    function _deployWithFee(uint16 feeBps) private {
        DisputeConfig memory with = config();
        (with.feeBps, with.feeRecipient) = (feeBps, treasury);
        deploy(with);
        vm.prank(requestor);
        token.approve(address(escrow), type(uint256).max);
    }
}
