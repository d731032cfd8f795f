// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DelegatedValidators} from "../../src/chain/DelegatedValidators.sol";
import {IValidators, ValidatorParams} from "../../src/chain/IValidators.sol";
import {StakedValidators} from "../../src/chain/StakedValidators.sol";
import {Shipped} from "../Shipped.sol";

/// @dev A chain with one of the two contracts in its genesis. Transactions of a block run at its height; `seal` ends it.
abstract contract ChainFixture is Shipped {
    address internal constant SYSTEM = 0xffffFFFfFFffffffffffffffFfFFFfffFFFfFFfE;
    address internal constant STAKED = 0x0000000000000000000000000000000000005201;
    address internal constant DELEGATED = 0x0000000000000000000000000000000000005202;
    uint64 internal constant EPOCH = 10;
    uint64 internal constant EVIDENCE = 35;
    uint64 internal constant UNBONDING = 36;
    uint64 internal constant JAIL = 12;
    uint64 internal constant FOR_GOOD = type(uint64).max;
    uint256 internal constant KEY = 0xA11CE;

    IValidators internal chain;

    function params() internal pure virtual returns (ValidatorParams memory) {
        return ValidatorParams({
            epochBlocks: EPOCH,
            evidenceBlocks: EVIDENCE,
            unbondingBlocks: UNBONDING,
            jailBlocks: JAIL,
            missedTurnsMax: 2,
            validatorsMax: 4,
            slashBps: 1_000,
            reporterBps: 500,
            minStake: 10 ether
        });
    }

    function key(uint256 index) internal pure returns (uint256) {
        return KEY + index;
    }

    function account(uint256 index) internal pure returns (address) {
        return vm.addr(key(index));
    }

    function genesis(address place, uint256[] memory stakes) internal {
        genesis(place, params(), stakes);
    }

    function genesis(address place, ValidatorParams memory with, uint256[] memory stakes) internal {
        vm.etch(place, place == STAKED ? stakedValidatorsCode() : delegatedValidatorsCode());
        chain = IValidators(place);
        address[] memory accounts = new address[](stakes.length);
        uint256 sum = 0;
        for (uint256 i = 0; i < stakes.length; ++i) {
            accounts[i] = account(i);
            sum += stakes[i];
        }
        vm.deal(place, sum);
        vm.roll(0);
        vm.prank(SYSTEM);
        chain.initialize(with, accounts, stakes);
        vm.roll(1);
    }

    function genesis(address place, uint256 count, uint256 stake) internal {
        uint256[] memory stakes = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            stakes[i] = stake;
        }
        genesis(place, stakes);
    }

    function staked() internal pure returns (StakedValidators) {
        return StakedValidators(STAKED);
    }

    function delegated() internal pure returns (DelegatedValidators) {
        return DelegatedValidators(DELEGATED);
    }

    function seal(address proposer, uint64 round, uint256 reward) internal {
        vm.deal(address(chain), address(chain).balance + reward);
        vm.prank(SYSTEM);
        chain.endBlock(proposer, round, reward);
        vm.roll(block.number + 1);
    }

    function seal(uint64 round, uint256 reward) internal {
        seal(chain.proposerAt(uint64(block.number), uint32(round)), round, reward);
    }

    function seal() internal {
        seal(0, 0);
    }

    function endEpoch() internal {
        uint64 epoch = chain.epoch();
        while (chain.epoch() == epoch) seal();
    }

    function sealUntil(uint256 height) internal {
        while (block.number < height) seal();
    }

    function power(uint256 index) internal view returns (uint64) {
        return chain.standing(account(index)).power;
    }

    function totalPower() internal view returns (uint256 total, uint256 count) {
        (, uint64[] memory powers) = chain.validators();
        for (uint256 i = 0; i < powers.length; ++i) {
            total += powers[i];
        }
        count = powers.length;
    }

    function as_(uint256 index) internal {
        vm.prank(account(index));
    }

    function send(uint256 index, bytes memory call, uint256 value) internal {
        address sender = account(index);
        vm.deal(sender, sender.balance + value);
        vm.prank(sender);
        (bool done, bytes memory reason) = address(chain).call{value: value}(call);
        if (!done) {
            assembly ("memory-safe") {
                revert(add(reason, 0x20), mload(reason))
            }
        }
    }

    function stakeAs(uint256 index, uint256 amount) internal {
        send(index, abi.encodeCall(StakedValidators.stake, ()), amount);
    }

    function unstakeAs(uint256 index, uint256 amount) internal {
        as_(index);
        chain.unstake(amount);
    }

    function registerAs(uint256 index, uint256 amount, uint16 commissionBps) internal {
        send(index, abi.encodeCall(DelegatedValidators.register, (commissionBps)), amount);
    }

    function voteAs(uint256 index, uint256 delegate, uint256 amount) internal {
        send(index, abi.encodeCall(DelegatedValidators.lock, ()), amount);
        as_(index);
        delegated().vote(account(delegate), amount);
    }
}
