// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice What a chain's genesis fixes for ever. docs/adr/0019-validators.md explains the choices.
struct ValidatorParams {
    /// Blocks of an epoch. The set changes only between epochs.
    uint64 epochBlocks;
    /// How many blocks after a signature was given it can still be reported.
    uint64 evidenceBlocks;
    /// How long stake stays after it stopped to count; longer than evidenceBlocks.
    uint64 unbondingBlocks;
    /// How long one that was absent stays out at least.
    uint64 jailBlocks;
    /// Whoever misses more turns than these in an epoch, and more than half of its turns, is jailed.
    uint32 missedTurnsMax;
    /// The most that vote.
    uint16 validatorsMax;
    /// What a double signature costs, of all that its signer has at risk.
    uint16 slashBps;
    /// What the reporter gets, of what was slashed.
    uint16 reporterBps;
    /// The least that a validator puts at risk itself.
    uint128 minStake;
}

/// @title Who votes on a Rayswarm chain, and what they have at risk
/// @notice Lives in the chain's genesis. The chain calls `initialize` at height 0 and `endBlock` after the transactions of
/// every block. Stake is the chain's own coin. Nobody owns, upgrades or pauses it.
///
/// Epoch e is the heights e × epochBlocks + 1 to (e + 1) × epochBlocks. All of an epoch's heights have one set.
/// Exits: unstake at any time; withdraw once the set no longer counts the stake and unbondingBlocks have passed.
interface IValidators {
    /// A vote as validators sign it (EIP-712).
    struct Vote {
        uint64 height;
        uint32 round;
        /// 0 prevote, 1 precommit.
        uint8 kind;
        bytes32 blockHash;
    }

    /// A proposal as validators sign it (EIP-712).
    struct Proposal {
        uint64 height;
        uint32 round;
        int64 validRound;
        bytes32 blockHash;
    }

    /// Stake (or, by dpos, coins that vote no more) on its way out.
    struct Exit {
        uint256 amount;
        /// The height from which it may be withdrawn, as far as is known now: it moves while the set still counts it.
        uint64 releaseHeight;
        /// Whether it can still be slashed.
        bool atRisk;
    }

    /// Where an account stands.
    struct Standing {
        /// Its power at the next block.
        uint64 power;
        /// Whether it stands for the next sets.
        bool candidate;
        /// Zero: not jailed. 2^64 - 1: for good. Else the height from which `unjail` is open.
        uint64 jailedUntil;
        /// Turns to propose in this epoch so far, missed ones included.
        uint32 turns;
        uint32 missed;
        /// What it has at risk and in the set's count, or on the way there.
        uint256 stake;
        /// All of its exits.
        uint256 unbonding;
        /// What `claimRewards` would pay.
        uint256 rewards;
    }

    event EpochStarted(uint64 indexed epoch, address[] accounts, uint64[] powers);
    event StakeAdded(address indexed account, uint256 amount, uint256 stake);
    event StakeUnbonding(address indexed account, uint256 amount, uint256 stake);
    event StakeSlashed(address indexed account, uint256 amount);
    event Withdrawn(address indexed account, uint256 amount);
    event RewardAdded(address indexed account, uint256 amount);
    event RewardsClaimed(address indexed account, uint256 amount);
    event CandidateListed(address indexed account);
    event CandidateDropped(address indexed account);
    /// `until` is 2^64 - 1 for good.
    event ValidatorJailed(address indexed account, uint64 until);
    event ValidatorUnjailed(address indexed account);
    event EvidenceReported(address indexed account, uint64 indexed height, address indexed reporter, uint256 slashed);

    error ValidatorsOnlySystem(address caller);
    error ValidatorsAlreadyInitialized();
    error ValidatorsParameter(string field);
    error ValidatorsGenesis(uint256 accounts, uint256 stakes);
    error ValidatorsUnfunded(uint256 stakes, uint256 balance);
    error ValidatorsAccount(address account);
    error ValidatorsStakeTooSmall(address account, uint256 stake, uint256 minStake);
    error ValidatorsStakeExceeded(address account, uint256 asked, uint256 there);
    error ValidatorsAlreadyStaked(address account);
    error ValidatorsNoStake(address account);
    error ValidatorsJailedForGood(address account);
    error ValidatorsNotJailed(address account);
    error ValidatorsStillJailed(address account, uint64 until, uint256 height);
    error ValidatorsListFull(uint256 places, uint256 smallest);
    error ValidatorsAmountZero(address account);
    error ValidatorsTooManyExits(address account, uint256 exitsMax);
    error EvidenceNotAContradiction();
    error EvidenceSignature(address first, address second);
    error EvidenceTooOldOrNew(uint64 height, uint256 present);
    error EvidenceNotAValidator(address account, uint64 height);
    error EvidenceKnown(address account, uint64 height);

    /// @notice The chain only, once, at height 0: the first validators. Their stakes are in the balance before the call.
    function initialize(ValidatorParams calldata params, address[] calldata accounts, uint256[] calldata stakes)
        external;

    /// @notice The chain only, after the transactions of every block. `reward` is in the balance before the call.
    /// @param proposer Who proposed the block.
    /// @param round The round in which it was proposed; the turns of earlier rounds were missed.
    function endBlock(address proposer, uint64 round, uint256 reward) external;

    /// @notice Who votes at the next block by the state after a block, by account.
    function validators() external view returns (address[] memory accounts, uint64[] memory powers);

    /// @notice The epoch of the next block.
    function epoch() external view returns (uint64);

    /// @notice How many blocks an epoch has.
    function epochBlocks() external view returns (uint64);

    /// @notice What the genesis fixed.
    function parameters() external view returns (ValidatorParams memory);

    /// @notice Whose turn it is in a round of a height of this epoch.
    function proposerAt(uint64 height, uint32 round) external view returns (address);

    /// @notice Who stands for the next sets, with what counts for each: stake by pos, votes by dpos. In no order.
    function candidates() external view returns (address[] memory accounts, uint256[] memory weights);

    /// @notice Where an account stands.
    function standing(address account) external view returns (Standing memory);

    /// @notice What an account has on its way out.
    function exitsOf(address account) external view returns (Exit[] memory);

    /// @notice What was slashed and not paid to reporters. It stays here and nobody can move it.
    function burned() external view returns (uint256);

    /// @notice Adds to the caller's own stake. One that was dropped from a full list stands again if there is room for it.
    function addStake() external payable;

    /// @notice Starts the way out for `amount`. What stays is nothing or at least the minimum.
    function unstake(uint256 amount) external;

    /// @notice Sends the caller all of its exits that are over.
    function withdraw() external returns (uint256 amount);

    /// @notice Sends the caller its rewards.
    function claimRewards() external returns (uint256 amount);

    /// @notice The caller was jailed for absence, its time is over and it is back: it stands for the next set.
    function unjail() external;

    /// @notice Two votes of one validator, of one kind in one round, for different blocks. Anyone may report them, once per
    /// validator and height. The signer is slashed and jailed for good; the caller gets its part as a reward.
    function reportVotes(Vote calldata a, bytes calldata signatureA, Vote calldata b, bytes calldata signatureB)
        external;

    /// @notice Two different proposals of one validator in one round.
    function reportProposals(
        Proposal calldata a,
        bytes calldata signatureA,
        Proposal calldata b,
        bytes calldata signatureB
    ) external;
}
