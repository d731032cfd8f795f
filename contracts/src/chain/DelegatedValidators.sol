// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Arrays} from "@openzeppelin/contracts/utils/Arrays.sol";
import {EnumerableSet} from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";
import {Ballots} from "./Ballots.sol";
import {Evidence} from "./Evidence.sol";
import {IDelegatedValidators} from "./IDelegatedValidators.sol";
import {IValidators} from "./IValidators.sol";
import {Members} from "./Members.sol";
import {Ranking} from "./Ranking.sol";

/// @title Delegated proof of stake: who is voted for most votes, each with power 1
/// @notice IValidators and IDelegatedValidators say what it promises. Only a delegate's own stake is slashed.
contract DelegatedValidators is IDelegatedValidators, Evidence {
    using Ballots for Ballots.Tally;
    using EnumerableSet for EnumerableSet.AddressSet;
    using Ranking for Ranking.Best;

    /// @notice Delegates on the list at most. An election reads them all, and no voter.
    uint256 public constant CANDIDATES_MAX = 1_000;
    /// @notice Delegates that one account votes for at most, so that it can claim from all at once.
    uint256 public constant BALLOTS_MAX = 16;

    struct Commission {
        uint16 bps;
        uint16 nextBps;
        /// Zero: none is waiting.
        uint64 nextEpoch;
    }

    mapping(address delegate => Ballots.Tally) private _tallies;
    mapping(address delegate => Ballots.Ballot) private _stakes;
    mapping(address delegate => Commission) private _commissions;
    mapping(address voter => uint256) private _free;
    mapping(address voter => mapping(address delegate => Ballots.Ballot)) private _ballots;
    mapping(address voter => EnumerableSet.AddressSet) private _delegates;

    /// @inheritdoc IDelegatedValidators
    function register(uint16 commissionBps) external payable {
        if (_stakes[msg.sender].amount != 0) revert ValidatorsAlreadyStaked(msg.sender);
        if (_tallies[msg.sender].votes == 0) delete _commissions[msg.sender];
        _setCommission(commissionBps, _tallies[msg.sender].votes == 0);
        _add(msg.value);
    }

    /// @inheritdoc IDelegatedValidators
    function setCommission(uint16 commissionBps) external {
        if (_stakes[msg.sender].amount == 0) revert ValidatorsNoStake(msg.sender);
        _setCommission(commissionBps, false);
    }

    /// @inheritdoc IValidators
    function addStake() external payable {
        if (_stakes[msg.sender].amount == 0) revert ValidatorsNoStake(msg.sender);
        if (msg.value == 0) revert ValidatorsAmountZero(msg.sender);
        _add(msg.value);
    }

    /// @inheritdoc IValidators
    function unstake(uint256 amount) external {
        Ballots.Ballot storage held = _stakes[msg.sender];
        if (amount == 0) revert ValidatorsAmountZero(msg.sender);
        if (amount > held.amount) revert ValidatorsStakeExceeded(msg.sender, amount, held.amount);
        uint256 rest = held.amount - amount;
        if (rest != 0 && rest < _params.minStake) {
            revert ValidatorsStakeTooSmall(msg.sender, rest, _params.minStake);
        }
        _reward(msg.sender, _tallies[msg.sender].cut(held, amount, _epoch));
        _exit(msg.sender, amount, true);
        emit StakeUnbonding(msg.sender, amount, rest);
        if (rest == 0) _drop(msg.sender);
    }

    /// @inheritdoc IDelegatedValidators
    function lock() external payable {
        if (msg.value == 0) revert ValidatorsAmountZero(msg.sender);
        _free[msg.sender] += msg.value;
        emit CoinsLocked(msg.sender, msg.value);
    }

    /// @inheritdoc IDelegatedValidators
    function vote(address delegate, uint256 amount) external {
        if (!_candidates.contains(delegate)) revert DelegateNotListed(delegate);
        _takeFree(amount);
        EnumerableSet.AddressSet storage delegates = _delegates[msg.sender];
        if (delegates.add(delegate) && delegates.length() > BALLOTS_MAX) {
            revert VoterTooManyDelegates(msg.sender, BALLOTS_MAX);
        }
        uint256 earned = _tallies[delegate].add(_ballots[msg.sender][delegate], amount, _epoch);
        emit VotesGiven(msg.sender, delegate, amount);
        _reward(msg.sender, earned);
    }

    /// @inheritdoc IDelegatedValidators
    function unvote(address delegate, uint256 amount) external {
        Ballots.Ballot storage ballot = _ballots[msg.sender][delegate];
        if (amount == 0) revert ValidatorsAmountZero(msg.sender);
        if (amount > ballot.amount) revert VoterVotesExceeded(msg.sender, delegate, amount, ballot.amount);
        uint256 earned = _tallies[delegate].cut(ballot, amount, _epoch);
        if (ballot.amount == 0) _delegates[msg.sender].remove(delegate);
        _free[msg.sender] += amount;
        emit VotesTaken(msg.sender, delegate, amount);
        _reward(msg.sender, earned);
    }

    /// @inheritdoc IDelegatedValidators
    function unlock(uint256 amount) external {
        _takeFree(amount);
        _exit(msg.sender, amount, false);
        emit CoinsUnlocking(msg.sender, amount);
    }

    /// @inheritdoc IDelegatedValidators
    function freeCoinsOf(address voter) external view returns (uint256) {
        return _free[voter];
    }

    /// @inheritdoc IDelegatedValidators
    function ballotsOf(address voter) external view returns (address[] memory delegates, uint256[] memory amounts) {
        delegates = _delegates[voter].values();
        amounts = new uint256[](delegates.length);
        for (uint256 i = 0; i < delegates.length; ++i) {
            amounts[i] = _ballots[voter][delegates[i]].amount;
        }
    }

    /// @inheritdoc IDelegatedValidators
    function delegateInfo(address delegate) external view returns (DelegateInfo memory info) {
        Commission memory commission = _commissionOf(delegate);
        return DelegateInfo(_tallies[delegate].votes, commission.bps, commission.nextBps, commission.nextEpoch);
    }

    function _add(uint256 amount) private {
        if (_statuses[msg.sender].jailedUntil == FOR_GOOD) revert ValidatorsJailedForGood(msg.sender);
        Ballots.Ballot storage held = _stakes[msg.sender];
        uint256 sum = held.amount + amount;
        if (sum < _params.minStake) revert ValidatorsStakeTooSmall(msg.sender, sum, _params.minStake);
        uint256 earned = _tallies[msg.sender].add(held, amount, _epoch);
        emit StakeAdded(msg.sender, amount, sum);
        _reward(msg.sender, earned);
        _enlist(msg.sender);
    }

    function _takeFree(uint256 amount) private {
        uint256 free = _free[msg.sender];
        if (amount == 0) revert ValidatorsAmountZero(msg.sender);
        if (amount > free) revert VoterLockExceeded(msg.sender, amount, free);
        _free[msg.sender] = free - amount;
    }

    function _setCommission(uint16 bps, bool atOnce) private {
        if (bps > 10_000) revert DelegateCommission(bps);
        Commission memory commission = _commissionOf(msg.sender);
        if (atOnce || bps <= commission.bps) commission = Commission(bps, 0, 0);
        else (commission.nextBps, commission.nextEpoch) = (bps, _epoch + 2);
        _commissions[msg.sender] = commission;
        emit CommissionSet(msg.sender, bps, commission.nextEpoch == 0 ? _epoch : commission.nextEpoch);
    }

    /// @dev The commission as it is now: one that waited until this epoch is in force.
    function _commissionOf(address delegate) private view returns (Commission memory commission) {
        commission = _commissions[delegate];
        if (commission.nextEpoch != 0 && commission.nextEpoch <= _epoch) {
            commission = Commission(commission.nextBps, 0, 0);
        }
    }

    function _found(address account, uint256 amount) internal override returns (uint256 power) {
        _tallies[account].found(_stakes[account], amount);
        return 1;
    }

    function _shareReward(address proposer, uint256 reward) internal override {
        uint256 commission = (reward * _commissionOf(proposer).bps) / 10_000;
        if (!_tallies[proposer].share(reward - commission, _epoch)) commission = reward;
        emit RewardShared(proposer, commission, reward - commission);
        _reward(proposer, commission);
    }

    function _bookRewards(address account) internal override {
        uint256 earned = _tallies[account].settle(_stakes[account], _epoch);
        EnumerableSet.AddressSet storage delegates = _delegates[account];
        for (uint256 i = 0; i < delegates.length(); ++i) {
            address delegate = delegates.at(i);
            earned += _tallies[delegate].settle(_ballots[account][delegate], _epoch);
        }
        _reward(account, earned);
    }

    function _unbookedRewards(address account) internal view override returns (uint256 earned) {
        earned = _tallies[account].earnedBy(_stakes[account], _epoch);
        EnumerableSet.AddressSet storage delegates = _delegates[account];
        for (uint256 i = 0; i < delegates.length(); ++i) {
            address delegate = delegates.at(i);
            earned += _tallies[delegate].earnedBy(_ballots[account][delegate], _epoch);
        }
    }

    function _slash(address account) internal override returns (uint256 slashed) {
        uint256 slashBps = _params.slashBps;
        slashed = (_stakes[account].amount * slashBps) / 10_000;
        _reward(account, _tallies[account].cut(_stakes[account], slashed, _epoch));
        slashed += _slashExits(account, slashBps);
    }

    /// @dev The most voted. Where nobody stands, all stay until somebody does.
    function _nextSet(uint256[] memory set) internal override returns (uint256[] memory next) {
        Ranking.Best memory best = Ranking.places(_params.validatorsMax);
        uint256 count = _candidates.length();
        for (uint256 i = 0; i < count; ++i) {
            address account = _candidates.at(i);
            if (_statuses[account].jailedUntil == 0) best.offer(account, _tallies[account].votes);
        }
        if (best.count == 0) {
            for (uint256 i = 0; i < set.length; ++i) {
                _hold(Members.accountOf(set[i]));
            }
            return set;
        }
        next = new uint256[](best.count);
        for (uint256 i = 0; i < next.length; ++i) {
            (address account,) = best.entry(i);
            next[i] = Members.pack(account, 1);
        }
        Arrays.sort(next);
    }

    function _lagEpochs() internal pure override returns (uint64) {
        return 0;
    }

    function _weightOf(address account) internal view override returns (uint256) {
        return _tallies[account].votes;
    }

    function _stakeOf(address account) internal view override returns (uint256) {
        return _stakes[account].amount;
    }

    function _candidatesMax() internal pure override returns (uint256) {
        return CANDIDATES_MAX;
    }
}
