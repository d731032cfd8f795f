// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title The payment token of development chains
/// @notice Anyone may mint any amount, so it is worth nothing by design. Production jobs name a real ERC-20.
contract DevToken is ERC20("Rayswarm Development Token", "RAYDEV") {
    /// @notice Creates `amount` base units (18 decimals) for `to`.
    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}
