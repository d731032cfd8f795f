// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {EnumerableSet} from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IProviderRegistry} from "./interfaces/IProviderRegistry.sol";
import {ProviderStakes} from "./registry/ProviderStakes.sol";

/// @title The list of providers and their stakes; IProviderRegistry and IProviderStakes say what it promises
contract ProviderRegistry is IProviderRegistry, ProviderStakes {
    using EnumerableSet for EnumerableSet.AddressSet;

    /// @notice Room for a long HTTPS or IPFS address; readers fetch whole pages of rows.
    uint256 public constant MAX_URI_BYTES = 256;

    struct Row {
        bytes32 endpointId;
        bytes32[2] endpointSignature;
        Offer offer;
    }

    EnumerableSet.AddressSet private _accounts;
    mapping(address account => Row) private _rows;

    constructor(IERC20 stakeToken_, uint64 unbondingSeconds_, uint64 jailSeconds_, uint128 minJurorStake_)
        ProviderStakes(stakeToken_, unbondingSeconds_, jailSeconds_, minJurorStake_)
    {}

    /// @inheritdoc IProviderRegistry
    function register(bytes32 endpointId, bytes32[2] calldata endpointSignature, Offer calldata offer) external {
        if (!_accounts.add(msg.sender)) revert RegistryAlreadyRegistered(msg.sender);
        _write(endpointId, endpointSignature, offer);
        emit ProviderRegistered(msg.sender, endpointId, endpointSignature, offer);
        _reweigh(msg.sender);
    }

    /// @inheritdoc IProviderRegistry
    function update(bytes32 endpointId, bytes32[2] calldata endpointSignature, Offer calldata offer) external {
        if (!_accounts.contains(msg.sender)) revert RegistryNotRegistered(msg.sender);
        _write(endpointId, endpointSignature, offer);
        emit ProviderUpdated(msg.sender, endpointId, endpointSignature, offer);
        _reweigh(msg.sender);
    }

    /// @inheritdoc IProviderRegistry
    function deregister() external {
        if (!_accounts.remove(msg.sender)) revert RegistryNotRegistered(msg.sender);
        bytes32 endpointId = _rows[msg.sender].endpointId;
        delete _rows[msg.sender];
        emit ProviderDeregistered(msg.sender, endpointId);
        _reweigh(msg.sender);
    }

    /// @inheritdoc IProviderRegistry
    function providerCount() external view returns (uint256) {
        return _accounts.length();
    }

    /// @inheritdoc IProviderRegistry
    function isRegistered(address account) external view returns (bool) {
        return _accounts.contains(account);
    }

    /// @inheritdoc IProviderRegistry
    function provider(address account) external view returns (Provider memory) {
        if (!_accounts.contains(account)) revert RegistryNotRegistered(account);
        return _row(account);
    }

    /// @inheritdoc IProviderRegistry
    function providers(uint256 offset, uint256 limit) external view returns (Provider[] memory page) {
        uint256 count = _accounts.length();
        if (offset >= count) return page;
        page = new Provider[](Math.min(limit, count - offset));
        for (uint256 i = 0; i < page.length; ++i) {
            page[i] = _row(_accounts.at(offset + i));
        }
    }

    /// @dev A row that is gone has an offer that does not judge.
    function _judgingPool(address account) internal view override returns (bytes32) {
        Offer storage offer = _rows[account].offer;
        return offer.judges ? poolOf(offer.comparisonClass, uint8(offer.trustTier)) : bytes32(0);
    }

    function _write(bytes32 endpointId, bytes32[2] calldata endpointSignature, Offer calldata offer) private {
        if (endpointId == 0) revert RegistryEndpointMissing(msg.sender);
        uint256 length = bytes(offer.uri).length;
        if (length > MAX_URI_BYTES) revert RegistryUriTooLong(length, MAX_URI_BYTES);
        _rows[msg.sender] = Row(endpointId, endpointSignature, offer);
    }

    function _row(address account) private view returns (Provider memory) {
        Row storage row = _rows[account];
        return Provider(account, row.endpointId, row.endpointSignature, row.offer);
    }
}
