// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EnumerableSet} from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {IProviderRegistry} from "./interfaces/IProviderRegistry.sol";

/// @title The list of providers; IProviderRegistry says what it promises
contract ProviderRegistry is IProviderRegistry {
    using EnumerableSet for EnumerableSet.AddressSet;

    /// @notice Room for a long HTTPS or IPFS address; readers fetch whole pages of rows.
    uint256 public constant MAX_URI_BYTES = 256;

    struct Row {
        bytes32 endpointId;
        Offer offer;
    }

    EnumerableSet.AddressSet private _accounts;
    mapping(address account => Row) private _rows;

    /// @inheritdoc IProviderRegistry
    function register(bytes32 endpointId, Offer calldata offer) external {
        if (!_accounts.add(msg.sender)) revert RegistryAlreadyRegistered(msg.sender);
        _write(endpointId, offer);
        emit ProviderRegistered(msg.sender, endpointId, offer);
    }

    /// @inheritdoc IProviderRegistry
    function update(bytes32 endpointId, Offer calldata offer) external {
        if (!_accounts.contains(msg.sender)) revert RegistryNotRegistered(msg.sender);
        _write(endpointId, offer);
        emit ProviderUpdated(msg.sender, endpointId, offer);
    }

    /// @inheritdoc IProviderRegistry
    function deregister() external {
        if (!_accounts.remove(msg.sender)) revert RegistryNotRegistered(msg.sender);
        bytes32 endpointId = _rows[msg.sender].endpointId;
        delete _rows[msg.sender];
        emit ProviderDeregistered(msg.sender, endpointId);
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

    function _write(bytes32 endpointId, Offer calldata offer) private {
        if (endpointId == 0) revert RegistryEndpointMissing(msg.sender);
        uint256 length = bytes(offer.uri).length;
        if (length > MAX_URI_BYTES) revert RegistryUriTooLong(length, MAX_URI_BYTES);
        _rows[msg.sender] = Row(endpointId, offer);
    }

    function _row(address account) private view returns (Provider memory) {
        Row storage row = _rows[account];
        return Provider(account, row.endpointId, row.offer);
    }
}
