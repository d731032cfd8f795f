// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Evidence} from "../../src/chain/Evidence.sol";
import {IValidators} from "../../src/chain/IValidators.sol";
import {ChainFixture} from "./ChainFixture.sol";

/// @dev Reports of double signatures, for both kinds.
abstract contract EvidenceTest is ChainFixture {
    address internal constant REPORTER = address(0x2E902);
    uint256 private constant ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    function place() internal pure virtual returns (address);

    function setUp() public {
        genesis(place(), 4, 100 ether);
        sealUntil(5);
    }

    function voteAt(uint64 height, bytes32 blockHash) internal pure returns (IValidators.Vote memory) {
        return IValidators.Vote(height, 0, 1, blockHash);
    }

    function proposalAt(uint64 height, int64 validRound, bytes32 blockHash)
        internal
        pure
        returns (IValidators.Proposal memory)
    {
        return IValidators.Proposal(height, 2, validRound, blockHash);
    }

    function sign(uint256 index, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key(index), digest);
        return abi.encodePacked(r, s, v);
    }

    function sign(uint256 index, IValidators.Vote memory vote) internal view returns (bytes memory) {
        return sign(index, Evidence(address(chain)).voteDigest(vote));
    }

    function sign(uint256 index, IValidators.Proposal memory proposal) internal view returns (bytes memory) {
        return sign(index, Evidence(address(chain)).proposalDigest(proposal));
    }

    function report(uint256 index, IValidators.Vote memory a, IValidators.Vote memory b, bytes memory refusal)
        internal
    {
        (bytes memory signatureA, bytes memory signatureB) = (sign(index, a), sign(index, b));
        if (refusal.length > 0) vm.expectRevert(refusal);
        vm.prank(REPORTER);
        chain.reportVotes(a, signatureA, b, signatureB);
    }

    function report(uint256 index, uint64 height) internal {
        report(index, voteAt(height, "a"), voteAt(height, "b"), "");
    }

    function refuses(uint256 index, uint64 height, bytes memory refusal) internal {
        report(index, voteAt(height, "a"), voteAt(height, "b"), refusal);
    }

    function test_aDoubleVoteCostsAPartOfTheStakeAndTheSeat() public {
        report(0, 4);
        IValidators.Standing memory stands = chain.standing(account(0));
        assertEq(stands.stake, 90 ether);
        assertEq(stands.jailedUntil, FOR_GOOD);
        assertFalse(stands.candidate);
        assertEq(stands.power > 0, true, "until the epoch ends");
        assertEq(chain.standing(REPORTER).rewards, 0.5 ether);
        assertEq(chain.burned(), 9.5 ether);
        vm.prank(REPORTER);
        assertEq(chain.claimRewards(), 0.5 ether);
        for (uint256 i = 0; i < 3; ++i) {
            endEpoch();
        }
        assertEq(power(0), 0);
        vm.expectRevert(abi.encodeWithSelector(IValidators.ValidatorsJailedForGood.selector, account(0)));
        as_(0);
        chain.unjail();
        vm.deal(account(0), 1 ether);
        vm.expectRevert(abi.encodeWithSelector(IValidators.ValidatorsJailedForGood.selector, account(0)));
        as_(0);
        chain.addStake{value: 1 ether}();
        unstakeAs(0, 90 ether);
    }

    function test_eachHeightOnce() public {
        report(0, 4);
        refuses(0, 4, abi.encodeWithSelector(IValidators.EvidenceKnown.selector, account(0), 4));
        report(0, 3);
        assertEq(chain.standing(account(0)).stake, 81 ether);
        IValidators.Proposal memory a = proposalAt(3, -1, "a");
        IValidators.Proposal memory b = proposalAt(3, -1, "b");
        (bytes memory signatureA, bytes memory signatureB) = (sign(0, a), sign(0, b));
        vm.expectRevert(abi.encodeWithSelector(IValidators.EvidenceKnown.selector, account(0), 3));
        chain.reportProposals(a, signatureA, b, signatureB);
    }

    function test_twoProposalsOfOneRound() public {
        IValidators.Proposal memory a = proposalAt(4, -1, "a");
        IValidators.Proposal memory b = proposalAt(4, 1, "a");
        (bytes memory signatureA, bytes memory signatureB) = (sign(1, a), sign(1, b));
        vm.expectRevert(IValidators.EvidenceNotAContradiction.selector);
        chain.reportProposals(a, signatureA, a, signatureA);
        IValidators.Proposal memory elsewhere = proposalAt(4, -1, "b");
        elsewhere.round = 3;
        bytes memory signature = sign(1, elsewhere);
        vm.expectRevert(IValidators.EvidenceNotAContradiction.selector);
        chain.reportProposals(a, signatureA, elsewhere, signature);
        chain.reportProposals(a, signatureA, b, signatureB);
        assertEq(chain.standing(account(1)).jailedUntil, FOR_GOOD);
    }

    function test_whatIsNoContradiction() public {
        bytes memory refusal = abi.encodeWithSelector(IValidators.EvidenceNotAContradiction.selector);
        IValidators.Vote memory a = voteAt(4, "a");
        report(0, a, a, refusal);
        IValidators.Vote memory b = voteAt(3, "b");
        report(0, a, b, refusal);
        b = voteAt(4, "b");
        b.round = 1;
        report(0, a, b, refusal);
        b = voteAt(4, "b");
        b.kind = 0;
        report(0, a, b, refusal);
        (a.kind, b.kind) = (2, 2);
        report(0, a, b, refusal);
        (a.kind, b.kind) = (0, 0);
        report(0, a, b, "");
    }

    function test_signaturesOfTwoOrNobody() public {
        IValidators.Vote memory a = voteAt(4, "a");
        IValidators.Vote memory b = voteAt(4, "b");
        (bytes memory signatureA, bytes memory signatureB) = (sign(0, a), sign(1, b));
        vm.expectRevert(abi.encodeWithSelector(IValidators.EvidenceSignature.selector, account(0), account(1)));
        chain.reportVotes(a, signatureA, b, signatureB);
        signatureB = sign(0, b);
        vm.expectRevert(abi.encodeWithSelector(IValidators.EvidenceSignature.selector, account(0), address(0)));
        chain.reportVotes(a, signatureA, b, highS(signatureB));
        signatureB[64] = bytes1(uint8(signatureB[64]) - 27);
        vm.expectRevert(abi.encodeWithSelector(IValidators.EvidenceSignature.selector, account(0), address(0)));
        chain.reportVotes(a, signatureA, b, signatureB);
        vm.expectRevert(abi.encodeWithSelector(IValidators.EvidenceSignature.selector, address(0), address(0)));
        chain.reportVotes(a, "", b, "");
        signatureB = sign(0, b);
        vm.chainId(block.chainid + 1);
        vm.expectPartialRevert(IValidators.EvidenceSignature.selector);
        chain.reportVotes(a, signatureA, b, signatureB);
    }

    function highS(bytes memory signature) private pure returns (bytes memory) {
        bytes32 r;
        bytes32 s;
        assembly ("memory-safe") {
            r := mload(add(signature, 0x20))
            s := mload(add(signature, 0x40))
        }
        return abi.encodePacked(r, ORDER - uint256(s), uint8(signature[64]) == 27 ? 28 : 27);
    }

    function test_onlyOfWhoVotedThen() public {
        refuses(7, 4, abi.encodeWithSelector(IValidators.EvidenceNotAValidator.selector, account(7), 4));
    }

    function test_onlyWithinTheWindow() public {
        refuses(0, 0, abi.encodeWithSelector(IValidators.EvidenceTooOldOrNew.selector, 0, 5));
        refuses(0, 6, abi.encodeWithSelector(IValidators.EvidenceTooOldOrNew.selector, 6, 5));
        sealUntil(1 + EVIDENCE);
        report(0, 1);
        seal();
        refuses(1, 1, abi.encodeWithSelector(IValidators.EvidenceTooOldOrNew.selector, 1, block.number));
        report(1, 2);
        report(2, uint64(block.number));
    }

    function test_whoHasLeftIsHeldUntilTheWindowIsOver() public {
        unstakeAs(0, 100 ether);
        uint64 release = chain.exitsOf(account(0))[0].releaseHeight;
        uint64 lastHeight = release - UNBONDING;
        sealUntil(lastHeight);
        assertGt(power(0), 0, "its last vote");
        seal();
        assertEq(power(0), 0);
        sealUntil(lastHeight + EVIDENCE);
        refuses(
            0,
            lastHeight + 1,
            abi.encodeWithSelector(IValidators.EvidenceNotAValidator.selector, account(0), lastHeight + 1)
        );
        report(0, lastHeight);
        assertEq(chain.standing(account(0)).unbonding, 90 ether);
        assertEq(chain.burned() + chain.standing(REPORTER).rewards, 10 ether);
        sealUntil(release);
        as_(0);
        assertEq(chain.withdraw(), 90 ether);
    }

    function test_stakeAndExitsAreSlashedAlike() public {
        unstakeAs(0, 30 ether);
        endEpoch();
        unstakeAs(0, 50 ether);
        report(0, 4);
        IValidators.Standing memory stands = chain.standing(account(0));
        assertEq(stands.stake, 18 ether);
        assertEq(stands.unbonding, 72 ether);
    }
}

contract StakedEvidenceTest is EvidenceTest {
    function place() internal pure override returns (address) {
        return STAKED;
    }
}

contract DelegatedEvidenceTest is EvidenceTest {
    uint256 private constant VOTER = 50;

    function place() internal pure override returns (address) {
        return DELEGATED;
    }

    function test_votersLoseNothing() public {
        voteAs(VOTER, 0, 100 ether);
        send(VOTER, abi.encodeCall(delegated().lock, ()), 5 ether);
        as_(VOTER);
        delegated().unlock(5 ether);
        report(0, 4);
        assertEq(delegated().delegateInfo(account(0)).votes, 190 ether);
        as_(VOTER);
        delegated().unvote(account(0), 100 ether);
        assertEq(delegated().freeCoinsOf(account(VOTER)), 100 ether);
        assertEq(chain.standing(account(VOTER)).unbonding, 5 ether);
    }
}
