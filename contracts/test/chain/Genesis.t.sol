// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IValidators, ValidatorParams} from "../../src/chain/IValidators.sol";
import {ChainFixture} from "./ChainFixture.sol";

/// @dev What a genesis refuses.
contract GenesisTest is ChainFixture {
    address[] private accounts;
    uint256[] private stakes;

    function setUp() public {
        vm.etch(STAKED, stakedValidatorsCode());
        chain = IValidators(STAKED);
        for (uint256 i = 0; i < 2; ++i) {
            accounts.push(account(i));
            stakes.push(10 ether);
        }
        vm.deal(STAKED, 20 ether);
        vm.roll(0);
    }

    function initialize(ValidatorParams memory with, bytes memory refusal) private {
        if (refusal.length > 0) vm.expectRevert(refusal);
        vm.prank(SYSTEM);
        chain.initialize(with, accounts, stakes);
    }

    function refuses(ValidatorParams memory with, string memory field) private {
        initialize(with, abi.encodeWithSelector(IValidators.ValidatorsParameter.selector, field));
    }

    function test_parametersThatCannotKeepTheirPromise() public {
        ValidatorParams memory with = params();
        with.epochBlocks = 0;
        refuses(with, "epochBlocks");
        with.epochBlocks = 2 ** 24 + 1;
        refuses(with, "epochBlocks");
        with = params();
        with.evidenceBlocks = 0;
        refuses(with, "evidenceBlocks");
        with = params();
        with.unbondingBlocks = with.evidenceBlocks;
        refuses(with, "unbondingBlocks");
        with.unbondingBlocks = 2 ** 40 + 1;
        refuses(with, "unbondingBlocks");
        with = params();
        with.jailBlocks = 2 ** 40 + 1;
        refuses(with, "jailBlocks");
        with = params();
        with.validatorsMax = 1;
        refuses(with, "validatorsMax");
        with.validatorsMax = 101;
        refuses(with, "validatorsMax");
        with = params();
        with.slashBps = 0;
        refuses(with, "slashBps");
        with.slashBps = 10_001;
        refuses(with, "slashBps");
        with = params();
        with.reporterBps = 5_001;
        refuses(with, "reporterBps");
        with = params();
        with.minStake = 1 ether - 1;
        refuses(with, "minStake");
        initialize(params(), "");
    }

    function test_validatorsThatMakeNoSet() public {
        stakes[1] = 10 ether - 1;
        initialize(
            params(),
            abi.encodeWithSelector(IValidators.ValidatorsStakeTooSmall.selector, accounts[1], 10 ether - 1, 10 ether)
        );
        stakes[1] = 10 ether + 1;
        initialize(params(), abi.encodeWithSelector(IValidators.ValidatorsUnfunded.selector, 20 ether + 1, 20 ether));
        stakes[1] = 10 ether;
        accounts[1] = accounts[0];
        initialize(params(), abi.encodeWithSelector(IValidators.ValidatorsAccount.selector, accounts[0]));
        accounts[1] = address(0);
        initialize(params(), abi.encodeWithSelector(IValidators.ValidatorsAccount.selector, address(0)));
        accounts.pop();
        initialize(params(), abi.encodeWithSelector(IValidators.ValidatorsGenesis.selector, 1, 2));
        accounts.pop();
        initialize(params(), abi.encodeWithSelector(IValidators.ValidatorsGenesis.selector, 0, 2));
        for (uint256 i = 0; i < 5; ++i) {
            accounts.push(account(i));
        }
        initialize(params(), abi.encodeWithSelector(IValidators.ValidatorsGenesis.selector, 5, 2));
    }
}
