// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @title Tokens in, to the last unit
library ExactTransfer {
    using SafeERC20 for IERC20;

    /// @notice Takes `amount` from the caller, who approved it, and tells what arrived: less than `amount` from a token
    /// that keeps a part. The caller refuses that, since it would leave somebody short.
    function pull(IERC20 token, uint256 amount) internal returns (uint256 received) {
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(msg.sender, address(this), amount);
        return token.balanceOf(address(this)) - before;
    }
}
