// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The best of many, in bounded memory and gas
/// @notice A heap of the best so far whose root is the worst of them: n offers cost n × log(places), in whatever order they
/// come. Of equal weights the lower account is better. Weights count up to 2^96 - 1: 79 billion coins.
library Ranking {
    uint256 internal constant WEIGHT_MAX = type(uint96).max;

    struct Best {
        uint256[] heap;
        uint256 count;
    }

    function places(uint256 number) internal pure returns (Best memory best) {
        best.heap = new uint256[](number);
    }

    /// @notice Takes an account in if it is better than the worst, or if there is room.
    function offer(Best memory best, address account, uint256 weight) internal pure {
        uint256 key = ((weight < WEIGHT_MAX ? weight : WEIGHT_MAX) << 160) | uint160(~uint160(account));
        uint256[] memory heap = best.heap;
        if (best.count < heap.length) {
            uint256 place = best.count++;
            while (place > 0 && heap[(place - 1) / 2] > key) {
                heap[place] = heap[(place - 1) / 2];
                place = (place - 1) / 2;
            }
            heap[place] = key;
        } else if (key > heap[0]) {
            _sink(heap, key);
        }
    }

    function entry(Best memory best, uint256 index) internal pure returns (address account, uint256 weight) {
        uint256 key = best.heap[index];
        return (address(~uint160(key)), key >> 160);
    }

    /// @dev Puts `key` in place of the root.
    function _sink(uint256[] memory heap, uint256 key) private pure {
        uint256 place = 0;
        while (true) {
            uint256 child = 2 * place + 1;
            if (child >= heap.length) break;
            if (child + 1 < heap.length && heap[child + 1] < heap[child]) ++child;
            if (heap[child] >= key) break;
            heap[place] = heap[child];
            place = child;
        }
        heap[place] = key;
    }
}
