// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IValidators, ValidatorParams} from "../../src/chain/IValidators.sol";
import {StakedValidators} from "../../src/chain/StakedValidators.sol";
import {DelegatedValidators} from "../../src/chain/DelegatedValidators.sol";
import {ChainFixture} from "./ChainFixture.sol";

/// @dev What the end of a block costs the chain with the most validators and the fullest list.
/// forge-config: default.isolate = true
contract ValidatorsGas is ChainFixture {
    /// What the chain gives the call.
    uint256 private constant END_BLOCK_GAS_MAX = 30_000_000;
    uint256 private constant VALIDATORS = 100;

    function params() internal pure override returns (ValidatorParams memory with) {
        with = super.params();
        with.validatorsMax = uint16(VALIDATORS);
    }

    function test_staked() public {
        genesis(STAKED, VALIDATORS, 100 ether);
        _record("stake, first block of an epoch", _seal(0));
        // Above all others, so that the whole set changes.
        for (uint256 i = VALIDATORS; i < staked().CANDIDATES_MAX(); ++i) {
            stakeAs(i, 200 ether + i);
        }
        for (uint256 i = 0; i < VALIDATORS; ++i) {
            unstakeAs(i, i % 2 == 0 ? 100 ether : 50 ether);
        }
        _record("stake, block", _seal(0));
        _record("stake, block after 16 rounds", _seal(16));
        sealUntil(EPOCH);
        _record("stake, end of an epoch, 256 candidates", _seal(16));
        sealUntil(2 * EPOCH);
        _record("stake, end of an epoch, 256 candidates, all in change", _seal(16));
        sealUntil(3 * EPOCH);
        _record("stake, end of an epoch, 256 candidates, all in change again", _seal(16));
    }

    function test_delegated() public {
        genesis(DELEGATED, VALIDATORS, 100 ether);
        _record("votes, first block of an epoch", _seal(0));
        // In ascending order each of them goes through all of the heap.
        for (uint256 i = VALIDATORS; i < delegated().CANDIDATES_MAX(); ++i) {
            registerAs(i, 200 ether + i, 0);
        }
        _record("votes, block", _seal(0));
        _record("votes, block after 16 rounds", _seal(16));
        sealUntil(EPOCH);
        _record("votes, end of an epoch, 1000 delegates, all elected anew", _seal(16));
        sealUntil(2 * EPOCH);
        _record("votes, end of an epoch, 1000 delegates", _seal(16));
    }

    function test_people() public {
        genesis(STAKED, VALIDATORS, 100 ether);
        stakeAs(200, 100 ether);
        _record("stake", vm.lastCallGas().gasTotalUsed);
        unstakeAs(200, 50 ether);
        _record("unstake", vm.lastCallGas().gasTotalUsed);
        genesis(DELEGATED, VALIDATORS, 100 ether);
        registerAs(200, 100 ether, 0);
        _record("register", vm.lastCallGas().gasTotalUsed);
        voteAs(201, 3, 50 ether);
        _record("vote", vm.lastCallGas().gasTotalUsed);
        endEpoch();
        seal(account(3), 0, 1 ether);
        as_(201);
        chain.claimRewards();
        _record("claimRewards, one delegate", vm.lastCallGas().gasTotalUsed);
    }

    function _seal(uint64 round) private returns (uint256 gas) {
        address proposer = chain.proposerAt(uint64(block.number), uint32(round));
        vm.deal(address(chain), address(chain).balance + 1 ether);
        vm.prank(SYSTEM);
        chain.endBlock(proposer, round, 1 ether);
        gas = vm.lastCallGas().gasTotalUsed;
        vm.roll(block.number + 1);
        assertLt(gas, END_BLOCK_GAS_MAX);
    }

    function _record(string memory name, uint256 gas) private {
        vm.snapshotValue("Validators", name, gas);
    }
}
