// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// Names one job on one escrow of one chain: keccak256(abi.encode(chainId, escrow, requestor, salt)).
type JobId is bytes32;

/// @title A job's budget, paid out against cumulative vouchers
/// @notice The requestor locks a budget, signs one voucher per provider whose `cumulative` only grows, and in the end
/// takes back what nobody earned. Anyone may carry vouchers to the contract; nobody but the named provider is paid.
///
/// Every state has an exit that needs nobody's consent:
///   Open   -- redeem by anyone; closeJob by the requestor; refund by anyone once deadline + exit window is over
///   Closed -- redeem by anyone; refund by anyone once the exit window is over
///   Refunded is final and holds nothing.
///
/// At every moment, for every job: deposited = paid + refunded + locked.
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
        /// Any ERC-20 that delivers exactly what was sent.
        address token;
        /// Base units of `token` to lock now.
        uint128 budget;
        /// Unix seconds; afterwards the exit window runs even if the requestor is silent.
        uint64 deadline;
        /// How long providers can still redeem after the close or the deadline.
        uint32 exitWindowSeconds;
    }

    /// @notice A voucher with the requestor's EIP-712 signature in the compact form of ERC-2098.
    struct SignedVoucher {
        address provider;
        /// Everything this provider has earned in this job so far, base units.
        uint256 cumulative;
        bytes32 r;
        bytes32 vs;
    }

    /// @notice All there is to know about a job.
    struct Job {
        JobState state;
        address requestor;
        address token;
        bytes32 manifestHash;
        bytes32 planHash;
        uint64 deadline;
        uint32 exitWindowSeconds;
        /// Unix seconds from which anyone may send the rest back to the requestor.
        uint64 refundableAt;
        uint128 deposited;
        uint128 paid;
        uint128 refunded;
        uint128 locked;
    }

    event JobOpened(JobId indexed jobId, address indexed requestor, JobTerms terms);
    event JobToppedUp(JobId indexed jobId, address indexed payer, uint128 amount, uint128 deposited);
    /// @param amount What was paid now. @param paid What the provider has been paid in this job altogether.
    event VoucherRedeemed(JobId indexed jobId, address indexed provider, uint256 amount, uint256 paid);
    /// @notice The deposit could not cover a voucher; the rest of it stays redeemable should the job be topped up.
    event VoucherUnderfunded(JobId indexed jobId, address indexed provider, uint256 unpaid);
    event JobClosed(JobId indexed jobId, uint64 refundableAt);
    event JobRefunded(JobId indexed jobId, address indexed requestor, uint128 amount);

    error EscrowJobUnknown(JobId jobId);
    error EscrowJobExists(JobId jobId);
    error EscrowJobNotOpen(JobId jobId, JobState state);
    error EscrowJobEnded(JobId jobId);
    error EscrowNotRequestor(JobId jobId, address caller, address requestor);
    error EscrowAmountZero(JobId jobId);
    error EscrowDeadlinePassed(JobId jobId, uint64 deadline, uint256 timestamp);
    error EscrowDeadlineTooFar(JobId jobId, uint64 deadline, uint256 latest);
    error EscrowExitWindowTooLong(JobId jobId, uint32 exitWindowSeconds, uint32 maxSeconds);
    error EscrowRefundNotDue(JobId jobId, uint64 refundableAt, uint256 timestamp);
    error EscrowVoucherNotSigned(JobId jobId, address provider, address recovered, address requestor);
    error EscrowProviderInvalid(JobId jobId, address provider);
    error EscrowTokenTookFee(address token, uint256 sent, uint256 received);

    /// @notice Locks `terms.budget` under an id that only this caller and salt give on this chain and contract.
    function openJob(JobTerms calldata terms, bytes32 salt) external returns (JobId jobId);

    /// @notice Adds to the budget of an open job before its deadline. Anyone may; the refund goes to the requestor.
    function topUp(JobId jobId, uint128 amount) external;

    /// @notice Pays each provider what its voucher says above what it was paid before.
    /// @dev Entries with nothing to pay are skipped, so replays and reorderings change nothing and one stale voucher
    /// does not stop a batch. Where the deposit falls short, what is left is paid: a requestor that signs more than
    /// it locked must not get a refund out of it.
    /// @return amount What was paid now, over all entries.
    function redeem(JobId jobId, SignedVoucher[] calldata vouchers) external returns (uint256 amount);

    /// @notice Pays the vouchers, ends the job for the requestor and starts the exit window, in which providers can
    /// still redeem later vouchers.
    /// @return amount What was paid now, over all entries.
    function closeJob(JobId jobId, SignedVoucher[] calldata vouchers) external returns (uint256 amount);

    /// @notice Sends what is left to the requestor once the exit window is over.
    /// @return amount What was sent.
    function refund(JobId jobId) external returns (uint128 amount);

    /// @notice The job's terms and sums; state None and zeros for an id that was never opened.
    function job(JobId jobId) external view returns (Job memory);

    /// @notice What `provider` has been paid in this job; it never falls.
    function paidTo(JobId jobId, address provider) external view returns (uint256);

    /// @notice The id that `requestor` gets for `salt` here.
    function jobIdOf(address requestor, bytes32 salt) external view returns (JobId);

    /// @notice What the requestor signs for a voucher.
    function voucherDigest(JobId jobId, address provider, uint256 cumulative) external view returns (bytes32);
}
