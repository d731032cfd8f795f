// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {DevToken} from "../src/DevToken.sol";
import {IJobEscrow} from "../src/interfaces/IJobEscrow.sol";

/// @dev Keeps one percent of every transfer.
contract FeeToken is ERC20("Fee", "FEE") {
    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (from == address(0) || to == address(0)) return super._update(from, to, amount);
        super._update(from, address(this), amount / 100);
        super._update(from, to, amount - amount / 100);
    }
}

/// @dev Calls back into the escrow in the middle of a transfer out of it.
contract ReentrantToken is ERC20("Reentrant", "RE") {
    IJobEscrow private _escrow;
    bytes private _call;
    bytes public answer;
    bool public entered;

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function arm(IJobEscrow escrow, bytes calldata call) external {
        (_escrow, _call) = (escrow, call);
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (from != address(0) && from == address(_escrow)) {
            (entered, answer) = address(_escrow).call(_call);
        }
    }
}

/// @dev Refuses to pay one address, as tokens with a block list do.
contract BlockingToken is ERC20("Blocking", "BLK") {
    address public blocked;

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function blockAccount(address account) external {
        blocked = account;
    }

    function _update(address from, address to, uint256 amount) internal override {
        require(to != blocked, "blocked");
        super._update(from, to, amount);
    }
}

/// @dev Has a permit, and any number of decimals.
contract PermitToken is ERC20Permit {
    uint8 private immutable _decimals;

    constructor(uint8 decimals_) ERC20("Permitted", "PMT") ERC20Permit("Permitted") {
        _decimals = decimals_;
    }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function decimals() public view override returns (uint8) {
        return _decimals;
    }
}

/// @dev A payment token that calls back into escrow and disputes whenever it moves out of the escrow. What the escrow
/// answers counts: nobody may get in there.
contract NosyToken is DevToken {
    address private _escrow;
    bytes[] private _calls;
    address[] private _targets;
    uint256 public entered;

    function arm(address escrow, address[] calldata targets, bytes[] calldata calls) external {
        (_escrow, _targets) = (escrow, targets);
        delete _calls;
        for (uint256 i = 0; i < calls.length; ++i) {
            _calls.push(calls[i]);
        }
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (from != _escrow || from == address(0)) return;
        for (uint256 i = 0; i < _calls.length; ++i) {
            (bool ok,) = _targets[i].call(_calls[i]);
            if (ok && _targets[i] == _escrow) ++entered;
        }
    }
}
