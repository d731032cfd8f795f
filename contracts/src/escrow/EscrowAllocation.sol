// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IJobEscrow, JobId} from "../interfaces/IJobEscrow.sol";
import {MerkleSum} from "../libraries/MerkleSum.sol";
import {EscrowLedger} from "./EscrowLedger.sol";

/// @title The caps of a job, epoch by epoch
/// @dev A cap counts what is paid or claimed while its epoch is in force. An epoch takes force only while its total is
/// covered by what is free, and both shrink together, so the caps in force are covered at all times.
abstract contract EscrowAllocation is EscrowLedger {
    /// @inheritdoc IJobEscrow
    function allocate(JobId jobId, bytes32 root, uint128 total, bytes32 documentHash) external nonReentrant {
        Record storage record = _jobs[jobId];
        _requireOpen(jobId, record);
        _requireRequestor(jobId, record);
        if (block.timestamp >= record.deadline) {
            revert EscrowDeadlinePassed(jobId, record.deadline, block.timestamp);
        }
        if (root == 0) revert EscrowAllocationMissing(jobId);
        _roll(jobId, record);
        uint256 free = record.free;
        if (total > free) revert EscrowAllocationTooLarge(jobId, total, free);

        uint32 epoch = record.epoch + 1;
        bool first = epoch == 1;
        uint64 forceAt = uint64(block.timestamp) + (first ? 0 : record.noticeSeconds);
        emit AllocationPublished(jobId, epoch, root, total, documentHash, forceAt);
        // `total` is at most what is free, which fits into 112 bits.
        record.pendingCaps = MerkleSum.seal(root, total);
        record.pendingTotal = uint112(total);
        record.pendingAt = uint32(forceAt);
        _roll(jobId, record);
    }

    /// @inheritdoc IJobEscrow
    function allocation(JobId jobId) external view returns (Allocation memory) {
        Record storage record = _jobs[jobId];
        (bool due, bool enters) = _pending(record);
        bool shown = !enters && record.settlement != Settlement.Paid;
        return Allocation({
            epoch: enters ? record.epoch + 1 : record.epoch,
            caps: enters ? record.pendingCaps : shown ? record.caps : bytes32(0),
            total: enters ? record.pendingTotal : record.total,
            pendingCaps: due ? bytes32(0) : record.pendingCaps,
            pendingTotal: due ? 0 : record.pendingTotal,
            pendingAt: due ? 0 : record.pendingAt
        });
    }

    /// @inheritdoc IJobEscrow
    function usedOf(JobId jobId, address provider) external view returns (uint256) {
        Record storage record = _jobs[jobId];
        (, bool enters) = _pending(record);
        uint24 epoch = uint24(enters ? record.epoch + 1 : record.epoch);
        Seat storage seat = _seats[jobId][provider];
        return
            (seat.account.epoch == epoch ? seat.account.used : 0) + (seat.claim.epoch == epoch ? seat.claim.amount : 0);
    }

    /// @dev Lets a pending epoch take force, or lapse, once its notice is over. Called before anything moves money, so
    /// that it makes no difference how long nobody called.
    function _roll(JobId jobId, Record storage record) internal {
        (bool due, bool enters) = _pending(record);
        if (!due) return;
        uint112 total = record.pendingTotal;
        uint32 epoch = record.epoch + 1;
        if (enters) {
            record.caps = record.pendingCaps;
            record.total = total;
            record.epoch = epoch;
            emit AllocationInForce(jobId, epoch, total);
        } else {
            emit AllocationLapsed(jobId, epoch, total, record.free);
        }
        record.pendingCaps = 0;
        record.pendingTotal = 0;
        record.pendingAt = 0;
    }

    function _requireCap(JobId jobId, Record storage record, address provider, CapProof calldata proof) internal view {
        (bytes32 root, uint128 total) =
            MerkleSum.climb(MerkleSum.leaf(provider, proof.cap), proof.cap, proof.path, proof.siblings);
        _requireAllocation(jobId, record, root, total);
    }

    function _requireAllocation(JobId jobId, Record storage record, bytes32 root, uint128 total) internal view {
        bytes32 caps = record.caps;
        if (caps == 0) revert EscrowAllocationMissing(jobId);
        if (MerkleSum.seal(root, total) != caps) revert EscrowAllocationWrong(jobId, record.epoch, root, total);
    }

    /// @return due Whether the notice of a pending epoch is over. @return enters Whether it still fits then.
    function _pending(Record storage record) private view returns (bool due, bool enters) {
        uint32 forceAt = record.pendingAt;
        due = forceAt != 0 && block.timestamp >= forceAt;
        enters = due && record.pendingTotal <= record.free;
    }
}
