// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Test} from "forge-std/Test.sol";
import {DevToken} from "../src/DevToken.sol";
import {Disputes} from "../src/Disputes.sol";
import {JobEscrow} from "../src/JobEscrow.sol";
import {ProviderRegistry} from "../src/ProviderRegistry.sol";
import {IDisputes} from "../src/interfaces/IDisputes.sol";
import {IJobClaims} from "../src/interfaces/IJobClaims.sol";
import {IJobEscrow, JobId} from "../src/interfaces/IJobEscrow.sol";
import {IProviderRegistry} from "../src/interfaces/IProviderRegistry.sol";
import {Caps} from "./Caps.sol";
import {NosyToken} from "./HostileTokens.sol";

/// @dev The actors of the invariant tests, their books, and what their actions have in common.
abstract contract SettlementActors is Test {
    uint256 internal constant REQUESTORS = 2;
    uint256 internal constant PROVIDERS = 3;
    uint256 internal constant JURORS = 9;
    uint256 internal constant STAKERS = PROVIDERS + JURORS;
    uint256 internal constant JOBS = 16;

    struct Issued {
        JobId jobId;
        uint256 provider;
        IJobEscrow.SignedVoucher voucher;
    }

    Disputes public immutable disputes;
    JobEscrow public immutable escrow;
    ProviderRegistry public immutable registry;
    NosyToken public immutable token;
    DevToken public immutable stakeToken;

    address[] private _requestors;
    address[] private _providers;
    address[] private _jurors;
    JobId[] public jobs;
    Issued[] internal _issued;
    /// @dev Every epoch that was published, by job.
    mapping(JobId => Caps.Line[][]) internal _published;
    mapping(JobId => bytes32[]) private _seals;
    mapping(JobId => IJobEscrow.Share[]) internal _settled;

    mapping(JobId => uint256) public deposited;
    mapping(JobId => uint256) public refunded;
    mapping(JobId => mapping(address => uint256)) public received;
    mapping(JobId => mapping(address => uint256)) public largestPaid;
    /// @dev The most that was vouchered, settled or claimed.
    mapping(JobId => mapping(address => uint256)) public earned;
    uint256 public paidFell;
    uint256 public replaysThatChanged;
    uint256 public collected;
    mapping(address => uint256) public staked;
    mapping(address => uint256) public withdrawn;
    mapping(address => uint256) internal _unbondedAt;
    mapping(JobId => mapping(address => uint256)) internal _filedAt;
    uint256 public leftTooEarly;
    uint256 public bonds;
    uint256 public cashed;
    /// @dev How far a run got.
    uint256 public calls;
    uint256 public withdrawals;

    constructor(Disputes disputes_, NosyToken token_) {
        disputes = disputes_;
        registry = disputes_.registry();
        escrow = JobEscrow(address(disputes_.escrow()));
        token = token_;
        stakeToken = DevToken(address(registry.stakeToken()));
        for (uint256 i = 0; i < REQUESTORS; ++i) {
            _requestors.push(vm.addr(requestorKey(i)));
        }
        for (uint256 i = 0; i < PROVIDERS; ++i) {
            _providers.push(makeAddr(string.concat("provider ", vm.toString(i))));
        }
        for (uint256 i = 0; i < JURORS; ++i) {
            _jurors.push(makeAddr(string.concat("juror ", vm.toString(i))));
        }
        for (uint256 i = 0; i < JURORS; ++i) {
            _stake(juror(i), uint128(10e18 + i * 1e18));
            _register(juror(i), true);
        }
        for (uint256 i = 0; i < PROVIDERS; ++i) {
            _stake(provider(i), 20e18);
            _register(provider(i), i == 0);
        }
        for (uint256 i = 0; i < REQUESTORS; ++i) {
            vm.startPrank(requestor(i));
            token.approve(address(escrow), type(uint256).max);
            stakeToken.approve(address(disputes), type(uint256).max);
            vm.stopPrank();
        }
        for (uint256 i = 0; i < PROVIDERS; ++i) {
            vm.prank(provider(i));
            stakeToken.approve(address(disputes), type(uint256).max);
        }
    }

    function requestorKey(uint256 index) public pure returns (uint256) {
        return 0xA0 + index % REQUESTORS;
    }

    function requestor(uint256 index) public view returns (address) {
        return _requestors[index % REQUESTORS];
    }

    function provider(uint256 index) public view returns (address) {
        return _providers[index % PROVIDERS];
    }

    function juror(uint256 index) public view returns (address) {
        return _jurors[index % JURORS];
    }

    /// @dev All that have a stake: providers, then jurors.
    function staker(uint256 index) public view returns (address) {
        index %= STAKERS;
        return index < PROVIDERS ? provider(index) : juror(index - PROVIDERS);
    }

    function stakerCount() external pure returns (uint256) {
        return STAKERS;
    }

    function jobCount() external view returns (uint256) {
        return jobs.length;
    }

    function providerCount() external pure returns (uint256) {
        return PROVIDERS;
    }

    /// @dev The caps of the epoch in force, or none.
    function capsOf(JobId jobId) public view returns (Caps.Line[] memory none) {
        bytes32 caps = escrow.allocation(jobId).caps;
        Caps.Line[][] storage published = _published[jobId];
        for (uint256 i = published.length; i > 0; --i) {
            if (_seals[jobId][i - 1] == caps) return published[i - 1];
        }
    }

    function _job(uint256 pick) internal view returns (JobId jobId, IJobEscrow.Job memory job) {
        if (jobs.length == 0) return (jobId, job);
        // Most of the time one of the latest, since the others are mostly over.
        uint256 latest = jobs.length < 4 || pick % 8 == 0 ? jobs.length : 4;
        jobId = jobs[jobs.length - 1 - (pick / 8) % latest];
        job = escrow.job(jobId);
    }

    function _live(IJobEscrow.Job memory job) internal pure returns (bool) {
        return job.state == IJobEscrow.JobState.Open || job.state == IJobEscrow.JobState.Closed;
    }

    function _dispute(uint256 pick) internal view returns (uint256 id, IDisputes.Phase phase) {
        uint256 count = disputes.disputeCount();
        if (count == 0) return (0, IDisputes.Phase.None);
        id = (pick >> 2) % count + 1;
        phase = disputes.phase(id);
        // Most of the time one that is not over.
        for (uint256 i = 1; i < count && pick % 4 > 0 && phase == IDisputes.Phase.Concluded; ++i) {
            id = id % count + 1;
            phase = disputes.phase(id);
        }
    }

    function _publish(JobId jobId, uint128 first, uint128 second) internal {
        IJobEscrow.Job memory job = escrow.job(jobId);
        uint128 free = job.locked - job.reserved;
        Caps.Line[] memory lines = new Caps.Line[](PROVIDERS);
        lines[0] = Caps.Line(provider(0), uint128(bound(first, 0, free)));
        lines[1] = Caps.Line(provider(1), uint128(bound(second, 0, free - lines[0].cap)));
        lines[2] = Caps.Line(provider(2), free - lines[0].cap - lines[1].cap);
        (bytes32 root, uint128 total) = Caps.root(lines);
        _seals[jobId].push(keccak256(abi.encode(root, total)));
        Caps.Line[] storage kept = _published[jobId].push();
        for (uint256 i = 0; i < PROVIDERS; ++i) {
            kept.push(lines[i]);
        }
        vm.prank(job.requestor);
        escrow.allocate(jobId, root, total, "document");
    }

    function _sign(JobId jobId, address from, address to, uint256 cumulative)
        internal
        view
        returns (IJobEscrow.SignedVoucher memory)
    {
        uint256 key = from == requestor(0) ? requestorKey(0) : requestorKey(1);
        (bytes32 r, bytes32 vs) = vm.signCompact(key, escrow.voucherDigest(jobId, to, cumulative));
        return IJobEscrow.SignedVoucher(to, cumulative, r, vs);
    }

    function _earn(JobId jobId, address to, uint256 cumulative) internal {
        if (cumulative > earned[jobId][to]) earned[jobId][to] = cumulative;
    }

    function _signAll(JobId jobId, address from, Caps.Line[] memory lines, uint128 cumulative)
        internal
        returns (IJobEscrow.SignedShare[] memory shares)
    {
        shares = new IJobEscrow.SignedShare[](lines.length);
        for (uint256 i = 0; i < lines.length; ++i) {
            IJobEscrow.SignedVoucher memory one = _sign(jobId, from, lines[i].provider, cumulative >> i);
            shares[i] = IJobEscrow.SignedShare(lines[i].provider, lines[i].cap, cumulative >> i, one.r, one.vs);
            _earn(jobId, lines[i].provider, cumulative >> i);
        }
    }

    function _redeem(Issued memory issued) internal returns (uint256 amount) {
        JobId jobId = issued.jobId;
        IJobEscrow.SignedVoucher[] memory list = new IJobEscrow.SignedVoucher[](1);
        IJobEscrow.CapProof[] memory proofs = new IJobEscrow.CapProof[](1);
        (list[0], proofs[0]) = (issued.voucher, Caps.proof(capsOf(jobId), issued.provider));
        uint256[] memory before = _watch(jobId, abi.encodeCall(IJobEscrow.redeem, (jobId, list, proofs)));
        try escrow.redeem(jobId, list, proofs) returns (uint256 paid) {
            amount = paid;
        } catch (bytes memory reason) {
            assertEq(bytes4(reason), IJobEscrow.EscrowPaymentNotRecorded.selector, "a redemption failed");
        }
        _book(jobId, before);
    }

    /// @dev From here to `_book` the token, when it is sent, repeats the call, tries every other way in, and concludes a
    /// dispute where one is due, which it may.
    function _watch(JobId jobId, bytes memory call) internal returns (uint256[] memory balances) {
        bytes[] memory data = new bytes[](PROVIDERS + 4);
        address[] memory targets = new address[](data.length);
        for (uint256 i = 0; i < PROVIDERS; ++i) {
            data[i] = abi.encodeCall(IJobClaims.payClaim, (jobId, provider(i)));
        }
        data[PROVIDERS] = abi.encodeCall(IJobEscrow.refund, (jobId));
        data[PROVIDERS + 1] = abi.encodeCall(IJobEscrow.collectFees, (address(token)));
        data[PROVIDERS + 2] = call;
        for (uint256 i = 0; i < PROVIDERS + 3; ++i) {
            targets[i] = address(escrow);
        }
        for (uint256 id = 1; id <= disputes.disputeCount(); ++id) {
            if (disputes.phase(id) != IDisputes.Phase.Due) continue;
            (targets[PROVIDERS + 3], data[PROVIDERS + 3]) =
            (address(disputes), abi.encodeCall(IDisputes.conclude, (id)));
        }
        token.arm(address(escrow), targets, data);
        return _balances();
    }

    function _balances() private view returns (uint256[] memory balances) {
        balances = new uint256[](PROVIDERS);
        for (uint256 i = 0; i < PROVIDERS; ++i) {
            balances[i] = token.balanceOf(provider(i));
        }
    }

    function _book(JobId jobId, uint256[] memory before) internal {
        token.arm(address(0), new address[](0), new bytes[](0));
        for (uint256 i = 0; i < PROVIDERS; ++i) {
            address to = provider(i);
            received[jobId][to] += token.balanceOf(to) - before[i];
            uint256 paid = escrow.paidTo(jobId, to);
            if (paid < largestPaid[jobId][to]) ++paidFell;
            largestPaid[jobId][to] = paid;
        }
    }

    function _stake(address account, uint128 amount) internal {
        stakeToken.mint(account, amount);
        vm.startPrank(account);
        stakeToken.approve(address(registry), amount);
        registry.stake(amount);
        staked[account] += amount;
        if (account != juror(0)) stakeToken.approve(address(disputes), type(uint256).max);
        vm.stopPrank();
    }

    function _register(address account, bool judges) internal {
        IProviderRegistry.Offer memory offer;
        (offer.comparisonClass, offer.judges) = ("class", judges);
        vm.prank(account);
        registry.register("endpoint", [bytes32(0), bytes32(0)], offer);
    }
}
