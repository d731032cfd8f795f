// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Script} from "forge-std/Script.sol";
import {Disputes} from "../src/Disputes.sol";
import {DisputeConfig} from "../src/disputes/DisputeConfig.sol";
import {EntropySource} from "../src/libraries/Randomness.sol";

/// @title Puts the contracts of one version on the present chain, at the addresses of addresses.json
/// @notice Takes bytecode from the committed artifacts and settings from addresses.json, so that whoever runs it, and
/// with whatever compiler, gets the same addresses. What is there already is left alone; a broken run is run again.
contract Deploy is Script {
    error DeployChainUnknown(uint256 chainId);
    error DeployDeployerMissing(address deployer);
    error DeployFailed(string name);
    error DeployElsewhere(string name, address expected, address actual);

    string private _book;
    string private _chain;

    function run() external returns (Disputes disputes) {
        _book = vm.readFile("addresses.json");
        _chain = string.concat(".chains.", vm.toString(block.chainid));
        if (!vm.keyExistsJson(_book, _chain)) revert DeployChainUnknown(block.chainid);

        bool development = vm.parseJsonBool(_book, _key(".developmentToken"));
        if (development) _create2("development token", _code("DevToken"), _address(".settings.stakeToken"));
        bytes memory code = bytes.concat(_code("Disputes"), abi.encode(config()));
        disputes = Disputes(_create2("disputes", code, _address(".addresses.disputes")));
        _same("registry", _address(".addresses.registry"), address(disputes.registry()));
        _same("escrow", _address(".addresses.escrow"), address(disputes.escrow()));
        if (address(disputes.escrow()).code.length > 0) return disputes;
        vm.broadcast();
        disputes.createEscrow(_code("JobEscrow"));
    }

    function config() public view returns (DisputeConfig memory) {
        uint256[] memory seats = vm.parseJsonUintArray(_book, _key(".settings.committees"));
        uint16[] memory committees = new uint16[](seats.length);
        for (uint256 i = 0; i < seats.length; ++i) {
            committees[i] = uint16(seats[i]);
        }
        return DisputeConfig({
            stakeToken: _address(".settings.stakeToken"),
            jurorFee: uint128(_number("jurorFee")),
            firstBond: uint128(_number("firstBond")),
            minJurorStake: uint128(_number("minJurorStake")),
            drawDelayBlocks: uint32(_number("drawDelayBlocks")),
            drawSeconds: uint32(_number("drawSeconds")),
            commitSeconds: uint32(_number("commitSeconds")),
            revealSeconds: uint32(_number("revealSeconds")),
            appealSeconds: uint32(_number("appealSeconds")),
            maxChallengeSeconds: uint32(_number("maxChallengeSeconds")),
            unbondingSeconds: uint32(_number("unbondingSeconds")),
            jailSeconds: uint32(_number("jailSeconds")),
            feeBps: uint16(_number("feeBps")),
            feeRecipient: _address(".settings.feeRecipient"),
            entropy: EntropySource(_number("entropy")),
            escrowCodeHash: keccak256(_code("JobEscrow")),
            committees: committees
        });
    }

    /// @dev By the deterministic deployer that most chains have: salt, then creation code.
    function _create2(string memory name, bytes memory code, address expected) private returns (address) {
        if (expected.code.length > 0) return expected;
        address deployer = vm.parseJsonAddress(_book, ".deployer");
        if (deployer.code.length == 0) revert DeployDeployerMissing(deployer);
        bytes32 salt = keccak256(bytes(vm.parseJsonString(_book, ".salt")));
        vm.broadcast();
        (bool ok, bytes memory answer) = deployer.call(bytes.concat(salt, code));
        if (!ok || answer.length != 20) revert DeployFailed(name);
        _same(name, expected, address(bytes20(answer)));
        return expected;
    }

    function _same(string memory name, address expected, address actual) private pure {
        if (expected != actual) revert DeployElsewhere(name, expected, actual);
    }

    function _code(string memory name) private view returns (bytes memory) {
        return vm.parseJsonBytes(vm.readFile(string.concat("artifacts/", name, ".json")), ".bytecode");
    }

    function _number(string memory name) private view returns (uint256) {
        return vm.parseJsonUint(_book, _key(string.concat(".settings.", name)));
    }

    function _address(string memory key) private view returns (address) {
        return vm.parseJsonAddress(_book, _key(key));
    }

    function _key(string memory key) private view returns (string memory) {
        return string.concat(_chain, key);
    }
}
