// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDisputes} from "../src/interfaces/IDisputes.sol";
import {IJobClaims} from "../src/interfaces/IJobClaims.sol";
import {IJobEscrow, JobId} from "../src/interfaces/IJobEscrow.sol";
import {DisputeFixture} from "./DisputeFixture.sol";

/// @dev Every quarrel of docs/adr/0016-settlement-state-machine.md with its final balances, to the last unit. Job tokens
/// and stake tokens are counted from what each party had before the job: the requestor's budget of 1,000, Ada's stake
/// of 40, the bonds.
contract QuarrelsTest is DisputeFixture {
    uint256 private requestorsTokens;

    function setUp() public override {
        super.setUp();
        requestorsTokens = token.balanceOf(requestor);
    }

    /// @dev 1. Ada holds a voucher of 30 and has earned 100; nobody answers any more.
    function test_theRequestorVanishesAfterWork() public {
        claim(jobId, lines, 0, CLAIMED);
        redeem(jobId, lines, 0, 30e18);
        vm.warp(block.timestamp + CHALLENGE);
        escrow.payClaim(jobId, ada);
        _end();
        _expectTokens({adas: 100e18, back: 900e18});
        _expectStakes({adas: 40e18, requestors: 0});
    }

    /// @dev 2. The requestor rejects good work: it loses its bond, which pays the jurors and Ada.
    function test_theRequestorRejectsGoodWork() public {
        seatJurors(3);
        uint256 id = claimAndReject();
        address[] memory jurors = playRound(id, 3, 0);
        conclude(id);
        assertEq(payJurors(id, 0, jurors), 3);
        escrow.payClaim(jobId, ada);
        _end();
        _expectTokens({adas: 100e18, back: 900e18});
        _expectCredits({adas: 1e18, requestors: 0, jurorsPaid: 3});
        _expectStakes({adas: 40e18, requestors: 0});
    }

    /// @dev 2b. One juror of three is wrong, the requestor appeals once and loses again.
    function test_theRequestorRejectsGoodWorkAndAppeals() public {
        seatJurors(12);
        uint256 id = claimAndReject();
        address[] memory first = playRound(id, 2, 1);
        appealAs(requestor, id);
        address[] memory second = playRound(id, 6, 1);
        conclude(id);
        assertEq(payJurors(id, 0, first) + payJurors(id, 1, second), 8);
        escrow.payClaim(jobId, ada);
        _end();
        _expectTokens({adas: 100e18, back: 900e18});
        // Bonds of 4 and 8; eight jurors were right.
        _expectCredits({adas: 4e18, requestors: 0, jurorsPaid: 8});
    }

    /// @dev 3. Ada delivers garbage and claims for it: no pay, her stake pays the jurors and the requestor.
    function test_theProviderDeliversGarbage() public {
        seatJurors(3);
        uint256 id = claimAndReject();
        address[] memory jurors = playRound(id, 0, 3);
        conclude(id);
        assertEq(payJurors(id, 0, jurors), 3);
        _end();
        _expectTokens({adas: 0, back: 1_000e18});
        _expectCredits({adas: 0, requestors: 4e18 + 37e18, jurorsPaid: 3});
        _expectStakes({adas: 0, requestors: 0});
        assertEq(registry.standing(ada).jailedUntil, disputes.roundOf(id, 0).appealEndsAt + 30 days);
    }

    /// @dev 3b. She appeals through all committees and loses every time.
    function test_theProviderDeliversGarbageAndAppealsToTheEnd() public {
        seatJurors(45);
        uint256 id = claimAndReject();
        uint256 paid;
        uint16[4] memory sizes = [uint16(3), 7, 15, 31];
        address[][] memory jurors = new address[][](4);
        for (uint8 round = 0; round < 4; ++round) {
            jurors[round] = playRound(id, 0, sizes[round]);
            if (round < 3) appealAs(ada, id);
        }
        conclude(id);
        for (uint8 round = 0; round < 4; ++round) {
            paid += payJurors(id, round, jurors[round]);
        }
        assertEq(paid, 56);
        _end();
        _expectTokens({adas: 0, back: 1_000e18});
        // Her bonds of 8, 16 and 32 and her stake of 40 pay 56 jurors; 40 are left beside the requestor's own bond.
        _expectCredits({adas: 0, requestors: 4e18 + 40e18, jurorsPaid: 56});
    }

    /// @dev 3c. A first committee is bought; the appeal sets it right.
    function test_aWrongFirstVerdictIsOverturned() public {
        seatJurors(12);
        uint256 id = claimAndReject();
        address[] memory first = playRound(id, 1, 2);
        appealAs(ada, id);
        address[] memory second = playRound(id, 7, 0);
        conclude(id);
        assertEq(payJurors(id, 0, first), 1);
        assertEq(payJurors(id, 1, second), 7);
        escrow.payClaim(jobId, ada);
        _end();
        _expectTokens({adas: 100e18, back: 900e18});
        // Her own bond of 8 comes back; eight fees out of it and out of the requestor's 4.
        _expectCredits({adas: 4e18, requestors: 0, jurorsPaid: 8});
        _expectStakes({adas: 40e18, requestors: 0});
    }

    /// @dev 3d. Ada has nothing to slash: the requestor's bond pays the jurors.
    function test_garbageByAProviderWhoseStakeIsGone() public {
        seatJurors(3);
        claim(jobId, lines, 0, CLAIMED);
        vm.startPrank(address(disputes));
        registry.freeze(ada, 40e18);
        registry.slash(ada, 40e18);
        vm.stopPrank();
        uint256 slashed = stakeToken.balanceOf(address(disputes));
        uint256 id = rejectClaim();
        address[] memory jurors = playRound(id, 0, 3);
        conclude(id);
        assertEq(payJurors(id, 0, jurors), 3);
        _end();
        _expectTokens({adas: 0, back: 1_000e18});
        assertEq(disputes.creditOf(requestor), 1e18);
        assertEq(stakeToken.balanceOf(address(disputes)) - slashed, 4e18);
    }

    /// @dev 4. Ada takes a lease and is never seen again.
    function test_theProviderVanishes() public {
        redeem(jobId, lines, 0, 30e18);
        _end();
        _expectTokens({adas: 30e18, back: 970e18});
        _expectStakes({adas: 40e18, requestors: 0});
    }

    /// @dev 5. One of three jurors is absent: it gets nothing, its fee stays with the winner.
    function test_aJurorIsAbsent() public {
        seatJurors(3);
        uint256 id = claimAndReject();
        address[] memory jurors = playRound(id, 2, 0);
        conclude(id);
        assertEq(payJurors(id, 0, jurors), 2);
        assertEq(disputes.creditOf(jurors[2]), 0);
        escrow.payClaim(jobId, ada);
        _end();
        _expectTokens({adas: 100e18, back: 900e18});
        _expectCredits({adas: 2e18, requestors: 0, jurorsPaid: 2});
    }

    /// @dev 5b. Too many are absent: the claim stands, who revealed is paid out of the bond, its rest goes back.
    function test_mostJurorsAreAbsent() public {
        seatJurors(3);
        uint256 id = claimAndReject();
        address[] memory jurors = playRound(id, 0, 1);
        conclude(id);
        assertEq(payJurors(id, 0, jurors), 1);
        escrow.payClaim(jobId, ada);
        _end();
        _expectTokens({adas: 100e18, back: 900e18});
        _expectCredits({adas: 0, requestors: 3e18, jurorsPaid: 1});
        _expectStakes({adas: 40e18, requestors: 0});
    }

    /// @dev 5b, appealed: keeping a committee away does not save garbage. The first bond pays who came.
    function test_mostJurorsAreAbsentAndTheAppealDecides() public {
        seatJurors(12);
        uint256 id = claimAndReject();
        address[] memory first = playRound(id, 0, 1);
        vm.prank(ada);
        vm.expectRevert(abi.encodeWithSelector(IDisputes.DisputeNotLoser.selector, id, ada, requestor));
        disputes.appeal(id, EVIDENCE);
        appealAs(requestor, id);
        address[] memory second = playRound(id, 0, 6);
        conclude(id);
        assertVerdict(id, IDisputes.Verdict.Bad);
        assertEq(payJurors(id, 0, first), 1);
        assertEq(payJurors(id, 1, second), 6);
        _end();
        _expectTokens({adas: 0, back: 1_000e18});
        // Of the first bond 3 come back, the second whole, and 40 of stake less six fees.
        _expectCredits({adas: 0, requestors: 3e18 + 8e18 + 34e18, jurorsPaid: 7});
    }

    /// @dev 5c. Nobody can be seated, or nobody draws: the claim stands, the bond goes back.
    function test_noCommitteeCanBeSeated() public {
        uint256 id = claimAndReject();
        readyToDraw(id);
        disputes.draw(id, "");
        conclude(id);
        escrow.payClaim(jobId, ada);
        _end();
        _expectTokens({adas: 100e18, back: 900e18});
        _expectCredits({adas: 0, requestors: 4e18, jurorsPaid: 0});
    }

    function test_nobodyDraws() public {
        seatJurors(3);
        uint256 id = claimAndReject();
        vm.warp(disputes.roundOf(id, 0).drawEndsAt);
        conclude(id);
        escrow.payClaim(jobId, ada);
        _end();
        _expectTokens({adas: 100e18, back: 900e18});
        _expectCredits({adas: 0, requestors: 4e18, jurorsPaid: 0});
    }

    /// @dev 5d. An appeal that cannot be heard leaves the verdict before it, and its bond goes back.
    function test_anAppealThatCannotBeHeard() public {
        seatJurors(3);
        uint256 id = claimAndReject();
        address[] memory jurors = playRound(id, 0, 3);
        appealAs(ada, id);
        readyToDraw(id);
        disputes.draw(id, "");
        conclude(id);
        assertVerdict(id, IDisputes.Verdict.Bad);
        assertEq(payJurors(id, 0, jurors), 3);
        _end();
        _expectTokens({adas: 0, back: 1_000e18});
        _expectCredits({adas: 8e18, requestors: 4e18 + 37e18, jurorsPaid: 3});
    }

    /// @dev 5e. An appeal with too few jurors or a tie: likewise, and who revealed is paid out of its bond.
    function test_anAppealThatDoesNotDecide() public {
        seatJurors(12);
        uint256 id = claimAndReject();
        address[] memory first = playRound(id, 0, 3);
        appealAs(ada, id);
        address[] memory second = playRound(id, 2, 2);
        conclude(id);
        assertVerdict(id, IDisputes.Verdict.Bad);
        assertEq(payJurors(id, 0, first), 3);
        assertEq(payJurors(id, 1, second), 4);
        _end();
        _expectTokens({adas: 0, back: 1_000e18});
        _expectCredits({adas: 4e18, requestors: 4e18 + 37e18, jurorsPaid: 7});
    }

    /// @dev 6. The coordinator carries old vouchers again and again.
    function test_theCoordinatorReplaysOldVouchers() public {
        redeem(jobId, lines, 0, 50e18);
        for (uint256 i = 1; i <= 5; ++i) {
            assertEq(redeem(jobId, lines, 0, i * 10e18), 0);
        }
        IJobEscrow.SignedShare[] memory old = signedShares(jobId, lines, two(20e18, 0));
        vm.prank(requestor);
        escrow.closeJob(jobId, old);
        assertEq(redeem(jobId, lines, 0, 50e18), 0);
        _end();
        _expectTokens({adas: 50e18, back: 950e18});
    }

    /// @dev 7. The requestor signs vouchers far beyond its escrow. Everybody gets its cap.
    function test_vouchersBeyondTheEscrow() public {
        redeem(jobId, lines, 0, 5_000e18);
        redeem(jobId, lines, 1, 5_000e18);
        assertEq(token.balanceOf(bob), 400e18);
        assertEq(escrow.job(jobId).locked, 0);
        _end();
        _expectTokens({adas: 600e18, back: 0});
    }

    /// @dev 8. Ada claims, and holds a voucher over a part of it: the part is hers whatever the verdict.
    function test_aVoucherHoldsWhateverTheVerdict() public {
        seatJurors(3);
        uint256 id = claimAndReject();
        playRound(id, 0, 3);
        conclude(id);
        redeem(jobId, lines, 0, 30e18);
        _end();
        _expectTokens({adas: 30e18, back: 970e18});
    }

    // ---- helpers ----

    function _end() private {
        vm.warp(block.timestamp + 2 days);
        escrow.refund(jobId);
        assertEq(uint8(escrow.job(jobId).state), uint8(IJobEscrow.JobState.Refunded), "the job has ended");
        assertEq(token.balanceOf(address(escrow)), 0, "nothing stays in the escrow");
        assertEq(uint8(escrow.claimOf(jobId, ada).state), uint8(IJobClaims.ClaimState.None));
    }

    function _expectTokens(uint256 adas, uint256 back) private view {
        assertEq(token.balanceOf(ada), adas, "Ada's tokens");
        assertEq(token.balanceOf(requestor) - requestorsTokens, back, "the requestor's refund");
    }

    function _expectCredits(uint256 adas, uint256 requestors, uint256 jurorsPaid) private view {
        assertEq(disputes.creditOf(ada), adas, "Ada's credit");
        assertEq(disputes.creditOf(requestor), requestors, "the requestor's credit");
        assertEq(
            stakeToken.balanceOf(address(disputes)), adas + requestors + jurorsPaid * JUROR_FEE, "nothing else is there"
        );
    }

    function _expectStakes(uint256 adas, uint256 requestors) private view {
        assertEq(registry.freeStake(ada), adas, "Ada's stake");
        assertEq(registry.freeStake(requestor), requestors);
        assertEq(registry.standing(ada).frozen, 0, "nothing stays frozen");
    }
}
