// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {JobId} from "./IJobEscrow.sol";

/// @title Who is right about a claim
/// @notice A requestor rejects a claim with a bond and the hash of its evidence. A committee is drawn by stake among
/// the jurors of the job's comparison class and trust tier, from randomness of a block that did not exist at the
/// rejection, over the stakes of the second before it. The same randomness chooses the crop to render. Jurors commit
/// to a verdict and reveal it. Whoever is the loser after a round may appeal to the next larger committee with twice
/// the bond.
///
/// A round decides when more than half of its seats revealed and one verdict has more of them than the other. A round
/// that does not decide (nobody drew in time, too few jurors to seat, too few revealed, a tie) pays those that
/// revealed out of its own bond, returns the rest of that bond, and leaves standing what stood before: the verdict of
/// the round before, or at first that the claim is good, since a rejection is for the requestor to prove. A committee
/// that was seated and does not decide can be appealed from too, or keeping jurors away would be a cheap way to win.
///
/// In the end the loser's bonds, and the frozen stake of a provider that lost, pay the jurors whose verdict stands;
/// what is left of them goes to the winner, whose bonds come back. Other jurors get nothing.
///
/// Exits: every phase ends by time, and anyone may call conclude after it.
interface IDisputes {
    enum Verdict {
        None,
        Good,
        Bad
    }

    enum Phase {
        None,
        /// Waits for its committee.
        Drawing,
        Committing,
        Revealing,
        /// The votes are in; whoever is the loser then may appeal.
        Appealing,
        /// Nothing but conclude can happen.
        Due,
        Concluded
    }

    struct Dispute {
        JobId jobId;
        address requestor;
        address provider;
        /// The task of the plan that the rejection names.
        uint64 taskId;
        /// keccak-256 of the requestor's evidence, which jurors are given.
        bytes32 evidenceHash;
        /// The jurors' pool in the registry.
        bytes32 pool;
        /// The second whose stakes count in every draw.
        uint48 stakesAt;
        /// Held of the provider's stake.
        uint128 frozenStake;
        /// The present round, from 0.
        uint8 round;
        bool concluded;
        /// What stands; in the end the final verdict.
        Verdict standing;
    }

    struct Round {
        /// The block whose randomness draws the committee.
        uint64 drawBlock;
        uint40 drawEndsAt;
        uint40 commitEndsAt;
        uint40 revealEndsAt;
        uint40 appealEndsAt;
        /// There were too few jurors.
        bool unseatable;
        uint16 seats;
        uint16 committed;
        uint16 good;
        uint16 bad;
        /// Who posted the bond: the requestor in round 0, then the appellant.
        address bonder;
        uint128 bond;
        bytes32 evidenceHash;
        /// From it jurors derive the crop, as docs/protocol/settlement.md says.
        bytes32 cropSeed;
    }

    struct Ballot {
        bool seated;
        bool paid;
        Verdict verdict;
        bytes32 commitment;
    }

    event ClaimRejected(
        uint256 indexed disputeId,
        JobId indexed jobId,
        address indexed provider,
        uint64 taskId,
        bytes32 evidenceHash,
        uint256 frozenStake
    );
    event RoundOpened(
        uint256 indexed disputeId, uint8 indexed round, address indexed bonder, uint256 bond, uint64 drawBlock
    );
    event DrawRearmed(uint256 indexed disputeId, uint8 indexed round, uint64 drawBlock);
    event JurorsDrawn(uint256 indexed disputeId, uint8 indexed round, bytes32 cropSeed, address[] jurors);
    event JurorsMissing(uint256 indexed disputeId, uint8 indexed round, uint256 seats);
    event VerdictCommitted(uint256 indexed disputeId, uint8 indexed round, address indexed juror);
    /// @param cropHash The pixel hash of the crop as the juror rendered it.
    event VerdictRevealed(
        uint256 indexed disputeId, uint8 indexed round, address indexed juror, Verdict verdict, bytes32 cropHash
    );
    event DisputeConcluded(
        uint256 indexed disputeId, Verdict verdict, uint8 round, uint256 slashed, uint256 jurorFees, uint256 toWinner
    );
    event JurorPaid(uint256 indexed disputeId, uint8 indexed round, address indexed juror, uint256 amount);
    event Credited(address indexed account, uint256 amount);
    event Withdrawn(address indexed account, uint256 amount);

    error DisputeUnknown(uint256 disputeId);
    error DisputePhaseWrong(uint256 disputeId, Phase phase);
    error DisputeNotRequestor(JobId jobId, address caller, address requestor);
    error DisputeNotLoser(uint256 disputeId, address caller, address loser);
    error DisputeEvidenceMissing();
    error DisputeDrawNotDue(uint256 disputeId, uint64 drawBlock, uint256 blockNumber);
    error DisputeNotSeated(uint256 disputeId, uint8 round, address caller);
    error DisputeCommitmentMissing(uint256 disputeId, address juror);
    error DisputeAlreadyCommitted(uint256 disputeId, address juror);
    error DisputeAlreadyRevealed(uint256 disputeId, address juror);
    error DisputeVerdictInvalid(uint256 disputeId, Verdict verdict);
    error DisputeRevealWrong(uint256 disputeId, address juror, bytes32 committed, bytes32 revealed);
    error DisputeNoFee(uint256 disputeId, uint8 round, address juror);
    error DisputeEscrowCodeWrong(bytes32 expected, bytes32 actual);
    error DisputeNothingToWithdraw(address account);
    error DisputeTokenTookFee(address token, uint256 sent, uint256 received);

    /// @notice Puts the escrow of this deployment into place, once. Anyone may; the code must be the one that the
    /// deployment named.
    function createEscrow(bytes calldata creationCode) external returns (address);

    /// @notice The requestor says that a claim is not good. Takes the bond of round 0, which the caller approved, and
    /// freezes as much of the provider's stake as the job's terms name and as there is.
    function reject(JobId jobId, address provider, uint64 taskId, bytes32 evidenceHash)
        external
        returns (uint256 disputeId);

    /// @notice Draws the committee of the present round. Anyone may, as soon as the draw block is past. If the chain has
    /// forgotten that block, the draw moves to a new one.
    /// @param header The draw block's header in RLP where the deployment takes randomness from it, otherwise empty.
    function draw(uint256 disputeId, bytes calldata header) external;

    /// @notice A juror commits to `verdictCommitment(...)`. When all have, revealing begins at once.
    function commitVerdict(uint256 disputeId, bytes32 commitment) external;

    /// @notice A juror reveals what it committed to. When all that committed have, the round ends at once.
    function revealVerdict(uint256 disputeId, Verdict verdict, bytes32 cropHash, bytes32 salt) external;

    /// @notice Whoever is the loser after the round opens the next, with its bond.
    function appeal(uint256 disputeId, bytes32 evidenceHash) external;

    /// @notice Ends the dispute: tells the escrow, slashes or releases stake, divides the bonds. Anyone may.
    function conclude(uint256 disputeId) external;

    /// @notice Credits a juror of a concluded dispute its fee, if it has one. Anyone may.
    function payJuror(uint256 disputeId, uint8 round, address juror) external returns (uint256 amount);

    /// @notice Sends the caller what it has been credited.
    function withdraw() external returns (uint256 amount);

    function disputeCount() external view returns (uint256);
    function dispute(uint256 disputeId) external view returns (Dispute memory);
    function roundOf(uint256 disputeId, uint8 round) external view returns (Round memory);
    function ballotOf(uint256 disputeId, uint8 round, address juror) external view returns (Ballot memory);

    /// @notice Where a dispute stands now.
    function phase(uint256 disputeId) external view returns (Phase);

    /// @notice What the present round says by the verdicts revealed so far; None while it does not decide.
    function roundVerdict(uint256 disputeId, uint8 round) external view returns (Verdict);

    /// @notice Base units of the stake token that round `round` costs whoever opens it.
    function bondOf(uint8 round) external view returns (uint256);

    /// @notice Stake-token units that wait for `account` to withdraw them.
    function creditOf(address account) external view returns (uint256);

    /// @notice What a juror commits to. It binds the juror, so that nobody can copy another's commitment.
    function verdictCommitment(
        uint256 disputeId,
        uint8 round,
        address juror,
        Verdict verdict,
        bytes32 cropHash,
        bytes32 salt
    ) external view returns (bytes32);
}
