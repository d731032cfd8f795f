// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Vm} from "forge-std/Vm.sol";
import {IDisputes} from "../src/interfaces/IDisputes.sol";
import {JobId} from "../src/interfaces/IJobEscrow.sol";
import {Caps} from "./Caps.sol";
import {SettlementFixture} from "./SettlementFixture.sol";

/// @dev A job in which Ada claims 100, a pool of jurors, and short ways to play a dispute.
abstract contract DisputeFixture is SettlementFixture {
    uint128 internal constant CLAIMED = 100e18;
    uint64 internal constant TASK = 17;

    JobId internal jobId;
    Caps.Line[] internal lines;

    function setUp() public virtual override {
        super.setUp();
        Caps.Line[] memory made;
        (jobId, made) = openAllocated();
        lines.push(made[0]);
        lines.push(made[1]);
        stake(ada, PROVIDER_STAKE);
    }

    function seatJurors(uint256 count) internal {
        for (uint256 i = 0; i < count; ++i) {
            address juror = vm.addr(1_000 + i);
            register(juror, true);
            stake(juror, JUROR_STAKE + uint128(i % 5) * 1e18);
        }
        vm.warp(block.timestamp + 1);
    }

    function rejectClaim() internal returns (uint256 id) {
        giveStakeTokens(requestor, address(disputes), FIRST_BOND);
        vm.prank(requestor);
        return disputes.reject(jobId, ada, TASK, EVIDENCE);
    }

    function claimAndReject() internal returns (uint256 id) {
        claim(jobId, lines, 0, CLAIMED);
        return rejectClaim();
    }

    function appealAs(address loser, uint256 id) internal {
        uint256 bond = disputes.bondOf(disputes.dispute(id).round + 1);
        giveStakeTokens(loser, address(disputes), bond);
        vm.prank(loser);
        disputes.appeal(id, "further evidence");
    }

    function readyToDraw(uint256 id) internal returns (uint64 drawBlock) {
        drawBlock = disputes.roundOf(id, disputes.dispute(id).round).drawBlock;
        vm.roll(drawBlock + 1);
        vm.setBlockhash(drawBlock, keccak256(abi.encode("block", drawBlock)));
    }

    function drawCommittee(uint256 id) internal returns (address[] memory jurors) {
        readyToDraw(id);
        vm.recordLogs();
        disputes.draw(id, "");
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] != IDisputes.JurorsDrawn.selector) continue;
            (, jurors) = abi.decode(logs[i].data, (bytes32, address[]));
        }
    }

    function commitAs(address juror, uint256 id, IDisputes.Verdict verdict) internal {
        uint8 round = disputes.dispute(id).round;
        bytes32 commitment = disputes.verdictCommitment(id, round, juror, verdict, "crop", "salt");
        vm.prank(juror);
        disputes.commitVerdict(id, commitment);
    }

    function revealAs(address juror, uint256 id, IDisputes.Verdict verdict) internal {
        vm.prank(juror);
        disputes.revealVerdict(id, verdict, "crop", "salt");
    }

    /// @dev The first `good` jurors find the claim good, the next `bad` bad, the rest stay away.
    function vote(uint256 id, address[] memory jurors, uint256 good, uint256 bad) internal {
        for (uint256 i = 0; i < good + bad; ++i) {
            commitAs(jurors[i], id, i < good ? IDisputes.Verdict.Good : IDisputes.Verdict.Bad);
        }
        IDisputes.Round memory round = disputes.roundOf(id, disputes.dispute(id).round);
        if (block.timestamp < round.commitEndsAt) vm.warp(round.commitEndsAt);
        for (uint256 i = 0; i < good + bad; ++i) {
            revealAs(jurors[i], id, i < good ? IDisputes.Verdict.Good : IDisputes.Verdict.Bad);
        }
        round = disputes.roundOf(id, disputes.dispute(id).round);
        if (block.timestamp < round.revealEndsAt) vm.warp(round.revealEndsAt);
    }

    function playRound(uint256 id, uint256 good, uint256 bad) internal returns (address[] memory jurors) {
        jurors = drawCommittee(id);
        vote(id, jurors, good, bad);
    }

    function conclude(uint256 id) internal {
        IDisputes.Round memory round = disputes.roundOf(id, disputes.dispute(id).round);
        if (disputes.phase(id) == IDisputes.Phase.Appealing) vm.warp(round.appealEndsAt);
        vm.prank(stranger);
        disputes.conclude(id);
    }

    /// @dev Pays every juror of a round that has something to get; returns how many.
    function payJurors(uint256 id, uint8 round, address[] memory jurors) internal returns (uint256 count) {
        for (uint256 i = 0; i < jurors.length; ++i) {
            try disputes.payJuror(id, round, jurors[i]) {
                ++count;
            } catch (bytes memory reason) {
                assertEq(bytes4(reason), IDisputes.DisputeNoFee.selector);
            }
        }
    }

    function assertPhase(uint256 id, IDisputes.Phase expected) internal view {
        assertEq(uint8(disputes.phase(id)), uint8(expected), "phase");
    }

    function assertVerdict(uint256 id, IDisputes.Verdict expected) internal view {
        assertEq(uint8(disputes.dispute(id).standing), uint8(expected), "verdict");
    }
}
