// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title What providers put at risk
/// @notice Stake is bonded, then unbonding, then withdrawn. Only the Disputes contract of the same deployment can
/// freeze, slash or jail, and never more than is there. Bonded stake of a provider that judges is also its weight in
/// the draws of committees, among those of its comparison class and trust tier.
///
/// Exits: unbond at any time; withdraw once the delay is over, except what an open dispute has frozen; every dispute
/// ends by time; jail ends by time.
interface IProviderStakes {
    struct Standing {
        /// Counts as stake, frozen part included.
        uint128 bonded;
        /// Held for open disputes, out of bonded and unbonding together.
        uint128 frozen;
        /// On its way out; can still be frozen and slashed.
        uint128 unbonding;
        /// Unix seconds from which the unbonding part may be withdrawn.
        uint64 releaseAt;
        /// Unix seconds until which the account is drawn for no committee.
        uint64 jailedUntil;
    }

    event StakeBonded(address indexed account, uint256 amount, uint256 bonded);
    event StakeUnbonding(address indexed account, uint256 amount, uint64 releaseAt);
    event StakeWithdrawn(address indexed account, uint256 amount);
    event StakeFrozen(address indexed account, uint256 amount);
    event StakeReleased(address indexed account, uint256 amount);
    event StakeSlashed(address indexed account, uint256 amount);
    event ProviderJailed(address indexed account, uint64 until);
    event JurorWeightChanged(address indexed account, bytes32 indexed pool, uint256 weight);

    error StakeAmountZero(address account);
    error StakeTokenTookFee(address token, uint256 sent, uint256 received);
    error StakeTooSmall(address account, uint256 asked, uint256 there);
    error StakeNotReleased(address account, uint64 releaseAt, uint256 timestamp);
    error StakeOnlyDisputes(address caller, address disputes);
    error StakeStillJailed(address account, uint64 until, uint256 timestamp);

    /// @notice Bonds `amount` of the stake token, which the caller approved.
    function stake(uint128 amount) external;

    /// @notice Starts the way out for `amount`. Asking again starts the delay anew for all that is unbonding.
    function unbond(uint128 amount) external;

    /// @notice Sends what is unbonding and not frozen, once the delay is over.
    function withdraw() external returns (uint256 amount);

    /// @notice Puts `account` back into the draws after its jail. Anyone may.
    function unjail(address account) external;

    /// @notice Disputes only: holds up to `amount` of what `account` has.
    /// @return frozen What could be held; less when there is less.
    function freeze(address account, uint256 amount) external returns (uint256 frozen);

    /// @notice Disputes only: lets go of `amount` that was frozen.
    function release(address account, uint256 amount) external;

    /// @notice Disputes only: takes `amount` that was frozen, sends it to Disputes, and jails the account.
    function slash(address account, uint256 amount) external;

    /// @notice Where an account stands.
    function standing(address account) external view returns (Standing memory);

    /// @notice Bonded stake that no open dispute holds.
    function freeStake(address account) external view returns (uint256);

    /// @notice Names the jurors of a comparison class and trust tier.
    function poolOf(bytes32 comparisonClass, uint8 trustTier) external pure returns (bytes32 pool);

    /// @notice What all jurors of a pool weighed at second `time`.
    function poolWeight(bytes32 pool, uint48 time) external view returns (uint256);

    /// @notice What `account` weighs in a pool now.
    function jurorWeight(bytes32 pool, address account) external view returns (uint256);

    /// @notice `seats` different jurors by stake at second `time`, without those barred; empty when there are too few.
    function drawJurors(bytes32 pool, uint48 time, bytes32 seed, uint256 seats, address[2] calldata barred)
        external
        view
        returns (address[] memory);
}
