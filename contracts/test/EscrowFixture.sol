// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {DevToken} from "../src/DevToken.sol";
import {JobEscrow} from "../src/JobEscrow.sol";
import {IJobEscrow, JobId} from "../src/interfaces/IJobEscrow.sol";

/// @dev An escrow, a token, one requestor with a key, and short ways to say what tests say often.
abstract contract EscrowFixture is Test {
    uint256 internal constant REQUESTOR_KEY = 0xA11CE;
    uint128 internal constant BUDGET = 1_000e18;
    uint32 internal constant EXIT_WINDOW = 1 hours;
    bytes32 internal constant SALT = "salt";

    JobEscrow internal escrow;
    DevToken internal token;
    address internal requestor = vm.addr(REQUESTOR_KEY);
    address internal stranger = makeAddr("stranger");

    function setUp() public virtual {
        vm.warp(1_800_000_000);
        escrow = new JobEscrow();
        token = new DevToken();
        token.mint(requestor, 1_000_000e18);
        vm.prank(requestor);
        token.approve(address(escrow), type(uint256).max);
    }

    function terms() internal view returns (IJobEscrow.JobTerms memory) {
        return IJobEscrow.JobTerms({
            manifestHash: keccak256("manifest"),
            planHash: keccak256("plan"),
            token: address(token),
            budget: BUDGET,
            deadline: uint64(block.timestamp + 1 days),
            exitWindowSeconds: EXIT_WINDOW
        });
    }

    function openJob() internal returns (JobId) {
        vm.prank(requestor);
        return escrow.openJob(terms(), SALT);
    }

    function signAs(uint256 key, JobId jobId, address provider, uint256 cumulative)
        internal
        view
        returns (IJobEscrow.SignedVoucher memory)
    {
        (bytes32 r, bytes32 vs) = vm.signCompact(key, escrow.voucherDigest(jobId, provider, cumulative));
        return IJobEscrow.SignedVoucher(provider, cumulative, r, vs);
    }

    function one(IJobEscrow.SignedVoucher memory signed)
        internal
        pure
        returns (IJobEscrow.SignedVoucher[] memory list)
    {
        list = new IJobEscrow.SignedVoucher[](1);
        list[0] = signed;
    }

    function voucher(JobId jobId, address provider, uint256 cumulative)
        internal
        view
        returns (IJobEscrow.SignedVoucher[] memory)
    {
        return one(signAs(REQUESTOR_KEY, jobId, provider, cumulative));
    }

    function none() internal pure returns (IJobEscrow.SignedVoucher[] memory) {
        return new IJobEscrow.SignedVoucher[](0);
    }

    function assertJob(JobId jobId, IJobEscrow.JobState state, uint256 paid, uint256 refunded, uint256 locked)
        internal
        view
    {
        IJobEscrow.Job memory job = escrow.job(jobId);
        assertEq(uint8(job.state), uint8(state), "state");
        assertEq(job.paid, paid, "paid");
        assertEq(job.refunded, refunded, "refunded");
        assertEq(job.locked, locked, "locked");
        assertEq(job.deposited, paid + refunded + locked, "deposited = paid + refunded + locked");
        assertEq(token.balanceOf(address(escrow)), locked, "the escrow holds what is locked");
    }
}
