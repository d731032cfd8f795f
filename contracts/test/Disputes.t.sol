// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDisputes} from "../src/interfaces/IDisputes.sol";
import {IJobClaims} from "../src/interfaces/IJobClaims.sol";
import {DisputeFixture} from "./DisputeFixture.sol";

/// @dev Phases, who may do what in each, and committees of every size. Sums are in Quarrels.t.sol.
contract DisputesTest is DisputeFixture {
    // ---- rejecting ----

    function test_aRejectionFreezesStakeAndOpensARound() public {
        claim(jobId, lines, 0, CLAIMED);
        giveStakeTokens(requestor, address(disputes), FIRST_BOND);
        vm.expectEmit(address(disputes));
        emit IDisputes.ClaimRejected(1, jobId, ada, TASK, EVIDENCE, PROVIDER_STAKE);
        vm.expectEmit(address(disputes));
        emit IDisputes.RoundOpened(1, 0, requestor, FIRST_BOND, uint64(block.number) + 4);
        vm.prank(requestor);
        assertEq(disputes.reject(jobId, ada, TASK, EVIDENCE), 1);

        IDisputes.Dispute memory made = disputes.dispute(1);
        assertEq(made.stakesAt, block.timestamp - 1);
        assertEq(made.pool, registry.poolOf(CLASS, 0));
        assertEq(registry.freeStake(ada), 0);
        assertEq(stakeToken.balanceOf(address(disputes)), FIRST_BOND);
        assertClaim(jobId, ada, IJobClaims.ClaimState.Disputed, CLAIMED);
        assertPhase(1, IDisputes.Phase.Drawing);
        assertEq(disputes.disputeCount(), 1);
    }

    function test_onlyTheRequestorRejectsInTimeWithEvidence() public {
        claim(jobId, lines, 0, CLAIMED);
        vm.prank(bob);
        vm.expectRevert(abi.encodeWithSelector(IDisputes.DisputeNotRequestor.selector, jobId, bob, requestor));
        disputes.reject(jobId, ada, TASK, EVIDENCE);
        vm.startPrank(requestor);
        vm.expectRevert(IDisputes.DisputeEvidenceMissing.selector);
        disputes.reject(jobId, ada, TASK, 0);
        vm.warp(block.timestamp + CHALLENGE);
        vm.expectPartialRevert(IJobClaims.ClaimWindowOver.selector);
        disputes.reject(jobId, ada, TASK, EVIDENCE);
    }

    function test_aClaimIsDisputedOnce() public {
        claimAndReject();
        vm.prank(requestor);
        vm.expectRevert(abi.encodeWithSelector(IJobClaims.ClaimStateWrong.selector, jobId, ada, 2));
        disputes.reject(jobId, ada, TASK, EVIDENCE);
    }

    // ---- phases ----

    function test_eachPhaseTakesOnlyItsOwnCalls() public {
        vm.expectRevert(abi.encodeWithSelector(IDisputes.DisputeUnknown.selector, 1));
        disputes.conclude(1);
        seatJurors(3);
        uint256 id = claimAndReject();
        _expectOnly(id, IDisputes.Phase.Drawing);
        address[] memory jurors = drawCommittee(id);
        _expectOnly(id, IDisputes.Phase.Committing);
        for (uint256 i = 0; i < 3; ++i) {
            commitAs(jurors[i], id, IDisputes.Verdict.Good);
        }
        // All have committed: revealing begins at once.
        _expectOnly(id, IDisputes.Phase.Revealing);
        for (uint256 i = 0; i < 3; ++i) {
            revealAs(jurors[i], id, IDisputes.Verdict.Good);
        }
        _expectOnly(id, IDisputes.Phase.Appealing);
        vm.warp(disputes.roundOf(id, 0).appealEndsAt);
        _expectOnly(id, IDisputes.Phase.Due);
        disputes.conclude(id);
        _expectOnly(id, IDisputes.Phase.Concluded);
    }

    function test_timeAloneMovesEveryPhase() public {
        seatJurors(3);
        uint256 id = claimAndReject();
        address[] memory jurors = drawCommittee(id);
        commitAs(jurors[0], id, IDisputes.Verdict.Bad);
        commitAs(jurors[1], id, IDisputes.Verdict.Bad);
        vm.warp(disputes.roundOf(id, 0).commitEndsAt);
        assertPhase(id, IDisputes.Phase.Revealing);
        revealAs(jurors[0], id, IDisputes.Verdict.Bad);
        vm.warp(disputes.roundOf(id, 0).revealEndsAt);
        // One of three is too few; the requestor, who would lose by it, may appeal.
        assertPhase(id, IDisputes.Phase.Appealing);
        vm.warp(disputes.roundOf(id, 0).appealEndsAt);
        assertPhase(id, IDisputes.Phase.Due);
        assertEq(uint8(disputes.roundVerdict(id, 0)), 0);
        disputes.conclude(id);
        assertVerdict(id, IDisputes.Verdict.Good);
    }

    function test_jurorsCommitAndRevealOnceAndWhatTheySaid() public {
        seatJurors(3);
        uint256 id = claimAndReject();
        address[] memory jurors = drawCommittee(id);
        vm.prank(stranger);
        vm.expectRevert(abi.encodeWithSelector(IDisputes.DisputeNotSeated.selector, id, 0, stranger));
        disputes.commitVerdict(id, "x");
        vm.prank(jurors[0]);
        vm.expectRevert(abi.encodeWithSelector(IDisputes.DisputeCommitmentMissing.selector, id, jurors[0]));
        disputes.commitVerdict(id, 0);
        commitAs(jurors[0], id, IDisputes.Verdict.Good);
        bytes32 copied = disputes.ballotOf(id, 0, jurors[0]).commitment;
        vm.prank(jurors[0]);
        vm.expectRevert(abi.encodeWithSelector(IDisputes.DisputeAlreadyCommitted.selector, id, jurors[0]));
        disputes.commitVerdict(id, "x");
        // A copied commitment cannot be revealed: it names its juror.
        vm.prank(jurors[1]);
        disputes.commitVerdict(id, copied);
        vm.warp(disputes.roundOf(id, 0).commitEndsAt);

        vm.prank(jurors[1]);
        vm.expectPartialRevert(IDisputes.DisputeRevealWrong.selector);
        disputes.revealVerdict(id, IDisputes.Verdict.Good, "crop", "salt");
        vm.prank(jurors[2]);
        vm.expectRevert(abi.encodeWithSelector(IDisputes.DisputeCommitmentMissing.selector, id, jurors[2]));
        disputes.revealVerdict(id, IDisputes.Verdict.Good, "crop", "salt");
        vm.startPrank(jurors[0]);
        vm.expectRevert(abi.encodeWithSelector(IDisputes.DisputeVerdictInvalid.selector, id, 0));
        disputes.revealVerdict(id, IDisputes.Verdict.None, "crop", "salt");
        vm.expectPartialRevert(IDisputes.DisputeRevealWrong.selector);
        disputes.revealVerdict(id, IDisputes.Verdict.Bad, "crop", "salt");
        disputes.revealVerdict(id, IDisputes.Verdict.Good, "crop", "salt");
        vm.expectRevert(abi.encodeWithSelector(IDisputes.DisputeAlreadyRevealed.selector, id, jurors[0]));
        disputes.revealVerdict(id, IDisputes.Verdict.Good, "crop", "salt");
    }

    function test_onlyTheLoserAppealsAndNotForEver() public {
        seatJurors(40);
        uint256 id = claimAndReject();
        playRound(id, 1, 2);
        vm.prank(requestor);
        vm.expectRevert(abi.encodeWithSelector(IDisputes.DisputeNotLoser.selector, id, requestor, ada));
        disputes.appeal(id, EVIDENCE);
        vm.prank(ada);
        vm.expectRevert(IDisputes.DisputeEvidenceMissing.selector);
        disputes.appeal(id, 0);
        appealAs(ada, id);
        assertEq(disputes.roundOf(id, 1).bonder, ada);
        assertEq(disputes.roundOf(id, 1).bond, 2 * FIRST_BOND);
        playRound(id, 4, 3);
        appealAs(requestor, id);
        playRound(id, 7, 8);
        appealAs(ada, id);
        assertEq(disputes.roundOf(id, 3).bond, 8 * FIRST_BOND);
        playRound(id, 16, 15);
        // The last committee has the last word.
        assertPhase(id, IDisputes.Phase.Due);
        conclude(id);
        assertVerdict(id, IDisputes.Verdict.Good);
        assertClaim(jobId, ada, IJobClaims.ClaimState.Upheld, CLAIMED);
    }

    function test_committeesOf3And7And15And31ArePlayed() public {
        seatJurors(45);
        uint256 id = claimAndReject();
        uint16[4] memory sizes = [uint16(3), 7, 15, 31];
        for (uint8 round = 0; round < 4; ++round) {
            address[] memory jurors = drawCommittee(id);
            assertEq(jurors.length, sizes[round]);
            for (uint256 i = 0; i < jurors.length; ++i) {
                assertTrue(disputes.ballotOf(id, round, jurors[i]).seated);
                assertTrue(jurors[i] != ada && jurors[i] != requestor);
            }
            // Each round says the opposite of the one before.
            bool good = round % 2 == 1;
            vote(id, jurors, good ? sizes[round] : 0, good ? 0 : sizes[round]);
            if (round < 3) appealAs(good ? requestor : ada, id);
        }
        conclude(id);
        assertVerdict(id, IDisputes.Verdict.Good);
    }

    // ---- the draw ----

    function test_theDrawWaitsForItsBlock() public {
        seatJurors(3);
        uint256 id = claimAndReject();
        uint64 drawBlock = disputes.roundOf(id, 0).drawBlock;
        vm.roll(drawBlock);
        vm.expectRevert(abi.encodeWithSelector(IDisputes.DisputeDrawNotDue.selector, id, drawBlock, drawBlock));
        disputes.draw(id, "");
    }

    function test_aForgottenBlockIsReplacedByOneToCome() public {
        seatJurors(3);
        uint256 id = claimAndReject();
        uint64 drawBlock = disputes.roundOf(id, 0).drawBlock;
        vm.roll(drawBlock + 300);
        vm.expectEmit(address(disputes));
        emit IDisputes.DrawRearmed(id, 0, drawBlock + 304);
        disputes.draw(id, "");
        assertPhase(id, IDisputes.Phase.Drawing);
        assertEq(drawCommittee(id).length, 3);
        assertPhase(id, IDisputes.Phase.Committing);
    }

    function test_stakesOfLaterThanTheRejectionDoNotCount() public {
        seatJurors(3);
        uint256 id = claimAndReject();
        address whale = makeAddr("whale");
        register(whale, true);
        stake(whale, 1_000_000e18);
        address[] memory jurors = drawCommittee(id);
        for (uint256 i = 0; i < 3; ++i) {
            assertTrue(jurors[i] != whale);
        }
    }

    function test_thePartiesDoNotJudge() public {
        seatJurors(2);
        register(ada, true);
        stake(ada, 1_000e18);
        register(requestor, true);
        stake(requestor, 1_000e18);
        vm.warp(block.timestamp + 1);
        uint256 id = claimAndReject();
        readyToDraw(id);
        vm.expectEmit(address(disputes));
        emit IDisputes.JurorsMissing(id, 0, 3);
        disputes.draw(id, "");
        assertPhase(id, IDisputes.Phase.Due);
    }

    function test_theCropFollowsFromTheDraw() public {
        seatJurors(9);
        uint256 id = claimAndReject();
        playRound(id, 1, 2);
        bytes32 first = disputes.roundOf(id, 0).cropSeed;
        uint64 drawBlock = disputes.roundOf(id, 0).drawBlock;
        bytes32 random = keccak256(abi.encode(keccak256(abi.encode("block", drawBlock))));
        bytes32 seed = keccak256(abi.encode(random, address(disputes), id, uint8(0)));
        assertEq(first, keccak256(abi.encode(seed, "crop", TASK)));
        appealAs(ada, id);
        playRound(id, 7, 0);
        assertNotEq(disputes.roundOf(id, 1).cropSeed, first);
    }

    // ---- after the end ----

    function test_creditsArePaidOnce() public {
        seatJurors(3);
        uint256 id = claimAndReject();
        address[] memory jurors = playRound(id, 2, 1);
        vm.expectRevert(abi.encodeWithSelector(IDisputes.DisputePhaseWrong.selector, id, IDisputes.Phase.Appealing));
        disputes.payJuror(id, 0, jurors[0]);
        conclude(id);
        disputes.payJuror(id, 0, jurors[0]);
        bytes memory reason = abi.encodeWithSelector(IDisputes.DisputeNoFee.selector, id, 0, jurors[0]);
        vm.expectRevert(reason);
        disputes.payJuror(id, 0, jurors[0]);
        vm.expectPartialRevert(IDisputes.DisputeNoFee.selector);
        disputes.payJuror(id, 0, jurors[2]);
        vm.expectPartialRevert(IDisputes.DisputeNoFee.selector);
        disputes.payJuror(id, 0, stranger);

        uint256 before = stakeToken.balanceOf(jurors[0]);
        vm.startPrank(jurors[0]);
        assertEq(disputes.withdraw(), JUROR_FEE);
        assertEq(stakeToken.balanceOf(jurors[0]) - before, JUROR_FEE);
        vm.expectRevert(abi.encodeWithSelector(IDisputes.DisputeNothingToWithdraw.selector, jurors[0]));
        disputes.withdraw();
    }

    // ---- helpers ----

    function _expectOnly(uint256 id, IDisputes.Phase current) private {
        assertPhase(id, current);
        bytes memory wrong = abi.encodeWithSelector(IDisputes.DisputePhaseWrong.selector, id, current);
        if (current != IDisputes.Phase.Drawing) {
            vm.expectRevert(wrong);
            disputes.draw(id, "");
        }
        if (current != IDisputes.Phase.Committing) {
            vm.expectRevert(wrong);
            disputes.commitVerdict(id, "x");
        }
        if (current != IDisputes.Phase.Revealing) {
            vm.expectRevert(wrong);
            disputes.revealVerdict(id, IDisputes.Verdict.Good, 0, 0);
        }
        if (current != IDisputes.Phase.Appealing) {
            vm.expectRevert(wrong);
            disputes.appeal(id, EVIDENCE);
        }
        if (current != IDisputes.Phase.Due) {
            vm.expectRevert(wrong);
            disputes.conclude(id);
        }
    }
}
