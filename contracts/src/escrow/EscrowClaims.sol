// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IJobClaims} from "../interfaces/IJobClaims.sol";
import {JobId} from "../interfaces/IJobEscrow.sol";
import {IProviderStakes} from "../interfaces/IProviderStakes.sol";
import {EscrowAllocation} from "./EscrowAllocation.sol";

/// @title The forced exit of a provider; IJobClaims says what it promises
abstract contract EscrowClaims is EscrowAllocation {
    using SafeERC20 for IERC20;

    /// @notice The only contract that may judge claims.
    address public immutable disputes;
    IProviderStakes public immutable stakes;

    modifier onlyDisputes() {
        if (msg.sender != disputes) revert ClaimOnlyDisputes(msg.sender, disputes);
        _;
    }

    constructor(address disputes_, IProviderStakes stakes_) {
        disputes = disputes_;
        stakes = stakes_;
    }

    /// @inheritdoc IJobClaims
    /// @dev Moves no token, so that it needs no guard.
    function claim(JobId jobId, uint256 cumulative, bytes32 resultCommitment, CapProof calldata cap) external {
        Record storage record = _jobs[jobId];
        _requireLive(jobId, record);
        if (block.timestamp >= record.refundableAt) revert ClaimTooLate(jobId, record.refundableAt, block.timestamp);
        if (resultCommitment == 0) revert ClaimCommitmentMissing(jobId, msg.sender);
        _roll(jobId, record);
        uint24 epoch = uint24(record.epoch);
        Seat storage seat = _seats[jobId][msg.sender];
        uint256 amount = _due(jobId, record, seat, cumulative, cap.cap, epoch);
        _requireCap(jobId, record, msg.sender, cap);
        _requireStake(jobId, record);

        // Caps in force are covered by what is free.
        (record.free, record.reserved) = (record.free - uint112(amount), record.reserved + uint112(amount));
        uint64 challengeEndsAt = uint64(block.timestamp) + record.challengeSeconds;
        seat.claim = Claim(uint112(amount), challengeEndsAt, epoch, ClaimState.Pending);
        emit ClaimFiled(jobId, msg.sender, amount, cumulative, resultCommitment, challengeEndsAt);
    }

    /// @inheritdoc IJobClaims
    function payClaim(JobId jobId, address provider) external nonReentrant returns (uint256 amount) {
        Seat storage seat = _seats[jobId][provider];
        Claim memory held = seat.claim;
        if (held.state != ClaimState.Pending && held.state != ClaimState.Upheld) {
            revert ClaimStateWrong(jobId, provider, held.state);
        }
        if (held.state == ClaimState.Pending && block.timestamp < held.challengeEndsAt) {
            revert ClaimNotDue(jobId, provider, held.challengeEndsAt, block.timestamp);
        }
        Record storage record = _jobs[jobId];
        amount = held.amount;
        // A settlement would have been recorded before the claim could be filed.
        Account memory account = _accountOf(jobId, provider, seat, uint24(record.epoch), false);
        uint256 paid = account.earned + amount;
        uint256 fee = feeBps > 0 ? _feeOf(paid) - _feeOf(account.earned) : 0;
        account.earned = uint112(paid);
        if (held.epoch == account.epoch) account.used += uint112(amount);
        seat.account = account;
        delete seat.claim;
        record.reserved -= uint112(amount);
        _bookFees(record, fee);
        emit ClaimPaid(jobId, provider, amount, paid);

        IERC20(record.token).safeTransfer(provider, amount - fee);
    }

    /// @inheritdoc IJobClaims
    function disputeClaim(JobId jobId, address provider) external onlyDisputes returns (DisputedJob memory) {
        Claim storage held = _seats[jobId][provider].claim;
        if (held.state != ClaimState.Pending) revert ClaimStateWrong(jobId, provider, held.state);
        if (block.timestamp >= held.challengeEndsAt) {
            revert ClaimWindowOver(jobId, provider, held.challengeEndsAt, block.timestamp);
        }
        held.state = ClaimState.Disputed;
        emit ClaimDisputed(jobId, provider);

        Record storage record = _jobs[jobId];
        return DisputedJob(record.requestor, record.comparisonClass, record.trustTier, record.providerStake);
    }

    /// @inheritdoc IJobClaims
    function resolveClaim(JobId jobId, address provider, bool upheld) external onlyDisputes {
        Claim storage held = _seats[jobId][provider].claim;
        if (held.state != ClaimState.Disputed) revert ClaimStateWrong(jobId, provider, held.state);
        uint112 amount = held.amount;
        if (upheld) {
            emit ClaimUpheld(jobId, provider, amount);
            held.state = ClaimState.Upheld;
            // Vouchers may have paid all of it meanwhile.
            if (amount > 0) return;
        } else {
            Record storage record = _jobs[jobId];
            _roll(jobId, record);
            record.reserved -= amount;
            record.free += amount;
            _seats[jobId][provider].account.flags |= BARRED;
            emit ClaimReleased(jobId, provider, amount);
        }
        delete _seats[jobId][provider].claim;
    }

    /// @inheritdoc IJobClaims
    function claimOf(JobId jobId, address provider) external view returns (Claim memory) {
        return _seats[jobId][provider].claim;
    }

    /// @dev What `cumulative` is above what the caller was paid, if it may claim it out of its cap.
    function _due(JobId jobId, Record storage record, Seat storage seat, uint256 cumulative, uint256 cap, uint24 epoch)
        private
        view
        returns (uint256 amount)
    {
        Account memory account = _accountOf(jobId, msg.sender, seat, epoch, record.settlement != Settlement.None);
        if (account.flags & BARRED != 0) revert ClaimBarred(jobId, msg.sender);
        ClaimState state = seat.claim.state;
        if (state != ClaimState.None) revert ClaimStateWrong(jobId, msg.sender, state);
        if (cumulative <= account.earned) revert ClaimNothingDue(jobId, msg.sender, cumulative, account.earned);
        amount = cumulative - account.earned;
        uint256 left = Math.saturatingSub(cap, account.used);
        if (amount > left) revert EscrowCapExceeded(jobId, msg.sender, amount, left);
    }

    function _requireStake(JobId jobId, Record storage record) private view {
        uint256 needed = record.providerStake;
        if (needed == 0) return;
        uint256 free = stakes.freeStake(msg.sender);
        if (free < needed) revert ClaimStakeTooSmall(jobId, msg.sender, free, needed);
    }
}
