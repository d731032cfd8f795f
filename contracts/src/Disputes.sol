// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {DisputeConfig} from "./disputes/DisputeConfig.sol";
import {DisputeRounds} from "./disputes/DisputeRounds.sol";
import {IDisputes} from "./interfaces/IDisputes.sol";
import {IJobClaims} from "./interfaces/IJobClaims.sol";
import {JobId} from "./interfaces/IJobEscrow.sol";
import {ExactTransfer} from "./libraries/ExactTransfer.sol";

/// @title The judge; IDisputes says what it promises
/// @notice It makes its registry and its escrow: one address stands for a version of all three.
contract Disputes is DisputeRounds {
    using ExactTransfer for IERC20;
    using SafeCast for uint256;
    using SafeERC20 for IERC20;

    mapping(address account => uint256) private _credits;

    constructor(DisputeConfig memory config) DisputeRounds(config) {}

    /// @inheritdoc IDisputes
    function reject(JobId jobId, address provider, uint64 taskId, bytes32 evidenceHash)
        external
        nonReentrant
        returns (uint256 disputeId)
    {
        if (evidenceHash == 0) revert DisputeEvidenceMissing();
        disputeId = ++_count;
        IJobClaims.DisputedJob memory job = escrow.disputeClaim(jobId, provider);
        if (msg.sender != job.requestor) revert DisputeNotRequestor(jobId, msg.sender, job.requestor);
        uint256 frozen = registry.freeze(provider, job.providerStake);

        _disputes[disputeId] = Dispute({
            jobId: jobId,
            requestor: job.requestor,
            provider: provider,
            taskId: taskId,
            evidenceHash: evidenceHash,
            pool: registry.poolOf(job.comparisonClass, job.trustTier),
            stakesAt: uint48(block.timestamp - 1),
            frozenStake: frozen.toUint128(),
            round: 0,
            concluded: false,
            standing: Verdict.Good
        });
        emit ClaimRejected(disputeId, jobId, provider, taskId, evidenceHash, frozen);
        _openRound(disputeId, 0, msg.sender, evidenceHash);
        _pull(bondOf(0));
    }

    /// @inheritdoc IDisputes
    function appeal(uint256 disputeId, bytes32 evidenceHash) external nonReentrant {
        _requirePhase(disputeId, Phase.Appealing);
        if (evidenceHash == 0) revert DisputeEvidenceMissing();
        Dispute storage held = _disputes[disputeId];
        Verdict verdict = _standingAfter(disputeId, held);
        address loser = verdict == Verdict.Good ? held.requestor : held.provider;
        if (msg.sender != loser) revert DisputeNotLoser(disputeId, msg.sender, loser);

        uint8 next = held.round + 1;
        held.round = next;
        held.standing = verdict;
        _openRound(disputeId, next, msg.sender, evidenceHash);
        _pull(bondOf(next));
    }

    /// @inheritdoc IDisputes
    function conclude(uint256 disputeId) external nonReentrant {
        _requirePhase(disputeId, Phase.Due);
        Dispute storage held = _disputes[disputeId];
        Verdict verdict = _standingAfter(disputeId, held);
        held.standing = verdict;
        held.concluded = true;

        uint256 slashed = verdict == Verdict.Bad ? held.frozenStake : 0;
        (uint256 fees, uint256 toWinner) = _divide(disputeId, held, slashed);
        emit DisputeConcluded(disputeId, verdict, held.round, slashed, fees, toWinner);

        escrow.resolveClaim(held.jobId, held.provider, verdict == Verdict.Good);
        if (verdict == Verdict.Bad) registry.slash(held.provider, slashed);
        else registry.release(held.provider, held.frozenStake);
    }

    /// @inheritdoc IDisputes
    function payJuror(uint256 disputeId, uint8 round, address juror) external returns (uint256 amount) {
        _requirePhase(disputeId, Phase.Concluded);
        Dispute storage held = _disputes[disputeId];
        Ballot storage ballot = _ballots[disputeId][round][juror];
        bool undecided = roundVerdict(disputeId, round) == Verdict.None;
        bool earned = undecided ? ballot.verdict != Verdict.None : ballot.verdict == held.standing;
        if (!earned || ballot.paid) revert DisputeNoFee(disputeId, round, juror);
        ballot.paid = true;
        amount = jurorFee;
        emit JurorPaid(disputeId, round, juror, amount);
        _credit(juror, amount);
    }

    /// @inheritdoc IDisputes
    function withdraw() external nonReentrant returns (uint256 amount) {
        amount = _credits[msg.sender];
        if (amount == 0) revert DisputeNothingToWithdraw(msg.sender);
        _credits[msg.sender] = 0;
        emit Withdrawn(msg.sender, amount);
        stakeToken.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IDisputes
    function creditOf(address account) external view returns (uint256) {
        return _credits[account];
    }

    /// @dev Divides bonds and slashed stake. Every bond covers the fees of its round (DisputeConfigs), so the bonds of
    /// both sides together always cover all fees, whatever the slash brings.
    function _divide(uint256 disputeId, Dispute storage held, uint256 slashed)
        private
        returns (uint256 fees, uint256 toWinner)
    {
        bool good = held.standing == Verdict.Good;
        address winner = good ? held.provider : held.requestor;
        uint256 lost = slashed;
        uint256 own = 0;
        for (uint8 i = 0; i <= held.round; ++i) {
            Round storage round = _rounds[disputeId][i];
            if (_verdictOf(round) == Verdict.None) {
                uint256 revealed = uint256(jurorFee) * (round.good + round.bad);
                fees += revealed;
                _credit(round.bonder, round.bond - revealed);
                // The bond of this round pays for it.
                lost += revealed;
                continue;
            }
            fees += uint256(jurorFee) * (good ? round.good : round.bad);
            if (round.bonder == winner) own += round.bond;
            else lost += round.bond;
        }
        toWinner = own + lost - fees;
        _credit(winner, toWinner);
    }

    /// @dev What stands after the present round: what it decided, or what stood before.
    function _standingAfter(uint256 disputeId, Dispute storage held) private view returns (Verdict) {
        Verdict decided = roundVerdict(disputeId, held.round);
        return decided == Verdict.None ? held.standing : decided;
    }

    function _credit(address account, uint256 amount) private {
        if (amount == 0) return;
        _credits[account] += amount;
        emit Credited(account, amount);
    }

    function _pull(uint256 amount) private {
        uint256 received = stakeToken.pull(amount);
        if (received != amount) revert DisputeTokenTookFee(address(stakeToken), amount, received);
    }
}
