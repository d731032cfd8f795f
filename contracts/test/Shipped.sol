// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {DevToken} from "../src/DevToken.sol";
import {Disputes} from "../src/Disputes.sol";
import {JobEscrow} from "../src/JobEscrow.sol";
import {DelegatedValidators} from "../src/chain/DelegatedValidators.sol";
import {StakedValidators} from "../src/chain/StakedValidators.sol";
import {DisputeConfig} from "../src/disputes/DisputeConfig.sol";

/// @dev The code under test: what artifacts/ ships, or the sources as forge compiled them with SETTLEMENT_FROM_SOURCE=true
/// (for coverage, and while at work on them).
abstract contract Shipped is Test {
    error ShippedCreationFailed(bytes reason);

    function escrowCode() internal view returns (bytes memory) {
        return _fromSource() ? type(JobEscrow).creationCode : _artifact("JobEscrow");
    }

    function newDevToken() internal returns (DevToken) {
        return DevToken(_create(_fromSource() ? type(DevToken).creationCode : _artifact("DevToken")));
    }

    function newDisputes(DisputeConfig memory config) internal returns (Disputes) {
        bytes memory code = _fromSource() ? type(Disputes).creationCode : _artifact("Disputes");
        return Disputes(_create(bytes.concat(code, abi.encode(config))));
    }

    /// @dev As it stands in a genesis.
    function stakedValidatorsCode() internal view returns (bytes memory) {
        return _fromSource() ? type(StakedValidators).runtimeCode : _runtime("StakedValidators");
    }

    /// @dev As it stands in a genesis.
    function delegatedValidatorsCode() internal view returns (bytes memory) {
        return _fromSource() ? type(DelegatedValidators).runtimeCode : _runtime("DelegatedValidators");
    }

    function _fromSource() private view returns (bool) {
        return vm.envOr("SETTLEMENT_FROM_SOURCE", false);
    }

    function _artifact(string memory name) private view returns (bytes memory) {
        return vm.parseJsonBytes(vm.readFile(string.concat("artifacts/", name, ".json")), ".bytecode");
    }

    function _runtime(string memory name) private view returns (bytes memory) {
        return vm.parseJsonBytes(vm.readFile(string.concat("artifacts/", name, ".json")), ".deployedBytecode");
    }

    function _create(bytes memory code) private returns (address made) {
        assembly ("memory-safe") {
            made := create(0, add(code, 0x20), mload(code))
        }
        if (made != address(0)) return made;
        bytes memory reason;
        assembly ("memory-safe") {
            reason := mload(0x40)
            mstore(reason, returndatasize())
            returndatacopy(add(reason, 0x20), 0, returndatasize())
            mstore(0x40, add(add(reason, 0x20), and(add(returndatasize(), 0x1f), not(0x1f))))
        }
        revert ShippedCreationFailed(reason);
    }
}
