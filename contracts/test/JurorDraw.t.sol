// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {JurorDraw} from "../src/libraries/JurorDraw.sol";
import {StakeTree} from "../src/libraries/StakeTree.sol";

/// @dev The stake tree and the draw against plain lists.
contract JurorDrawTest is Test {
    using JurorDraw for StakeTree.Tree;
    using StakeTree for StakeTree.Tree;

    uint256 private constant MEMBERS = 21;

    StakeTree.Tree private tree;
    mapping(uint256 time => uint256[MEMBERS]) private history;

    function member(uint256 index) private pure returns (address) {
        return address(uint160(index + 1));
    }

    function testFuzz_theTreeRemembersWhatAListWould(uint256 seed) public {
        vm.warp(100);
        uint256[MEMBERS] memory weights;
        for (uint256 i = 0; i < 60; ++i) {
            uint256 random = uint256(keccak256(abi.encode(seed, i)));
            if (random % 3 == 0) vm.warp(block.timestamp + 1);
            uint256 who = (random >> 8) % MEMBERS;
            weights[who] = (random >> 16) % 4 == 0 ? 0 : (random >> 24) % 1e24;
            tree.set(member(who), uint208(weights[who]));
            history[block.timestamp] = weights;
        }
        uint256 latest = block.timestamp;
        for (uint256 time = 100; time <= latest; ++time) {
            uint256 sum;
            for (uint256 i = 0; i < MEMBERS; ++i) {
                sum += history[time][i];
            }
            if (sum == 0) continue;
            uint48 second = uint48(time);
            assertEq(tree.total(second), sum, "total");
            (address found, uint256 start, uint256 width) = tree.find(second, seed % sum);
            assertLe(start, seed % sum);
            assertLt(seed % sum, start + width);
            assertEq(width, history[time][uint160(found) - 1], "width");
            (uint256 again, uint256 same) = tree.interval(second, found);
            assertEq(again, start, "start");
            assertEq(same, width);
        }
        for (uint256 i = 0; i < MEMBERS; ++i) {
            assertEq(tree.weightOf(member(i)), weights[i]);
        }
        (uint256 none, uint256 nothing) = tree.interval(uint48(latest), address(99));
        assertEq(none + nothing, 0);
    }

    function testFuzz_aCommitteeHasDifferentMembersWithWeightAndNobodyBarred(bytes32 seed, uint8 barredPick) public {
        vm.warp(100);
        for (uint256 i = 0; i < MEMBERS; ++i) {
            tree.set(member(i), uint208(i % 7 == 3 ? 0 : 1 + i * 1e18));
        }
        address[2] memory barred = [member(barredPick % MEMBERS), member((barredPick / 16) % MEMBERS)];
        address[] memory jurors = tree.draw(100, seed, 15, barred);
        assertEq(jurors.length, 15);
        for (uint256 i = 0; i < 15; ++i) {
            assertTrue(jurors[i] != barred[0] && jurors[i] != barred[1], "barred");
            assertGt(tree.weightOf(jurors[i]), 0, "no weight");
            for (uint256 j = 0; j < i; ++j) {
                assertTrue(jurors[i] != jurors[j], "twice");
            }
        }
        // 18 have weight; whoever is barred leaves 16 at least.
        assertEq(tree.draw(100, seed, 19, barred).length, 0);
    }

    function test_chancesFollowStake() public {
        vm.warp(100);
        for (uint256 i = 0; i < 4; ++i) {
            tree.set(member(i), uint208((i + 1) * 1e18));
        }
        uint256[4] memory hits;
        for (uint256 i = 0; i < 2_000; ++i) {
            address[] memory one = tree.draw(100, keccak256(abi.encode(i)), 1, [address(98), address(99)]);
            hits[uint160(one[0]) - 1] += 1;
        }
        // 10, 20, 30 and 40 % of 2,000; five standard deviations are at most 110.
        for (uint256 i = 0; i < 4; ++i) {
            assertApproxEqAbs(hits[i], (i + 1) * 200, 110);
        }
    }

    function test_anEmptyTreeDrawsNobody() public {
        vm.warp(100);
        tree.set(member(0), 0);
        assertEq(tree.total(100), 0);
        assertEq(tree.draw(100, "seed", 1, [address(98), address(99)]).length, 0);
    }
}
