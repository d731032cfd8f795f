// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

/// @title Rewards shared by votes, whatever the number of voters
/// @notice A delegate keeps one sum: what a vote has earned since the beginning. A ballot remembers that sum. Votes are fresh
/// in the epoch in which they were given and earn from the next on, so nobody can vote for the next proposer and move on.
library Ballots {
    using SafeCast for uint256;

    /// @dev What one base unit of votes earned is kept in this fraction of a base unit.
    uint256 private constant SCALE = 1e27;

    struct Ballot {
        uint128 amount;
        /// Of `amount`: given in `freshEpoch`.
        uint128 fresh;
        uint64 freshEpoch;
        /// The delegate's sum up to which it was settled.
        uint256 settled;
    }

    struct Tally {
        uint128 votes;
        /// Of `votes`: given in `freshEpoch`.
        uint128 fresh;
        uint64 freshEpoch;
        /// What one vote has earned so far, times SCALE.
        uint256 perVote;
        /// `perVote` when the votes that were fresh in an epoch began to earn.
        mapping(uint64 epoch => uint256) perVoteAfter;
    }

    /// @notice Adds votes that are fresh in `epoch`.
    /// @return earned What the ballot has earned until now.
    function add(Tally storage self, Ballot storage ballot, uint256 amount, uint64 epoch)
        internal
        returns (uint256 earned)
    {
        earned = settle(self, ballot, epoch);
        uint128 votes = amount.toUint128();
        self.votes += votes;
        self.fresh += votes;
        self.freshEpoch = epoch;
        ballot.amount += votes;
        ballot.fresh += votes;
        ballot.freshEpoch = epoch;
    }

    /// @notice Takes votes away, fresh ones first. `amount` is at most the ballot's.
    function cut(Tally storage self, Ballot storage ballot, uint256 amount, uint64 epoch)
        internal
        returns (uint256 earned)
    {
        earned = settle(self, ballot, epoch);
        uint128 fresh = amount < ballot.fresh ? amount.toUint128() : ballot.fresh;
        self.votes -= amount.toUint128();
        self.fresh -= fresh;
        ballot.amount -= amount.toUint128();
        ballot.fresh -= fresh;
    }

    /// @notice Votes of the genesis, which earn at once.
    function found(Tally storage self, Ballot storage ballot, uint256 amount) internal {
        self.votes = amount.toUint128();
        ballot.amount = amount.toUint128();
    }

    /// @notice Gives the ballot what it has earned and marks it as given.
    function settle(Tally storage self, Ballot storage ballot, uint64 epoch) internal returns (uint256 earned) {
        _ripen(self, epoch);
        earned = earnedBy(self, ballot, epoch);
        ballot.settled = self.perVote;
        if (ballot.freshEpoch != epoch) ballot.fresh = 0;
    }

    /// @notice Shares `reward` among the votes that earn; false if there are none.
    function share(Tally storage self, uint256 reward, uint64 epoch) internal returns (bool) {
        _ripen(self, epoch);
        uint256 earning = self.votes - self.fresh;
        if (earning == 0) return false;
        self.perVote += (reward * SCALE) / earning;
        return true;
    }

    /// @notice What the ballot has earned since it was settled, rounded down.
    function earnedBy(Tally storage self, Ballot storage ballot, uint64 epoch) internal view returns (uint256) {
        uint256 perVote = self.perVote;
        uint256 sum = (ballot.amount - ballot.fresh) * (perVote - ballot.settled);
        if (ballot.fresh > 0 && ballot.freshEpoch != epoch) {
            // Where nothing was shared since, they are still noted as fresh and have earned nothing.
            bool fresh = self.fresh > 0 && self.freshEpoch == ballot.freshEpoch;
            sum += ballot.fresh * (perVote - (fresh ? perVote : self.perVoteAfter[ballot.freshEpoch]));
        }
        return sum / SCALE;
    }

    /// @dev Lets the fresh votes of an earlier epoch begin to earn. Nothing was shared since that epoch's end.
    function _ripen(Tally storage self, uint64 epoch) private {
        if (self.fresh == 0 || self.freshEpoch == epoch) return;
        self.perVoteAfter[self.freshEpoch] = self.perVote;
        self.fresh = 0;
    }
}
