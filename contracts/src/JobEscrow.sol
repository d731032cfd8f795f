// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {EscrowClaims} from "./escrow/EscrowClaims.sol";
import {EscrowLedger} from "./escrow/EscrowLedger.sol";
import {IJobEscrow, JobId} from "./interfaces/IJobEscrow.sol";
import {IProviderStakes} from "./interfaces/IProviderStakes.sol";
import {ExactTransfer} from "./libraries/ExactTransfer.sol";
import {MerkleSum} from "./libraries/MerkleSum.sol";

/// @title The escrow; IJobEscrow and IJobClaims say what it promises
contract JobEscrow is EscrowClaims {
    using ExactTransfer for IERC20;
    using SafeERC20 for IERC20;

    /// @notice Longest life of a job: should the requestor lose its key, its money comes back within this time.
    uint64 public constant MAX_DURATION_SECONDS = 366 days;
    /// @notice Longest exit window. There is no shortest: providers read the terms before they work.
    uint32 public constant MAX_EXIT_WINDOW_SECONDS = 30 days;
    /// @notice Longest notice of an epoch.
    uint32 public constant MAX_NOTICE_SECONDS = 30 days;
    /// @notice Longest window to reject a claim; stake unbonds more slowly.
    uint32 public immutable maxChallengeSeconds;

    bytes32 private constant VOUCHER_TYPEHASH = keccak256("Voucher(bytes32 jobId,address provider,uint256 cumulative)");

    constructor(
        address disputes_,
        IProviderStakes stakes_,
        uint32 maxChallengeSeconds_,
        uint16 feeBps_,
        address feeRecipient_
    ) EscrowLedger(feeBps_, feeRecipient_) EscrowClaims(disputes_, stakes_) {
        maxChallengeSeconds = maxChallengeSeconds_;
    }

    /// @inheritdoc IJobEscrow
    function openJob(JobTerms calldata terms, bytes32 salt) external nonReentrant returns (JobId jobId) {
        return _open(terms, salt);
    }

    /// @inheritdoc IJobEscrow
    function openJobWithPermit(JobTerms calldata terms, bytes32 salt, Permit calldata permit)
        external
        nonReentrant
        returns (JobId jobId)
    {
        // Whoever saw the permit may have used it; then the allowance is there all the same, and if not, the pull says so.
        try IERC20Permit(terms.token)
            .permit(msg.sender, address(this), terms.budget, permit.deadline, permit.v, permit.r, permit.s) {}
            catch {}
        return _open(terms, salt);
    }

    /// @inheritdoc IJobEscrow
    function topUp(JobId jobId, uint128 amount) external nonReentrant {
        Record storage record = _jobs[jobId];
        _requireOpen(jobId, record);
        if (block.timestamp >= record.deadline) {
            revert EscrowDeadlinePassed(jobId, record.deadline, block.timestamp);
        }
        if (amount == 0) revert EscrowAmountZero(jobId);
        _roll(jobId, record);

        uint256 deposited = uint256(record.deposited) + amount;
        _requireFits(jobId, deposited);
        record.deposited = uint112(deposited);
        record.free += uint112(amount);
        emit JobToppedUp(jobId, msg.sender, amount, uint128(deposited));

        _pull(record.token, amount);
    }

    /// @inheritdoc IJobEscrow
    function redeem(JobId jobId, SignedVoucher[] calldata vouchers, CapProof[] calldata caps)
        external
        nonReentrant
        returns (uint256)
    {
        Record storage record = _jobs[jobId];
        _requireLive(jobId, record);
        if (vouchers.length != caps.length) revert EscrowProofsMissing(jobId, vouchers.length, caps.length);
        _roll(jobId, record);

        Purse memory purse = _purse(record);
        uint256[] memory amounts = new uint256[](vouchers.length);
        for (uint256 i = 0; i < vouchers.length; ++i) {
            SignedVoucher calldata voucher = vouchers[i];
            if (voucher.cumulative == 0) continue;
            Seat storage seat = _seats[jobId][voucher.provider];
            Account memory account = _accountOf(jobId, voucher.provider, seat, purse.epoch, purse.settled);
            if (voucher.cumulative <= account.earned) continue;
            _requireSigned(jobId, purse.requestor, voucher.provider, voucher.cumulative, voucher.r, voucher.vs);
            _requireCap(jobId, record, voucher.provider, caps[i]);
            amounts[i] = _earn(jobId, voucher.provider, seat, account, voucher.cumulative, caps[i].cap, purse);
        }
        _settlePurse(record, purse);

        IERC20 token = IERC20(record.token);
        for (uint256 i = 0; i < vouchers.length; ++i) {
            if (amounts[i] > 0) token.safeTransfer(vouchers[i].provider, amounts[i]);
        }
        return purse.paid;
    }

    /// @inheritdoc IJobEscrow
    function redeemAll(JobId jobId, SignedShare[] calldata shares) external nonReentrant returns (uint256) {
        Record storage record = _jobs[jobId];
        _requireLive(jobId, record);
        _roll(jobId, record);
        return _payAll(jobId, record, shares);
    }

    /// @inheritdoc IJobEscrow
    function closeJob(JobId jobId, SignedShare[] calldata shares) external nonReentrant returns (uint256) {
        Record storage record = _jobs[jobId];
        _requireOpen(jobId, record);
        _requireRequestor(jobId, record);
        _roll(jobId, record);
        _close(jobId, record);
        return shares.length == 0 ? 0 : _payAll(jobId, record, shares);
    }

    /// @inheritdoc IJobEscrow
    function settleJob(JobId jobId, Share[] calldata shares) external nonReentrant returns (uint256 paid) {
        Record storage record = _jobs[jobId];
        _requireOpen(jobId, record);
        _requireRequestor(jobId, record);
        (uint256 free, uint256 reserved) = (record.free, record.reserved);
        if (free != record.deposited) revert EscrowAlreadyPaid(jobId, record.deposited - free - reserved, reserved);
        _roll(jobId, record);
        // An epoch that still waits would come too late for anybody, and its root would replace the settlement's hash.
        record.pendingAt = 0;
        _close(jobId, record);

        uint256 fees = 0;
        for (uint256 i = 0; i < shares.length; ++i) {
            Share calldata share = shares[i];
            _requirePayable(jobId, share.provider);
            if (share.amount > share.cap) revert EscrowCapExceeded(jobId, share.provider, share.amount, share.cap);
            paid += share.amount;
            if (feeBps > 0) fees += _feeOf(share.amount);
        }
        (bytes32 root, uint128 total) = _sumOf(shares);
        _requireAllocation(jobId, record, root, total);
        bytes32 settlementHash = keccak256(abi.encode(shares));
        record.settlement = Settlement.Paid;
        // In place of the root, which follows from the shares: a slot of its own would cost twenty times as much.
        record.caps = settlementHash;
        record.free -= uint112(paid);
        _bookFees(record, fees);
        emit JobSettled(jobId, paid, settlementHash);

        IERC20 token = IERC20(record.token);
        for (uint256 i = 0; i < shares.length; ++i) {
            uint256 amount = shares[i].amount;
            if (feeBps > 0) amount -= _feeOf(amount);
            if (amount > 0) token.safeTransfer(shares[i].provider, amount);
        }
    }

    /// @inheritdoc IJobEscrow
    function recordSettlement(JobId jobId, Share[] calldata shares, address[] calldata providers)
        external
        nonReentrant
    {
        Record storage record = _jobs[jobId];
        _requireLive(jobId, record);
        bytes32 actual = keccak256(abi.encode(shares));
        bytes32 expected = _settlementHash(record);
        if (actual != expected) revert EscrowSettlementWrong(jobId, expected, actual);
        if (record.settlement == Settlement.Paid) {
            record.settlement = Settlement.Recorded;
            record.settlementHash = actual;
            (bytes32 root, uint128 total) = _sumOf(shares);
            record.caps = MerkleSum.seal(root, total);
        }
        for (uint256 i = 0; i < providers.length; ++i) {
            Account storage account = _seats[jobId][providers[i]].account;
            if (account.flags & RECORDED != 0) continue;
            uint256 paid = 0;
            for (uint256 j = 0; j < shares.length; ++j) {
                if (shares[j].provider == providers[i]) paid += shares[j].amount;
            }
            account.earned = uint112(paid);
            account.used = uint112(paid);
            account.epoch = uint24(record.epoch);
            account.flags |= RECORDED;
            emit SettlementRecorded(jobId, providers[i], paid);
        }
    }

    /// @inheritdoc IJobEscrow
    function cancelJob(JobId jobId) external nonReentrant returns (uint128) {
        Record storage record = _jobs[jobId];
        _requireOpen(jobId, record);
        _requireRequestor(jobId, record);
        if (record.epoch > 0) revert EscrowAlreadyAllocated(jobId, record.epoch);
        emit JobCancelled(jobId);
        return _refund(jobId, record);
    }

    /// @inheritdoc IJobEscrow
    function refund(JobId jobId) external nonReentrant returns (uint128) {
        Record storage record = _jobs[jobId];
        _requireLive(jobId, record);
        if (block.timestamp < record.refundableAt) {
            revert EscrowRefundNotDue(jobId, record.refundableAt, block.timestamp);
        }
        _roll(jobId, record);
        return _refund(jobId, record);
    }

    /// @inheritdoc IJobEscrow
    function job(JobId jobId) external view returns (Job memory) {
        Record storage record = _jobs[jobId];
        return Job({
            state: record.state,
            requestor: record.requestor,
            token: record.token,
            manifestHash: record.manifestHash,
            planHash: record.planHash,
            policyHash: record.policyHash,
            comparisonClass: record.comparisonClass,
            providerStake: record.providerStake,
            deadline: record.deadline,
            exitWindowSeconds: record.exitWindowSeconds,
            noticeSeconds: record.noticeSeconds,
            challengeSeconds: record.challengeSeconds,
            trustTier: record.trustTier,
            refundableAt: record.refundableAt,
            deposited: record.deposited,
            paid: record.deposited - record.free - record.reserved - record.refunded - record.fees,
            fees: record.fees,
            refunded: record.refunded,
            locked: record.free + record.reserved,
            reserved: record.reserved,
            settlementHash: _settlementHash(record)
        });
    }

    /// @inheritdoc IJobEscrow
    function paidTo(JobId jobId, address provider) external view returns (uint256) {
        return _seats[jobId][provider].account.earned;
    }

    /// @inheritdoc IJobEscrow
    function jobIdOf(address requestor, bytes32 salt) public view returns (JobId) {
        return JobId.wrap(keccak256(abi.encode(block.chainid, address(this), requestor, salt)));
    }

    /// @inheritdoc IJobEscrow
    function voucherDigest(JobId jobId, address provider, uint256 cumulative) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(VOUCHER_TYPEHASH, jobId, provider, cumulative)));
    }

    function _open(JobTerms calldata terms, bytes32 salt) private returns (JobId jobId) {
        jobId = jobIdOf(msg.sender, salt);
        Record storage record = _jobs[jobId];
        if (record.state != JobState.None) revert EscrowJobExists(jobId);
        _requireSoundTerms(jobId, terms);

        record.requestor = msg.sender;
        record.deadline = terms.deadline;
        record.exitWindowSeconds = terms.exitWindowSeconds;
        record.token = terms.token;
        record.refundableAt = uint40(terms.deadline + terms.exitWindowSeconds);
        record.state = JobState.Open;
        record.trustTier = terms.trustTier;
        // Both were found to fit.
        (record.deposited, record.free) = (uint112(terms.budget), uint112(terms.budget));
        record.providerStake = uint112(terms.providerStake);
        record.noticeSeconds = terms.noticeSeconds;
        record.challengeSeconds = terms.challengeSeconds;
        record.manifestHash = terms.manifestHash;
        record.planHash = terms.planHash;
        record.policyHash = terms.policyHash;
        record.comparisonClass = terms.comparisonClass;
        emit JobOpened(jobId, msg.sender, terms);

        _pull(terms.token, terms.budget);
    }

    /// @dev Pays the vouchers of a whole epoch. Books every payment before the first token moves.
    function _payAll(JobId jobId, Record storage record, SignedShare[] calldata shares) private returns (uint256) {
        Purse memory purse = _purse(record);
        uint256[] memory amounts = new uint256[](shares.length);
        uint256[] memory nodes = new uint256[](2 * shares.length);
        for (uint256 i = 0; i < shares.length; ++i) {
            SignedShare calldata share = shares[i];
            MerkleSum.put(nodes, i, share.provider, share.cap);
            if (share.cumulative == 0) continue;
            Seat storage seat = _seats[jobId][share.provider];
            Account memory account = _accountOf(jobId, share.provider, seat, purse.epoch, purse.settled);
            if (share.cumulative <= account.earned) continue;
            _requireSigned(jobId, purse.requestor, share.provider, share.cumulative, share.r, share.vs);
            amounts[i] = _earn(jobId, share.provider, seat, account, share.cumulative, share.cap, purse);
        }
        (bytes32 root, uint128 total) = MerkleSum.root(nodes);
        _requireAllocation(jobId, record, root, total);
        _settlePurse(record, purse);

        IERC20 token = IERC20(record.token);
        for (uint256 i = 0; i < shares.length; ++i) {
            if (amounts[i] > 0) token.safeTransfer(shares[i].provider, amounts[i]);
        }
        return purse.paid;
    }

    function _settlementHash(Record storage record) private view returns (bytes32) {
        return record.settlement == Settlement.Paid ? record.caps : record.settlementHash;
    }

    function _sumOf(Share[] calldata shares) private pure returns (bytes32, uint128) {
        uint256[] memory nodes = new uint256[](2 * shares.length);
        for (uint256 i = 0; i < shares.length; ++i) {
            MerkleSum.put(nodes, i, shares[i].provider, shares[i].cap);
        }
        return MerkleSum.root(nodes);
    }

    function _close(JobId jobId, Record storage record) private {
        // Closing late must not lengthen the wait that the deadline already started.
        uint256 windowEnd = block.timestamp + record.exitWindowSeconds;
        uint40 refundableAt = uint40(Math.min(record.refundableAt, windowEnd));
        record.state = JobState.Closed;
        record.refundableAt = refundableAt;
        emit JobClosed(jobId, refundableAt);
    }

    function _refund(JobId jobId, Record storage record) private returns (uint128 amount) {
        amount = record.free;
        uint256 reserved = record.reserved;
        if (reserved > 0 && amount == 0) revert EscrowClaimsOpen(jobId, reserved);
        record.free = 0;
        record.refunded += uint112(amount);
        record.state = reserved == 0 ? JobState.Refunded : JobState.Closed;
        emit JobRefunded(jobId, record.requestor, amount);

        if (amount > 0) IERC20(record.token).safeTransfer(record.requestor, amount);
    }

    /// @dev Takes exactly `amount` from the caller; a token that delivers less would leave the last job short.
    function _pull(address token, uint256 amount) private {
        uint256 received = IERC20(token).pull(amount);
        if (received != amount) revert EscrowTokenTookFee(token, amount, received);
    }

    function _requireSoundTerms(JobId jobId, JobTerms calldata terms) private view {
        if (terms.budget == 0) revert EscrowAmountZero(jobId);
        _requireFits(jobId, terms.budget);
        _requireFits(jobId, terms.providerStake);
        if (terms.deadline <= block.timestamp) {
            revert EscrowDeadlinePassed(jobId, terms.deadline, block.timestamp);
        }
        uint256 latest = block.timestamp + MAX_DURATION_SECONDS;
        if (terms.deadline > latest) revert EscrowDeadlineTooFar(jobId, terms.deadline, latest);
        if (terms.exitWindowSeconds > MAX_EXIT_WINDOW_SECONDS) {
            revert EscrowExitWindowTooLong(jobId, terms.exitWindowSeconds, MAX_EXIT_WINDOW_SECONDS);
        }
        if (terms.noticeSeconds > MAX_NOTICE_SECONDS) {
            revert EscrowNoticeTooLong(jobId, terms.noticeSeconds, MAX_NOTICE_SECONDS);
        }
        if (terms.challengeSeconds > maxChallengeSeconds) {
            revert EscrowChallengeTooLong(jobId, terms.challengeSeconds, maxChallengeSeconds);
        }
    }

    function _requireFits(JobId jobId, uint256 amount) private pure {
        uint256 most = type(uint112).max;
        if (amount > most) revert EscrowAmountTooLarge(jobId, amount, most);
    }

    function _requireSigned(JobId jobId, address requestor, address provider, uint256 cumulative, bytes32 r, bytes32 vs)
        private
        view
    {
        _requirePayable(jobId, provider);
        (address recovered,,) = ECDSA.tryRecover(voucherDigest(jobId, provider, cumulative), r, vs);
        if (recovered != requestor) revert EscrowVoucherNotSigned(jobId, provider, recovered, requestor);
    }

    /// @dev Tokens sent to the escrow itself would belong to no job.
    function _requirePayable(JobId jobId, address provider) private view {
        if (provider == address(0) || provider == address(this)) revert EscrowProviderInvalid(jobId, provider);
    }
}
