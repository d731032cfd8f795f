// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Evidence} from "../../src/chain/Evidence.sol";
import {IValidators} from "../../src/chain/IValidators.sol";
import {Members} from "../../src/chain/Members.sol";
import {ChainFixture} from "./ChainFixture.sol";

/// @dev Holds the contracts to vectors/proposers.json and vectors/votes.json; the Rust consensus is held to the same files.
contract ChainVectorsTest is ChainFixture {
    using Members for uint256[];

    string private json;

    function at(string memory list, uint256 index, string memory field) private pure returns (string memory) {
        return string.concat(list, "[", vm.toString(index), "]", field);
    }

    function number(string memory path) private view returns (uint256) {
        return vm.parseJsonUint(json, path);
    }

    function test_proposers() public {
        json = vm.readFile("vectors/proposers.json");
        uint256 draws = 0;
        for (uint256 i = 0; vm.keyExistsJson(json, at("", i, "")); ++i) {
            uint256[] memory set = _set(at("", i, ""));
            uint256 total = set.totalOf();
            for (uint256 j = 0; vm.keyExistsJson(json, at(at("", i, ".turns"), j, "")); ++j) {
                string memory turn = at(at("", i, ".turns"), j, "");
                address drawn = set.proposer(
                    total, uint64(number(string.concat(turn, ".height"))), uint32(number(string.concat(turn, ".round")))
                );
                assertEq(drawn, vm.parseJsonAddress(json, string.concat(turn, ".proposer")), turn);
                ++draws;
            }
        }
        assertEq(draws, 42);
    }

    function _set(string memory path) private view returns (uint256[] memory set) {
        string memory list = string.concat(path, ".validators");
        uint256 count = 0;
        while (vm.keyExistsJson(json, at(list, count, ""))) ++count;
        set = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            set[i] = Members.pack(vm.parseJsonAddress(json, at(list, i, ".account")), number(at(list, i, ".power")));
        }
    }

    function test_votesAndProposals() public {
        json = vm.readFile("vectors/votes.json");
        vm.chainId(number(".domain.chainId"));
        genesis(STAKED, 1, 100 ether);
        assertEq(STAKED, vm.parseJsonAddress(json, ".domain.contract"));
        Evidence evidence = Evidence(STAKED);
        for (uint256 i = 0; i < 5; ++i) {
            string memory path = at(".votes", i, "");
            check(
                path,
                evidence.voteDigest(
                    IValidators.Vote(
                        uint64(number(string.concat(path, ".height"))),
                        uint32(number(string.concat(path, ".round"))),
                        uint8(number(string.concat(path, ".kind"))),
                        vm.parseJsonBytes32(json, string.concat(path, ".blockHash"))
                    )
                )
            );
        }
        for (uint256 i = 0; i < 4; ++i) {
            string memory path = at(".proposals", i, "");
            check(
                path,
                evidence.proposalDigest(
                    IValidators.Proposal(
                        uint64(number(string.concat(path, ".height"))),
                        uint32(number(string.concat(path, ".round"))),
                        int64(vm.parseJsonInt(json, string.concat(path, ".validRound"))),
                        vm.parseJsonBytes32(json, string.concat(path, ".blockHash"))
                    )
                )
            );
        }
    }

    function check(string memory path, bytes32 digest) private view {
        assertEq(digest, vm.parseJsonBytes32(json, string.concat(path, ".digest")), path);
        bytes memory signature = vm.parseJsonBytes(json, string.concat(path, ".signature"));
        assertEq(ECDSA.recover(digest, signature), vm.parseJsonAddress(json, ".signer.address"), path);
    }
}
