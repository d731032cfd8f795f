// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BlockHeader} from "@openzeppelin/contracts/utils/BlockHeader.sol";
import {Blockhash} from "@openzeppelin/contracts/utils/Blockhash.sol";

/// @notice Where a deployment takes its randomness from.
enum EntropySource {
    /// The hash of a block that did not exist when it was named. For chains whose headers carry no randomness.
    BlockHash,
    /// `prevRandao` out of the header of that block. For chains whose consensus makes it: a proposer can only withhold
    /// its block, not try many.
    PrevRandao
}

/// @title Randomness of one block, the same for whoever asks and whenever
/// @notice docs/adr/0016-settlement-state-machine.md says how far each source can be biased.
library Randomness {
    error RandomnessHeaderWrong(uint256 blockNumber, bytes32 expectedHash, bytes32 actualHash);

    /// @notice Zero when the chain no longer knows the block.
    /// @param header The block's header in RLP; not read with EntropySource.BlockHash.
    function draw(EntropySource source, uint256 blockNumber, bytes calldata header) internal view returns (bytes32) {
        bytes32 expected = Blockhash.blockHash(blockNumber);
        if (expected == 0) return 0;
        if (source == EntropySource.BlockHash) return keccak256(abi.encode(expected));
        bytes32 actual = keccak256(header);
        if (actual != expected) revert RandomnessHeaderWrong(blockNumber, expected, actual);
        return keccak256(abi.encode(BlockHeader.getPrevRandao(header)));
    }
}
