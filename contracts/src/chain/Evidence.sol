// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {IValidators} from "./IValidators.sol";
import {ValidatorSet} from "./ValidatorSet.sol";

/// @title Two signatures of one validator that nobody may give both
/// @notice The documents are those of crates/consensus/src/votes.rs. This contract is the verifying contract, so signatures
/// for a chain with another id prove nothing here.
abstract contract Evidence is ValidatorSet {
    bytes32 private constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant VOTE_TYPEHASH = keccak256("Vote(uint64 height,uint32 round,uint8 kind,bytes32 blockHash)");
    bytes32 private constant PROPOSAL_TYPEHASH =
        keccak256("Proposal(uint64 height,uint32 round,int64 validRound,bytes32 blockHash)");

    mapping(address account => mapping(uint64 height => bool)) private _known;

    /// @inheritdoc IValidators
    function reportVotes(Vote calldata a, bytes calldata signatureA, Vote calldata b, bytes calldata signatureB)
        external
    {
        bool onePlace = a.height == b.height && a.round == b.round && a.kind == b.kind && a.kind < 2;
        if (!onePlace || a.blockHash == b.blockHash) revert EvidenceNotAContradiction();
        _punish(_signer(voteDigest(a), signatureA, voteDigest(b), signatureB), a.height);
    }

    /// @inheritdoc IValidators
    function reportProposals(
        Proposal calldata a,
        bytes calldata signatureA,
        Proposal calldata b,
        bytes calldata signatureB
    ) external {
        bool onePlace = a.height == b.height && a.round == b.round;
        bool same = a.blockHash == b.blockHash && a.validRound == b.validRound;
        if (!onePlace || same) revert EvidenceNotAContradiction();
        _punish(_signer(proposalDigest(a), signatureA, proposalDigest(b), signatureB), a.height);
    }

    /// @notice What a validator signs for a vote.
    function voteDigest(Vote calldata vote) public view returns (bytes32) {
        return _digest(keccak256(abi.encode(VOTE_TYPEHASH, vote.height, vote.round, vote.kind, vote.blockHash)));
    }

    /// @notice What a validator signs for a proposal.
    function proposalDigest(Proposal calldata proposal) public view returns (bytes32) {
        return _digest(
            keccak256(
                abi.encode(PROPOSAL_TYPEHASH, proposal.height, proposal.round, proposal.validRound, proposal.blockHash)
            )
        );
    }

    /// @dev Takes the genesis's part of what `account` has at risk.
    function _slash(address account) internal virtual returns (uint256 slashed);

    function _punish(address account, uint64 height) private {
        if (height == 0 || height > block.number || height + _params.evidenceBlocks < block.number) {
            revert EvidenceTooOldOrNew(height, block.number);
        }
        if (_powerAt((height - 1) / _params.epochBlocks, account) == 0) {
            revert EvidenceNotAValidator(account, height);
        }
        if (_known[account][height]) revert EvidenceKnown(account, height);
        _known[account][height] = true;

        uint256 slashed = _slash(account);
        uint256 reporters = (slashed * _params.reporterBps) / 10_000;
        _burn(slashed - reporters);
        emit EvidenceReported(account, height, msg.sender, slashed);
        emit StakeSlashed(account, slashed);
        if (_statuses[account].jailedUntil != FOR_GOOD) {
            _statuses[account].jailedUntil = FOR_GOOD;
            _drop(account);
            emit ValidatorJailed(account, FOR_GOOD);
        }
        _reward(msg.sender, reporters);
    }

    /// @dev Signatures with a high s or another v than 27 and 28 are nobody's.
    function _signer(bytes32 digestA, bytes calldata signatureA, bytes32 digestB, bytes calldata signatureB)
        private
        pure
        returns (address)
    {
        (address first,,) = ECDSA.tryRecover(digestA, signatureA);
        (address second,,) = ECDSA.tryRecover(digestB, signatureB);
        if (first == address(0) || first != second) revert EvidenceSignature(first, second);
        return first;
    }

    function _digest(bytes32 structHash) private view returns (bytes32) {
        bytes32 separator = keccak256(
            abi.encode(DOMAIN_TYPEHASH, keccak256("Rayswarm consensus"), keccak256("1"), block.chainid, address(this))
        );
        return MessageHashUtils.toTypedDataHash(separator, structHash);
    }
}
