// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Arrays} from "@openzeppelin/contracts/utils/Arrays.sol";
import {EnumerableSet} from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";
import {Exits} from "./Exits.sol";
import {IValidators, ValidatorParams} from "./IValidators.sol";
import {Members} from "./Members.sol";

/// @title Epochs, the sets that voted in them, turns and jails
abstract contract ValidatorSet is Exits {
    using EnumerableSet for EnumerableSet.AddressSet;
    using Members for uint256[];

    address internal constant SYSTEM_ADDRESS = 0xffffFFFfFFffffffffffffffFfFFFfffFFFfFFfE;
    /// @notice Missed turns that one block can count, so that its cost is bounded.
    uint256 public constant ROUNDS_COUNTED_MAX = 16;
    uint16 public constant VALIDATORS_MAX = 100;
    /// @notice A culprit that reports itself must lose at least half.
    uint16 public constant REPORTER_BPS_MAX = 5_000;
    /// @dev Far more than any chain makes, so that sums of heights stay small.
    uint64 private constant BLOCKS_MAX = 2 ** 40;
    /// @dev So many blocks of so many turns fit into a Duty.
    uint64 private constant EPOCH_BLOCKS_MAX = 2 ** 24;

    struct Duty {
        uint64 epoch;
        uint32 turns;
        uint32 missed;
    }

    /// @dev The set of epoch e is at e modulo _ring, for as long as evidence about e is taken.
    mapping(uint256 place => uint256[]) private _sets;
    uint64 private _ring;
    mapping(address account => Duty) private _duties;
    EnumerableSet.AddressSet internal _candidates;

    modifier onlySystem() {
        if (msg.sender != SYSTEM_ADDRESS) revert ValidatorsOnlySystem(msg.sender);
        _;
    }

    /// @inheritdoc IValidators
    function initialize(ValidatorParams calldata params, address[] calldata accounts, uint256[] calldata stakes)
        external
        onlySystem
    {
        if (_ring != 0) revert ValidatorsAlreadyInitialized();
        _checkParams(params);
        uint256 count = accounts.length;
        if (count == 0 || count > params.validatorsMax || count != stakes.length) {
            revert ValidatorsGenesis(count, stakes.length);
        }
        _params = params;
        // Evidence of `evidenceBlocks` ago may be of so many epochs ago, and the next epoch's set is there as well.
        _ring = params.evidenceBlocks / params.epochBlocks + 3;

        uint256 sum = 0;
        uint256[] memory set = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            if (accounts[i] == address(0) || !_candidates.add(accounts[i])) revert ValidatorsAccount(accounts[i]);
            if (stakes[i] < params.minStake) {
                revert ValidatorsStakeTooSmall(accounts[i], stakes[i], params.minStake);
            }
            sum += stakes[i];
            set[i] = Members.pack(accounts[i], _found(accounts[i], stakes[i]));
            emit CandidateListed(accounts[i]);
            emit StakeAdded(accounts[i], stakes[i], stakes[i]);
        }
        if (address(this).balance < sum) revert ValidatorsUnfunded(sum, address(this).balance);
        _begin(0, Arrays.sort(set));
    }

    /// @inheritdoc IValidators
    function endBlock(address proposer, uint64 round, uint256 reward) external onlySystem {
        _countTurns(proposer, round);
        if (reward > 0) _shareReward(proposer, reward);
        if (block.number % _params.epochBlocks != 0) return;
        uint256[] memory set = _setOf(_epoch);
        _jailAbsent(set);
        uint256[] memory next = _nextSet(set);
        _epoch += 1;
        _begin(_epoch, next);
    }

    /// @inheritdoc IValidators
    function unjail() external {
        Status storage status = _statuses[msg.sender];
        uint64 until = status.jailedUntil;
        if (until == 0) revert ValidatorsNotJailed(msg.sender);
        if (until == FOR_GOOD) revert ValidatorsJailedForGood(msg.sender);
        if (block.number < until) revert ValidatorsStillJailed(msg.sender, until, block.number);
        status.jailedUntil = 0;
        emit ValidatorUnjailed(msg.sender);
    }

    /// @inheritdoc IValidators
    function validators() external view returns (address[] memory accounts, uint64[] memory powers) {
        return _setOf(_epoch).unpack();
    }

    /// @inheritdoc IValidators
    function epoch() external view returns (uint64) {
        return _epoch;
    }

    /// @inheritdoc IValidators
    function epochBlocks() external view returns (uint64) {
        return _params.epochBlocks;
    }

    /// @inheritdoc IValidators
    function parameters() external view returns (ValidatorParams memory) {
        return _params;
    }

    /// @inheritdoc IValidators
    function proposerAt(uint64 height, uint32 round) external view returns (address) {
        uint256[] memory set = _setOf(_epoch);
        return set.proposer(set.totalOf(), height, round);
    }

    /// @inheritdoc IValidators
    function candidates() external view returns (address[] memory accounts, uint256[] memory weights) {
        accounts = _candidates.values();
        weights = new uint256[](accounts.length);
        for (uint256 i = 0; i < accounts.length; ++i) {
            weights[i] = _weightOf(accounts[i]);
        }
    }

    /// @inheritdoc IValidators
    function standing(address account) external view returns (Standing memory stands) {
        stands.power = uint64(_powerAt(_epoch, account));
        stands.candidate = _candidates.contains(account);
        stands.jailedUntil = _statuses[account].jailedUntil;
        Duty memory duty = _duties[account];
        if (duty.epoch == _epoch) (stands.turns, stands.missed) = (duty.turns, duty.missed);
        stands.stake = _stakeOf(account);
        stands.unbonding = _unbondingOf(account);
        stands.rewards = _rewards[account] + _unbookedRewards(account);
    }

    /// @dev Takes a first validator in and gives its power.
    function _found(address account, uint256 stake) internal virtual returns (uint256 power);

    /// @dev `reward` was earned by a block of `proposer`.
    function _shareReward(address proposer, uint256 reward) internal virtual;

    /// @dev Who votes in the next epoch, by account; never nobody.
    function _nextSet(uint256[] memory set) internal virtual returns (uint256[] memory next);

    /// @dev What decides between more candidates than there are places.
    function _weightOf(address account) internal view virtual returns (uint256);

    function _stakeOf(address account) internal view virtual returns (uint256);

    function _unbookedRewards(address account) internal view virtual returns (uint256);

    /// @dev How many candidates the list has room for.
    function _candidatesMax() internal pure virtual returns (uint256);

    /// @dev Puts `account` on the list. Where that is full, the smallest makes room, if it is smaller.
    function _enlist(address account) internal {
        if (_candidates.contains(account)) return;
        uint256 count = _candidates.length();
        if (count == _candidatesMax()) {
            address last = address(0);
            uint256 smallest = type(uint256).max;
            for (uint256 i = 0; i < count; ++i) {
                address other = _candidates.at(i);
                uint256 weight = _weightOf(other);
                if (weight < smallest || (weight == smallest && other > last)) (last, smallest) = (other, weight);
            }
            if (_weightOf(account) <= smallest) revert ValidatorsListFull(count, smallest);
            _drop(last);
        }
        _candidates.add(account);
        emit CandidateListed(account);
    }

    function _drop(address account) internal {
        if (_candidates.remove(account)) emit CandidateDropped(account);
    }

    /// @dev The power of `account` in an epoch whose set is still known.
    function _powerAt(uint64 ofEpoch, address account) internal view returns (uint256) {
        return Members.powerIn(_sets[ofEpoch % _ring], account);
    }

    /// @dev The set could not let go of all that `account` wants back: it counts for another epoch.
    function _hold(address account) internal {
        _statuses[account].heldEpoch = _epoch + 1;
    }

    function _setOf(uint64 ofEpoch) private view returns (uint256[] memory) {
        return _sets[ofEpoch % _ring];
    }

    function _begin(uint64 starting, uint256[] memory set) private {
        _sets[starting % _ring] = set;
        (address[] memory accounts, uint64[] memory powers) = set.unpack();
        emit EpochStarted(starting, accounts, powers);
    }

    function _countTurns(address proposer, uint64 round) private {
        if (round > 0) {
            uint256[] memory set = _setOf(_epoch);
            uint256 total = set.totalOf();
            uint256 rounds = round < ROUNDS_COUNTED_MAX ? round : ROUNDS_COUNTED_MAX;
            for (uint32 missed = 0; missed < rounds; ++missed) {
                _countTurn(set.proposer(total, uint64(block.number), missed), 1);
            }
        }
        _countTurn(proposer, 0);
    }

    function _countTurn(address account, uint32 missed) private {
        Duty memory duty = _duties[account];
        if (duty.epoch != _epoch) duty = Duty(_epoch, 0, 0);
        duty.turns += 1;
        duty.missed += missed;
        _duties[account] = duty;
    }

    /// @dev Jails who was absent, most turns missed first, as long as two thirds of the power stay. Those who signed twice
    /// leave as well and count.
    function _jailAbsent(uint256[] memory set) private {
        uint256 left = set.totalOf() / 3;
        uint256[] memory absent = new uint256[](set.length);
        uint256 count = 0;
        for (uint256 i = 0; i < set.length; ++i) {
            address account = Members.accountOf(set[i]);
            if (_statuses[account].jailedUntil == FOR_GOOD) {
                uint256 power = Members.powerOf(set[i]);
                left -= power < left ? power : left;
                continue;
            }
            Duty memory duty = _duties[account];
            if (duty.epoch != _epoch || duty.missed <= _params.missedTurnsMax) continue;
            if (2 * uint256(duty.missed) <= duty.turns) continue;
            absent[count++] = (uint256(type(uint32).max - duty.missed) << 16) | i;
        }
        assembly ("memory-safe") {
            mstore(absent, count)
        }
        Arrays.sort(absent);
        uint64 until = uint64(block.number) + _params.jailBlocks;
        for (uint256 i = 0; i < absent.length; ++i) {
            uint256 member = set[uint16(absent[i])];
            if (Members.powerOf(member) > left) continue;
            left -= Members.powerOf(member);
            _statuses[Members.accountOf(member)].jailedUntil = until;
            emit ValidatorJailed(Members.accountOf(member), until);
        }
    }

    function _checkParams(ValidatorParams calldata params) private pure {
        if (params.epochBlocks == 0 || params.epochBlocks > EPOCH_BLOCKS_MAX) {
            revert ValidatorsParameter("epochBlocks");
        }
        if (params.evidenceBlocks == 0) revert ValidatorsParameter("evidenceBlocks");
        if (params.unbondingBlocks <= params.evidenceBlocks || params.unbondingBlocks > BLOCKS_MAX) {
            revert ValidatorsParameter("unbondingBlocks");
        }
        if (params.jailBlocks > BLOCKS_MAX) revert ValidatorsParameter("jailBlocks");
        // With a single seat nobody could ever follow the one who has it.
        if (params.validatorsMax < 2 || params.validatorsMax > VALIDATORS_MAX) {
            revert ValidatorsParameter("validatorsMax");
        }
        if (params.slashBps == 0 || params.slashBps > 10_000) revert ValidatorsParameter("slashBps");
        if (params.reporterBps > REPORTER_BPS_MAX) revert ValidatorsParameter("reporterBps");
        // Power is whole coins, so less would have none.
        if (params.minStake < 1 ether) revert ValidatorsParameter("minStake");
    }
}
