// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {DevToken} from "../src/DevToken.sol";
import {JobEscrow} from "../src/JobEscrow.sol";
import {IJobEscrow, JobId} from "../src/interfaces/IJobEscrow.sol";
import {EscrowFixture} from "./EscrowFixture.sol";

/// @dev Opens, tops up, pays, closes and refunds jobs in any order, and keeps its own books by watching balances.
contract EscrowHandler is Test {
    uint256 private constant REQUESTOR_KEY = 0xA11CE;

    JobEscrow public immutable escrow;
    DevToken public immutable token;
    address private immutable requestor;

    JobId[] public jobs;
    address[] public providers;
    IJobEscrow.SignedVoucher[] private _issued;
    JobId[] private _issuedFor;

    mapping(JobId => uint256) public deposited;
    mapping(JobId => uint256) public paidOut;
    mapping(JobId => uint256) public refunded;
    mapping(JobId => mapping(address => uint256)) public largestPaid;
    uint256 public replaysThatPaid;

    constructor(JobEscrow escrow_, DevToken token_) {
        (escrow, token) = (escrow_, token_);
        requestor = vm.addr(REQUESTOR_KEY);
        for (uint256 i = 0; i < 4; ++i) {
            providers.push(makeAddr(string(abi.encode("provider", i))));
        }
    }

    function jobCount() external view returns (uint256) {
        return jobs.length;
    }

    function providerCount() external view returns (uint256) {
        return providers.length;
    }

    function open(uint128 budget, uint32 duration, uint32 exitWindow) external {
        if (jobs.length == 6) return;
        budget = uint128(bound(budget, 1, 1e24));
        token.mint(requestor, budget);
        IJobEscrow.JobTerms memory terms = IJobEscrow.JobTerms({
            manifestHash: "m",
            planHash: "p",
            token: address(token),
            budget: budget,
            deadline: uint64(block.timestamp + bound(duration, 1, 1 days)),
            exitWindowSeconds: uint32(bound(exitWindow, 0, 1 hours))
        });
        vm.prank(requestor);
        JobId jobId = escrow.openJob(terms, bytes32(jobs.length));
        jobs.push(jobId);
        deposited[jobId] = budget;
    }

    function topUp(uint256 pick, uint128 amount) external {
        if (jobs.length == 0) return;
        JobId jobId = jobs[pick % jobs.length];
        IJobEscrow.Job memory job = escrow.job(jobId);
        if (job.state != IJobEscrow.JobState.Open || block.timestamp >= job.deadline) return;
        amount = uint128(bound(amount, 1, 1e24));
        token.mint(requestor, amount);
        vm.prank(requestor);
        escrow.topUp(jobId, amount);
        deposited[jobId] += amount;
    }

    function redeem(uint256 pick, uint256 who, uint256 cumulative) external {
        (bool live, JobId jobId) = _live(pick);
        if (!live) return;
        _redeem(jobId, _sign(jobId, who, cumulative));
    }

    function replay(uint256 pick) external {
        if (_issued.length == 0) return;
        pick %= _issued.length;
        JobId jobId = _issuedFor[pick];
        if (escrow.job(jobId).state == IJobEscrow.JobState.Refunded) return;
        _redeem(jobId, _issued[pick]);
        uint256 before = token.balanceOf(_issued[pick].provider);
        _redeem(jobId, _issued[pick]);
        if (token.balanceOf(_issued[pick].provider) != before) replaysThatPaid += 1;
    }

    function close(uint256 pick, uint256 who, uint256 cumulative) external {
        (bool live, JobId jobId) = _live(pick);
        if (!live || escrow.job(jobId).state != IJobEscrow.JobState.Open) return;
        IJobEscrow.SignedVoucher[] memory list = new IJobEscrow.SignedVoucher[](1);
        list[0] = _sign(jobId, who, cumulative);
        uint256 before = token.balanceOf(list[0].provider);
        vm.prank(requestor);
        escrow.closeJob(jobId, list);
        _book(jobId, list[0].provider, token.balanceOf(list[0].provider) - before);
    }

    function refund(uint256 pick) external {
        (bool live, JobId jobId) = _live(pick);
        if (!live || block.timestamp < escrow.job(jobId).refundableAt) return;
        uint256 before = token.balanceOf(requestor);
        escrow.refund(jobId);
        refunded[jobId] += token.balanceOf(requestor) - before;
    }

    function wait_(uint32 span) external {
        vm.warp(block.timestamp + bound(span, 1, 6 hours));
    }

    function _live(uint256 pick) private view returns (bool, JobId) {
        if (jobs.length == 0) return (false, JobId.wrap(0));
        JobId jobId = jobs[pick % jobs.length];
        return (escrow.job(jobId).state != IJobEscrow.JobState.Refunded, jobId);
    }

    function _sign(JobId jobId, uint256 who, uint256 cumulative)
        private
        returns (IJobEscrow.SignedVoucher memory voucher)
    {
        address provider = providers[who % providers.length];
        // Sometimes more than the deposit: a requestor may sign what it cannot cover.
        cumulative = bound(cumulative, 0, deposited[jobId] + deposited[jobId] / 4);
        (bytes32 r, bytes32 vs) = vm.signCompact(REQUESTOR_KEY, escrow.voucherDigest(jobId, provider, cumulative));
        voucher = IJobEscrow.SignedVoucher(provider, cumulative, r, vs);
        _issued.push(voucher);
        _issuedFor.push(jobId);
    }

    function _redeem(JobId jobId, IJobEscrow.SignedVoucher memory voucher) private {
        IJobEscrow.SignedVoucher[] memory list = new IJobEscrow.SignedVoucher[](1);
        list[0] = voucher;
        uint256 before = token.balanceOf(voucher.provider);
        escrow.redeem(jobId, list);
        _book(jobId, voucher.provider, token.balanceOf(voucher.provider) - before);
    }

    function _book(JobId jobId, address provider, uint256 amount) private {
        paidOut[jobId] += amount;
        largestPaid[jobId][provider] += amount;
    }
}

contract JobEscrowInvariants is EscrowFixture {
    EscrowHandler private handler;

    function setUp() public override {
        super.setUp();
        handler = new EscrowHandler(escrow, token);
        targetContract(address(handler));
    }

    /// @dev deposits = payouts + refunds + locked, by the contract's books, by ours, and by the token's.
    function invariant_everyUnitIsAccountedFor() public view {
        uint256 locked;
        for (uint256 i = 0; i < handler.jobCount(); ++i) {
            JobId jobId = handler.jobs(i);
            IJobEscrow.Job memory job = escrow.job(jobId);
            assertEq(job.deposited, uint256(job.paid) + job.refunded + job.locked, "deposited");
            assertEq(job.deposited, handler.deposited(jobId), "deposited against tokens sent");
            assertEq(job.paid, handler.paidOut(jobId), "paid against tokens received");
            assertEq(job.refunded, handler.refunded(jobId), "refunded against tokens received");
            assertLe(job.paid, job.deposited, "paid exceeds the deposit");
            locked += job.locked;
        }
        assertEq(token.balanceOf(address(escrow)), locked, "the escrow holds exactly what is locked");
    }

    /// @dev What a provider was paid never falls and is what it received.
    function invariant_paidIsMonotoneAndReal() public view {
        for (uint256 i = 0; i < handler.jobCount(); ++i) {
            JobId jobId = handler.jobs(i);
            uint256 sum;
            for (uint256 p = 0; p < handler.providerCount(); ++p) {
                address provider = handler.providers(p);
                uint256 paid = escrow.paidTo(jobId, provider);
                assertEq(paid, handler.largestPaid(jobId, provider), "paidTo against tokens received");
                sum += paid;
            }
            assertEq(sum, escrow.job(jobId).paid, "the providers' sums");
        }
    }

    function invariant_replaysPayNothing() public view {
        assertEq(handler.replaysThatPaid(), 0);
    }

    /// @dev However a run ended, time alone brings every job to its end and empties the escrow.
    function afterInvariant() public {
        vm.warp(block.timestamp + escrow.MAX_DURATION_SECONDS() + escrow.MAX_EXIT_WINDOW_SECONDS());
        for (uint256 i = 0; i < handler.jobCount(); ++i) {
            JobId jobId = handler.jobs(i);
            if (escrow.job(jobId).state == IJobEscrow.JobState.Refunded) continue;
            vm.prank(stranger);
            escrow.refund(jobId);
        }
        assertEq(token.balanceOf(address(escrow)), 0, "something stayed locked");
    }
}
