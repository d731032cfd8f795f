// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDisputes} from "../src/interfaces/IDisputes.sol";
import {DisputeFixture} from "./DisputeFixture.sol";

/// @dev What a quarrel costs in gas, in a pool of 45 jurors, each call as a transaction of its own.
/// forge-config: default.isolate = true
contract DisputesGas is DisputeFixture {
    function test_aDisputeThroughAllCommittees() public {
        seatJurors(44);
        register(vm.addr(5_000), true);
        stake(vm.addr(5_000), JUROR_STAKE);
        _record("stake, the 45th juror of a pool");
        vm.warp(block.timestamp + 1);
        uint256 id = claimAndReject();
        _record("reject");
        uint16[4] memory sizes = [uint16(3), 7, 15, 31];
        for (uint8 round = 0; round < 4; ++round) {
            address[] memory jurors = drawCommittee(id);
            _record(string.concat("draw, ", vm.toString(sizes[round]), " jurors"));
            commitAs(jurors[0], id, IDisputes.Verdict.Bad);
            if (round == 0) _record("commitVerdict");
            for (uint256 i = 1; i < jurors.length; ++i) {
                commitAs(jurors[i], id, IDisputes.Verdict.Bad);
            }
            revealAs(jurors[0], id, IDisputes.Verdict.Bad);
            if (round == 0) _record("revealVerdict");
            for (uint256 i = 1; i < jurors.length; ++i) {
                revealAs(jurors[i], id, IDisputes.Verdict.Bad);
            }
            if (round == 3) break;
            appealAs(ada, id);
            if (round == 0) _record("appeal");
        }
        conclude(id);
        _record("conclude after four rounds");
    }

    function _record(string memory name) private {
        vm.snapshotValue("Disputes", name, vm.lastCallGas().gasTotalUsed);
    }
}
