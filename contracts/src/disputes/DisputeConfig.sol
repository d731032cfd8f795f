// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EntropySource} from "../libraries/Randomness.sol";

/// @notice What a deployment fixes for ever. docs/adr/0016-settlement-state-machine.md explains the choices.
struct DisputeConfig {
    /// Bonds, juror fees and stakes are paid in it. It must deliver exactly what is sent.
    address stakeToken;
    /// What a juror earns by a verdict that stands.
    uint128 jurorFee;
    /// Bond of round 0; doubles with each round. Covers the fees of every committee.
    uint128 firstBond;
    /// Less than this is not drawn.
    uint128 minJurorStake;
    /// How far ahead of the present block the randomness of a draw lies.
    uint32 drawDelayBlocks;
    uint32 drawSeconds;
    uint32 commitSeconds;
    uint32 revealSeconds;
    uint32 appealSeconds;
    /// Longest window that a job may give its requestor to reject a claim.
    uint32 maxChallengeSeconds;
    uint32 unbondingSeconds;
    uint32 jailSeconds;
    uint16 feeBps;
    address feeRecipient;
    EntropySource entropy;
    /// keccak-256 of JobEscrow's creation code, without arguments.
    bytes32 escrowCodeHash;
    /// Seats by round, odd and growing: 7, 15, 31.
    uint16[] committees;
}

/// @title Refuses a deployment that could not keep its promises
library DisputeConfigs {
    /// @notice Each committee costs draws and ballots; four rounds of 127 at most keep a block's gas far away.
    uint256 internal constant MAX_ROUNDS = 4;
    uint16 internal constant MAX_SEATS = 127;
    uint16 internal constant MAX_FEE_BPS = 1_000;

    error DisputeConfigZero(string field);
    error DisputeConfigRounds(uint256 rounds, uint256 maxRounds);
    error DisputeConfigSeats(uint256 round, uint16 seats);
    error DisputeConfigBondTooSmall(uint256 round, uint256 bond, uint256 fees);
    error DisputeConfigUnbondingTooShort(uint256 unbondingSeconds, uint256 neededSeconds);
    error DisputeConfigFeeTooHigh(uint16 feeBps, uint16 maxFeeBps);

    function check(DisputeConfig memory config) internal pure {
        _requireFields(config);
        _requireRounds(config);
        if (config.feeBps > MAX_FEE_BPS) revert DisputeConfigFeeTooHigh(config.feeBps, MAX_FEE_BPS);
        uint256 needed = config.maxChallengeSeconds + longestDispute(config);
        if (config.unbondingSeconds <= needed) {
            revert DisputeConfigUnbondingTooShort(config.unbondingSeconds, needed);
        }
    }

    /// @notice From a rejection to the end of its last window.
    function longestDispute(DisputeConfig memory config) internal pure returns (uint256) {
        uint256 round = uint256(config.drawSeconds) + config.commitSeconds + config.revealSeconds + config.appealSeconds;
        return round * config.committees.length;
    }

    function _requireFields(DisputeConfig memory config) private pure {
        if (config.stakeToken == address(0)) revert DisputeConfigZero("stakeToken");
        if (config.minJurorStake == 0) revert DisputeConfigZero("minJurorStake");
        if (config.drawDelayBlocks == 0) revert DisputeConfigZero("drawDelayBlocks");
        if (config.drawSeconds == 0) revert DisputeConfigZero("drawSeconds");
        if (config.commitSeconds == 0) revert DisputeConfigZero("commitSeconds");
        if (config.revealSeconds == 0) revert DisputeConfigZero("revealSeconds");
        if (config.escrowCodeHash == 0) revert DisputeConfigZero("escrowCodeHash");
        if (config.feeBps > 0 && config.feeRecipient == address(0)) revert DisputeConfigZero("feeRecipient");
    }

    function _requireRounds(DisputeConfig memory config) private pure {
        uint256 rounds = config.committees.length;
        if (rounds == 0 || rounds > MAX_ROUNDS) revert DisputeConfigRounds(rounds, MAX_ROUNDS);
        uint16 former = 0;
        for (uint256 round = 0; round < rounds; ++round) {
            uint16 seats = config.committees[round];
            if (seats % 2 == 0 || seats <= former || seats > MAX_SEATS) revert DisputeConfigSeats(round, seats);
            uint256 bond = uint256(config.firstBond) << round;
            uint256 fees = uint256(config.jurorFee) * seats;
            if (bond < fees) revert DisputeConfigBondTooSmall(round, bond, fees);
            former = seats;
        }
    }
}
