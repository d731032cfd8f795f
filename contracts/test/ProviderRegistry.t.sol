// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {ProviderRegistry} from "../src/ProviderRegistry.sol";
import {IProviderRegistry} from "../src/interfaces/IProviderRegistry.sol";

contract ProviderRegistryTest is Test {
    ProviderRegistry private registry;
    address private ada = makeAddr("ada");

    function setUp() public {
        registry = new ProviderRegistry();
    }

    function offer(uint128 price) private pure returns (IProviderRegistry.Offer memory) {
        return IProviderRegistry.Offer({
            pricePerWuHour: price,
            benchmarkMilliWu: 1_500,
            memoryMiB: 12_288,
            offerHash: keccak256("offer"),
            uri: "ipfs://an-address-that-is-longer-than-one-storage-slot"
        });
    }

    function registerMany(uint256 count) private {
        for (uint256 i = 1; i <= count; ++i) {
            vm.prank(vm.addr(i));
            registry.register(bytes32(i), offer(uint128(i)));
        }
    }

    function test_anAccountComesChangesAndGoes() public {
        vm.startPrank(ada);
        vm.expectEmit(address(registry));
        emit IProviderRegistry.ProviderRegistered(ada, "node", offer(1));
        registry.register("node", offer(1));
        assertTrue(registry.isRegistered(ada));
        assertEq(abi.encode(registry.provider(ada)), abi.encode(IProviderRegistry.Provider(ada, "node", offer(1))));

        vm.expectEmit(address(registry));
        emit IProviderRegistry.ProviderUpdated(ada, "moved", offer(2));
        registry.update("moved", offer(2));
        assertEq(abi.encode(registry.provider(ada)), abi.encode(IProviderRegistry.Provider(ada, "moved", offer(2))));

        vm.expectEmit(address(registry));
        emit IProviderRegistry.ProviderDeregistered(ada, "moved");
        registry.deregister();
        assertFalse(registry.isRegistered(ada));
        assertEq(registry.providerCount(), 0);
    }

    function test_theListRefusesWhatMakesNoSense() public {
        vm.startPrank(ada);
        bytes memory missing = abi.encodeWithSelector(IProviderRegistry.RegistryNotRegistered.selector, ada);
        vm.expectRevert(missing);
        registry.update("node", offer(1));
        vm.expectRevert(missing);
        registry.deregister();
        vm.expectRevert(missing);
        registry.provider(ada);
        vm.expectRevert(abi.encodeWithSelector(IProviderRegistry.RegistryEndpointMissing.selector, ada));
        registry.register(0, offer(1));

        registry.register("node", offer(1));
        vm.expectRevert(abi.encodeWithSelector(IProviderRegistry.RegistryAlreadyRegistered.selector, ada));
        registry.register("node", offer(1));

        IProviderRegistry.Offer memory long = offer(1);
        long.uri = string(new bytes(257));
        vm.expectRevert(
            abi.encodeWithSelector(IProviderRegistry.RegistryUriTooLong.selector, uint256(257), uint256(256))
        );
        registry.update("node", long);
    }

    function test_pagesCoverTheListOnceAndEndQuietly() public {
        registerMany(5);
        assertEq(registry.providers(0, 2).length, 2);
        assertEq(registry.providers(4, 2).length, 1);
        assertEq(registry.providers(5, 2).length, 0);
        assertEq(registry.providers(0, type(uint256).max).length, 5);
        assertEq(registry.providers(type(uint256).max, type(uint256).max).length, 0);
        assertEq(registry.providers(2, 1)[0].account, vm.addr(3));
    }

    /// @dev After any departures the list holds exactly those who stayed, each with its own row.
    function testFuzz_departuresLeaveTheOthers(uint8 count, uint256 leaving) public {
        count = uint8(bound(count, 1, 24));
        registerMany(count);
        uint256 stay;
        for (uint256 i = 1; i <= count; ++i) {
            if ((leaving >> i) & 1 == 1) {
                vm.prank(vm.addr(i));
                registry.deregister();
            } else {
                stay += 1;
            }
        }
        IProviderRegistry.Provider[] memory rows = registry.providers(0, count);
        assertEq(rows.length, stay);
        for (uint256 i = 0; i < rows.length; ++i) {
            uint256 index = uint256(rows[i].endpointId);
            assertEq((leaving >> index) & 1, 0, "somebody who left is listed");
            assertEq(rows[i].account, vm.addr(index));
            assertEq(rows[i].offer.pricePerWuHour, index);
        }
    }
}
