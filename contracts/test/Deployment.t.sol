// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Disputes} from "../src/Disputes.sol";
import {DisputeConfig, DisputeConfigs} from "../src/disputes/DisputeConfig.sol";
import {IDisputes} from "../src/interfaces/IDisputes.sol";
import {IJobEscrow} from "../src/interfaces/IJobEscrow.sol";
import {EntropySource, Randomness} from "../src/libraries/Randomness.sol";
import {DisputeFixture} from "./DisputeFixture.sol";
import {FeeToken} from "./HostileTokens.sol";

/// @dev What a deployment fixes and refuses, and both sources of randomness.
contract DeploymentTest is DisputeFixture {
    function test_aDeploymentKnowsItsParts() public view {
        assertEq(address(disputes.escrow()), address(escrow));
        assertEq(registry.disputes(), address(disputes));
        assertEq(escrow.disputes(), address(disputes));
        assertEq(address(escrow.stakes()), address(registry));
        assertEq(address(registry.stakeToken()), address(stakeToken));
        assertEq(escrow.maxChallengeSeconds(), 7 days);
        assertEq(disputes.committees().length, 4);
        assertEq(disputes.bondOf(2), 4 * FIRST_BOND);
    }

    function test_theEscrowIsMadeOnceAndOfTheNamedCode() public {
        bytes memory code = escrowCode();
        vm.expectRevert();
        disputes.createEscrow(code);
        Disputes other = newDisputes(config());
        vm.expectRevert(
            abi.encodeWithSelector(IDisputes.DisputeEscrowCodeWrong.selector, keccak256(code), keccak256(hex"6000"))
        );
        other.createEscrow(hex"6000");
        address expected = address(other.escrow());
        assertEq(expected.code.length, 0);
        vm.prank(stranger);
        assertEq(other.createEscrow(code), expected);
    }

    function test_aDeploymentThatCouldNotKeepItsWordIsRefused() public {
        DisputeConfig memory bad = config();
        bad.stakeToken = address(0);
        _expectZero(bad, "stakeToken");
        bad = config();
        bad.minJurorStake = 0;
        _expectZero(bad, "minJurorStake");
        bad = config();
        bad.drawDelayBlocks = 0;
        _expectZero(bad, "drawDelayBlocks");
        bad = config();
        bad.drawSeconds = 0;
        _expectZero(bad, "drawSeconds");
        bad = config();
        bad.commitSeconds = 0;
        _expectZero(bad, "commitSeconds");
        bad = config();
        bad.revealSeconds = 0;
        _expectZero(bad, "revealSeconds");
        bad = config();
        bad.escrowCodeHash = 0;
        _expectZero(bad, "escrowCodeHash");
        bad = config();
        bad.feeBps = 1;
        _expectZero(bad, "feeRecipient");
        (bad.feeBps, bad.feeRecipient) = (1_001, treasury);
        _expect(bad, abi.encodeWithSelector(DisputeConfigs.DisputeConfigFeeTooHigh.selector, 1_001, 1_000));

        bad = config();
        bad.committees = new uint16[](0);
        _expect(bad, abi.encodeWithSelector(DisputeConfigs.DisputeConfigRounds.selector, 0, 4));
        bad.committees = new uint16[](5);
        _expect(bad, abi.encodeWithSelector(DisputeConfigs.DisputeConfigRounds.selector, 5, 4));
        uint16[3] memory seats = [uint16(8), 3, 129];
        for (uint256 i = 0; i < seats.length; ++i) {
            bad = config();
            bad.committees[1] = seats[i];
            _expect(bad, abi.encodeWithSelector(DisputeConfigs.DisputeConfigSeats.selector, 1, seats[i]));
        }

        bad = config();
        bad.firstBond = FIRST_BOND - 0.2e18;
        _expect(bad, abi.encodeWithSelector(DisputeConfigs.DisputeConfigBondTooSmall.selector, 3, 8 * 3.8e18, 31e18));
        // Four rounds of 7 hours after a week.
        bad = config();
        bad.unbondingSeconds = 7 days + 28 hours;
        _expect(
            bad,
            abi.encodeWithSelector(
                DisputeConfigs.DisputeConfigUnbondingTooShort.selector, bad.unbondingSeconds, 7 days + 28 hours
            )
        );
        bad.unbondingSeconds += 1;
        newDisputes(bad);
    }

    /// @dev A stake that was there when a claim was filed is there until the last round of its dispute is over.
    function testFuzz_unbondingOutlastsTheLastDisputeWindow(
        uint32 draw,
        uint32 commit,
        uint32 reveal,
        uint32 appeal,
        uint32 challenge,
        uint32 slack
    ) public {
        DisputeConfig memory with = config();
        with.drawSeconds = uint32(bound(draw, 1, 7 days));
        with.commitSeconds = uint32(bound(commit, 1, 7 days));
        with.revealSeconds = uint32(bound(reveal, 1, 7 days));
        with.appealSeconds = uint32(bound(appeal, 0, 7 days));
        with.maxChallengeSeconds = uint32(bound(challenge, 0, 30 days));
        uint256 round = uint256(with.drawSeconds) + with.commitSeconds + with.revealSeconds + with.appealSeconds;
        uint256 last = with.maxChallengeSeconds + round * with.committees.length;
        with.unbondingSeconds = uint32(last - bound(slack, 0, last));
        _expect(
            with,
            abi.encodeWithSelector(DisputeConfigs.DisputeConfigUnbondingTooShort.selector, with.unbondingSeconds, last)
        );
        with.unbondingSeconds = uint32(last + 1);
        newDisputes(with);
    }

    function test_aStakeTokenThatTakesAFeeTakesNoBond() public {
        FeeToken fee = new FeeToken();
        DisputeConfig memory with = config();
        with.stakeToken = address(fee);
        deploy(with);
        vm.prank(requestor);
        token.approve(address(escrow), BUDGET);
        terms_ = 0;
        (jobId,) = openAllocated();
        claim(jobId, lines, 0, CLAIMED);
        fee.mint(requestor, FIRST_BOND);
        vm.startPrank(requestor);
        fee.approve(address(disputes), FIRST_BOND);
        vm.expectPartialRevert(IDisputes.DisputeTokenTookFee.selector);
        disputes.reject(jobId, ada, TASK, EVIDENCE);
    }

    // ---- randomness out of a header ----

    function test_aHeaderGivesItsRandomness() public {
        _deployWithPrevRandao();
        uint256 id = claimAndReject();
        uint64 drawBlock = disputes.roundOf(id, 0).drawBlock;
        bytes memory header = _header("randao");
        vm.roll(drawBlock + 1);
        vm.setBlockhash(drawBlock, keccak256(header));

        bytes memory other = _header("another");
        vm.expectRevert(
            abi.encodeWithSelector(
                Randomness.RandomnessHeaderWrong.selector, drawBlock, keccak256(header), keccak256(other)
            )
        );
        disputes.draw(id, other);
        disputes.draw(id, header);
        bytes32 seed = keccak256(abi.encode(keccak256(abi.encode(bytes32("randao"))), address(disputes), id, uint8(0)));
        assertEq(disputes.roundOf(id, 0).cropSeed, keccak256(abi.encode(seed, "crop", TASK)));
    }

    // ---- helpers ----

    uint128 private terms_ = PROVIDER_STAKE;

    function terms() internal view override returns (IJobEscrow.JobTerms memory with) {
        with = super.terms();
        with.providerStake = terms_;
    }

    function _deployWithPrevRandao() private {
        DisputeConfig memory with = config();
        with.entropy = EntropySource.PrevRandao;
        deploy(with);
        vm.prank(requestor);
        token.approve(address(escrow), BUDGET);
        (jobId,) = openAllocated();
        stake(ada, PROVIDER_STAKE);
        seatJurors(3);
    }

    /// @dev A header of 16 fields of 32 bytes in RLP; the randomness is the fourteenth.
    function _header(bytes32 random) private pure returns (bytes memory header) {
        for (uint256 i = 0; i < 16; ++i) {
            header = bytes.concat(header, hex"a0", i == 13 ? random : bytes32(i));
        }
        return bytes.concat(hex"f90210", header);
    }

    function _expectZero(DisputeConfig memory bad, string memory field) private {
        _expect(bad, abi.encodeWithSelector(DisputeConfigs.DisputeConfigZero.selector, field));
    }

    function _expect(DisputeConfig memory bad, bytes memory reason) private {
        vm.expectRevert(abi.encodeWithSelector(ShippedCreationFailed.selector, reason));
        this.make(bad);
    }

    function make(DisputeConfig memory with) external {
        newDisputes(with);
    }
}
