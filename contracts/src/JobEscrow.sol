// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IJobEscrow, JobId} from "./interfaces/IJobEscrow.sol";

/// @title The escrow; IJobEscrow says what it promises
contract JobEscrow is IJobEscrow, EIP712("Rayswarm", "1"), ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// @notice Longest life of a job: should the requestor lose its key, its money comes back within this time.
    uint64 public constant MAX_DURATION_SECONDS = 366 days;
    /// @notice Longest exit window. There is no shortest: providers read the terms before they work.
    uint32 public constant MAX_EXIT_WINDOW_SECONDS = 30 days;

    bytes32 private constant VOUCHER_TYPEHASH = keccak256("Voucher(bytes32 jobId,address provider,uint256 cumulative)");

    /// @dev Three packed slots are all that a redemption touches. `refunded` and `locked` follow from the state: a
    /// refund is final and takes everything, so storing them could only make them disagree.
    struct Record {
        address requestor;
        uint64 deadline;
        uint32 exitWindowSeconds;
        address token;
        uint64 refundableAt;
        JobState state;
        uint128 deposited;
        uint128 paid;
        bytes32 manifestHash;
        bytes32 planHash;
    }

    mapping(JobId jobId => Record) private _jobs;
    mapping(JobId jobId => mapping(address provider => uint256)) private _paid;

    /// @inheritdoc IJobEscrow
    function openJob(JobTerms calldata terms, bytes32 salt) external nonReentrant returns (JobId jobId) {
        jobId = jobIdOf(msg.sender, salt);
        Record storage record = _jobs[jobId];
        if (record.state != JobState.None) revert EscrowJobExists(jobId);
        _requireSoundTerms(jobId, terms);

        record.requestor = msg.sender;
        record.deadline = terms.deadline;
        record.exitWindowSeconds = terms.exitWindowSeconds;
        record.token = terms.token;
        record.refundableAt = terms.deadline + terms.exitWindowSeconds;
        record.state = JobState.Open;
        record.deposited = terms.budget;
        record.manifestHash = terms.manifestHash;
        record.planHash = terms.planHash;
        emit JobOpened(jobId, msg.sender, terms);

        _pull(terms.token, terms.budget);
    }

    /// @inheritdoc IJobEscrow
    function topUp(JobId jobId, uint128 amount) external nonReentrant {
        Record storage record = _jobs[jobId];
        _requireOpen(jobId, record);
        if (block.timestamp >= record.deadline) {
            revert EscrowDeadlinePassed(jobId, record.deadline, block.timestamp);
        }
        if (amount == 0) revert EscrowAmountZero(jobId);

        uint128 deposited = record.deposited + amount;
        record.deposited = deposited;
        emit JobToppedUp(jobId, msg.sender, amount, deposited);

        _pull(record.token, amount);
    }

    /// @inheritdoc IJobEscrow
    function redeem(JobId jobId, SignedVoucher[] calldata vouchers) external nonReentrant returns (uint256 amount) {
        Record storage record = _jobs[jobId];
        _requireLive(jobId, record);
        return _pay(jobId, record, vouchers);
    }

    /// @inheritdoc IJobEscrow
    function closeJob(JobId jobId, SignedVoucher[] calldata vouchers) external nonReentrant returns (uint256 amount) {
        Record storage record = _jobs[jobId];
        _requireOpen(jobId, record);
        if (msg.sender != record.requestor) revert EscrowNotRequestor(jobId, msg.sender, record.requestor);

        // Closing late must not lengthen the wait that the deadline already started.
        uint256 windowEnd = block.timestamp + record.exitWindowSeconds;
        uint64 refundableAt = uint64(Math.min(record.refundableAt, windowEnd));
        record.state = JobState.Closed;
        record.refundableAt = refundableAt;
        emit JobClosed(jobId, refundableAt);

        return _pay(jobId, record, vouchers);
    }

    /// @inheritdoc IJobEscrow
    function refund(JobId jobId) external nonReentrant returns (uint128 amount) {
        Record storage record = _jobs[jobId];
        _requireLive(jobId, record);
        if (block.timestamp < record.refundableAt) {
            revert EscrowRefundNotDue(jobId, record.refundableAt, block.timestamp);
        }

        amount = record.deposited - record.paid;
        record.state = JobState.Refunded;
        emit JobRefunded(jobId, record.requestor, amount);

        if (amount > 0) IERC20(record.token).safeTransfer(record.requestor, amount);
    }

    /// @inheritdoc IJobEscrow
    function job(JobId jobId) external view returns (Job memory) {
        Record storage record = _jobs[jobId];
        uint128 rest = record.deposited - record.paid;
        bool refunded = record.state == JobState.Refunded;
        return Job({
            state: record.state,
            requestor: record.requestor,
            token: record.token,
            manifestHash: record.manifestHash,
            planHash: record.planHash,
            deadline: record.deadline,
            exitWindowSeconds: record.exitWindowSeconds,
            refundableAt: record.refundableAt,
            deposited: record.deposited,
            paid: record.paid,
            refunded: refunded ? rest : 0,
            locked: refunded ? 0 : rest
        });
    }

    /// @inheritdoc IJobEscrow
    function paidTo(JobId jobId, address provider) external view returns (uint256) {
        return _paid[jobId][provider];
    }

    /// @inheritdoc IJobEscrow
    function jobIdOf(address requestor, bytes32 salt) public view returns (JobId) {
        return JobId.wrap(keccak256(abi.encode(block.chainid, address(this), requestor, salt)));
    }

    /// @inheritdoc IJobEscrow
    function voucherDigest(JobId jobId, address provider, uint256 cumulative) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(VOUCHER_TYPEHASH, jobId, provider, cumulative)));
    }

    /// @dev Books every payment before the first token moves.
    function _pay(JobId jobId, Record storage record, SignedVoucher[] calldata vouchers)
        private
        returns (uint256 total)
    {
        uint256 locked = record.deposited - record.paid;
        address requestor = record.requestor;
        mapping(address provider => uint256) storage paid = _paid[jobId];
        uint256[] memory amounts = new uint256[](vouchers.length);

        for (uint256 i = 0; i < vouchers.length; ++i) {
            SignedVoucher calldata voucher = vouchers[i];
            uint256 before = paid[voucher.provider];
            if (voucher.cumulative <= before) continue;
            _requireSigned(jobId, requestor, voucher);

            uint256 owed = voucher.cumulative - before;
            uint256 amount = Math.min(owed, locked - total);
            if (amount < owed) emit VoucherUnderfunded(jobId, voucher.provider, owed - amount);
            if (amount == 0) continue;

            amounts[i] = amount;
            total += amount;
            paid[voucher.provider] = before + amount;
            emit VoucherRedeemed(jobId, voucher.provider, amount, before + amount);
        }
        if (total == 0) return 0;

        // `total` is at most `locked`, which came out of a uint128.
        record.paid += uint128(total);

        IERC20 token = IERC20(record.token);
        for (uint256 i = 0; i < vouchers.length; ++i) {
            if (amounts[i] > 0) token.safeTransfer(vouchers[i].provider, amounts[i]);
        }
    }

    /// @dev Takes exactly `amount` from the caller; a token that delivers less would leave the last job short.
    function _pull(address token, uint256 amount) private {
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = IERC20(token).balanceOf(address(this)) - before;
        if (received != amount) revert EscrowTokenTookFee(token, amount, received);
    }

    function _requireSoundTerms(JobId jobId, JobTerms calldata terms) private view {
        if (terms.budget == 0) revert EscrowAmountZero(jobId);
        if (terms.deadline <= block.timestamp) {
            revert EscrowDeadlinePassed(jobId, terms.deadline, block.timestamp);
        }
        uint256 latest = block.timestamp + MAX_DURATION_SECONDS;
        if (terms.deadline > latest) revert EscrowDeadlineTooFar(jobId, terms.deadline, latest);
        if (terms.exitWindowSeconds > MAX_EXIT_WINDOW_SECONDS) {
            revert EscrowExitWindowTooLong(jobId, terms.exitWindowSeconds, MAX_EXIT_WINDOW_SECONDS);
        }
    }

    function _requireSigned(JobId jobId, address requestor, SignedVoucher calldata voucher) private view {
        // Tokens sent to the escrow itself would belong to no job.
        if (voucher.provider == address(0) || voucher.provider == address(this)) {
            revert EscrowProviderInvalid(jobId, voucher.provider);
        }
        bytes32 digest = voucherDigest(jobId, voucher.provider, voucher.cumulative);
        (address recovered,,) = ECDSA.tryRecover(digest, voucher.r, voucher.vs);
        if (recovered != requestor) {
            revert EscrowVoucherNotSigned(jobId, voucher.provider, recovered, requestor);
        }
    }

    function _requireOpen(JobId jobId, Record storage record) private view {
        JobState state = record.state;
        if (state == JobState.None) revert EscrowJobUnknown(jobId);
        if (state != JobState.Open) revert EscrowJobNotOpen(jobId, state);
    }

    function _requireLive(JobId jobId, Record storage record) private view {
        JobState state = record.state;
        if (state == JobState.None) revert EscrowJobUnknown(jobId);
        if (state == JobState.Refunded) revert EscrowJobEnded(jobId);
    }
}
