// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Evidence} from "../../src/chain/Evidence.sol";
import {IValidators} from "../../src/chain/IValidators.sol";
import {ChainFixture} from "./ChainFixture.sol";

/// @dev Takes whatever it can again whenever it is paid.
contract Grasping {
    IValidators private immutable chain;

    constructor(IValidators chain_) {
        chain = chain_;
    }

    receive() external payable {
        try chain.withdraw() {} catch {}
        try chain.claimRewards() {} catch {}
        try chain.unstake(1) {} catch {}
    }
}

/// @dev What anyone may do on either chain, in any order, with jumps over blocks and epochs. Calls that make no sense are
/// left out, so that a revert is always a find. An actor's balance is what it was paid: it gets what it sends just before.
abstract contract ChainHandler is ChainFixture {
    uint256 internal constant SIGNERS = 8;

    address[] public actors;
    mapping(address actor => uint256) public deposited;
    mapping(address actor => uint256) public slashed;
    /// What it should have earned, by books that share each reward out one by one.
    mapping(address actor => uint256) public earned;
    mapping(uint256 height => mapping(address actor => uint64)) public powerAt;
    mapping(address actor => mapping(uint256 height => bool)) private _reported;
    uint256 public minted;
    uint256 public calls;
    uint256 public epochs;
    uint256 public reports;
    uint256 public jails;
    uint256 public payments;

    constructor(address place) {
        genesis(place, 4, 100 ether);
        for (uint256 i = 0; i < SIGNERS; ++i) {
            actors.push(account(i));
            if (i < 4) deposited[account(i)] = 100 ether;
        }
        actors.push(address(new Grasping(chain)));
    }

    function actorCount() external view returns (uint256) {
        return actors.length;
    }

    /// @notice The most power that `actor` voted with at a height that evidence is taken of.
    function mostPowerOf(address actor) external view returns (uint64 most) {
        most = chain.standing(actor).power;
        for (uint256 back = 1; back <= EVIDENCE && back < block.number; ++back) {
            uint64 then = powerAt[block.number - back][actor];
            if (then > most) most = then;
        }
    }

    // ---- what the kinds do differently ----

    function _books(address proposer, uint256 reward) internal virtual;

    function _booksOfSlash(address culprit, uint256 stakeCut) internal virtual;

    function _checkElection(address[] memory accounts, uint64[] memory powers) internal virtual;

    function _epochBegins() internal virtual;

    /// @dev Whether the set stays as it is for want of anybody who could follow.
    function _nobodyStands() internal view virtual returns (bool);

    // ---- blocks ----

    function blocks(uint256 count, uint256 seed) external {
        ++calls;
        count = bound(count, 1, 2 * EPOCH);
        address absent = seed % 3 == 0 ? actors[(seed >> 8) % actors.length] : address(0);
        for (uint256 i = 0; i < count; ++i) {
            uint64 round = uint64(uint256(keccak256(abi.encode(seed, i))) % 8);
            round = round < 6 ? 0 : round == 6 ? 1 : uint64(seed % 40);
            for (uint256 j = 0; j < 30; ++j) {
                if (chain.proposerAt(uint64(block.number), uint32(round)) != absent) break;
                ++round;
            }
            _seal(round, (seed >> 16) % 3 ether);
        }
    }

    function absentFor(uint256 who, uint256 reward) external {
        ++calls;
        address absent = actors[who % actors.length];
        uint64 epoch = chain.epoch();
        while (chain.epoch() == epoch) {
            uint64 round = 0;
            while (round < 100 && chain.proposerAt(uint64(block.number), uint32(round)) == absent) ++round;
            _seal(round, reward % 1 ether);
        }
    }

    function _seal(uint64 round, uint256 reward) private {
        address proposer = chain.proposerAt(uint64(block.number), uint32(round));
        (address[] memory accounts, uint64[] memory powers) = chain.validators();
        for (uint256 i = 0; i < accounts.length; ++i) {
            powerAt[block.number][accounts[i]] = powers[i];
        }
        uint64 epoch = chain.epoch();
        assertEq(epoch, (block.number - 1) / EPOCH, "epoch");
        _books(proposer, reward);
        minted += reward;
        seal(proposer, round, reward);
        if (chain.epoch() == epoch) return;
        ++epochs;
        _checkJails(accounts, powers);
        _checkElection(accounts, powers);
        _epochBegins();
    }

    /// @dev Who was put into jail at this epoch's end had at most a third of the power, and has none now.
    function _checkJails(address[] memory accounts, uint64[] memory powers) private {
        uint256 total = 0;
        uint256 jailed = 0;
        for (uint256 i = 0; i < accounts.length; ++i) {
            total += powers[i];
            if (chain.standing(accounts[i]).jailedUntil != block.number - 1 + JAIL) continue;
            jailed += powers[i];
            ++jails;
            uint256 power = _nobodyStands() ? powers[i] : 0;
            assertEq(chain.standing(accounts[i]).power, power, "power of the jailed");
        }
        assertLe(jailed, total / 3, "jailed power");
    }

    // ---- people ----

    function addStake(uint256 who, uint256 amount) external {
        ++calls;
        address actor = actors[who % actors.length];
        IValidators.Standing memory stands = chain.standing(actor);
        if (stands.stake == 0 || stands.jailedUntil == FOR_GOOD) return;
        amount = bound(amount, 1, 300 ether);
        _deposit(actor, abi.encodeCall(IValidators.addStake, ()), amount);
        _booksOfStake(actor);
    }

    function unstake(uint256 who, uint256 amount) external {
        ++calls;
        address actor = actors[who % actors.length];
        uint256 there = chain.standing(actor).stake;
        if (there == 0 || chain.exitsOf(actor).length == 16) return;
        amount = amount % 3 == 0 ? there : bound(amount, 1, there);
        if (amount != there && there - amount < 10 ether) return;
        vm.prank(actor);
        chain.unstake(amount);
        _booksOfStake(actor);
    }

    /// @dev After every change of an actor's own stake.
    function _booksOfStake(address actor) internal virtual;

    function withdraw(uint256 who) external {
        ++calls;
        address actor = actors[who % actors.length];
        uint256 due = 0;
        IValidators.Exit[] memory exits = chain.exitsOf(actor);
        for (uint256 i = 0; i < exits.length; ++i) {
            if (exits[i].releaseHeight <= block.number) due += exits[i].amount;
        }
        if (due == 0) return;
        uint256 before = actor.balance;
        uint256 rewards = chain.standing(actor).rewards;
        vm.prank(actor);
        assertEq(chain.withdraw(), due);
        _wasPaid(actor, before, due, rewards);
    }

    function claim(uint256 who) external {
        ++calls;
        address actor = actors[who % actors.length];
        uint256 due = chain.standing(actor).rewards;
        if (due == 0) return;
        uint256 before = actor.balance;
        vm.prank(actor);
        assertEq(chain.claimRewards(), due);
        assertEq(chain.standing(actor).rewards, 0);
        _wasPaid(actor, before, due, type(uint256).max);
    }

    /// @dev One that calls back may get what else is due to it, and nothing twice.
    function _wasPaid(address actor, uint256 before, uint256 due, uint256 more) private {
        ++payments;
        uint256 paid = actor.balance - before;
        if (actor.code.length == 0) return assertEq(paid, due, "paid");
        assertGe(paid, due, "paid");
        if (more != type(uint256).max) assertEq(paid, due + more, "paid with its rewards");
        _booksOfStake(actor);
    }

    function unjail(uint256 who) external {
        ++calls;
        address actor = actors[who % actors.length];
        uint64 until = chain.standing(actor).jailedUntil;
        if (until == 0 || until > block.number) return;
        vm.prank(actor);
        chain.unjail();
    }

    function report(uint256 who, uint256 reporter, uint256 back) external {
        ++calls;
        // Rare, since nobody comes back from it.
        if (back % 4 != 0) return;
        back = bound(back, 0, EVIDENCE);
        if (back >= block.number) return;
        uint64 height = uint64(block.number - back);
        address culprit = account(who % SIGNERS);
        uint64 power = back == 0 ? chain.standing(culprit).power : powerAt[height][culprit];
        if (power == 0 || _reported[culprit][height]) return;
        _reported[culprit][height] = true;
        _report(who % SIGNERS, actors[reporter % actors.length], height);
    }

    function _report(uint256 index, address reporter, uint64 height) private {
        ++reports;
        address culprit = account(index);
        IValidators.Standing memory before = chain.standing(culprit);
        uint256 burned = chain.burned();
        IValidators.Vote memory a = IValidators.Vote(height, 0, 0, "a");
        IValidators.Vote memory b = IValidators.Vote(height, 0, 0, "b");
        bytes memory signatureA = _sign(index, Evidence(address(chain)).voteDigest(a));
        bytes memory signatureB = _sign(index, Evidence(address(chain)).voteDigest(b));
        vm.prank(reporter);
        chain.reportVotes(a, signatureA, b, signatureB);

        IValidators.Standing memory stands = chain.standing(culprit);
        uint256 cut = before.stake + before.unbonding - stands.stake - stands.unbonding;
        assertLe(cut, (before.stake + before.unbonding) / 10, "slashed more than its part");
        uint256 reporters = cut * 500 / 10_000;
        assertEq(chain.burned() - burned, cut - reporters, "burned");
        earned[reporter] += reporters;
        slashed[culprit] += cut;
        _booksOfSlash(culprit, before.stake - stands.stake);
    }

    function _sign(uint256 index, bytes32 digest) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key(index), digest);
        return abi.encodePacked(r, s, v);
    }

    function _deposit(address actor, bytes memory call, uint256 amount) internal {
        vm.deal(actor, actor.balance + amount);
        vm.prank(actor);
        (bool done, bytes memory reason) = address(chain).call{value: amount}(call);
        assertTrue(done, string(reason));
        deposited[actor] += amount;
    }

    /// @dev Whether `a` comes before `b` where places are few.
    function _better(address a, uint256 weightA, address b, uint256 weightB) internal pure returns (bool) {
        return weightA > weightB || (weightA == weightB && a < b);
    }
}
