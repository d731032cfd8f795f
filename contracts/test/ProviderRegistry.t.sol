// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IProviderRegistry} from "../src/interfaces/IProviderRegistry.sol";
import {SettlementFixture} from "./SettlementFixture.sol";

contract ProviderRegistryTest is SettlementFixture {
    bytes32[2] private signature = [bytes32("r"), bytes32("s")];

    function registerMany(uint256 count) private {
        for (uint256 i = 1; i <= count; ++i) {
            vm.prank(vm.addr(i));
            registry.register(bytes32(i), signature, priced(uint128(i)));
        }
    }

    function priced(uint128 price) private pure returns (IProviderRegistry.Offer memory made) {
        made = offer(false);
        made.pricePerWuHour = price;
    }

    function test_anAccountComesChangesAndGoes() public {
        vm.startPrank(ada);
        vm.expectEmit(address(registry));
        emit IProviderRegistry.ProviderRegistered(ada, "node", signature, priced(1));
        registry.register("node", signature, priced(1));
        assertTrue(registry.isRegistered(ada));
        assertEq(
            abi.encode(registry.provider(ada)),
            abi.encode(IProviderRegistry.Provider(ada, "node", signature, priced(1)))
        );

        signature[1] = "other";
        vm.expectEmit(address(registry));
        emit IProviderRegistry.ProviderUpdated(ada, "moved", signature, priced(2));
        registry.update("moved", signature, priced(2));
        assertEq(
            abi.encode(registry.provider(ada)),
            abi.encode(IProviderRegistry.Provider(ada, "moved", signature, priced(2)))
        );

        vm.expectEmit(address(registry));
        emit IProviderRegistry.ProviderDeregistered(ada, "moved");
        registry.deregister();
        assertFalse(registry.isRegistered(ada));
        assertEq(registry.providerCount(), 0);
    }

    function test_anAccountIsOnTheListOnceOrNotAtAll() public {
        bytes memory missing = abi.encodeWithSelector(IProviderRegistry.RegistryNotRegistered.selector, ada);
        vm.startPrank(ada);
        vm.expectRevert(missing);
        registry.update("node", signature, priced(1));
        vm.expectRevert(missing);
        registry.deregister();
        vm.expectRevert(missing);
        registry.provider(ada);
        registry.register("node", signature, priced(1));
        vm.expectRevert(abi.encodeWithSelector(IProviderRegistry.RegistryAlreadyRegistered.selector, ada));
        registry.register("node", signature, priced(1));
    }

    function test_anEndpointMayBeNamedTwiceButNotLeftOut() public {
        vm.prank(ada);
        registry.register("node", signature, priced(1));
        vm.startPrank(bob);
        registry.register("node", signature, priced(1));
        vm.expectRevert(abi.encodeWithSelector(IProviderRegistry.RegistryEndpointMissing.selector, bob));
        registry.update(0, signature, priced(1));
    }

    function test_aUriHasALimit() public {
        IProviderRegistry.Offer memory long = priced(1);
        long.uri = string(new bytes(registry.MAX_URI_BYTES()));
        vm.startPrank(ada);
        registry.register("node", signature, long);
        long.uri = string(new bytes(registry.MAX_URI_BYTES() + 1));
        vm.expectRevert(abi.encodeWithSelector(IProviderRegistry.RegistryUriTooLong.selector, 257, 256));
        registry.update("node", signature, long);
    }

    function test_pagesCoverTheListOnce() public {
        registerMany(7);
        uint256 seen;
        for (uint256 offset = 0; offset < 9; offset += 3) {
            IProviderRegistry.Provider[] memory page = registry.providers(offset, 3);
            assertEq(page.length, offset == 6 ? 1 : 3);
            for (uint256 i = 0; i < page.length; ++i) {
                ++seen;
                assertEq(page[i].offer.pricePerWuHour, seen);
            }
        }
        assertEq(seen, registry.providerCount());
        assertEq(registry.providers(7, 3).length, 0);
        assertEq(registry.providers(0, type(uint256).max).length, 7);
    }

    function test_theLastRowFillsAGap() public {
        registerMany(3);
        vm.prank(vm.addr(1));
        registry.deregister();
        IProviderRegistry.Provider[] memory page = registry.providers(0, 10);
        assertEq(page.length, 2);
        assertEq(page[0].account, vm.addr(3));
        assertEq(page[1].account, vm.addr(2));
    }
}
