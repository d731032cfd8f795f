// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Who renders, on which terms, reachable under which network identity
/// @notice The registry is a public list, not a judge: it proves that an account published an offer. Peers check by
/// the network's own handshake that the endpoint accepts the account, and measure speed instead of believing it.
/// An endpoint id is therefore not reserved to its first claimant, or a stranger could lock its owner out.
interface IProviderRegistry {
    /// @notice What a provider advertises.
    struct Offer {
        /// Base units of the payment token per work-unit hour.
        uint128 pricePerWuHour;
        /// Thousandths of a work unit per second that the provider's own benchmark gave; a prior, not a promise.
        uint64 benchmarkMilliWu;
        /// Memory it lends to one render, in MiB.
        uint32 memoryMiB;
        /// keccak-256 of the full offer document (engines, versions, devices), which peers serve.
        bytes32 offerHash;
        /// Where the full document can be read, or empty when only the endpoint serves it.
        string uri;
    }

    /// @notice One row of the list.
    struct Provider {
        /// The account that is paid.
        address account;
        /// The ed25519 key of the node.
        bytes32 endpointId;
        Offer offer;
    }

    event ProviderRegistered(address indexed account, bytes32 indexed endpointId, Offer offer);
    event ProviderUpdated(address indexed account, bytes32 indexed endpointId, Offer offer);
    event ProviderDeregistered(address indexed account, bytes32 indexed endpointId);

    /// @notice The account is already on the list; `update` changes its row.
    error RegistryAlreadyRegistered(address account);
    /// @notice The account is not on the list; `register` adds it.
    error RegistryNotRegistered(address account);
    /// @notice The endpoint id is zero, which no key has.
    error RegistryEndpointMissing(address account);
    /// @notice The URI is longer than the list carries for anyone.
    error RegistryUriTooLong(uint256 length, uint256 maxLength);

    /// @notice Adds the caller to the list.
    function register(bytes32 endpointId, Offer calldata offer) external;

    /// @notice Replaces the caller's row.
    function update(bytes32 endpointId, Offer calldata offer) external;

    /// @notice Takes the caller off the list.
    function deregister() external;

    /// @notice How many providers are on the list.
    function providerCount() external view returns (uint256);

    /// @notice Whether `account` is on the list.
    function isRegistered(address account) external view returns (bool);

    /// @notice The row of `account`; reverts when it is not on the list.
    function provider(address account) external view returns (Provider memory);

    /// @notice At most `limit` rows from `offset` on; fewer at the end, none beyond it.
    /// @dev A deregistration moves the last row into the gap, so a reader that pages while the list changes reads
    /// the events or starts again.
    function providers(uint256 offset, uint256 limit) external view returns (Provider[] memory);
}
