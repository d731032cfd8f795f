// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IProviderStakes} from "../interfaces/IProviderStakes.sol";
import {ExactTransfer} from "../libraries/ExactTransfer.sol";
import {JurorDraw} from "../libraries/JurorDraw.sol";
import {StakeTree} from "../libraries/StakeTree.sol";

/// @title Stakes and the weights they give; IProviderStakes says what it promises
abstract contract ProviderStakes is IProviderStakes, ReentrancyGuardTransient {
    using ExactTransfer for IERC20;
    using JurorDraw for StakeTree.Tree;
    using SafeCast for uint256;
    using SafeERC20 for IERC20;
    using StakeTree for StakeTree.Tree;

    /// @notice The only contract that may freeze, slash and jail: the one that made this one.
    address public immutable disputes;
    IERC20 public immutable stakeToken;
    /// @notice Longer than any window in which a claim can be rejected and judged; Disputes checks it.
    uint64 public immutable unbondingSeconds;
    uint64 public immutable jailSeconds;
    /// @notice Less than this weighs nothing in a draw.
    uint128 public immutable minJurorStake;

    mapping(address account => Standing) private _standings;
    mapping(address account => bytes32 pool) private _poolOfMember;
    mapping(bytes32 pool => StakeTree.Tree) private _pools;

    modifier onlyDisputes() {
        if (msg.sender != disputes) revert StakeOnlyDisputes(msg.sender, disputes);
        _;
    }

    constructor(IERC20 stakeToken_, uint64 unbondingSeconds_, uint64 jailSeconds_, uint128 minJurorStake_) {
        disputes = msg.sender;
        stakeToken = stakeToken_;
        unbondingSeconds = unbondingSeconds_;
        jailSeconds = jailSeconds_;
        minJurorStake = minJurorStake_;
    }

    /// @inheritdoc IProviderStakes
    function stake(uint128 amount) external nonReentrant {
        if (amount == 0) revert StakeAmountZero(msg.sender);
        Standing storage account = _standings[msg.sender];
        account.bonded += amount;
        emit StakeBonded(msg.sender, amount, account.bonded);
        _reweigh(msg.sender);

        uint256 received = stakeToken.pull(amount);
        if (received != amount) revert StakeTokenTookFee(address(stakeToken), amount, received);
    }

    /// @inheritdoc IProviderStakes
    function unbond(uint128 amount) external nonReentrant {
        Standing storage account = _standings[msg.sender];
        if (amount == 0) revert StakeAmountZero(msg.sender);
        if (amount > account.bonded) revert StakeTooSmall(msg.sender, amount, account.bonded);
        account.bonded -= amount;
        account.unbonding += amount;
        account.releaseAt = uint64(block.timestamp) + unbondingSeconds;
        emit StakeUnbonding(msg.sender, amount, account.releaseAt);
        _reweigh(msg.sender);
    }

    /// @inheritdoc IProviderStakes
    function withdraw() external nonReentrant returns (uint256 amount) {
        Standing storage account = _standings[msg.sender];
        if (block.timestamp < account.releaseAt) {
            revert StakeNotReleased(msg.sender, account.releaseAt, block.timestamp);
        }
        uint256 loose = uint256(account.bonded) + account.unbonding - account.frozen;
        amount = Math.min(account.unbonding, loose);
        if (amount == 0) revert StakeAmountZero(msg.sender);
        account.unbonding -= amount.toUint128();
        emit StakeWithdrawn(msg.sender, amount);

        stakeToken.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IProviderStakes
    function unjail(address account) external {
        uint64 until = _standings[account].jailedUntil;
        if (block.timestamp < until) revert StakeStillJailed(account, until, block.timestamp);
        _reweigh(account);
    }

    /// @inheritdoc IProviderStakes
    function freeze(address account, uint256 amount) external onlyDisputes returns (uint256 frozen) {
        Standing storage held = _standings[account];
        frozen = Math.min(amount, uint256(held.bonded) + held.unbonding - held.frozen);
        held.frozen += frozen.toUint128();
        emit StakeFrozen(account, frozen);
    }

    /// @inheritdoc IProviderStakes
    function release(address account, uint256 amount) external onlyDisputes {
        _standings[account].frozen -= amount.toUint128();
        emit StakeReleased(account, amount);
    }

    /// @inheritdoc IProviderStakes
    function slash(address account, uint256 amount) external onlyDisputes nonReentrant {
        Standing storage held = _standings[account];
        held.frozen -= amount.toUint128();
        // What is already on its way out goes first, so that what still works keeps its weight where it can.
        uint256 leaving = Math.min(amount, held.unbonding);
        held.unbonding -= leaving.toUint128();
        held.bonded -= (amount - leaving).toUint128();
        held.jailedUntil = uint64(block.timestamp) + jailSeconds;
        emit StakeSlashed(account, amount);
        emit ProviderJailed(account, held.jailedUntil);
        _reweigh(account);

        if (amount > 0) stakeToken.safeTransfer(disputes, amount);
    }

    /// @inheritdoc IProviderStakes
    function standing(address account) external view returns (Standing memory) {
        return _standings[account];
    }

    /// @inheritdoc IProviderStakes
    function freeStake(address account) external view returns (uint256) {
        Standing storage held = _standings[account];
        return held.bonded > held.frozen ? held.bonded - held.frozen : 0;
    }

    /// @inheritdoc IProviderStakes
    function poolOf(bytes32 comparisonClass, uint8 trustTier) public pure returns (bytes32 pool) {
        return keccak256(abi.encode(comparisonClass, trustTier));
    }

    /// @inheritdoc IProviderStakes
    function poolWeight(bytes32 pool, uint48 time) external view returns (uint256) {
        return _pools[pool].total(time);
    }

    /// @inheritdoc IProviderStakes
    function jurorWeight(bytes32 pool, address account) external view returns (uint256) {
        return _pools[pool].weightOf(account);
    }

    /// @inheritdoc IProviderStakes
    function drawJurors(bytes32 pool, uint48 time, bytes32 seed, uint256 seats, address[2] calldata barred)
        external
        view
        returns (address[] memory)
    {
        return _pools[pool].draw(time, seed, seats, barred);
    }

    /// @dev The pool in which `account` offers to judge, or zero when it does not.
    function _judgingPool(address account) internal view virtual returns (bytes32);

    /// @dev Brings the draws in step with stake, offer and jail of `account`.
    function _reweigh(address account) internal {
        bytes32 pool = _judgingPool(account);
        bytes32 former = _poolOfMember[account];
        if (former != pool) {
            if (former != 0) _setWeight(account, former, 0);
            _poolOfMember[account] = pool;
        }
        if (pool == 0) return;
        Standing storage held = _standings[account];
        bool counts = held.bonded >= minJurorStake && block.timestamp >= held.jailedUntil;
        _setWeight(account, pool, counts ? held.bonded : 0);
    }

    function _setWeight(address account, bytes32 pool, uint208 weight) private {
        StakeTree.Tree storage tree = _pools[pool];
        if (tree.weightOf(account) == weight) return;
        tree.set(account, weight);
        emit JurorWeightChanged(account, pool, weight);
    }
}
