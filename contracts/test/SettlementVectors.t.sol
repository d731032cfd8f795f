// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IJobEscrow} from "../src/interfaces/IJobEscrow.sol";
import {IDisputes} from "../src/interfaces/IDisputes.sol";
import {MerkleSum} from "../src/libraries/MerkleSum.sol";
import {Caps} from "./Caps.sol";
import {SettlementFixture} from "./SettlementFixture.sol";

/// @dev Holds the contracts to vectors/settlement.json, which viem computed; the Rust client is held to the same file.
contract SettlementVectorsTest is SettlementFixture {
    string private json;

    function setUp() public override {
        super.setUp();
        json = vm.readFile("vectors/settlement.json");
    }

    function hash(string memory key) private view returns (bytes32) {
        return vm.parseJsonBytes32(json, key);
    }

    function number(string memory key) private view returns (uint256) {
        return vm.parseJsonUint(json, key);
    }

    function lines() private view returns (Caps.Line[] memory list) {
        list = new Caps.Line[](5);
        for (uint256 i = 0; i < 5; ++i) {
            string memory key = string.concat(".allocation.caps[", vm.toString(i), "]");
            list[i] = Caps.Line(
                vm.parseJsonAddress(json, string.concat(key, ".provider")), uint128(number(string.concat(key, ".cap")))
            );
        }
    }

    function test_allocation() public view {
        (bytes32 root, uint128 total) = Caps.root(lines());
        assertEq(root, hash(".allocation.root"));
        assertEq(total, number(".allocation.total"));
        assertEq(MerkleSum.seal(root, total), hash(".allocation.sealed"));
        for (uint256 i = 0; i < 5; ++i) {
            string memory key = string.concat(".allocation.proofs[", vm.toString(i), "]");
            IJobEscrow.CapProof memory made = Caps.proof(lines(), i);
            assertEq(made.path, number(string.concat(key, ".path")));
            for (uint256 j = 0; j < made.siblings.length; ++j) {
                string memory sibling = string.concat(key, ".siblings[", vm.toString(j), "]");
                assertEq(made.siblings[j].hash, hash(string.concat(sibling, ".hash")));
                assertEq(made.siblings[j].sum, number(string.concat(sibling, ".sum")));
            }
        }
    }

    function test_settlement() public view {
        uint128[] memory amounts = new uint128[](5);
        for (uint256 i = 0; i < 5; ++i) {
            amounts[i] = uint128(number(string.concat(".settlement.amounts[", vm.toString(i), "]")));
        }
        assertEq(keccak256(abi.encode(shares(lines(), amounts))), hash(".settlement.hash"));
    }

    function test_pool() public view {
        assertEq(registry.poolOf(hash(".pool.comparisonClass"), uint8(number(".pool.trustTier"))), hash(".pool.pool"));
    }

    function test_dispute() public {
        vm.chainId(number(".dispute.chainId"));
        address where = vm.parseJsonAddress(json, ".dispute.contract");
        vm.etch(where, address(disputes).code);
        bytes32 commitment = IDisputes(where)
            .verdictCommitment(
                number(".dispute.disputeId"),
                uint8(number(".dispute.round")),
                vm.parseJsonAddress(json, ".dispute.juror"),
                IDisputes.Verdict.Bad,
                hash(".dispute.cropHash"),
                hash(".dispute.salt")
            );
        assertEq(commitment, hash(".dispute.verdictCommitment"));
        bytes32 seed = keccak256(
            abi.encode(hash(".dispute.random"), where, number(".dispute.disputeId"), uint8(number(".dispute.round")))
        );
        assertEq(seed, hash(".dispute.seed"));
        assertEq(keccak256(abi.encode(seed, "crop", uint64(number(".dispute.taskId")))), hash(".dispute.cropSeed"));
    }
}
