// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Who renders, on which terms, reachable under which network identity
/// @notice The registry is a public list: it proves that an account published an offer. The account's half of "this
/// endpoint works for this account" is its own transaction. The EVM cannot check the endpoint's half (ed25519), so it
/// is kept here for peers to check when they connect. An endpoint id is therefore not reserved to its first claimant,
/// or a stranger could lock its owner out. What an offer claims is measured, not believed.
interface IProviderRegistry {
    /// @notice Whose scenes a provider may be shown; a claim of the offer, which requestors check by their own means.
    enum TrustTier {
        Open,
        Vetted,
        Attested,
        Private
    }

    /// @notice What a provider advertises.
    struct Offer {
        /// Base units of the payment token per work-unit hour.
        uint128 pricePerWuHour;
        /// Thousandths of a work unit per second that the provider's own benchmark gave; a prior, not a promise.
        uint64 benchmarkMilliWu;
        /// Memory it lends to one render, in MiB.
        uint32 memoryMiB;
        /// Instruction-set class by docs/protocol/settlement.md; 0 says nothing.
        uint16 isaClass;
        TrustTier trustTier;
        /// Whether it may be drawn as a juror.
        bool judges;
        /// The comparison class of its main engine; it judges jobs of this class and of its trust tier.
        bytes32 comparisonClass;
        /// keccak-256 of the list of engines and versions.
        bytes32 enginesHash;
        /// keccak-256 of the full offer document, which peers serve.
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
        /// The endpoint's half: its ed25519 signature over the text that docs/protocol/settlement.md gives.
        bytes32[2] endpointSignature;
        Offer offer;
    }

    event ProviderRegistered(
        address indexed account, bytes32 indexed endpointId, bytes32[2] endpointSignature, Offer offer
    );
    event ProviderUpdated(
        address indexed account, bytes32 indexed endpointId, bytes32[2] endpointSignature, Offer offer
    );
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
    function register(bytes32 endpointId, bytes32[2] calldata endpointSignature, Offer calldata offer) external;

    /// @notice Replaces the caller's row.
    function update(bytes32 endpointId, bytes32[2] calldata endpointSignature, Offer calldata offer) external;

    /// @notice Takes the caller off the list and out of every draw to come. Its stake stays until it is withdrawn.
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
