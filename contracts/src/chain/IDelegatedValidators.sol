// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title What voters and delegates do, beside what IValidators has
/// @notice Holders lock coins and give votes, one a unit, to delegates. A delegate's own stake votes for it. The most voted
/// delegates are elected at the end of each epoch and share their rewards with those who vote for them.
/// Votes that were given during an epoch take part in its election, and earn from the next epoch on.
interface IDelegatedValidators {
    struct DelegateInfo {
        /// Own stake included.
        uint256 votes;
        uint16 commissionBps;
        /// What the commission will be from nextCommissionEpoch on, if that is not zero.
        uint16 nextCommissionBps;
        uint64 nextCommissionEpoch;
    }

    event CommissionSet(address indexed delegate, uint16 commissionBps, uint64 fromEpoch);
    event RewardShared(address indexed delegate, uint256 commission, uint256 shared);
    event CoinsLocked(address indexed voter, uint256 amount);
    event CoinsUnlocking(address indexed voter, uint256 amount);
    event VotesGiven(address indexed voter, address indexed delegate, uint256 amount);
    event VotesTaken(address indexed voter, address indexed delegate, uint256 amount);

    error DelegateCommission(uint16 commissionBps);
    error DelegateNotListed(address delegate);
    error VoterLockExceeded(address voter, uint256 asked, uint256 free);
    error VoterVotesExceeded(address voter, address delegate, uint256 asked, uint256 given);
    error VoterTooManyDelegates(address voter, uint256 delegatesMax);

    /// @notice Becomes a candidate with at least the minimum stake. Whoever still has voters from an earlier time raises
    /// its commission as `setCommission` does.
    function register(uint16 commissionBps) external payable;

    /// @notice A lower commission holds at once; a higher one from the epoch after the next.
    function setCommission(uint16 commissionBps) external;

    /// @notice Locks the coins that come with the call.
    function lock() external payable;

    /// @notice Gives votes to a delegate, of locked coins that vote for nobody.
    function vote(address delegate, uint256 amount) external;

    /// @notice Takes votes back. They earn nothing from now on.
    function unvote(address delegate, uint256 amount) external;

    /// @notice Starts the way out for locked coins that vote for nobody. Voters' coins are never slashed.
    function unlock(uint256 amount) external;

    /// @notice Locked coins that vote for nobody and are not on their way out.
    function freeCoinsOf(address voter) external view returns (uint256);

    /// @notice For whom `voter` votes, with how much.
    function ballotsOf(address voter) external view returns (address[] memory delegates, uint256[] memory amounts);

    function delegateInfo(address delegate) external view returns (DelegateInfo memory);
}
