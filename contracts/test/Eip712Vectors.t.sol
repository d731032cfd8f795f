// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {JobEscrow} from "../src/JobEscrow.sol";
import {JobId} from "../src/interfaces/IJobEscrow.sol";

/// @dev Holds the contracts to vectors/eip712.json; the Rust model is held to the same file.
contract Eip712VectorsTest is Test {
    string private json;
    JobEscrow private escrow;
    address private signer;

    function setUp() public {
        json = vm.readFile("vectors/eip712.json");
        vm.chainId(vm.parseJsonUint(json, ".domain.chainId"));
        escrow = JobEscrow(vm.parseJsonAddress(json, ".domain.escrow"));
        deployCodeTo("JobEscrow.sol:JobEscrow", abi.encode(address(1), address(2), 1, 0, address(0)), address(escrow));
        signer = vm.addr(uint256(bytes32_(".signer.secret")));
        assertEq(signer, vm.parseJsonAddress(json, ".signer.address"));
    }

    function bytes32_(string memory key) private view returns (bytes32) {
        return vm.parseJsonBytes32(json, key);
    }

    function separator() private view returns (bytes32) {
        (, string memory name, string memory version, uint256 chainId, address verifyingContract,,) =
            escrow.eip712Domain();
        return keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256(bytes(name)),
                keccak256(bytes(version)),
                chainId,
                verifyingContract
            )
        );
    }

    function check(string memory document, bytes32 digest) private view {
        assertEq(digest, bytes32_(string.concat(document, ".digest")), "digest");
        bytes memory signature = vm.parseJsonBytes(json, string.concat(document, ".signature"));
        assertEq(ECDSA.recover(digest, signature), signer, "signer");
    }

    function test_domainAndJobId() public view {
        assertEq(separator(), bytes32_(".domain.separator"));
        JobId jobId = escrow.jobIdOf(vm.parseJsonAddress(json, ".job.requestor"), bytes32_(".job.salt"));
        assertEq(JobId.unwrap(jobId), bytes32_(".job.id"));
    }

    function test_voucher() public view {
        bytes32 digest = escrow.voucherDigest(
            JobId.wrap(bytes32_(".voucher.jobId")),
            vm.parseJsonAddress(json, ".voucher.provider"),
            vm.parseJsonUint(json, ".voucher.cumulative")
        );
        check(".voucher", digest);
    }

    function test_receipt() public view {
        bytes32 typehash = keccak256(
            "Receipt(bytes32 jobId,uint64 taskId,uint64 attemptId,address provider,bytes32 bytesHash,bytes32 pixelCommitment,uint64 cpuMillis)"
        );
        bytes memory fields = abi.encode(
            typehash,
            bytes32_(".receipt.jobId"),
            vm.parseJsonUint(json, ".receipt.taskId"),
            vm.parseJsonUint(json, ".receipt.attemptId"),
            vm.parseJsonAddress(json, ".receipt.provider"),
            bytes32_(".receipt.bytesHash"),
            bytes32_(".receipt.pixelCommitment"),
            vm.parseJsonUint(json, ".receipt.cpuMillis")
        );
        check(".receipt", MessageHashUtils.toTypedDataHash(separator(), keccak256(fields)));
    }

    function test_endpointBinding() public view {
        bytes32 typehash = keccak256("EndpointBinding(bytes32 endpointId,address account)");
        bytes memory fields = abi.encode(
            typehash, bytes32_(".endpointBinding.endpointId"), vm.parseJsonAddress(json, ".endpointBinding.account")
        );
        check(".endpointBinding", MessageHashUtils.toTypedDataHash(separator(), keccak256(fields)));
    }
}
