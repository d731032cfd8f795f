// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Create3} from "@openzeppelin/contracts/utils/Create3.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ProviderRegistry} from "../ProviderRegistry.sol";
import {IDisputes} from "../interfaces/IDisputes.sol";
import {IJobClaims} from "../interfaces/IJobClaims.sol";
import {EntropySource, Randomness} from "../libraries/Randomness.sol";
import {DisputeConfig, DisputeConfigs} from "./DisputeConfig.sol";

/// @title The rounds of a dispute: draw, commit, reveal
abstract contract DisputeRounds is IDisputes, ReentrancyGuardTransient {
    bytes32 private constant ESCROW_SALT = "rayswarm.escrow";

    ProviderRegistry public immutable registry;
    /// @notice Where the escrow is, or will be once `createEscrow` was called.
    IJobClaims public immutable escrow;
    /// @notice keccak-256 of the escrow's creation code, without arguments.
    bytes32 public immutable escrowCodeHash;
    IERC20 public immutable stakeToken;
    uint128 public immutable jurorFee;
    uint128 public immutable firstBond;
    uint32 public immutable drawDelayBlocks;
    uint32 public immutable drawSeconds;
    uint32 public immutable commitSeconds;
    uint32 public immutable revealSeconds;
    uint32 public immutable appealSeconds;
    uint32 public immutable maxChallengeSeconds;
    uint16 public immutable feeBps;
    address public immutable feeRecipient;
    EntropySource public immutable entropy;

    uint16[] private _committees;
    uint256 internal _count;
    mapping(uint256 disputeId => Dispute) internal _disputes;
    mapping(uint256 disputeId => mapping(uint8 round => Round)) internal _rounds;
    mapping(uint256 disputeId => mapping(uint8 round => mapping(address juror => Ballot))) internal _ballots;

    /// @dev The registry is made here and the escrow by `createEscrow`, at an address that follows from this one: each
    /// knows its judge, and no order of transactions can put another in its place. All three in one transaction would be
    /// more than a chain takes as one contract's creation code (EIP-3860).
    constructor(DisputeConfig memory config) {
        DisputeConfigs.check(config);
        stakeToken = IERC20(config.stakeToken);
        jurorFee = config.jurorFee;
        firstBond = config.firstBond;
        drawDelayBlocks = config.drawDelayBlocks;
        drawSeconds = config.drawSeconds;
        commitSeconds = config.commitSeconds;
        revealSeconds = config.revealSeconds;
        appealSeconds = config.appealSeconds;
        entropy = config.entropy;
        _committees = config.committees;
        registry = new ProviderRegistry(
            IERC20(config.stakeToken), config.unbondingSeconds, config.jailSeconds, config.minJurorStake
        );
        maxChallengeSeconds = config.maxChallengeSeconds;
        feeBps = config.feeBps;
        feeRecipient = config.feeRecipient;
        escrowCodeHash = config.escrowCodeHash;
        escrow = IJobClaims(Create3.computeAddress(ESCROW_SALT));
    }

    /// @inheritdoc IDisputes
    function createEscrow(bytes calldata creationCode) external returns (address) {
        bytes32 actual = keccak256(creationCode);
        if (actual != escrowCodeHash) revert DisputeEscrowCodeWrong(escrowCodeHash, actual);
        bytes memory arguments = abi.encode(address(this), registry, maxChallengeSeconds, feeBps, feeRecipient);
        return Create3.deploy(0, ESCROW_SALT, bytes.concat(creationCode, arguments));
    }

    /// @inheritdoc IDisputes
    function draw(uint256 disputeId, bytes calldata header) external nonReentrant {
        _requirePhase(disputeId, Phase.Drawing);
        Dispute storage held = _disputes[disputeId];
        Round storage round = _rounds[disputeId][held.round];
        if (block.number <= round.drawBlock) revert DisputeDrawNotDue(disputeId, round.drawBlock, block.number);

        bytes32 random = Randomness.draw(entropy, round.drawBlock, header);
        if (random == 0) {
            round.drawBlock = uint64(block.number) + drawDelayBlocks;
            emit DrawRearmed(disputeId, held.round, round.drawBlock);
            return;
        }
        bytes32 seed = keccak256(abi.encode(random, address(this), disputeId, held.round));
        address[] memory jurors =
            registry.drawJurors(held.pool, held.stakesAt, seed, round.seats, [held.requestor, held.provider]);
        if (jurors.length == 0) {
            round.unseatable = true;
            emit JurorsMissing(disputeId, held.round, round.seats);
            return;
        }
        for (uint256 i = 0; i < jurors.length; ++i) {
            _ballots[disputeId][held.round][jurors[i]].seated = true;
        }
        round.cropSeed = keccak256(abi.encode(seed, "crop", held.taskId));
        _schedule(round, block.timestamp + commitSeconds);
        emit JurorsDrawn(disputeId, held.round, round.cropSeed, jurors);
    }

    /// @inheritdoc IDisputes
    function commitVerdict(uint256 disputeId, bytes32 commitment) external {
        _requirePhase(disputeId, Phase.Committing);
        uint8 index = _disputes[disputeId].round;
        Ballot storage ballot = _seatOf(disputeId, index);
        if (commitment == 0) revert DisputeCommitmentMissing(disputeId, msg.sender);
        if (ballot.commitment != 0) revert DisputeAlreadyCommitted(disputeId, msg.sender);
        ballot.commitment = commitment;
        emit VerdictCommitted(disputeId, index, msg.sender);

        Round storage round = _rounds[disputeId][index];
        round.committed += 1;
        if (round.committed == round.seats) _schedule(round, block.timestamp);
    }

    /// @inheritdoc IDisputes
    function revealVerdict(uint256 disputeId, Verdict verdict, bytes32 cropHash, bytes32 salt) external {
        _requirePhase(disputeId, Phase.Revealing);
        uint8 index = _disputes[disputeId].round;
        Ballot storage ballot = _seatOf(disputeId, index);
        if (verdict == Verdict.None) revert DisputeVerdictInvalid(disputeId, verdict);
        if (ballot.commitment == 0) revert DisputeCommitmentMissing(disputeId, msg.sender);
        if (ballot.verdict != Verdict.None) revert DisputeAlreadyRevealed(disputeId, msg.sender);
        bytes32 revealed = verdictCommitment(disputeId, index, msg.sender, verdict, cropHash, salt);
        if (revealed != ballot.commitment) {
            revert DisputeRevealWrong(disputeId, msg.sender, ballot.commitment, revealed);
        }
        ballot.verdict = verdict;
        emit VerdictRevealed(disputeId, index, msg.sender, verdict, cropHash);

        Round storage round = _rounds[disputeId][index];
        if (verdict == Verdict.Good) round.good += 1;
        else round.bad += 1;
        if (round.good + round.bad == round.committed) {
            round.revealEndsAt = uint40(block.timestamp);
            round.appealEndsAt = uint40(block.timestamp + appealSeconds);
        }
    }

    /// @inheritdoc IDisputes
    function disputeCount() external view returns (uint256) {
        return _count;
    }

    /// @inheritdoc IDisputes
    function dispute(uint256 disputeId) external view returns (Dispute memory) {
        return _disputes[disputeId];
    }

    /// @inheritdoc IDisputes
    function roundOf(uint256 disputeId, uint8 round) external view returns (Round memory) {
        return _rounds[disputeId][round];
    }

    /// @inheritdoc IDisputes
    function ballotOf(uint256 disputeId, uint8 round, address juror) external view returns (Ballot memory) {
        return _ballots[disputeId][round][juror];
    }

    /// @notice Seats by round.
    function committees() external view returns (uint16[] memory) {
        return _committees;
    }

    /// @inheritdoc IDisputes
    function bondOf(uint8 round) public view returns (uint256) {
        return uint256(firstBond) << round;
    }

    /// @inheritdoc IDisputes
    function roundVerdict(uint256 disputeId, uint8 round) public view returns (Verdict) {
        return _verdictOf(_rounds[disputeId][round]);
    }

    /// @inheritdoc IDisputes
    function phase(uint256 disputeId) public view returns (Phase) {
        Dispute storage held = _disputes[disputeId];
        if (held.requestor == address(0)) return Phase.None;
        if (held.concluded) return Phase.Concluded;
        Round storage round = _rounds[disputeId][held.round];
        if (round.unseatable) return Phase.Due;
        if (round.commitEndsAt == 0) return block.timestamp < round.drawEndsAt ? Phase.Drawing : Phase.Due;
        if (block.timestamp < round.commitEndsAt) return Phase.Committing;
        if (block.timestamp < round.revealEndsAt) return Phase.Revealing;
        bool open = held.round + 1 < _committees.length && block.timestamp < round.appealEndsAt;
        return open ? Phase.Appealing : Phase.Due;
    }

    /// @inheritdoc IDisputes
    function verdictCommitment(
        uint256 disputeId,
        uint8 round,
        address juror,
        Verdict verdict,
        bytes32 cropHash,
        bytes32 salt
    ) public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this), disputeId, round, juror, verdict, cropHash, salt));
    }

    function _openRound(uint256 disputeId, uint8 index, address bonder, bytes32 evidenceHash) internal {
        Round storage round = _rounds[disputeId][index];
        round.drawBlock = uint64(block.number) + drawDelayBlocks;
        round.drawEndsAt = uint40(block.timestamp + drawSeconds);
        round.seats = _committees[index];
        round.bonder = bonder;
        round.bond = uint128(bondOf(index));
        round.evidenceHash = evidenceHash;
        emit RoundOpened(disputeId, index, bonder, round.bond, round.drawBlock);
    }

    /// @dev More than half of the seats have revealed, and not as many of either kind.
    function _verdictOf(Round storage round) internal view returns (Verdict) {
        (uint256 good, uint256 bad) = (round.good, round.bad);
        if (2 * (good + bad) <= round.seats || good == bad) return Verdict.None;
        return good > bad ? Verdict.Good : Verdict.Bad;
    }

    function _requirePhase(uint256 disputeId, Phase needed) internal view {
        Phase current = phase(disputeId);
        if (current == Phase.None) revert DisputeUnknown(disputeId);
        if (current != needed) revert DisputePhaseWrong(disputeId, current);
    }

    function _schedule(Round storage round, uint256 commitEndsAt) private {
        round.commitEndsAt = uint40(commitEndsAt);
        round.revealEndsAt = uint40(commitEndsAt + revealSeconds);
        round.appealEndsAt = uint40(commitEndsAt + revealSeconds + appealSeconds);
    }

    function _seatOf(uint256 disputeId, uint8 round) private view returns (Ballot storage ballot) {
        ballot = _ballots[disputeId][round][msg.sender];
        if (!ballot.seated) revert DisputeNotSeated(disputeId, round, msg.sender);
    }
}
