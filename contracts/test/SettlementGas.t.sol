// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {console} from "forge-std/console.sol";
import {VmSafe} from "forge-std/Vm.sol";
import {IJobEscrow, JobId} from "../src/interfaces/IJobEscrow.sol";
import {Caps} from "./Caps.sol";
import {SettlementFixture} from "./SettlementFixture.sol";

/// @dev What settlement costs, each call as a transaction of its own (base cost and calldata included).
/// forge-config: default.isolate = true
contract SettlementGas is SettlementFixture {
    uint256 private constant PROVIDERS = 20;
    uint256 private constant TASKS = 1_000;
    uint128 private constant PER_PROVIDER = 6.172839450617283945e18;
    /// DESIGN §5, with 1,000 tasks, 20 providers and warm balances.
    uint256 private constant COOPERATIVE_GAS_PER_TASK_MAX = 300;
    uint256 private constant RELAYED_GAS_PER_TASK_MAX = 900;
    uint256 private constant FORCED_EXIT_GAS_MAX = 150_000;

    function test_cooperativeSettlement() public {
        (JobId jobId, Caps.Line[] memory lines) = _job(true);
        uint256 gas = _settle(jobId, lines);
        _record("settleJob, 20 providers", gas);
        console.log("cooperative, gas per task:", gas / TASKS);
        assertLe(gas / TASKS, COOPERATIVE_GAS_PER_TASK_MAX);
    }

    function test_cooperativeSettlementOfFreshBalances() public {
        (JobId jobId, Caps.Line[] memory lines) = _job(false);
        _record("settleJob, 20 providers, fresh balances", _settle(jobId, lines));
    }

    function test_relayedVouchers() public {
        (JobId jobId, Caps.Line[] memory lines) = _job(true);
        uint256 gas = _redeemAll(jobId, lines);
        _record("redeemAll, 20 vouchers", gas);
        console.log("relayed vouchers, gas per task:", gas / TASKS);
        assertLe(gas / TASKS, RELAYED_GAS_PER_TASK_MAX);
    }

    function test_relayedVouchersOfFreshBalances() public {
        (JobId jobId, Caps.Line[] memory lines) = _job(false);
        _record("redeemAll, 20 vouchers, fresh balances", _redeemAll(jobId, lines));
    }

    function test_forcedExit() public {
        uint256 gas = _exit(true, "");
        console.log("forced exit, gas per provider:", gas);
        assertLe(gas, FORCED_EXIT_GAS_MAX);
    }

    function test_forcedExitOfFreshBalance() public {
        _exit(false, ", fresh balance");
    }

    function test_theRestOfAJobsLife() public {
        JobId jobId = openJob();
        _record("openJob", vm.lastCallGas().gasTotalUsed);
        Caps.Line[] memory lines = _lines(true);
        allocate(jobId, lines);
        _record("allocate, first epoch", vm.lastCallGas().gasTotalUsed);
        allocate(jobId, lines);
        _record("allocate, later epoch", vm.lastCallGas().gasTotalUsed);
        IJobEscrow.SignedVoucher[] memory one = vouchers(jobId, lines[0].provider, 1e18);
        IJobEscrow.CapProof[] memory proof = proofs(lines, 0);
        escrow.redeem(jobId, one, proof);
        _record("redeem, 1 voucher", vm.lastCallGas().gasTotalUsed);
        vm.prank(requestor);
        escrow.closeJob(jobId, none());
        _record("closeJob", vm.lastCallGas().gasTotalUsed);
        vm.warp(block.timestamp + EXIT_WINDOW);
        escrow.refund(jobId);
        _record("refund", vm.lastCallGas().gasTotalUsed);
    }

    function _job(bool warm) private returns (JobId jobId, Caps.Line[] memory lines) {
        jobId = openJob();
        lines = _lines(warm);
        allocate(jobId, lines);
    }

    function _lines(bool warm) private returns (Caps.Line[] memory lines) {
        lines = new Caps.Line[](PROVIDERS);
        for (uint256 i = 0; i < PROVIDERS; ++i) {
            // A provider that has been paid before; a first payment costs 17,100 gas more.
            if (warm) token.mint(vm.addr(i + 1), 1);
            lines[i] = Caps.Line(vm.addr(i + 1), 10e18);
        }
    }

    function _amounts() private pure returns (uint128[] memory amounts) {
        amounts = new uint128[](PROVIDERS);
        for (uint256 i = 0; i < PROVIDERS; ++i) {
            amounts[i] = PER_PROVIDER;
        }
    }

    function _settle(JobId jobId, Caps.Line[] memory lines) private returns (uint256) {
        IJobEscrow.Share[] memory list = shares(lines, _amounts());
        vm.prank(requestor);
        escrow.settleJob(jobId, list);
        return vm.lastCallGas().gasTotalUsed;
    }

    function _redeemAll(JobId jobId, Caps.Line[] memory lines) private returns (uint256) {
        IJobEscrow.SignedShare[] memory list = signedShares(jobId, lines, _amounts());
        escrow.redeemAll(jobId, list);
        return vm.lastCallGas().gasTotalUsed;
    }

    /// @dev A claim and its payment, as two transactions, with a stake to look up.
    function _exit(bool warm, string memory name) private returns (uint256 gas) {
        (JobId jobId, Caps.Line[] memory lines) = _job(warm);
        address provider = lines[7].provider;
        stake(provider, PROVIDER_STAKE);
        claim(jobId, lines, 7, PER_PROVIDER);
        gas = vm.lastCallGas().gasTotalUsed;
        _record(string.concat("claim", name), gas);
        vm.warp(block.timestamp + CHALLENGE);
        escrow.payClaim(jobId, provider);
        gas += vm.lastCallGas().gasTotalUsed;
        _record(string.concat("payClaim", name), vm.lastCallGas().gasTotalUsed);
    }

    function _record(string memory name, uint256 gas) private {
        vm.snapshotValue("Settlement", name, gas);
    }
}
