// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {console} from "forge-std/console.sol";
import {VmSafe} from "forge-std/Vm.sol";
import {IJobEscrow, JobId} from "../src/interfaces/IJobEscrow.sol";
import {EscrowFixture} from "./EscrowFixture.sol";

/// @dev What settlement costs, each call as a transaction of its own (base cost and calldata included).
/// forge-config: default.isolate = true
contract JobEscrowGas is EscrowFixture {
    uint256 private constant PROVIDERS = 20;
    uint256 private constant TASKS = 1_000;
    /// DESIGN §5: vouchers relayed in one transaction, warm balances.
    uint256 private constant GAS_PER_TASK_MAX = 900;

    function test_twentyVouchersForAThousandTasks() public {
        JobId jobId = openJob();
        _record("openJob", vm.lastCallGas());
        escrow.redeem(jobId, _batch(jobId, 0.123e18));
        VmSafe.Gas memory gas = vm.lastCallGas();
        _record("redeem 20 vouchers", gas);

        uint256 perTask = gas.gasTotalUsed / TASKS;
        console.log("gas per settled task (1000 tasks, 20 providers, one relayed transaction):", perTask);
        assertLe(perTask, GAS_PER_TASK_MAX);
    }

    function test_theWayOfOneJob() public {
        JobId jobId = openJob();
        IJobEscrow.SignedVoucher[] memory list = _batch(jobId, 0.123e18);
        vm.prank(requestor);
        escrow.closeJob(jobId, list);
        _record("closeJob with 20 vouchers", vm.lastCallGas());
        vm.warp(block.timestamp + EXIT_WINDOW);
        escrow.refund(jobId);
        _record("refund", vm.lastCallGas());
    }

    function test_oneVoucherByItsProvider() public {
        JobId jobId = openJob();
        address provider = _provider(0);
        token.mint(provider, 1);
        escrow.redeem(jobId, voucher(jobId, provider, 1e18));
        _record("redeem 1 voucher", vm.lastCallGas());
    }

    function _provider(uint256 index) private pure returns (address) {
        return vm.addr(index + 1);
    }

    function _batch(JobId jobId, uint256 perTask) private returns (IJobEscrow.SignedVoucher[] memory batch) {
        batch = new IJobEscrow.SignedVoucher[](PROVIDERS);
        for (uint256 i = 0; i < PROVIDERS; ++i) {
            // A provider that has been paid before; a first payment costs 17,100 gas more.
            token.mint(_provider(i), 1);
            batch[i] = signAs(REQUESTOR_KEY, jobId, _provider(i), perTask * (TASKS / PROVIDERS));
        }
    }

    function _record(string memory name, VmSafe.Gas memory gas) private {
        vm.snapshotValue("JobEscrow", name, gas.gasTotalUsed);
    }
}
