// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Arrays} from "@openzeppelin/contracts/utils/Arrays.sol";
import {EnumerableSet} from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Evidence} from "./Evidence.sol";
import {IValidators} from "./IValidators.sol";
import {Members} from "./Members.sol";
import {Ranking} from "./Ranking.sol";
import {SetChange} from "./SetChange.sol";

/// @title Proof of stake: who stakes the most votes, with a power of its whole coins
/// @notice A change of stake made in epoch e counts from the end of epoch e + 1 on, as fast as SetChange's bound allows:
/// what does not fit waits, in order. A block's reward is its proposer's; turns go round by power.
contract StakedValidators is Evidence {
    using EnumerableSet for EnumerableSet.AddressSet;
    using Ranking for Ranking.Best;
    using SafeCast for uint256;

    /// @notice Candidates at most. The end of an epoch reads them all, and nobody else.
    uint256 public constant CANDIDATES_MAX = 256;
    uint256 private constant COIN = 1 ether;

    struct Stake {
        uint128 amount;
        /// What it was when `changedEpoch` began.
        uint128 before;
        /// The last epoch in which it changed.
        uint64 changedEpoch;
    }

    mapping(address account => Stake) private _stakes;

    /// @notice Becomes a candidate with at least the minimum stake.
    function stake() external payable {
        if (_stakes[msg.sender].amount != 0) revert ValidatorsAlreadyStaked(msg.sender);
        _add(msg.value);
    }

    /// @inheritdoc IValidators
    function addStake() external payable {
        if (_stakes[msg.sender].amount == 0) revert ValidatorsNoStake(msg.sender);
        if (msg.value == 0) revert ValidatorsAmountZero(msg.sender);
        _add(msg.value);
    }

    /// @inheritdoc IValidators
    function unstake(uint256 amount) external {
        Stake storage held = _stakes[msg.sender];
        if (amount == 0) revert ValidatorsAmountZero(msg.sender);
        if (amount > held.amount) revert ValidatorsStakeExceeded(msg.sender, amount, held.amount);
        uint256 rest = held.amount - amount;
        if (rest != 0 && rest < _params.minStake) {
            revert ValidatorsStakeTooSmall(msg.sender, rest, _params.minStake);
        }
        _set(held, rest);
        _exit(msg.sender, amount, true);
        emit StakeUnbonding(msg.sender, amount, rest);
    }

    function _add(uint256 amount) private {
        if (_statuses[msg.sender].jailedUntil == FOR_GOOD) revert ValidatorsJailedForGood(msg.sender);
        Stake storage held = _stakes[msg.sender];
        uint256 sum = held.amount + amount;
        if (sum < _params.minStake) revert ValidatorsStakeTooSmall(msg.sender, sum, _params.minStake);
        _set(held, sum);
        emit StakeAdded(msg.sender, amount, sum);
        _enlist(msg.sender);
    }

    function _set(Stake storage held, uint256 amount) private {
        if (held.changedEpoch != _epoch) (held.changedEpoch, held.before) = (_epoch, held.amount);
        held.amount = amount.toUint128();
    }

    function _found(address account, uint256 amount) internal override returns (uint256 power) {
        _stakes[account] = Stake(amount.toUint128(), amount.toUint128(), 0);
        return _powerOf(amount);
    }

    function _shareReward(address proposer, uint256 reward) internal override {
        _reward(proposer, reward);
    }

    function _slash(address account) internal override returns (uint256 slashed) {
        Stake storage held = _stakes[account];
        uint256 slashBps = _params.slashBps;
        slashed = (held.amount * slashBps) / 10_000;
        held.amount -= slashed.toUint128();
        slashed += _slashExits(account, slashBps);
    }

    function _nextSet(uint256[] memory set) internal override returns (uint256[] memory next) {
        SetChange.Change[] memory changes = SetChange.merge(set, _goal());
        for (uint256 i = 0; i < changes.length; ++i) {
            Status memory status = _statuses[changes[i].account];
            changes[i].urgency = status.jailedUntil == FOR_GOOD ? 0 : status.jailedUntil != 0 ? 1 : 2;
            changes[i].since = _epoch > 0 && status.waitingLast == _epoch ? status.waitingSince : _epoch + 1;
        }
        SetChange.step(changes, _params.validatorsMax);

        next = new uint256[](changes.length);
        uint256 count = 0;
        for (uint256 i = 0; i < changes.length; ++i) {
            SetChange.Change memory change = changes[i];
            if (change.to > 0) next[count++] = Members.pack(change.account, change.to);
            if (change.to > change.goal) _hold(change.account);
            if (change.to == change.goal) continue;
            Status storage status = _statuses[change.account];
            (status.waitingSince, status.waitingLast) = (uint64(change.since), _epoch + 1);
        }
        assembly ("memory-safe") {
            mstore(next, count)
        }
    }

    /// @dev The set as it would be without a bound. Who has left all of its stake is dropped from the list.
    function _goal() private returns (uint256[] memory goal) {
        Ranking.Best memory best = Ranking.places(_params.validatorsMax);
        for (uint256 i = _candidates.length(); i > 0; --i) {
            address account = _candidates.at(i - 1);
            Stake memory held = _stakes[account];
            uint256 counts = held.changedEpoch == _epoch ? held.before : held.amount;
            if (counts > 0 && _statuses[account].jailedUntil == 0) best.offer(account, counts);
            // The last one takes the place of who is dropped, and was looked at before.
            if (counts == 0 && held.amount == 0) _drop(account);
        }
        goal = new uint256[](best.count);
        for (uint256 i = 0; i < goal.length; ++i) {
            (address account, uint256 counts) = best.entry(i);
            goal[i] = Members.pack(account, _powerOf(counts));
        }
        Arrays.sort(goal);
    }

    /// @dev Below 2^37, so that no sum of powers is too much for the consensus (2^63).
    function _powerOf(uint256 amount) private pure returns (uint256) {
        return (amount < Ranking.WEIGHT_MAX ? amount : Ranking.WEIGHT_MAX) / COIN;
    }

    function _lagEpochs() internal pure override returns (uint64) {
        return 1;
    }

    function _weightOf(address account) internal view override returns (uint256) {
        return _stakes[account].amount;
    }

    function _stakeOf(address account) internal view override returns (uint256) {
        return _stakes[account].amount;
    }

    function _unbookedRewards(address) internal pure override returns (uint256) {
        return 0;
    }

    function _candidatesMax() internal pure override returns (uint256) {
        return CANDIDATES_MAX;
    }
}
