// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {JobEscrow} from "../src/JobEscrow.sol";
import {IJobEscrow, JobId} from "../src/interfaces/IJobEscrow.sol";
import {EscrowFixture} from "./EscrowFixture.sol";
import {BlockingToken, FeeToken, ReentrantToken} from "./HostileTokens.sol";

contract JobEscrowTest is EscrowFixture {
    address private ada = makeAddr("ada");
    address private bob = makeAddr("bob");

    // ---- opening ----

    function test_openLocksTheBudgetUnderTheCallersId() public {
        JobId expected = escrow.jobIdOf(requestor, SALT);
        assertEq(JobId.unwrap(expected), keccak256(abi.encode(block.chainid, address(escrow), requestor, SALT)), "id");
        vm.expectEmit(address(escrow));
        emit IJobEscrow.JobOpened(expected, requestor, terms());
        JobId jobId = openJob();

        assertEq(JobId.unwrap(jobId), JobId.unwrap(expected));
        assertJob(jobId, IJobEscrow.JobState.Open, 0, 0, BUDGET);
        IJobEscrow.Job memory job = escrow.job(jobId);
        assertEq(job.requestor, requestor);
        assertEq(job.planHash, keccak256("plan"));
        assertEq(job.manifestHash, keccak256("manifest"));
        assertEq(job.refundableAt, job.deadline + EXIT_WINDOW);
    }

    function test_idsBindChainEscrowRequestorAndSalt() public {
        bytes32 id = JobId.unwrap(escrow.jobIdOf(requestor, SALT));
        assertNotEq(id, JobId.unwrap(escrow.jobIdOf(stranger, SALT)));
        assertNotEq(id, JobId.unwrap(escrow.jobIdOf(requestor, "other")));
        assertNotEq(id, JobId.unwrap(new JobEscrow().jobIdOf(requestor, SALT)));
        vm.chainId(block.chainid + 1);
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
        bad.budget = type(uint128).max;
        _expectOpenRevert(
            bad,
            abi.encodeWithSelector(
                IERC20Errors.ERC20InsufficientBalance.selector,
                requestor,
                token.balanceOf(requestor),
                uint256(type(uint128).max)
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

    function test_topUpAddsToTheBudgetOfAnOpenJobOnly() public {
        JobId jobId = openJob();
        vm.expectEmit(address(escrow));
        emit IJobEscrow.JobToppedUp(jobId, requestor, 5e18, BUDGET + 5e18);
        vm.prank(requestor);
        escrow.topUp(jobId, 5e18);
        assertJob(jobId, IJobEscrow.JobState.Open, 0, 0, BUDGET + 5e18);

        vm.expectRevert(abi.encodeWithSelector(IJobEscrow.EscrowAmountZero.selector, jobId));
        escrow.topUp(jobId, 0);

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
        JobId jobId = openJob();
        vm.startPrank(stranger);
        vm.expectEmit(address(escrow));
        emit IJobEscrow.VoucherRedeemed(jobId, ada, 10e18, 10e18);
        assertEq(escrow.redeem(jobId, voucher(jobId, ada, 10e18)), 10e18);
        assertEq(escrow.redeem(jobId, voucher(jobId, ada, 25e18)), 15e18);
        assertEq(token.balanceOf(ada), 25e18);
        assertEq(token.balanceOf(stranger), 0);
        assertEq(escrow.paidTo(jobId, ada), 25e18);
        assertJob(jobId, IJobEscrow.JobState.Open, 25e18, 0, BUDGET - 25e18);
    }

    function test_replaysAndOldVouchersPayNothingAndDoNotStopABatch() public {
        JobId jobId = openJob();
        IJobEscrow.SignedVoucher[] memory batch = new IJobEscrow.SignedVoucher[](4);
        batch[0] = signAs(REQUESTOR_KEY, jobId, ada, 10e18);
        batch[1] = signAs(REQUESTOR_KEY, jobId, ada, 4e18);
        batch[2] = signAs(REQUESTOR_KEY, jobId, bob, 7e18);
        batch[3] = signAs(REQUESTOR_KEY, jobId, ada, 12e18);
        assertEq(escrow.redeem(jobId, batch), 19e18);
        assertEq(escrow.redeem(jobId, batch), 0);
        assertEq(token.balanceOf(ada), 12e18);
        assertEq(token.balanceOf(bob), 7e18);
        assertJob(jobId, IJobEscrow.JobState.Open, 19e18, 0, BUDGET - 19e18);
    }

    function test_aVoucherHoldsForItsJobItsProviderItsAmountAndItsSigner() public {
        JobId jobId = openJob();
        vm.prank(requestor);
        JobId other = escrow.openJob(terms(), "other");

        IJobEscrow.SignedVoucher memory good = signAs(REQUESTOR_KEY, jobId, ada, 10e18);
        _expectNotSigned(other, good);
        _expectNotSigned(jobId, signAs(0xB0B, jobId, ada, 10e18));
        _expectNotSigned(jobId, IJobEscrow.SignedVoucher(bob, 10e18, good.r, good.vs));
        _expectNotSigned(jobId, IJobEscrow.SignedVoucher(ada, 11e18, good.r, good.vs));
        _expectNotSigned(jobId, IJobEscrow.SignedVoucher(ada, 10e18, 0, 0));
        assertJobSums(jobId, 0);
    }

    function test_vouchersForNobodyOrTheEscrowAreRefused() public {
        JobId jobId = openJob();
        address[2] memory wrong = [address(0), address(escrow)];
        for (uint256 i = 0; i < wrong.length; ++i) {
            IJobEscrow.SignedVoucher[] memory list = voucher(jobId, wrong[i], 1);
            vm.expectRevert(abi.encodeWithSelector(IJobEscrow.EscrowProviderInvalid.selector, jobId, wrong[i]));
            escrow.redeem(jobId, list);
        }
    }

    function test_anOversignedVoucherPaysWhatIsLeftAndTheRestAfterATopUp() public {
        JobId jobId = openJob();
        IJobEscrow.SignedVoucher[] memory list = voucher(jobId, ada, BUDGET + 3e18);
        vm.expectEmit(address(escrow));
        emit IJobEscrow.VoucherUnderfunded(jobId, ada, 3e18);
        assertEq(escrow.redeem(jobId, list), BUDGET);
        assertJob(jobId, IJobEscrow.JobState.Open, BUDGET, 0, 0);

        vm.prank(requestor);
        escrow.topUp(jobId, 5e18);
        assertEq(escrow.redeem(jobId, list), 3e18);
        assertEq(token.balanceOf(ada), BUDGET + 3e18);
        assertJob(jobId, IJobEscrow.JobState.Open, BUDGET + 3e18, 0, 2e18);
    }

    // ---- the end ----

    function test_closePaysAndAProviderCanStillRedeemInTheExitWindow() public {
        JobId jobId = openJob();
        IJobEscrow.SignedVoucher[] memory first = voucher(jobId, ada, 10e18);
        IJobEscrow.SignedVoucher[] memory later = voucher(jobId, ada, 30e18);
        uint64 refundableAt = uint64(block.timestamp) + EXIT_WINDOW;
        vm.expectEmit(address(escrow));
        emit IJobEscrow.JobClosed(jobId, refundableAt);
        vm.prank(requestor);
        assertEq(escrow.closeJob(jobId, first), 10e18);
        assertJob(jobId, IJobEscrow.JobState.Closed, 10e18, 0, BUDGET - 10e18);

        vm.warp(refundableAt - 1);
        _expectRefundNotDue(jobId, refundableAt);
        assertEq(escrow.redeem(jobId, later), 20e18);

        vm.warp(refundableAt);
        uint256 before = token.balanceOf(requestor);
        vm.expectEmit(address(escrow));
        emit IJobEscrow.JobRefunded(jobId, requestor, BUDGET - 30e18);
        vm.prank(stranger);
        assertEq(escrow.refund(jobId), BUDGET - 30e18);
        assertEq(token.balanceOf(requestor) - before, BUDGET - 30e18);
        assertJob(jobId, IJobEscrow.JobState.Refunded, 30e18, BUDGET - 30e18, 0);
    }

    function test_closeIsTheRequestorsAndHappensOnce() public {
        JobId jobId = openJob();
        vm.expectRevert(abi.encodeWithSelector(IJobEscrow.EscrowNotRequestor.selector, jobId, stranger, requestor));
        vm.prank(stranger);
        escrow.closeJob(jobId, none());

        vm.startPrank(requestor);
        escrow.closeJob(jobId, none());
        vm.expectRevert(abi.encodeWithSelector(IJobEscrow.EscrowJobNotOpen.selector, jobId, IJobEscrow.JobState.Closed));
        escrow.closeJob(jobId, none());
    }

    function test_aSilentRequestorIsRefundedByAnyoneAfterDeadlineAndWindow() public {
        JobId jobId = openJob();
        uint64 refundableAt = escrow.job(jobId).deadline + EXIT_WINDOW;
        vm.warp(refundableAt - 1);
        _expectRefundNotDue(jobId, refundableAt);
        assertEq(escrow.redeem(jobId, voucher(jobId, ada, 1e18)), 1e18);
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
        JobId jobId = openJob();
        vm.prank(requestor);
        escrow.closeJob(jobId, none());
        vm.warp(block.timestamp + EXIT_WINDOW);
        escrow.refund(jobId);

        IJobEscrow.SignedVoucher[] memory late = voucher(jobId, ada, 1);
        bytes memory ended = abi.encodeWithSelector(IJobEscrow.EscrowJobEnded.selector, jobId);
        vm.expectRevert(ended);
        escrow.refund(jobId);
        vm.expectRevert(ended);
        escrow.redeem(jobId, late);
        vm.expectRevert(abi.encodeWithSelector(IJobEscrow.EscrowJobExists.selector, jobId));
        openJob();
    }

    function test_anUnknownJobIsNamedAndReadsAsNone() public {
        JobId unknown = JobId.wrap("nothing");
        assertJob(unknown, IJobEscrow.JobState.None, 0, 0, 0);
        bytes memory reason = abi.encodeWithSelector(IJobEscrow.EscrowJobUnknown.selector, unknown);
        vm.expectRevert(reason);
        escrow.redeem(unknown, none());
        vm.expectRevert(reason);
        escrow.refund(unknown);
        vm.expectRevert(reason);
        escrow.closeJob(unknown, none());
    }

    // ---- hostile tokens ----

    function test_aTokenThatCallsBackGetsNothing() public {
        ReentrantToken re = new ReentrantToken();
        JobId jobId = _openWith(address(re));
        IJobEscrow.SignedVoucher[] memory list = voucher(jobId, ada, 10e18);
        re.arm(escrow, abi.encodeCall(IJobEscrow.redeem, (jobId, voucher(jobId, ada, 20e18))));
        assertEq(escrow.redeem(jobId, list), 10e18);
        assertFalse(re.entered(), "the call back went through");
        assertEq(re.answer(), abi.encodeWithSelector(ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector));
        assertEq(re.balanceOf(ada), 10e18);
    }

    function test_aProviderThatTheTokenBlocksStopsNobodyElse() public {
        BlockingToken blocking = new BlockingToken();
        JobId jobId = _openWith(address(blocking));
        blocking.blockAccount(ada);
        IJobEscrow.SignedVoucher[] memory blocked = voucher(jobId, ada, 10e18);
        IJobEscrow.SignedVoucher[] memory fine = voucher(jobId, bob, 10e18);
        vm.expectRevert("blocked");
        escrow.redeem(jobId, blocked);
        assertEq(escrow.redeem(jobId, fine), 10e18);
        vm.prank(requestor);
        escrow.closeJob(jobId, none());
        vm.warp(block.timestamp + EXIT_WINDOW);
        assertEq(escrow.refund(jobId), BUDGET - 10e18);
    }

    // ---- properties ----

    /// @dev Whatever the order and number of the vouchers, a provider ends with its largest one, within the deposit.
    function testFuzz_orderAndRepetitionChangeNothing(uint128[8] calldata cumulatives, uint256 seed) public {
        JobId jobId = openJob();
        uint256 largest;
        for (uint256 i = 0; i < 24; ++i) {
            uint256 pick = uint256(keccak256(abi.encode(seed, i))) % cumulatives.length;
            uint256 cumulative = bound(cumulatives[pick], 0, 2 * BUDGET);
            if (cumulative > largest) largest = cumulative;
            uint256 before = escrow.paidTo(jobId, ada);
            escrow.redeem(jobId, voucher(jobId, ada, cumulative));
            assertGe(escrow.paidTo(jobId, ada), before, "paid fell");
        }
        uint256 due = largest < BUDGET ? largest : BUDGET;
        assertEq(token.balanceOf(ada), due);
        assertJob(jobId, IJobEscrow.JobState.Open, due, 0, BUDGET - due);
    }

    /// @dev A signature by any other key is worth nothing.
    function testFuzz_onlyTheRequestorsKeySigns(uint256 key, uint128 cumulative) public {
        key = boundPrivateKey(key);
        vm.assume(key != REQUESTOR_KEY && cumulative > 0);
        _expectNotSigned(openJob(), signAs(key, escrow.jobIdOf(requestor, SALT), ada, cumulative));
    }

    // ---- helpers ----

    function _openWith(address anyToken) private returns (JobId jobId) {
        IJobEscrow.JobTerms memory with = terms();
        with.token = anyToken;
        ReentrantToken(anyToken).mint(requestor, BUDGET);
        vm.startPrank(requestor);
        ReentrantToken(anyToken).approve(address(escrow), BUDGET);
        jobId = escrow.openJob(with, SALT);
        vm.stopPrank();
    }

    function _expectOpenRevert(IJobEscrow.JobTerms memory bad, bytes memory reason) private {
        vm.expectRevert(reason);
        vm.prank(requestor);
        escrow.openJob(bad, SALT);
    }

    function _expectRefundNotDue(JobId jobId, uint64 refundableAt) private {
        vm.expectRevert(
            abi.encodeWithSelector(IJobEscrow.EscrowRefundNotDue.selector, jobId, refundableAt, vm.getBlockTimestamp())
        );
        escrow.refund(jobId);
    }

    function _expectNotSigned(JobId jobId, IJobEscrow.SignedVoucher memory bad) private {
        vm.expectPartialRevert(IJobEscrow.EscrowVoucherNotSigned.selector);
        escrow.redeem(jobId, one(bad));
    }

    function assertJobSums(JobId jobId, uint256 paid) private view {
        assertEq(escrow.job(jobId).paid, paid);
    }
}
