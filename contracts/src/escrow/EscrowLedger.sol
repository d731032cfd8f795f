// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IJobClaims} from "../interfaces/IJobClaims.sol";
import {IJobEscrow, JobId} from "../interfaces/IJobEscrow.sol";

/// @title The escrow's books: who was paid what, what is held back, what is free
/// @dev Amounts fit into 112 bits, so that what a payment touches of a provider is one slot.
abstract contract EscrowLedger is IJobEscrow, IJobClaims, EIP712("Rayswarm", "1"), ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    uint16 internal constant BASIS_POINTS = 10_000;
    /// @dev What a cooperative settlement paid is in the account.
    uint8 internal constant RECORDED = 1;
    /// @dev A claim of the provider was found bad.
    uint8 internal constant BARRED = 2;

    /// @dev Packed so that a payment touches the first four slots and a claim three of them and the fifth, and writes
    /// none of them for the first time. `free` and `reserved` are what is locked; what was paid follows from the rest.
    struct Record {
        address requestor;
        uint64 deadline;
        uint32 exitWindowSeconds;
        // ---- slot two
        address token;
        uint40 refundableAt;
        JobState state;
        uint8 trustTier;
        Settlement settlement;
        uint32 epoch;
        // ---- slot three
        uint112 free;
        uint112 reserved;
        uint32 pendingAt;
        // ---- slot four: the sealed root of the caps in force; of a settlement that nobody recorded, its hash instead
        bytes32 caps;
        // ---- slot five
        uint112 providerStake;
        uint112 fees;
        uint32 challengeSeconds;
        // ---- the rest is read and written rarely
        uint112 deposited;
        uint112 refunded;
        uint32 noticeSeconds;
        uint112 total;
        uint112 pendingTotal;
        bytes32 pendingCaps;
        bytes32 settlementHash;
        bytes32 manifestHash;
        bytes32 planHash;
        bytes32 policyHash;
        bytes32 comparisonClass;
    }

    /// @dev Whether the job was settled cooperatively, and whether accounts were written since.
    enum Settlement {
        None,
        Paid,
        Recorded
    }

    /// @dev `used` is what payments took of the cap in `epoch`; in a later epoch it counts from zero again.
    struct Account {
        uint112 earned;
        uint112 used;
        uint24 epoch;
        uint8 flags;
    }

    /// @dev All of one provider in one job, a slot each.
    struct Seat {
        Account account;
        Claim claim;
    }

    /// @dev Sums of one batch, kept in memory until it is through.
    struct Purse {
        address requestor;
        uint24 epoch;
        bool settled;
        uint256 free;
        uint256 reserved;
        uint256 paid;
        uint256 fees;
    }

    /// @notice Part of each payment that goes to `feeRecipient`, in hundredths of a per cent.
    uint16 public immutable feeBps;
    address public immutable feeRecipient;

    mapping(JobId jobId => Record) internal _jobs;
    mapping(JobId jobId => mapping(address provider => Seat)) internal _seats;
    mapping(address token => uint256) private _fees;

    constructor(uint16 feeBps_, address feeRecipient_) {
        feeBps = feeBps_;
        feeRecipient = feeRecipient_;
    }

    /// @inheritdoc IJobEscrow
    function collectFees(address token) external nonReentrant returns (uint256 amount) {
        amount = _fees[token];
        _fees[token] = 0;
        emit FeesCollected(token, feeRecipient, amount);
        if (amount > 0) IERC20(token).safeTransfer(feeRecipient, amount);
    }

    function _purse(Record storage record) internal view returns (Purse memory purse) {
        purse.requestor = record.requestor;
        purse.epoch = uint24(record.epoch);
        purse.settled = record.settlement != Settlement.None;
        purse.free = record.free;
        purse.reserved = record.reserved;
    }

    /// @dev The account as the epoch in force sees it.
    function _accountOf(JobId jobId, address provider, Seat storage seat, uint24 epoch, bool settled)
        internal
        view
        returns (Account memory account)
    {
        account = seat.account;
        if (settled && account.flags & RECORDED == 0) revert EscrowPaymentNotRecorded(jobId, provider);
        if (account.epoch != epoch) (account.used, account.epoch) = (0, epoch);
    }

    /// @dev Books what a voucher above what was paid gives `provider`, and returns what it is to be sent.
    function _earn(
        JobId jobId,
        address provider,
        Seat storage seat,
        Account memory account,
        uint256 cumulative,
        uint256 cap,
        Purse memory purse
    ) internal returns (uint256 net) {
        uint256 owed = cumulative - account.earned;
        uint256 amount = 0;
        uint256 held = 0;
        if (purse.reserved > 0) (amount, held) = _takeFromClaim(seat, account, owed, purse);
        uint256 left = Math.min(Math.saturatingSub(cap, account.used + held), purse.free);
        left = Math.min(owed - amount, left);
        amount += left;
        if (amount < owed) emit VoucherUnderfunded(jobId, provider, owed - amount);
        if (amount == 0) return 0;

        purse.free -= left;
        purse.paid += amount;
        net = amount;
        if (feeBps > 0) {
            uint256 fee = _feeOf(account.earned + amount) - _feeOf(account.earned);
            purse.fees += fee;
            net -= fee;
        }
        // Both are at most what was deposited, which fits into 112 bits.
        account.earned += uint112(amount);
        account.used += uint112(left);
        seat.account = account;
        emit VoucherRedeemed(jobId, provider, amount, account.earned);
    }

    /// @dev Writes a purse's sums into the job.
    function _settlePurse(Record storage record, Purse memory purse) internal {
        if (purse.paid == 0) return;
        (record.free, record.reserved) = (uint112(purse.free), uint112(purse.reserved));
        _bookFees(record, purse.fees);
    }

    function _bookFees(Record storage record, uint256 fees) internal {
        if (fees == 0) return;
        record.fees += uint112(fees);
        _fees[record.token] += fees;
    }

    /// @dev By what is paid altogether, so that it makes no difference in how many parts that is.
    function _feeOf(uint256 paid) internal view returns (uint256) {
        return paid * feeBps / BASIS_POINTS;
    }

    function _requireOpen(JobId jobId, Record storage record) internal view {
        JobState state = record.state;
        if (state == JobState.None) revert EscrowJobUnknown(jobId);
        if (state != JobState.Open) revert EscrowJobNotOpen(jobId, state);
    }

    function _requireLive(JobId jobId, Record storage record) internal view {
        JobState state = record.state;
        if (state == JobState.None) revert EscrowJobUnknown(jobId);
        if (state == JobState.Refunded) revert EscrowJobEnded(jobId);
    }

    function _requireRequestor(JobId jobId, Record storage record) internal view {
        if (msg.sender != record.requestor) revert EscrowNotRequestor(jobId, msg.sender, record.requestor);
    }

    /// @dev What a claim held back pays the voucher first; nothing left of it ends the claim, unless it is being judged.
    /// @return taken What the claim pays. @return held What it still holds of the cap in force.
    function _takeFromClaim(Seat storage seat, Account memory account, uint256 owed, Purse memory purse)
        private
        returns (uint256 taken, uint256 held)
    {
        Claim memory filed = seat.claim;
        if (filed.amount == 0) return (0, 0);
        taken = Math.min(owed, filed.amount);
        held = filed.amount - taken;
        purse.reserved -= taken;
        if (held == 0 && filed.state != ClaimState.Disputed) delete seat.claim;
        else seat.claim.amount = uint112(held);
        if (filed.epoch != account.epoch) return (taken, 0);
        account.used += uint112(taken);
    }
}
