// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IJobEscrow, JobId} from "./IJobEscrow.sol";

/// @title The way out of a provider whose requestor is silent
/// @notice A provider claims what it has earned by then and commits to its results. The amount is held back. Unless the
/// requestor rejects with a bond (IDisputes) within the challenge window, the claim is paid: silence is acceptance.
///
///   None ──claim──▶ Pending ──payClaim by anyone, after the window──▶ None (paid)
///                      │ reject, within the window
///                      ▼
///                   Disputed ──found good──▶ Upheld ──payClaim by anyone──▶ None (paid)
///                      └──────found bad──▶ None (released; no further claim in this job)
///
/// A voucher that arrives meanwhile is paid out of what is held back first.
interface IJobClaims {
    enum ClaimState {
        None,
        Pending,
        Disputed,
        Upheld
    }

    struct Claim {
        /// Base units that are held back.
        uint112 amount;
        uint64 challengeEndsAt;
        /// Whose cap it is taken from.
        uint24 epoch;
        ClaimState state;
    }

    /// @notice What a judge needs to know of a job.
    struct DisputedJob {
        address requestor;
        bytes32 comparisonClass;
        uint8 trustTier;
        uint128 providerStake;
    }

    /// @param cumulative What the provider says it has earned in this job so far.
    /// @param resultCommitment Root over the receipts of the claimed results, as docs/protocol/settlement.md gives it. It
    /// binds the provider by standing here; no contract reads it.
    event ClaimFiled(
        JobId indexed jobId,
        address indexed provider,
        uint256 amount,
        uint256 cumulative,
        bytes32 resultCommitment,
        uint64 challengeEndsAt
    );
    /// @param amount What was paid now, fee included. @param paid What the provider has been paid in this job altogether.
    event ClaimPaid(JobId indexed jobId, address indexed provider, uint256 amount, uint256 paid);
    event ClaimDisputed(JobId indexed jobId, address indexed provider);
    event ClaimUpheld(JobId indexed jobId, address indexed provider, uint256 amount);
    event ClaimReleased(JobId indexed jobId, address indexed provider, uint256 amount);

    error ClaimNothingDue(JobId jobId, address provider, uint256 cumulative, uint256 paid);
    error ClaimCommitmentMissing(JobId jobId, address provider);
    error ClaimStateWrong(JobId jobId, address provider, ClaimState state);
    error ClaimBarred(JobId jobId, address provider);
    error ClaimTooLate(JobId jobId, uint64 refundableAt, uint256 timestamp);
    error ClaimStakeTooSmall(JobId jobId, address provider, uint256 free, uint256 needed);
    error ClaimNotDue(JobId jobId, address provider, uint64 challengeEndsAt, uint256 timestamp);
    error ClaimWindowOver(JobId jobId, address provider, uint64 challengeEndsAt, uint256 timestamp);
    error ClaimOnlyDisputes(address caller, address disputes);

    /// @notice The caller says that it has earned `cumulative` in this job so far. What that is above what it was paid
    /// must fit into its cap. One claim at a time.
    function claim(JobId jobId, uint256 cumulative, bytes32 resultCommitment, IJobEscrow.CapProof calldata cap) external;

    /// @notice Pays a claim that nobody rejected in time, or that was upheld. Anyone may.
    function payClaim(JobId jobId, address provider) external returns (uint256 amount);

    /// @notice Disputes only: the requestor has rejected the claim.
    function disputeClaim(JobId jobId, address provider) external returns (DisputedJob memory);

    /// @notice Disputes only: the claim was judged.
    function resolveClaim(JobId jobId, address provider, bool upheld) external;

    /// @notice The claim of `provider` in this job; zeros when it has none.
    function claimOf(JobId jobId, address provider) external view returns (Claim memory);
}
