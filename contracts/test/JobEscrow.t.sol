// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IJobClaims} from "../src/interfaces/IJobClaims.sol";
import {IJobEscrow, JobId} from "../src/interfaces/IJobEscrow.sol";
import {Caps} from "./Caps.sol";
import {BlockingToken, FeeToken, PermitToken, ReentrantToken} from "./HostileTokens.sol";
import {SettlementFixture} from "./SettlementFixture.sol";

/// @dev Opening, vouchers and the end of a job.
contract JobEscrowTest is SettlementFixture {
    // ---- opening ----

    function test_openLocksTheBudgetUnderTheCallersId() public {
        JobId expected = escrow.jobIdOf(requestor, SALT);
        assertEq(JobId.unwrap(expected), keccak256(abi.encode(block.chainid, address(escrow), requestor, SALT)), "id");
        vm.expectEmit(address(escrow));
        emit IJobEscrow.JobOpened(expected, requestor, terms());
        JobId jobId = openJob();

        assertJob(jobId, IJobEscrow.JobState.Open, 0, 0, BUDGET);
        IJobEscrow.Job memory job = escrow.job(jobId);
        IJobEscrow.JobTerms memory with = terms();
        assertEq(job.requestor, requestor);
        assertEq(job.token, address(token));
        assertEq(job.planHash, with.planHash);
        assertEq(job.manifestHash, with.manifestHash);
        assertEq(job.policyHash, with.policyHash);
        assertEq(job.comparisonClass, CLASS);
        assertEq(job.providerStake, PROVIDER_STAKE);
        assertEq(job.noticeSeconds, NOTICE);
        assertEq(job.challengeSeconds, CHALLENGE);
        assertEq(job.trustTier, 0);
        assertEq(job.settlementHash, 0);
        assertEq(job.refundableAt, job.deadline + EXIT_WINDOW);
    }

    function test_idsBindChainEscrowRequestorAndSalt() public {
        bytes32 id = JobId.unwrap(escrow.jobIdOf(requestor, SALT));
        assertNotEq(id, JobId.unwrap(escrow.jobIdOf(stranger, SALT)));
        assertNotEq(id, JobId.unwrap(escrow.jobIdOf(requestor, "other")));
        vm.chainId(block.chainid + 1);
        assertNotEq(id, JobId.unwrap(escrow.jobIdOf(requestor, SALT)));
        deploy(config());
        vm.chainId(block.chainid - 1);
        assertNotEq(id, JobId.unwrap(escrow.jobIdOf(requestor, SALT)));
    }

    function test_openTwiceIsRefused() public {
        JobId jobId = openJob();
        vm.expectRevert(abi.encodeWithSelector(IJobEscrow.EscrowJobExists.selector, jobId));
        openJob();
    }

    function test_openRefusesUnsoundTerms() public {
        JobId jobId = escrow.jobIdOf(requestor, SALT);
        IJobEscrow.JobTerms memory bad = terms();
        bad.budget = 0;
        _expectOpenRevert(bad, abi.encodeWithSelector(IJobEscrow.EscrowAmountZero.selector, jobId));

        bad = terms();
        bad.deadline = uint64(block.timestamp);
        _expectOpenRevert(
            bad, abi.encodeWithSelector(IJobEscrow.EscrowDeadlinePassed.selector, jobId, bad.deadline, block.timestamp)
        );

        bad = terms();
        uint256 latest = block.timestamp + escrow.MAX_DURATION_SECONDS();
        bad.deadline = uint64(latest + 1);
        _expectOpenRevert(
            bad, abi.encodeWithSelector(IJobEscrow.EscrowDeadlineTooFar.selector, jobId, bad.deadline, latest)
        );

        bad = terms();
        uint32 longest = escrow.MAX_EXIT_WINDOW_SECONDS();
        bad.exitWindowSeconds = longest + 1;
        _expectOpenRevert(
            bad,
            abi.encodeWithSelector(IJobEscrow.EscrowExitWindowTooLong.selector, jobId, bad.exitWindowSeconds, longest)
        );

        bad = terms();
        bad.noticeSeconds = escrow.MAX_NOTICE_SECONDS() + 1;
        _expectOpenRevert(
            bad, abi.encodeWithSelector(IJobEscrow.EscrowNoticeTooLong.selector, jobId, bad.noticeSeconds, 30 days)
        );

        bad = terms();
        bad.challengeSeconds = escrow.maxChallengeSeconds() + 1;
        _expectOpenRevert(
            bad, abi.encodeWithSelector(IJobEscrow.EscrowChallengeTooLong.selector, jobId, bad.challengeSeconds, 7 days)
        );
    }

    function test_openRefusesAmountsThatDoNotFit() public {
        JobId jobId = escrow.jobIdOf(requestor, SALT);
        uint256 most = type(uint112).max;
        IJobEscrow.JobTerms memory bad = terms();
        bad.budget = uint128(most + 1);
        _expectOpenRevert(bad, abi.encodeWithSelector(IJobEscrow.EscrowAmountTooLarge.selector, jobId, most + 1, most));
        bad = terms();
        bad.providerStake = uint128(most + 1);
        _expectOpenRevert(bad, abi.encodeWithSelector(IJobEscrow.EscrowAmountTooLarge.selector, jobId, most + 1, most));
        bad = terms();
        bad.budget = uint128(most);
        _expectOpenRevert(
            bad,
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientBalance.selector, requestor, token.balanceOf(requestor), most
            )
        );
    }

    function test_openRefusesTokensThatTakeAFee() public {
        FeeToken fee = new FeeToken();
        fee.mint(requestor, BUDGET);
        IJobEscrow.JobTerms memory bad = terms();
        bad.token = address(fee);
        vm.prank(requestor);
        fee.approve(address(escrow), BUDGET);
        _expectOpenRevert(
            bad,
            abi.encodeWithSelector(
                IJobEscrow.EscrowTokenTookFee.selector, address(fee), uint256(BUDGET), uint256(BUDGET - BUDGET / 100)
            )
        );
    }

    function test_aPermitReplacesTheApproval() public {
        PermitToken permitted = new PermitToken(6);
        permitted.mint(requestor, 500e6);
        IJobEscrow.JobTerms memory with = terms();
        (with.token, with.budget) = (address(permitted), 500e6);
        IJobEscrow.Permit memory permit = _permit(permitted, 500e6);
        vm.prank(requestor);
        JobId jobId = escrow.openJobWithPermit(with, SALT, permit);
        assertEq(escrow.job(jobId).locked, 500e6);
        assertEq(permitted.balanceOf(address(escrow)), 500e6);
    }

    function test_aPermitThatSomebodyUsedIsAsGood() public {
        PermitToken permitted = new PermitToken(6);
        permitted.mint(requestor, 500e6);
        IJobEscrow.JobTerms memory with = terms();
        (with.token, with.budget) = (address(permitted), 500e6);
        IJobEscrow.Permit memory p = _permit(permitted, 500e6);
        permitted.permit(requestor, address(escrow), 500e6, p.deadline, p.v, p.r, p.s);
        vm.prank(requestor);
        escrow.openJobWithPermit(with, SALT, p);

        // A permit that is wrong leaves no allowance, and the token says so.
        p.v ^= 1;
        vm.prank(requestor);
        vm.expectRevert(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(escrow), 0, 500e6)
        );
        escrow.openJobWithPermit(with, "other", p);
    }

    function test_topUpAddsToTheBudgetOfAnOpenJobOnly() public {
        JobId jobId = openJob();
        vm.expectEmit(address(escrow));
        emit IJobEscrow.JobToppedUp(jobId, requestor, 5e18, BUDGET + 5e18);
        vm.prank(requestor);
        escrow.topUp(jobId, 5e18);
        assertJob(jobId, IJobEscrow.JobState.Open, 0, 0, BUDGET + 5e18);

        vm.expectRevert(abi.encodeWithSelector(IJobEscrow.EscrowAmountZero.selector, jobId));
        escrow.topUp(jobId, 0);
        uint256 most = type(uint112).max;
        vm.expectRevert(
            abi.encodeWithSelector(IJobEscrow.EscrowAmountTooLarge.selector, jobId, most + BUDGET + 5e18, most)
        );
        escrow.topUp(jobId, uint128(most));

        JobId unknown = escrow.jobIdOf(stranger, SALT);
        vm.expectRevert(abi.encodeWithSelector(IJobEscrow.EscrowJobUnknown.selector, unknown));
        escrow.topUp(unknown, 1);

        uint64 deadline = escrow.job(jobId).deadline;
        vm.warp(deadline);
        vm.expectRevert(
            abi.encodeWithSelector(IJobEscrow.EscrowDeadlinePassed.selector, jobId, deadline, uint256(deadline))
        );
        escrow.topUp(jobId, 1);

        vm.prank(requestor);
        escrow.closeJob(jobId, none());
        vm.expectRevert(abi.encodeWithSelector(IJobEscrow.EscrowJobNotOpen.selector, jobId, IJobEscrow.JobState.Closed));
        escrow.topUp(jobId, 1);
    }

    // ---- vouchers ----

    function test_anyoneCanCarryAVoucherAndOnlyTheDifferenceIsPaid() public {
        (JobId jobId, Caps.Line[] memory lines) = openAllocated();
        vm.expectEmit(address(escrow));
        emit IJobEscrow.VoucherRedeemed(jobId, ada, 10e18, 10e18);
        assertEq(redeem(jobId, lines, 0, 10e18), 10e18);
        assertEq(redeem(jobId, lines, 0, 25e18), 15e18);
        assertEq(token.balanceOf(ada), 25e18);
        assertEq(escrow.paidTo(jobId, ada), 25e18);
        assertEq(escrow.usedOf(jobId, ada), 25e18);
        assertJob(jobId, IJobEscrow.JobState.Open, 25e18, 0, BUDGET - 25e18);
    }

    function test_replaysAndOldVouchersPayNothingAndDoNotStopABatch() public {
        (JobId jobId, Caps.Line[] memory lines) = openAllocated();
        IJobEscrow.SignedVoucher[] memory batch = new IJobEscrow.SignedVoucher[](5);
        IJobEscrow.CapProof[] memory shown = new IJobEscrow.CapProof[](5);
        uint256[5] memory sums = [uint256(10e18), 4e18, 7e18, 12e18, 0];
        for (uint256 i = 0; i < 5; ++i) {
            uint256 who = i == 2 ? 1 : 0;
            batch[i] = signAs(REQUESTOR_KEY, jobId, lines[who].provider, sums[i]);
            shown[i] = Caps.proof(lines, who);
        }
        assertEq(escrow.redeem(jobId, batch, shown), 19e18);
        assertEq(escrow.redeem(jobId, batch, shown), 0);
        assertEq(token.balanceOf(ada), 12e18);
        assertEq(token.balanceOf(bob), 7e18);

        vm.expectRevert(abi.encodeWithSelector(IJobEscrow.EscrowProofsMissing.selector, jobId, 5, 0));
        escrow.redeem(jobId, batch, new IJobEscrow.CapProof[](0));
    }

    function test_aVoucherHoldsForItsJobItsProviderItsAmountAndItsSigner() public {
        (JobId jobId, Caps.Line[] memory lines) = openAllocated();
        vm.prank(requestor);
        JobId other = escrow.openJob(terms(), "other");
        allocate(other, lines);

        IJobEscrow.SignedVoucher memory good = signAs(REQUESTOR_KEY, jobId, ada, 10e18);
        _expectNotSigned(other, good, lines, 0);
        _expectNotSigned(jobId, signAs(0xB0B, jobId, ada, 10e18), lines, 0);
        _expectNotSigned(jobId, IJobEscrow.SignedVoucher(bob, 10e18, good.r, good.vs), lines, 1);
        _expectNotSigned(jobId, IJobEscrow.SignedVoucher(ada, 11e18, good.r, good.vs), lines, 0);
        _expectNotSigned(jobId, IJobEscrow.SignedVoucher(ada, 10e18, 0, 0), lines, 0);
        assertEq(escrow.job(jobId).paid, 0);
    }

    function test_vouchersForNobodyOrTheEscrowAreRefused() public {
        JobId jobId = openJob();
        address[2] memory wrong = [address(0), address(escrow)];
        for (uint256 i = 0; i < wrong.length; ++i) {
            Caps.Line[] memory lines = caps(1e18, 1e18);
            lines[0].provider = wrong[i];
            allocate(jobId, lines);
            vm.warp(block.timestamp + NOTICE);
            IJobEscrow.SignedVoucher[] memory list = vouchers(jobId, wrong[i], 1);
            bytes memory reason = abi.encodeWithSelector(IJobEscrow.EscrowProviderInvalid.selector, jobId, wrong[i]);
            vm.expectRevert(reason);
            escrow.redeem(jobId, list, proofs(lines, 0));
            IJobEscrow.Share[] memory listed = shares(lines, two(1, 0));
            vm.expectRevert(reason);
            vm.prank(requestor);
            escrow.settleJob(jobId, listed);
        }
    }

    function test_aWholeEpochIsRedeemedInOneTransaction() public {
        (JobId jobId, Caps.Line[] memory lines) = openAllocated();
        assertEq(escrow.redeemAll(jobId, signedShares(jobId, lines, two(10e18, 0))), 10e18);
        assertEq(escrow.redeemAll(jobId, signedShares(jobId, lines, two(10e18, 7e18))), 7e18);
        assertEq(escrow.redeemAll(jobId, signedShares(jobId, lines, two(9e18, 7e18))), 0);
        assertEq(token.balanceOf(ada), 10e18);
        assertEq(token.balanceOf(bob), 7e18);

        lines[0].cap += 1;
        IJobEscrow.SignedShare[] memory wrong = signedShares(jobId, lines, two(11e18, 0));
        (bytes32 root, uint128 total) = Caps.root(lines);
        vm.expectRevert(abi.encodeWithSelector(IJobEscrow.EscrowAllocationWrong.selector, jobId, 1, root, total));
        escrow.redeemAll(jobId, wrong);
    }

    // ---- the end ----

    function test_closePaysAndAProviderCanStillRedeemInTheExitWindow() public {
        (JobId jobId, Caps.Line[] memory lines) = openAllocated();
        IJobEscrow.SignedShare[] memory first = signedShares(jobId, lines, two(10e18, 0));
        uint64 refundableAt = uint64(block.timestamp) + EXIT_WINDOW;
        vm.expectEmit(address(escrow));
        emit IJobEscrow.JobClosed(jobId, refundableAt);
        vm.prank(requestor);
        assertEq(escrow.closeJob(jobId, first), 10e18);
        assertJob(jobId, IJobEscrow.JobState.Closed, 10e18, 0, BUDGET - 10e18);

        vm.warp(refundableAt - 1);
        _expectRefundNotDue(jobId, refundableAt);
        assertEq(redeem(jobId, lines, 0, 30e18), 20e18);

        vm.warp(refundableAt);
        uint256 before = token.balanceOf(requestor);
        vm.expectEmit(address(escrow));
        emit IJobEscrow.JobRefunded(jobId, requestor, BUDGET - 30e18);
        vm.prank(stranger);
        assertEq(escrow.refund(jobId), BUDGET - 30e18);
        assertEq(token.balanceOf(requestor) - before, BUDGET - 30e18);
        assertJob(jobId, IJobEscrow.JobState.Refunded, 30e18, BUDGET - 30e18, 0);
    }

    function test_whatIsTheRequestorsIsTheRequestorsAlone() public {
        JobId jobId = openJob();
        bytes memory reason = abi.encodeWithSelector(IJobEscrow.EscrowNotRequestor.selector, jobId, stranger, requestor);
        vm.startPrank(stranger);
        vm.expectRevert(reason);
        escrow.closeJob(jobId, none());
        vm.expectRevert(reason);
        escrow.cancelJob(jobId);
        vm.expectRevert(reason);
        escrow.allocate(jobId, "root", 1, "");
        vm.expectRevert(reason);
        escrow.settleJob(jobId, new IJobEscrow.Share[](0));
        vm.stopPrank();

        vm.startPrank(requestor);
        escrow.closeJob(jobId, none());
        vm.expectRevert(abi.encodeWithSelector(IJobEscrow.EscrowJobNotOpen.selector, jobId, IJobEscrow.JobState.Closed));
        escrow.closeJob(jobId, none());
    }

    function test_aJobWithoutAnEpochIsCancelledAtOnce() public {
        JobId jobId = openJob();
        uint256 before = token.balanceOf(requestor);
        vm.expectEmit(address(escrow));
        emit IJobEscrow.JobCancelled(jobId);
        vm.prank(requestor);
        assertEq(escrow.cancelJob(jobId), BUDGET);
        assertEq(token.balanceOf(requestor) - before, BUDGET);
        assertJob(jobId, IJobEscrow.JobState.Refunded, 0, BUDGET, 0);

        vm.prank(requestor);
        JobId second = escrow.openJob(terms(), "second");
        allocate(second, caps(1, 1));
        vm.prank(requestor);
        vm.expectRevert(abi.encodeWithSelector(IJobEscrow.EscrowAlreadyAllocated.selector, second, 1));
        escrow.cancelJob(second);
    }

    function test_aSilentRequestorIsRefundedByAnyoneAfterDeadlineAndWindow() public {
        (JobId jobId, Caps.Line[] memory lines) = openAllocated();
        uint64 refundableAt = escrow.job(jobId).deadline + EXIT_WINDOW;
        vm.warp(refundableAt - 1);
        _expectRefundNotDue(jobId, refundableAt);
        assertEq(redeem(jobId, lines, 0, 1e18), 1e18);
        vm.warp(refundableAt);
        vm.prank(stranger);
        escrow.refund(jobId);
        assertJob(jobId, IJobEscrow.JobState.Refunded, 1e18, BUDGET - 1e18, 0);
    }

    function test_closingLateDoesNotLengthenTheWait() public {
        JobId jobId = openJob();
        uint64 refundableAt = escrow.job(jobId).refundableAt;
        vm.warp(refundableAt - 10);
        vm.prank(requestor);
        escrow.closeJob(jobId, none());
        assertEq(escrow.job(jobId).refundableAt, refundableAt);
    }

    function test_nothingHappensAfterTheRefund() public {
        (JobId jobId, Caps.Line[] memory lines) = openAllocated();
        vm.prank(requestor);
        escrow.closeJob(jobId, none());
        vm.warp(block.timestamp + EXIT_WINDOW);
        escrow.refund(jobId);

        IJobEscrow.SignedVoucher[] memory late = vouchers(jobId, ada, 1);
        IJobEscrow.CapProof[] memory shown = proofs(lines, 0);
        bytes memory ended = abi.encodeWithSelector(IJobEscrow.EscrowJobEnded.selector, jobId);
        vm.expectRevert(ended);
        escrow.refund(jobId);
        vm.expectRevert(ended);
        escrow.redeem(jobId, late, shown);
        vm.expectRevert(ended);
        escrow.redeemAll(jobId, none());
        vm.expectRevert(ended);
        escrow.claim(jobId, 1, "results", shown[0]);
        vm.expectRevert(abi.encodeWithSelector(IJobEscrow.EscrowJobExists.selector, jobId));
        openJob();
    }

    function test_anUnknownJobIsNamedAndReadsAsNone() public {
        JobId unknown = JobId.wrap("nothing");
        assertJob(unknown, IJobEscrow.JobState.None, 0, 0, 0);
        bytes memory reason = abi.encodeWithSelector(IJobEscrow.EscrowJobUnknown.selector, unknown);
        vm.expectRevert(reason);
        escrow.redeemAll(unknown, none());
        vm.expectRevert(reason);
        escrow.refund(unknown);
        vm.expectRevert(reason);
        escrow.closeJob(unknown, none());
        vm.expectRevert(abi.encodeWithSelector(IJobClaims.ClaimStateWrong.selector, unknown, ada, 0));
        escrow.payClaim(unknown, ada);
    }

    // ---- hostile tokens ----

    function test_aTokenThatCallsBackGetsNothing() public {
        ReentrantToken re = new ReentrantToken();
        (JobId jobId, Caps.Line[] memory lines) = _openWith(address(re));
        IJobEscrow.SignedVoucher[] memory list = vouchers(jobId, ada, 10e18);
        IJobEscrow.CapProof[] memory shown = proofs(lines, 0);
        bytes[4] memory calls = [
            abi.encodeCall(IJobEscrow.redeem, (jobId, vouchers(jobId, ada, 20e18), shown)),
            abi.encodeCall(IJobEscrow.refund, (jobId)),
            abi.encodeCall(IJobClaims.payClaim, (jobId, ada)),
            abi.encodeCall(IJobEscrow.collectFees, (address(re)))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            re.arm(escrow, calls[i]);
            list[0] = signAs(REQUESTOR_KEY, jobId, ada, (i + 1) * 10e18);
            assertEq(escrow.redeem(jobId, list, shown), 10e18);
            assertFalse(re.entered(), "the call back went through");
            assertEq(
                re.answer(), abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector)
            );
        }
        assertEq(re.balanceOf(ada), 40e18);
    }

    function test_aProviderThatTheTokenBlocksStopsNobodyElse() public {
        BlockingToken blocking = new BlockingToken();
        (JobId jobId, Caps.Line[] memory lines) = _openWith(address(blocking));
        blocking.blockAccount(ada);
        IJobEscrow.SignedVoucher[] memory blocked = vouchers(jobId, ada, 10e18);
        IJobEscrow.CapProof[] memory shown = proofs(lines, 0);
        vm.expectRevert("blocked");
        escrow.redeem(jobId, blocked, shown);
        assertEq(redeem(jobId, lines, 1, 10e18), 10e18);
        vm.prank(requestor);
        escrow.closeJob(jobId, none());
        vm.warp(block.timestamp + EXIT_WINDOW);
        assertEq(escrow.refund(jobId), BUDGET - 10e18);
    }

    // ---- helpers ----

    function _openWith(address anyToken) private returns (JobId jobId, Caps.Line[] memory lines) {
        IJobEscrow.JobTerms memory with = terms();
        with.token = anyToken;
        ReentrantToken(anyToken).mint(requestor, BUDGET);
        vm.startPrank(requestor);
        ReentrantToken(anyToken).approve(address(escrow), BUDGET);
        jobId = escrow.openJob(with, SALT);
        vm.stopPrank();
        lines = caps(600e18, 400e18);
        allocate(jobId, lines);
    }

    function _permit(PermitToken permitted, uint256 value) private view returns (IJobEscrow.Permit memory permit) {
        bytes32 typehash =
            keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
        bytes32 fields =
            keccak256(abi.encode(typehash, requestor, address(escrow), value, permitted.nonces(requestor), 2e9));
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", permitted.DOMAIN_SEPARATOR(), fields));
        permit.deadline = 2e9;
        (permit.v, permit.r, permit.s) = vm.sign(REQUESTOR_KEY, digest);
    }

    function _expectOpenRevert(IJobEscrow.JobTerms memory bad, bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(requestor);
        escrow.openJob(bad, SALT);
    }

    function _expectRefundNotDue(JobId jobId, uint64 refundableAt) private {
        vm.expectRevert(
            abi.encodeWithSelector(IJobEscrow.EscrowRefundNotDue.selector, jobId, refundableAt, block.timestamp)
        );
        escrow.refund(jobId);
    }

    function _expectNotSigned(JobId jobId, IJobEscrow.SignedVoucher memory bad, Caps.Line[] memory lines, uint256 index)
        private
    {
        IJobEscrow.SignedVoucher[] memory list = new IJobEscrow.SignedVoucher[](1);
        list[0] = bad;
        vm.expectPartialRevert(IJobEscrow.EscrowVoucherNotSigned.selector);
        escrow.redeem(jobId, list, proofs(lines, index));
    }
}
