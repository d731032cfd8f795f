// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IValidators, ValidatorParams} from "./IValidators.sol";

/// @title What leaves: stake on its way out, rewards, and what was burned
/// @notice Everything is pulled by its owner, and written off before it is sent.
abstract contract Exits is IValidators {
    using SafeCast for uint256;

    /// @notice An account's exits under way at most, so that a slash can go through them. Those of one epoch are one.
    uint256 public constant EXITS_MAX = 16;
    uint64 internal constant FOR_GOOD = type(uint64).max;

    struct OpenExit {
        uint128 amount;
        /// The epoch in which it was asked for.
        uint64 epoch;
        bool atRisk;
    }

    /// What the set's changes leave behind with an account.
    struct Status {
        /// Zero: not jailed.
        uint64 jailedUntil;
        /// No stake of the account stops to count before the end of this epoch: the last one at whose end the set could not
        /// let go of it yet, plus one.
        uint64 heldEpoch;
        /// Since when its change waits: one more than the epoch at whose end it waited first.
        uint64 waitingSince;
        /// The same for the last time, so that who waited long ago does not come first.
        uint64 waitingLast;
    }

    ValidatorParams internal _params;
    uint64 internal _epoch;
    uint256 private _burned;
    mapping(address account => Status) internal _statuses;
    mapping(address account => OpenExit[]) private _exits;
    mapping(address account => uint256) internal _rewards;

    /// @inheritdoc IValidators
    function withdraw() external returns (uint256 amount) {
        OpenExit[] storage exits = _exits[msg.sender];
        for (uint256 i = exits.length; i > 0; --i) {
            OpenExit memory leaving = exits[i - 1];
            if (block.number < _releaseHeight(msg.sender, leaving.epoch)) continue;
            amount += leaving.amount;
            exits[i - 1] = exits[exits.length - 1];
            exits.pop();
        }
        if (amount == 0) revert ValidatorsAmountZero(msg.sender);
        emit Withdrawn(msg.sender, amount);
        Address.sendValue(payable(msg.sender), amount);
    }

    /// @inheritdoc IValidators
    function claimRewards() external returns (uint256 amount) {
        _bookRewards(msg.sender);
        amount = _rewards[msg.sender];
        if (amount == 0) revert ValidatorsAmountZero(msg.sender);
        _rewards[msg.sender] = 0;
        emit RewardsClaimed(msg.sender, amount);
        Address.sendValue(payable(msg.sender), amount);
    }

    /// @inheritdoc IValidators
    function exitsOf(address account) external view returns (Exit[] memory exits) {
        OpenExit[] storage open = _exits[account];
        exits = new Exit[](open.length);
        for (uint256 i = 0; i < exits.length; ++i) {
            exits[i] = Exit(open[i].amount, uint64(_releaseHeight(account, open[i].epoch)), open[i].atRisk);
        }
    }

    /// @inheritdoc IValidators
    function burned() external view returns (uint256) {
        return _burned;
    }

    /// @dev How many epochs' ends pass before the set looks at a change: by pos one, by dpos none.
    function _lagEpochs() internal pure virtual returns (uint64);

    /// @dev Moves what an account has earned and not booked yet into its rewards.
    function _bookRewards(address account) internal virtual {}

    function _reward(address account, uint256 amount) internal {
        if (amount == 0) return;
        _rewards[account] += amount;
        emit RewardAdded(account, amount);
    }

    function _burn(uint256 amount) internal {
        _burned += amount;
    }

    /// @dev The last block at which stake counts that was asked back in `asked`, plus the delay.
    function _releaseHeight(address account, uint64 asked) private view returns (uint256) {
        uint256 last = Math.max(uint256(asked) + _lagEpochs(), _statuses[account].heldEpoch);
        return (last + 1) * _params.epochBlocks + _params.unbondingBlocks;
    }

    function _exit(address account, uint256 amount, bool atRisk) internal {
        OpenExit[] storage exits = _exits[account];
        for (uint256 i = 0; i < exits.length; ++i) {
            if (exits[i].epoch != _epoch || exits[i].atRisk != atRisk) continue;
            exits[i].amount += amount.toUint128();
            return;
        }
        if (exits.length == EXITS_MAX) revert ValidatorsTooManyExits(account, EXITS_MAX);
        exits.push(OpenExit(amount.toUint128(), _epoch, atRisk));
    }

    /// @dev Takes a part of every exit that is at risk.
    function _slashExits(address account, uint256 slashBps) internal returns (uint256 slashed) {
        OpenExit[] storage exits = _exits[account];
        for (uint256 i = 0; i < exits.length; ++i) {
            if (!exits[i].atRisk) continue;
            uint128 cut = SafeCast.toUint128((exits[i].amount * slashBps) / 10_000);
            exits[i].amount -= cut;
            slashed += cut;
        }
    }

    function _unbondingOf(address account) internal view returns (uint256 sum) {
        OpenExit[] storage exits = _exits[account];
        for (uint256 i = 0; i < exits.length; ++i) {
            sum += exits[i].amount;
        }
    }
}
