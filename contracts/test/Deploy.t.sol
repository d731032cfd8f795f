// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {Deploy} from "../script/Deploy.s.sol";
import {Disputes} from "../src/Disputes.sol";
import {JobEscrow} from "../src/JobEscrow.sol";

/// @dev The script puts the committed artifacts where addresses.json says.
contract DeployTest is Test {
    function test_everyChainOfTheBookGetsItsAddresses() public {
        uint256[2] memory chains = [uint256(21_075), 31_337];
        for (uint256 i = 0; i < chains.length; ++i) {
            vm.chainId(chains[i]);
            Deploy script = new Deploy();
            Disputes disputes = script.run();
            JobEscrow escrow = JobEscrow(address(disputes.escrow()));
            assertEq(escrow.disputes(), address(disputes));
            assertEq(disputes.registry().disputes(), address(disputes));
            assertEq(disputes.committees().length, 4);
            // Again: nothing happens.
            assertEq(address(script.run()), address(disputes));
        }
    }

    function test_aChainThatIsNotInTheBookIsRefused() public {
        vm.chainId(1);
        Deploy script = new Deploy();
        vm.expectRevert(abi.encodeWithSelector(Deploy.DeployChainUnknown.selector, 1));
        script.run();
    }
}
