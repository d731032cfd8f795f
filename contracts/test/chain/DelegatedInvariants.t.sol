// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {console} from "forge-std/console.sol";
import {Test} from "forge-std/Test.sol";
import {DelegatedValidators} from "../../src/chain/DelegatedValidators.sol";
import {IValidators} from "../../src/chain/IValidators.sol";
import {ChainHandler} from "./ChainHandler.sol";

contract DelegatedHandler is ChainHandler {
    /// Votes by voter and delegate, and what of them earns in this epoch. A delegate's own stake is beside them.
    mapping(address voter => mapping(address delegate => uint256)) private _votes;
    mapping(address voter => mapping(address delegate => uint256)) private _earning;
    mapping(address delegate => uint256) private _stake;
    mapping(address delegate => uint256) private _stakeEarning;
    mapping(address voter => uint256) private _free;
    /// Each may have rounded down a unit.
    uint256 public roundings;

    constructor() ChainHandler(DELEGATED) {
        for (uint256 i = 0; i < 4; ++i) {
            (_stake[account(i)], _stakeEarning[account(i)]) = (100 ether, 100 ether);
        }
    }

    function register(uint256 who, uint256 amount, uint16 commissionBps) external {
        ++calls;
        address actor = actors[who % actors.length];
        IValidators.Standing memory stands = chain.standing(actor);
        if (stands.stake != 0 || stands.jailedUntil == FOR_GOOD) return;
        bytes memory call = abi.encodeCall(DelegatedValidators.register, (commissionBps % 10_001));
        _deposit(actor, call, bound(amount, 10 ether, 400 ether));
        _booksOfStake(actor);
    }

    function commission(uint256 who, uint16 bps) external {
        ++calls;
        address actor = actors[who % actors.length];
        if (_stake[actor] == 0) return;
        vm.prank(actor);
        delegated().setCommission(bps % 10_001);
    }

    function vote(uint256 who, uint256 whom, uint256 amount) external {
        ++calls;
        address actor = actors[who % actors.length];
        address delegate = actors[whom % actors.length];
        if (!chain.standing(delegate).candidate) return;
        amount = bound(amount, 1, 500 ether);
        // Half of the time what is free already.
        if (_free[actor] > 0 && amount % 2 == 0) {
            amount = amount % _free[actor] + 1;
        } else {
            _deposit(actor, abi.encodeCall(DelegatedValidators.lock, ()), amount);
            _free[actor] += amount;
        }
        vm.prank(actor);
        delegated().vote(delegate, amount);
        ++roundings;
        _free[actor] -= amount;
        _votes[actor][delegate] += amount;
    }

    function unvote(uint256 who, uint256 whom, uint256 amount) external {
        ++calls;
        address actor = actors[who % actors.length];
        address delegate = actors[whom % actors.length];
        uint256 given = _votes[actor][delegate];
        if (given == 0) return;
        amount = amount % 3 == 0 ? given : bound(amount, 1, given);
        vm.prank(actor);
        delegated().unvote(delegate, amount);
        ++roundings;
        _free[actor] += amount;
        _votes[actor][delegate] = given - amount;
        if (_earning[actor][delegate] > given - amount) _earning[actor][delegate] = given - amount;
    }

    function unlock(uint256 who, uint256 amount) external {
        ++calls;
        address actor = actors[who % actors.length];
        if (_free[actor] == 0 || chain.exitsOf(actor).length == 16) return;
        amount = bound(amount, 1, _free[actor]);
        vm.prank(actor);
        delegated().unlock(amount);
        _free[actor] -= amount;
    }

    function lockedOf(address actor) external view returns (uint256 sum) {
        sum = delegated().freeCoinsOf(actor);
        (, uint256[] memory amounts) = delegated().ballotsOf(actor);
        for (uint256 i = 0; i < amounts.length; ++i) {
            sum += amounts[i];
        }
    }

    function _booksOfStake(address actor) internal override {
        _stake[actor] = chain.standing(actor).stake;
        if (_stakeEarning[actor] > _stake[actor]) _stakeEarning[actor] = _stake[actor];
        ++roundings;
    }

    function _booksOfSlash(address culprit, uint256) internal override {
        _booksOfStake(culprit);
    }

    function _books(address proposer, uint256 reward) internal override {
        uint256 sum = _stakeEarning[proposer];
        for (uint256 i = 0; i < actors.length; ++i) {
            sum += _earning[actors[i]][proposer];
        }
        uint256 commission_ = reward * delegated().delegateInfo(proposer).commissionBps / 10_000;
        uint256 rest = reward - commission_;
        ++roundings;
        earned[proposer] += sum == 0 ? reward : commission_ + rest * _stakeEarning[proposer] / sum;
        for (uint256 i = 0; i < actors.length && sum > 0; ++i) {
            earned[actors[i]] += rest * _earning[actors[i]][proposer] / sum;
        }
    }

    function _epochBegins() internal override {
        for (uint256 i = 0; i < actors.length; ++i) {
            _stakeEarning[actors[i]] = _stake[actors[i]];
            for (uint256 j = 0; j < actors.length; ++j) {
                _earning[actors[i]][actors[j]] = _votes[actors[i]][actors[j]];
            }
        }
    }

    function _votesOf(address delegate) private view returns (uint256 sum) {
        sum = _stake[delegate];
        for (uint256 i = 0; i < actors.length; ++i) {
            sum += _votes[actors[i]][delegate];
        }
        assertEq(sum, delegated().delegateInfo(delegate).votes, "votes");
    }

    function _stands(address actor) private view returns (bool) {
        return _stake[actor] > 0 && chain.standing(actor).jailedUntil == 0;
    }

    function _nobodyStands() internal view override returns (bool) {
        for (uint256 i = 0; i < actors.length; ++i) {
            if (_stands(actors[i])) return false;
        }
        return true;
    }

    /// @dev The set is the naive top four; where nobody stands it is as it was.
    function _checkElection(address[] memory, uint64[] memory) internal view override {
        bool allStay = _nobodyStands();
        for (uint256 i = 0; i < actors.length; ++i) {
            address actor = actors[i];
            uint256 better = 0;
            for (uint256 j = 0; j < actors.length; ++j) {
                if (!_stands(actors[j])) continue;
                if (_better(actors[j], _votesOf(actors[j]), actor, _votesOf(actor))) ++better;
            }
            bool elected = allStay ? powerAt[block.number - 1][actor] > 0 : _stands(actor) && better < 4;
            assertEq(chain.standing(actor).power, elected ? 1 : 0, "elected");
        }
    }
}

contract DelegatedInvariants is Test {
    DelegatedHandler private handler;
    IValidators private chain = IValidators(0x0000000000000000000000000000000000005202);

    function setUp() public {
        handler = new DelegatedHandler();
        targetContract(address(handler));
    }

    function invariant_votesAndRewards() public view {
        uint256 held = chain.burned();
        uint256 roundings = handler.roundings();
        uint256 all = handler.minted();
        for (uint256 i = 0; i < handler.actorCount(); ++i) {
            address actor = handler.actors(i);
            IValidators.Standing memory stands = chain.standing(actor);
            uint256 here = stands.stake + stands.unbonding + stands.rewards + handler.lockedOf(actor);
            held += here;
            all += handler.deposited(actor);
            assertApproxEqAbs(
                handler.deposited(actor) + handler.earned(actor),
                actor.balance + here + handler.slashed(actor),
                roundings,
                "an actor's coins"
            );
            _isAtRiskForItsVotes(actor, stands);
        }
        assertLe(held, address(chain).balance, "less is here than is owed");
        assertLe(address(chain).balance - held, roundings * 20, "rounding took more than units");
        (address[] memory accounts,) = chain.validators();
        assertGt(accounts.length, 0, "nobody votes");
    }

    /// @dev Whoever voted within the evidence window has a minimum stake here still.
    function _isAtRiskForItsVotes(address actor, IValidators.Standing memory stands) private view {
        if (handler.slashed(actor) > 0 || handler.mostPowerOf(actor) == 0) return;
        uint256 atRisk = stands.stake;
        IValidators.Exit[] memory exits = chain.exitsOf(actor);
        for (uint256 i = 0; i < exits.length; ++i) {
            if (exits[i].atRisk) atRisk += exits[i].amount;
        }
        assertGe(atRisk, 10 ether, "voted with what is gone");
    }

    function afterInvariant() public view {
        console.log("calls, epochs:", handler.calls(), handler.epochs());
        console.log("jails, reports, payments:", handler.jails(), handler.reports(), handler.payments());
    }
}
