// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MerkleSum} from "../libraries/MerkleSum.sol";

/// Names one job on one escrow of one chain: keccak256(abi.encode(chainId, escrow, requestor, salt)).
type JobId is bytes32;

/// @title A job's budget, divided into caps and paid out against cumulative vouchers
/// @notice The requestor locks a budget, publishes caps per provider as a tree of sums, signs one voucher per provider
/// whose `cumulative` only grows, and in the end takes back what nobody earned. Anyone may carry vouchers to the
/// contract; nobody but the named provider is paid. A provider whose requestor is silent claims by itself
/// (IJobClaims).
///
/// Every state has an exit that needs nobody's consent:
///   Open   -- redeem by anyone; closeJob by the requestor; refund by anyone once deadline + exit window is over
///   Closed -- redeem by anyone; refund by anyone once the exit window is over
///   Refunded is final and holds nothing.
/// What claims hold back leaves the job as each claim ends, and every claim ends by time.
///
/// At every moment, for every job: deposited = paid + fees + refunded + locked, and the caps in force are covered by
/// what is locked and not held back.
interface IJobEscrow {
    enum JobState {
        None,
        Open,
        Closed,
        Refunded
    }

    /// @notice What the requestor fixes when it opens a job. Providers read it before they work.
    struct JobTerms {
        /// keccak-256 of the asset manifest.
        bytes32 manifestHash;
        /// keccak-256 of the plan's canonical encoding as a whole; this contract only keeps it.
        bytes32 planHash;
        /// keccak-256 of the verification policy; jurors judge by it.
        bytes32 policyHash;
        /// Jurors come from this comparison class.
        bytes32 comparisonClass;
        /// Any ERC-20 that delivers exactly what was sent.
        address token;
        /// Base units of `token` to lock now.
        uint128 budget;
        /// Base units of the stake token that a provider must have free to claim, and that a claim found bad costs it.
        uint128 providerStake;
        /// Unix seconds; afterwards the exit window runs even if the requestor is silent.
        uint64 deadline;
        /// How long providers can still redeem and claim after the close or the deadline.
        uint32 exitWindowSeconds;
        /// How long the caps of one epoch stay in force after the next was published.
        uint32 noticeSeconds;
        /// How long the requestor can reject a claim.
        uint32 challengeSeconds;
        /// Jurors come from this trust tier (IProviderRegistry.TrustTier).
        uint8 trustTier;
    }

    /// @notice A voucher with the requestor's EIP-712 signature in the compact form of ERC-2098.
    struct SignedVoucher {
        address provider;
        /// Everything this provider has earned in this job so far, base units.
        uint256 cumulative;
        bytes32 r;
        bytes32 vs;
    }

    /// @notice Shows that the epoch in force caps a provider at `cap`.
    struct CapProof {
        uint128 cap;
        /// Bit i says that sibling i stands to the left.
        uint256 path;
        MerkleSum.Sibling[] siblings;
    }

    /// @notice One line of the epoch in force, with this provider's voucher; `cumulative` 0 when there is none.
    struct SignedShare {
        address provider;
        uint128 cap;
        uint128 cumulative;
        bytes32 r;
        bytes32 vs;
    }

    /// @notice One line of the epoch in force, with what the requestor pays in a cooperative settlement.
    struct Share {
        address provider;
        uint128 cap;
        uint128 amount;
    }

    /// @notice A token's permission to take the budget (ERC-2612), signed by the requestor.
    struct Permit {
        uint256 deadline;
        uint8 v;
        bytes32 r;
        bytes32 s;
    }

    /// @notice All there is to know about a job.
    struct Job {
        JobState state;
        address requestor;
        address token;
        bytes32 manifestHash;
        bytes32 planHash;
        bytes32 policyHash;
        bytes32 comparisonClass;
        uint128 providerStake;
        uint64 deadline;
        uint32 exitWindowSeconds;
        uint32 noticeSeconds;
        uint32 challengeSeconds;
        uint8 trustTier;
        /// Unix seconds from which anyone may send the rest back to the requestor.
        uint64 refundableAt;
        uint128 deposited;
        uint128 paid;
        uint128 fees;
        uint128 refunded;
        uint128 locked;
        /// The part of `locked` that claims hold back.
        uint128 reserved;
        /// keccak256(abi.encode(shares)) of a cooperative settlement, or zero.
        bytes32 settlementHash;
    }

    /// @notice The caps of a job. A pending epoch takes force at `pendingAt` if it still fits what is free.
    struct Allocation {
        uint32 epoch;
        /// keccak256(abi.encode(root, total)); zero between a cooperative settlement and its recording.
        bytes32 caps;
        uint128 total;
        bytes32 pendingCaps;
        uint128 pendingTotal;
        uint64 pendingAt;
    }

    event JobOpened(JobId indexed jobId, address indexed requestor, JobTerms terms);
    event JobToppedUp(JobId indexed jobId, address indexed payer, uint128 amount, uint128 deposited);
    /// @param documentHash Names the published inputs and outputs of the choice, from which anyone recomputes it.
    event AllocationPublished(
        JobId indexed jobId, uint32 indexed epoch, bytes32 root, uint128 total, bytes32 documentHash, uint64 forceAt
    );
    event AllocationInForce(JobId indexed jobId, uint32 indexed epoch, uint128 total);
    /// @notice What providers took during the notice left too little for the epoch; the former stays in force.
    event AllocationLapsed(JobId indexed jobId, uint32 indexed epoch, uint128 total, uint256 free);
    /// @param amount What was paid now, fee included. @param paid What the provider has been paid in this job altogether.
    event VoucherRedeemed(JobId indexed jobId, address indexed provider, uint256 amount, uint256 paid);
    /// @notice The provider's cap could not cover a voucher; the rest of it stays redeemable should the cap grow.
    event VoucherUnderfunded(JobId indexed jobId, address indexed provider, uint256 unpaid);
    /// @param settlementHash keccak256(abi.encode(shares)); the shares stand in the transaction's call data.
    event JobSettled(JobId indexed jobId, uint256 total, bytes32 settlementHash);
    event SettlementRecorded(JobId indexed jobId, address indexed provider, uint256 paid);
    event JobClosed(JobId indexed jobId, uint64 refundableAt);
    event JobCancelled(JobId indexed jobId);
    event JobRefunded(JobId indexed jobId, address indexed requestor, uint128 amount);
    event FeesCollected(address indexed token, address indexed recipient, uint256 amount);

    error EscrowJobUnknown(JobId jobId);
    error EscrowJobExists(JobId jobId);
    error EscrowJobNotOpen(JobId jobId, JobState state);
    error EscrowJobEnded(JobId jobId);
    error EscrowNotRequestor(JobId jobId, address caller, address requestor);
    error EscrowAmountZero(JobId jobId);
    error EscrowAmountTooLarge(JobId jobId, uint256 amount, uint256 maxAmount);
    error EscrowDeadlinePassed(JobId jobId, uint64 deadline, uint256 timestamp);
    error EscrowDeadlineTooFar(JobId jobId, uint64 deadline, uint256 latest);
    error EscrowExitWindowTooLong(JobId jobId, uint32 exitWindowSeconds, uint32 maxSeconds);
    error EscrowNoticeTooLong(JobId jobId, uint32 noticeSeconds, uint32 maxSeconds);
    error EscrowChallengeTooLong(JobId jobId, uint32 challengeSeconds, uint32 maxSeconds);
    error EscrowRefundNotDue(JobId jobId, uint64 refundableAt, uint256 timestamp);
    error EscrowClaimsOpen(JobId jobId, uint256 reserved);
    error EscrowVoucherNotSigned(JobId jobId, address provider, address recovered, address requestor);
    error EscrowProviderInvalid(JobId jobId, address provider);
    error EscrowTokenTookFee(address token, uint256 sent, uint256 received);
    error EscrowAllocationMissing(JobId jobId);
    error EscrowAllocationWrong(JobId jobId, uint32 epoch, bytes32 root, uint128 total);
    error EscrowAllocationTooLarge(JobId jobId, uint256 total, uint256 free);
    error EscrowAlreadyAllocated(JobId jobId, uint32 epoch);
    error EscrowAlreadyPaid(JobId jobId, uint256 paid, uint256 reserved);
    error EscrowCapExceeded(JobId jobId, address provider, uint256 amount, uint256 left);
    error EscrowProofsMissing(JobId jobId, uint256 vouchers, uint256 caps);
    error EscrowSettlementWrong(JobId jobId, bytes32 expected, bytes32 actual);
    error EscrowPaymentNotRecorded(JobId jobId, address provider);

    /// @notice Locks `terms.budget` under an id that only this caller and salt give on this chain and contract.
    function openJob(JobTerms calldata terms, bytes32 salt) external returns (JobId jobId);

    /// @notice As openJob, with the token's permission in the same transaction. A permit that somebody else has used
    /// meanwhile is as good.
    function openJobWithPermit(JobTerms calldata terms, bytes32 salt, Permit calldata permit)
        external
        returns (JobId jobId);

    /// @notice Adds to the budget of an open job before its deadline. Anyone may; the refund goes to the requestor.
    function topUp(JobId jobId, uint128 amount) external;

    /// @notice Publishes the caps of the next epoch. They count what is paid from then on, and their total must be
    /// covered by what is locked and not held back. The first epoch is in force at once, a later one after the notice:
    /// until then providers whose cap would fall below what they have earned redeem and claim under the former.
    /// @param documentHash Names what anyone needs to recompute the choice.
    function allocate(JobId jobId, bytes32 root, uint128 total, bytes32 documentHash) external;

    /// @notice Pays each provider what its voucher says above what it was paid before, within its cap.
    /// @dev Entries with nothing to pay are skipped, so replays and reorderings change nothing and one stale voucher
    /// does not stop a batch. Where the cap falls short, what is left of it is paid.
    /// @param caps One proof for each voucher.
    /// @return amount What was paid now, over all entries.
    function redeem(JobId jobId, SignedVoucher[] calldata vouchers, CapProof[] calldata caps)
        external
        returns (uint256 amount);

    /// @notice As redeem, with the whole epoch in force in place of proofs: cheaper from a few vouchers on.
    function redeemAll(JobId jobId, SignedShare[] calldata shares) external returns (uint256 amount);

    /// @notice Cooperative settlement: the requestor pays a job at one stroke and closes it. Only for a job of which
    /// nothing was paid or claimed yet, so that no provider's account has to be read or written. The exit window runs as
    /// after closeJob, for those that earned more.
    function settleJob(JobId jobId, Share[] calldata shares) external returns (uint256 amount);

    /// @notice Writes down what a cooperative settlement paid to `providers` (nothing for those it left out). A provider
    /// needs this once before it redeems or claims after such a settlement. Anyone may.
    function recordSettlement(JobId jobId, Share[] calldata shares, address[] calldata providers) external;

    /// @notice Pays the vouchers (none, or as redeemAll), ends the job for the requestor and starts the exit window, in
    /// which providers can still redeem later vouchers and claim.
    /// @return amount What was paid now, over all entries.
    function closeJob(JobId jobId, SignedShare[] calldata shares) external returns (uint256 amount);

    /// @notice Ends a job that never had an epoch, at once.
    function cancelJob(JobId jobId) external returns (uint128 amount);

    /// @notice Sends what is left and not held back to the requestor once the exit window is over. What claims held
    /// back is sent by calling again when they have ended.
    /// @return amount What was sent.
    function refund(JobId jobId) external returns (uint128 amount);

    /// @notice Sends the fees of `token` to their recipient. Anyone may.
    function collectFees(address token) external returns (uint256 amount);

    /// @notice The job's terms and sums; state None and zeros for an id that was never opened.
    function job(JobId jobId) external view returns (Job memory);

    /// @notice The job's caps as they are now.
    function allocation(JobId jobId) external view returns (Allocation memory);

    /// @notice What `provider` has been paid in this job, fee included; it never falls. A cooperative settlement shows
    /// here once it is recorded.
    function paidTo(JobId jobId, address provider) external view returns (uint256);

    /// @notice What `provider` has used of its cap in the epoch in force, by payments and claims.
    function usedOf(JobId jobId, address provider) external view returns (uint256);

    /// @notice The id that `requestor` gets for `salt` here.
    function jobIdOf(address requestor, bytes32 salt) external view returns (JobId);

    /// @notice What the requestor signs for a voucher.
    function voucherDigest(JobId jobId, address provider, uint256 cumulative) external view returns (bytes32);
}
