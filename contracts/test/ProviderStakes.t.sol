// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ProviderRegistry} from "../src/ProviderRegistry.sol";
import {IProviderRegistry} from "../src/interfaces/IProviderRegistry.sol";
import {IProviderStakes} from "../src/interfaces/IProviderStakes.sol";
import {FeeToken} from "./HostileTokens.sol";
import {SettlementFixture} from "./SettlementFixture.sol";

/// @dev Stakes, and the weights they give. Disputes is played by its address.
contract ProviderStakesTest is SettlementFixture {
    bytes32 private pool;

    function setUp() public override {
        super.setUp();
        pool = registry.poolOf(CLASS, 0);
    }

    function standing(address account) private view returns (IProviderStakes.Standing memory) {
        return registry.standing(account);
    }

    function test_stakeComesAndGoesWithADelay() public {
        stake(ada, 50e18);
        assertEq(standing(ada).bonded, 50e18);
        assertEq(registry.freeStake(ada), 50e18);

        vm.startPrank(ada);
        uint64 releaseAt = uint64(block.timestamp) + 21 days;
        vm.expectEmit(address(registry));
        emit IProviderStakes.StakeUnbonding(ada, 20e18, releaseAt);
        registry.unbond(20e18);
        assertEq(registry.freeStake(ada), 30e18);
        vm.expectRevert(
            abi.encodeWithSelector(IProviderStakes.StakeNotReleased.selector, ada, releaseAt, block.timestamp)
        );
        registry.withdraw();

        // Asking again starts the delay anew.
        vm.warp(block.timestamp + 10 days);
        registry.unbond(5e18);
        vm.warp(releaseAt);
        vm.expectPartialRevert(IProviderStakes.StakeNotReleased.selector);
        registry.withdraw();
        vm.warp(releaseAt + 10 days);
        assertEq(registry.withdraw(), 25e18);
        assertEq(stakeToken.balanceOf(ada), 25e18);
        vm.expectRevert(abi.encodeWithSelector(IProviderStakes.StakeAmountZero.selector, ada));
        registry.withdraw();
        assertEq(standing(ada).bonded, 25e18);
    }

    function test_amountsMakeSense() public {
        vm.startPrank(ada);
        vm.expectRevert(abi.encodeWithSelector(IProviderStakes.StakeAmountZero.selector, ada));
        registry.stake(0);
        vm.expectRevert(abi.encodeWithSelector(IProviderStakes.StakeAmountZero.selector, ada));
        registry.unbond(0);
        vm.expectRevert(abi.encodeWithSelector(IProviderStakes.StakeTooSmall.selector, ada, 1, 0));
        registry.unbond(1);
    }

    function test_aStakeTokenThatTakesAFeeIsRefused() public {
        FeeToken fee = new FeeToken();
        ProviderRegistry other = new ProviderRegistry(IERC20(address(fee)), 1, 1, 1);
        fee.mint(ada, 100);
        vm.startPrank(ada);
        fee.approve(address(other), 100);
        vm.expectRevert(abi.encodeWithSelector(IProviderStakes.StakeTokenTookFee.selector, address(fee), 100, 99));
        other.stake(100);
    }

    function test_onlyDisputesTouchAStake() public {
        bytes memory reason = abi.encodeWithSelector(IProviderStakes.StakeOnlyDisputes.selector, bob, address(disputes));
        vm.startPrank(bob);
        vm.expectRevert(reason);
        registry.freeze(ada, 1);
        vm.expectRevert(reason);
        registry.release(ada, 1);
        vm.expectRevert(reason);
        registry.slash(ada, 1);
    }

    function test_frozenStakeCannotLeave() public {
        stake(ada, 50e18);
        vm.prank(address(disputes));
        assertEq(registry.freeze(ada, 30e18), 30e18);
        vm.startPrank(ada);
        registry.unbond(50e18);
        vm.warp(block.timestamp + 21 days);
        assertEq(registry.withdraw(), 20e18);
        vm.expectRevert(abi.encodeWithSelector(IProviderStakes.StakeAmountZero.selector, ada));
        registry.withdraw();
        vm.stopPrank();
        vm.prank(address(disputes));
        registry.release(ada, 30e18);
        vm.prank(ada);
        assertEq(registry.withdraw(), 30e18);
    }

    function test_noMoreIsFrozenThanThereIs() public {
        stake(ada, 50e18);
        vm.startPrank(address(disputes));
        assertEq(registry.freeze(ada, 30e18), 30e18);
        assertEq(registry.freeze(ada, 30e18), 20e18);
        assertEq(registry.freeze(ada, 30e18), 0);
        assertEq(registry.freeStake(ada), 0);
        registry.slash(ada, 20e18);
        registry.slash(ada, 30e18);
        assertEq(stakeToken.balanceOf(address(disputes)), 50e18);
        assertEq(standing(ada).bonded, 0);
        assertEq(standing(ada).frozen, 0);
    }

    function test_whatLeavesIsSlashedFirst() public {
        stake(ada, 50e18);
        vm.prank(ada);
        registry.unbond(15e18);
        vm.startPrank(address(disputes));
        registry.freeze(ada, 20e18);
        registry.slash(ada, 20e18);
        assertEq(standing(ada).unbonding, 0);
        assertEq(standing(ada).bonded, 30e18);
    }

    function test_weightFollowsStakeOfferAndJail() public {
        stake(ada, JUROR_STAKE - 1);
        register(ada, true);
        assertEq(registry.jurorWeight(pool, ada), 0);
        giveStakeTokens(ada, address(registry), 1);
        vm.expectEmit(address(registry));
        emit IProviderStakes.JurorWeightChanged(ada, pool, JUROR_STAKE);
        vm.prank(ada);
        registry.stake(1);
        assertEq(registry.jurorWeight(pool, ada), JUROR_STAKE);

        // Another class is another pool.
        IProviderRegistry.Offer memory moved = offer(true);
        moved.comparisonClass = "other";
        vm.prank(ada);
        registry.update("node", [bytes32("r"), bytes32("s")], moved);
        assertEq(registry.jurorWeight(pool, ada), 0);
        assertEq(registry.jurorWeight(registry.poolOf("other", 0), ada), JUROR_STAKE);
        moved.trustTier = IProviderRegistry.TrustTier.Vetted;
        vm.prank(ada);
        registry.update("node", [bytes32("r"), bytes32("s")], moved);
        assertEq(registry.jurorWeight(registry.poolOf("other", 0), ada), 0);
        bytes32 vetted = registry.poolOf("other", 1);
        assertEq(registry.jurorWeight(vetted, ada), JUROR_STAKE);

        vm.startPrank(address(disputes));
        registry.freeze(ada, 1);
        registry.slash(ada, 0);
        vm.stopPrank();
        assertEq(registry.jurorWeight(vetted, ada), 0);
        uint64 until = standing(ada).jailedUntil;
        vm.expectRevert(abi.encodeWithSelector(IProviderStakes.StakeStillJailed.selector, ada, until, block.timestamp));
        registry.unjail(ada);
        vm.warp(until);
        registry.unjail(ada);
        assertEq(registry.jurorWeight(vetted, ada), JUROR_STAKE);

        vm.prank(ada);
        registry.deregister();
        assertEq(registry.jurorWeight(vetted, ada), 0);
        registry.unjail(ada);
        assertEq(registry.jurorWeight(vetted, ada), 0);
    }

    function test_weightsAreRememberedBySecond() public {
        uint48 start = uint48(block.timestamp);
        for (uint256 i = 1; i <= 5; ++i) {
            vm.warp(start + i);
            register(vm.addr(i), true);
            stake(vm.addr(i), uint128(i) * 10e18);
        }
        assertEq(registry.poolWeight(pool, start), 0);
        assertEq(registry.poolWeight(pool, start + 1), 10e18);
        assertEq(registry.poolWeight(pool, start + 3), 60e18);
        assertEq(registry.poolWeight(pool, start + 5), 150e18);
        address[] memory drawn = registry.drawJurors(pool, start + 2, "seed", 2, [ada, ada]);
        assertTrue(drawn[0] != drawn[1]);
        assertEq(registry.drawJurors(pool, start + 2, "seed", 3, [ada, ada]).length, 0);
        assertEq(registry.drawJurors(pool, start + 2, "seed", 2, [vm.addr(1), ada]).length, 0);
        assertEq(registry.drawJurors(pool, start + 2, "seed", 1, [vm.addr(1), vm.addr(1)])[0], vm.addr(2));
        // Those who came later are not barred by name but by time.
        assertEq(registry.drawJurors(pool, start + 2, "seed", 2, [vm.addr(5), vm.addr(4)]).length, 2);
    }
}
