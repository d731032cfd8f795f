// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IJobClaims} from "../src/interfaces/IJobClaims.sol";
import {IJobEscrow, JobId} from "../src/interfaces/IJobEscrow.sol";
import {MerkleSum} from "../src/libraries/MerkleSum.sol";
import {Caps} from "./Caps.sol";
import {SettlementFixture} from "./SettlementFixture.sol";

/// @dev Caps, epochs and the notice between them.
contract AllocationTest is SettlementFixture {
    function test_withoutAnEpochNobodyIsPaid() public {
        JobId jobId = openJob();
        Caps.Line[] memory lines = caps(1e18, 1e18);
        IJobEscrow.SignedVoucher[] memory list = vouchers(jobId, ada, 1);
        IJobEscrow.CapProof[] memory shown = proofs(lines, 0);
        bytes memory reason = abi.encodeWithSelector(IJobEscrow.EscrowAllocationMissing.selector, jobId);
        vm.expectRevert(reason);
        escrow.redeem(jobId, list, shown);
        vm.expectRevert(reason);
        vm.prank(requestor);
        escrow.allocate(jobId, 0, 1, "");
    }

    function test_theFirstEpochIsInForceAtOnce() public {
        JobId jobId = openJob();
        Caps.Line[] memory lines = caps(600e18, 400e18);
        (bytes32 root, uint128 total) = Caps.root(lines);
        vm.expectEmit(address(escrow));
        emit IJobEscrow.AllocationPublished(jobId, 1, root, total, "document", uint64(block.timestamp));
        vm.expectEmit(address(escrow));
        emit IJobEscrow.AllocationInForce(jobId, 1, total);
        allocate(jobId, lines);
        IJobEscrow.Allocation memory now_ = escrow.allocation(jobId);
        assertEq(now_.epoch, 1);
        assertEq(now_.caps, keccak256(abi.encode(root, total)));
        assertEq(now_.total, 1_000e18);
        assertEq(now_.pendingAt, 0);
    }

    function test_capsNeverExceedTheEscrow() public {
        JobId jobId = openJob();
        (bytes32 root,) = Caps.root(caps(600e18, 400e18 + 1));
        vm.startPrank(requestor);
        vm.expectRevert(
            abi.encodeWithSelector(
                IJobEscrow.EscrowAllocationTooLarge.selector, jobId, uint256(BUDGET) + 1, uint256(BUDGET)
            )
        );
        escrow.allocate(jobId, root, BUDGET + 1, "");
        // A total that is not the tree's is of no use to anybody.
        escrow.allocate(jobId, root, BUDGET, "");
        vm.stopPrank();
        Caps.Line[] memory lines = caps(600e18, 400e18 + 1);
        IJobEscrow.SignedVoucher[] memory list = vouchers(jobId, ada, 1);
        IJobEscrow.CapProof[] memory shown = proofs(lines, 0);
        vm.expectRevert(
            abi.encodeWithSelector(IJobEscrow.EscrowAllocationWrong.selector, jobId, 1, root, uint128(BUDGET + 1))
        );
        escrow.redeem(jobId, list, shown);
    }

    function test_aVoucherIsPaidUpToTheCapAndTheRestWhenItGrows() public {
        (JobId jobId, Caps.Line[] memory lines) = openAllocated();
        vm.expectEmit(address(escrow));
        emit IJobEscrow.VoucherUnderfunded(jobId, ada, 50e18);
        assertEq(redeem(jobId, lines, 0, 650e18), 600e18);
        // Bob's money was never within her reach.
        assertEq(redeem(jobId, lines, 1, 400e18), 400e18);

        vm.prank(requestor);
        escrow.topUp(jobId, 60e18);
        lines = caps(60e18, 0);
        allocate(jobId, lines);
        vm.warp(block.timestamp + NOTICE);
        assertEq(redeem(jobId, lines, 0, 650e18), 50e18);
        assertEq(token.balanceOf(ada), 650e18);
        assertJob(jobId, IJobEscrow.JobState.Open, 1_050e18, 0, 10e18);
    }

    function test_theFormerEpochHoldsUntilTheNoticeIsOver() public {
        (JobId jobId, Caps.Line[] memory former) = openAllocated();
        Caps.Line[] memory next = caps(100e18, 900e18);
        allocate(jobId, next);
        IJobEscrow.Allocation memory shown = escrow.allocation(jobId);
        assertEq(shown.epoch, 1);
        assertEq(shown.pendingTotal, 1_000e18);
        assertEq(shown.pendingAt, block.timestamp + NOTICE);

        vm.warp(block.timestamp + NOTICE - 1);
        IJobEscrow.SignedVoucher[] memory list = vouchers(jobId, bob, 500e18);
        IJobEscrow.CapProof[] memory early = proofs(next, 1);
        vm.expectPartialRevert(IJobEscrow.EscrowAllocationWrong.selector);
        escrow.redeem(jobId, list, early);

        vm.warp(block.timestamp + 1);
        shown = escrow.allocation(jobId);
        assertEq(shown.epoch, 2);
        assertEq(shown.pendingAt, 0);
        assertEq(escrow.redeem(jobId, list, early), 500e18);
        IJobEscrow.SignedVoucher[] memory adas = vouchers(jobId, ada, 500e18);
        IJobEscrow.CapProof[] memory late = proofs(former, 0);
        vm.expectPartialRevert(IJobEscrow.EscrowAllocationWrong.selector);
        escrow.redeem(jobId, adas, late);
        assertEq(redeem(jobId, next, 0, 500e18), 100e18);
    }

    /// @dev What is vouchered and in flight under a cap cannot be taken by the next epoch: the provider has the notice.
    function test_anEpochCannotTakeWhatAProviderHasEarned() public {
        (JobId jobId, Caps.Line[] memory lines) = openAllocated();
        stake(ada, PROVIDER_STAKE);
        // Ada has a voucher over 30 and has rendered for 20 more. The next epoch leaves her nothing.
        allocate(jobId, caps(0, 1_000e18));
        assertEq(redeem(jobId, lines, 0, 30e18), 30e18);
        claim(jobId, lines, 0, 50e18);

        vm.warp(block.timestamp + NOTICE);
        vm.expectEmit(address(escrow));
        emit IJobEscrow.AllocationLapsed(jobId, 2, 1_000e18, 950e18);
        vm.prank(requestor);
        escrow.topUp(jobId, 1);
        assertEq(escrow.allocation(jobId).epoch, 1);

        // An epoch that leaves her hers fits.
        allocate(jobId, caps(0, 950e18));
        vm.warp(block.timestamp + NOTICE);
        assertEq(escrow.allocation(jobId).epoch, 2);
        assertEq(escrow.usedOf(jobId, ada), 0);
        vm.warp(block.timestamp + CHALLENGE);
        assertEq(escrow.payClaim(jobId, ada), 20e18);
        assertEq(token.balanceOf(ada), 50e18);
    }

    function test_aNewPublicationReplacesAPendingOneAndStartsTheNoticeAnew() public {
        (JobId jobId,) = openAllocated();
        allocate(jobId, caps(1, 2));
        vm.warp(block.timestamp + NOTICE - 1);
        allocate(jobId, caps(3, 4));
        IJobEscrow.Allocation memory shown = escrow.allocation(jobId);
        assertEq(shown.pendingTotal, 7);
        assertEq(shown.pendingAt, block.timestamp + NOTICE);
        assertEq(shown.epoch, 1);
    }

    function test_anEpochComesBeforeTheDeadlineOrNotAtAll() public {
        JobId jobId = openJob();
        uint64 deadline = escrow.job(jobId).deadline;
        vm.warp(deadline);
        vm.prank(requestor);
        vm.expectRevert(
            abi.encodeWithSelector(IJobEscrow.EscrowDeadlinePassed.selector, jobId, deadline, uint256(deadline))
        );
        escrow.allocate(jobId, "root", 1, "");
    }

    // ---- the tree ----

    function testFuzz_hashesAreWhatTheTextSays(address account, uint128 a, uint128 b, bytes32 left, bytes32 right)
        public
        pure
    {
        (a, b) = (a / 2, b / 2);
        assertEq(MerkleSum.leaf(account, a), keccak256(abi.encodePacked(uint8(0), account, a)));
        (bytes32 hash, uint128 sum) = MerkleSum.node(left, a, right, b);
        assertEq(hash, keccak256(abi.encodePacked(uint8(1), left, a, right, b)));
        assertEq(sum, a + b);
    }

    /// @dev Every leaf of every tree can be shown; no leaf can be shown with another amount.
    function testFuzz_everyCapCanBeShownAndNoOther(uint256 seed, uint8 count, uint8 pick, uint128 other) public {
        uint256 size = bound(count, 1, 33);
        Caps.Line[] memory lines = new Caps.Line[](size);
        for (uint256 i = 0; i < size; ++i) {
            lines[i] = Caps.Line(
                address(uint160(uint256(keccak256(abi.encode(seed, i))))),
                uint128(uint256(keccak256(abi.encode(i, seed))) % 20e18)
            );
        }
        JobId jobId = openJob();
        allocate(jobId, lines);
        uint256 index = pick % size;
        uint256 cap = lines[index].cap;
        assertEq(redeem(jobId, lines, index, 2_000e18), cap);

        IJobEscrow.CapProof[] memory forged = proofs(lines, index);
        vm.assume(other != cap && other < type(uint128).max / 2);
        forged[0].cap = other;
        IJobEscrow.SignedVoucher[] memory list = vouchers(jobId, lines[index].provider, 3_000e18);
        vm.expectPartialRevert(IJobEscrow.EscrowAllocationWrong.selector);
        escrow.redeem(jobId, list, forged);
    }

    function test_aTreeThatOverflowsHasNoRoot() public {
        Caps.Line[] memory lines = caps(type(uint128).max, 1);
        vm.expectRevert(abi.encodeWithSelector(MerkleSum.MerkleSumTooLarge.selector, uint256(type(uint128).max) + 1));
        this.rootOf(lines);
        (bytes32 root, uint128 total) = this.rootOf(new Caps.Line[](0));
        assertEq(root, 0);
        assertEq(total, 0);
        assertEq(MerkleSum.seal(0, 1), 0);
    }

    function rootOf(Caps.Line[] memory lines) external pure returns (bytes32, uint128) {
        return Caps.root(lines);
    }

    // ---- properties ----

    /// @dev Whatever the order and number of the vouchers, a provider ends with its largest one, within its cap.
    function testFuzz_orderAndRepetitionChangeNothing(uint128[8] calldata cumulatives, uint256 seed) public {
        (JobId jobId, Caps.Line[] memory lines) = openAllocated();
        uint256 largest;
        for (uint256 i = 0; i < 24; ++i) {
            uint256 pick = uint256(keccak256(abi.encode(seed, i))) % cumulatives.length;
            uint256 cumulative = bound(cumulatives[pick], 0, 2 * BUDGET);
            if (cumulative > largest) largest = cumulative;
            uint256 before = escrow.paidTo(jobId, ada);
            redeem(jobId, lines, 0, cumulative);
            assertGe(escrow.paidTo(jobId, ada), before, "paid fell");
        }
        uint256 due = largest < 600e18 ? largest : 600e18;
        assertEq(token.balanceOf(ada), due);
        assertJob(jobId, IJobEscrow.JobState.Open, due, 0, BUDGET - due);
    }

    /// @dev A signature by any other key is worth nothing.
    function testFuzz_onlyTheRequestorsKeySigns(uint256 key, uint128 cumulative) public {
        key = boundPrivateKey(key);
        vm.assume(key != REQUESTOR_KEY && cumulative > 0);
        (JobId jobId, Caps.Line[] memory lines) = openAllocated();
        IJobEscrow.SignedVoucher[] memory list = new IJobEscrow.SignedVoucher[](1);
        list[0] = signAs(key, jobId, ada, cumulative);
        vm.expectPartialRevert(IJobEscrow.EscrowVoucherNotSigned.selector);
        escrow.redeem(jobId, list, proofs(lines, 0));
    }

    /// @dev With claims at work too: whoever acts within the notice keeps what it earned, and the caps stay covered.
    function testFuzz_capsInForceAreAlwaysCovered(uint128[6] calldata amounts, uint8 steps) public {
        (JobId jobId, Caps.Line[] memory lines) = openAllocated();
        stake(ada, PROVIDER_STAKE);
        for (uint256 i = 0; i < 6; ++i) {
            uint256 step = (steps >> i) & 1;
            if (step == 0) {
                redeem(jobId, lines, i % 2, bound(amounts[i], 0, 500e18));
            } else if (escrow.claimOf(jobId, ada).state == IJobClaims.ClaimState.None) {
                uint256 left = lines[0].cap - escrow.usedOf(jobId, ada);
                if (left > 0) claim(jobId, lines, 0, escrow.paidTo(jobId, ada) + bound(amounts[i], 1, left));
            }
            uint256 open = lines[0].cap - escrow.usedOf(jobId, ada) + lines[1].cap - escrow.usedOf(jobId, bob);
            IJobEscrow.Job memory job = escrow.job(jobId);
            assertLe(open, job.locked - job.reserved, "caps in force exceed what is free");
        }
    }
}
