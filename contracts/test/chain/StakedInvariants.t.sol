// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {console} from "forge-std/console.sol";
import {Test} from "forge-std/Test.sol";
import {IValidators} from "../../src/chain/IValidators.sol";
import {StakedValidators} from "../../src/chain/StakedValidators.sol";
import {ChainHandler} from "./ChainHandler.sol";

contract StakedHandler is ChainHandler {
    /// Stake as it is, and as it was when this epoch began: what the election looks at.
    mapping(address actor => uint256) private _stake;
    mapping(address actor => uint256) private _counts;
    uint256 public partialSteps;

    constructor() ChainHandler(STAKED) {
        for (uint256 i = 0; i < 4; ++i) {
            (_stake[account(i)], _counts[account(i)]) = (100 ether, 100 ether);
        }
    }

    function stake(uint256 who, uint256 amount) external {
        ++calls;
        address actor = actors[who % actors.length];
        IValidators.Standing memory stands = chain.standing(actor);
        if (stands.stake != 0 || stands.jailedUntil == FOR_GOOD) return;
        _deposit(actor, abi.encodeCall(StakedValidators.stake, ()), bound(amount, 10 ether, 400 ether));
        _booksOfStake(actor);
    }

    function _booksOfStake(address actor) internal override {
        _stake[actor] = chain.standing(actor).stake;
    }

    function _books(address proposer, uint256 reward) internal override {
        earned[proposer] += reward;
    }

    function _booksOfSlash(address culprit, uint256) internal override {
        _booksOfStake(culprit);
    }

    /// @dev Jails take a third of the power at most, and may all leave.
    function _nobodyStands() internal pure override returns (bool) {
        return false;
    }

    function _epochBegins() internal override {
        for (uint256 i = 0; i < actors.length; ++i) {
            _counts[actors[i]] = _stake[actors[i]];
        }
    }

    function _goal(address actor) private view returns (uint256 power) {
        if (_counts[actor] == 0 || chain.standing(actor).jailedUntil != 0) return 0;
        uint256 better = 0;
        for (uint256 i = 0; i < actors.length; ++i) {
            address other = actors[i];
            if (chain.standing(other).jailedUntil != 0) continue;
            if (_better(other, _counts[other], actor, _counts[actor])) ++better;
        }
        return better < 4 ? _counts[actor] / 1 ether : 0;
    }

    /// @dev The new set lies between the old one and a naive goal, within the bound.
    function _checkElection(address[] memory accounts, uint64[] memory powers) internal override {
        uint256 total = 0;
        for (uint256 i = 0; i < accounts.length; ++i) {
            total += powers[i];
        }
        (uint256 moved, uint256 missing) = (0, 0);
        for (uint256 i = 0; i < actors.length; ++i) {
            uint256 former = powerAt[block.number - 1][actors[i]];
            uint256 goal = _goal(actors[i]);
            uint256 now_ = chain.standing(actors[i]).power;
            moved += now_ > former ? now_ - former : former - now_;
            missing += now_ > goal ? now_ - goal : goal - now_;
            assertTrue(goal > former ? now_ >= former && now_ <= goal : now_ <= former && now_ >= goal, "direction");
        }
        uint256 bound_ = total < 3 ? 1 : total / 3;
        assertLe(moved, bound_, "moved power");
        if (missing > 0) ++partialSteps;
        (uint256 power, uint256 count) = totalPower();
        assertGt(power, 0);
        assertLe(count, 4);
        if (missing > 0 && count < 4 && power > 1) assertEq(moved, bound_, "waits though it fits");
    }
}

contract StakedInvariants is Test {
    StakedHandler private handler;
    IValidators private chain = IValidators(0x0000000000000000000000000000000000005201);

    function setUp() public {
        handler = new StakedHandler();
        targetContract(address(handler));
    }

    function invariant_stakes() public view {
        uint256 held = 0;
        for (uint256 i = 0; i < handler.actorCount(); ++i) {
            address actor = handler.actors(i);
            IValidators.Standing memory stands = chain.standing(actor);
            uint256 here = stands.stake + stands.unbonding + stands.rewards;
            held += here;
            assertEq(
                handler.deposited(actor) + handler.earned(actor),
                actor.balance + here + handler.slashed(actor),
                "an actor's coins"
            );
            _isAtRiskForItsVotes(actor, stands);
        }
        assertEq(address(chain).balance, held + chain.burned(), "to the wei");
        (address[] memory accounts,) = chain.validators();
        assertGt(accounts.length, 0, "nobody votes");
    }

    /// @dev Whoever voted within the evidence window still has here what it voted with.
    function _isAtRiskForItsVotes(address actor, IValidators.Standing memory stands) private view {
        if (handler.slashed(actor) > 0) return;
        assertGe(
            stands.stake + stands.unbonding, uint256(handler.mostPowerOf(actor)) * 1 ether, "voted with what is gone"
        );
    }

    function afterInvariant() public view {
        console.log("calls, epochs, partial steps:", handler.calls(), handler.epochs(), handler.partialSteps());
        console.log("jails, reports, payments:", handler.jails(), handler.reports(), handler.payments());
    }
}
