// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {DevToken} from "../src/DevToken.sol";
import {Disputes} from "../src/Disputes.sol";
import {JobEscrow} from "../src/JobEscrow.sol";
import {ProviderRegistry} from "../src/ProviderRegistry.sol";
import {DisputeConfig} from "../src/disputes/DisputeConfig.sol";
import {IDisputes} from "../src/interfaces/IDisputes.sol";
import {IJobClaims} from "../src/interfaces/IJobClaims.sol";
import {IJobEscrow, JobId} from "../src/interfaces/IJobEscrow.sol";
import {IProviderRegistry} from "../src/interfaces/IProviderRegistry.sol";
import {EntropySource} from "../src/libraries/Randomness.sol";
import {Caps} from "./Caps.sol";
import {Shipped} from "./Shipped.sol";

/// @dev One deployment of everything, a requestor with a key, and short ways to say what tests say often.
abstract contract SettlementFixture is Shipped {
    uint256 internal constant REQUESTOR_KEY = 0xA11CE;
    uint128 internal constant BUDGET = 1_000e18;
    uint128 internal constant PROVIDER_STAKE = 40e18;
    uint128 internal constant JUROR_FEE = 1e18;
    uint128 internal constant FIRST_BOND = 4e18;
    uint128 internal constant JUROR_STAKE = 10e18;
    uint32 internal constant EXIT_WINDOW = 1 hours;
    uint32 internal constant NOTICE = 5 minutes;
    uint32 internal constant CHALLENGE = 2 hours;
    bytes32 internal constant SALT = "salt";
    bytes32 internal constant CLASS = "class";
    bytes32 internal constant EVIDENCE = "evidence";

    Disputes internal disputes;
    ProviderRegistry internal registry;
    JobEscrow internal escrow;
    DevToken internal token;
    DevToken internal stakeToken;
    address internal requestor = vm.addr(REQUESTOR_KEY);
    address internal stranger = makeAddr("stranger");
    address internal treasury = makeAddr("treasury");
    address internal ada = makeAddr("ada");
    address internal bob = makeAddr("bob");

    function setUp() public virtual {
        vm.warp(1_800_000_000);
        vm.roll(1_000);
        (token, stakeToken) = (newDevToken(), newDevToken());
        deploy(config());
        token.mint(requestor, 1_000_000e18);
        vm.prank(requestor);
        token.approve(address(escrow), type(uint256).max);
    }

    // ---- the deployment ----

    function config() internal view virtual returns (DisputeConfig memory) {
        uint16[] memory committees = new uint16[](4);
        (committees[0], committees[1], committees[2], committees[3]) = (3, 7, 15, 31);
        return DisputeConfig({
            stakeToken: address(stakeToken),
            jurorFee: JUROR_FEE,
            firstBond: FIRST_BOND,
            minJurorStake: JUROR_STAKE,
            drawDelayBlocks: 4,
            drawSeconds: 1 hours,
            commitSeconds: 2 hours,
            revealSeconds: 1 hours,
            appealSeconds: 3 hours,
            maxChallengeSeconds: 7 days,
            unbondingSeconds: 21 days,
            jailSeconds: 30 days,
            feeBps: 0,
            feeRecipient: address(0),
            entropy: EntropySource.BlockHash,
            escrowCodeHash: keccak256(escrowCode()),
            committees: committees
        });
    }

    function deploy(DisputeConfig memory with) internal {
        disputes = newDisputes(with);
        registry = disputes.registry();
        escrow = JobEscrow(disputes.createEscrow(escrowCode()));
    }

    // ---- jobs and caps ----

    function terms() internal view virtual returns (IJobEscrow.JobTerms memory) {
        return IJobEscrow.JobTerms({
            manifestHash: keccak256("manifest"),
            planHash: keccak256("plan"),
            policyHash: keccak256("policy"),
            comparisonClass: CLASS,
            token: address(token),
            budget: BUDGET,
            providerStake: PROVIDER_STAKE,
            deadline: uint64(block.timestamp + 1 days),
            exitWindowSeconds: EXIT_WINDOW,
            noticeSeconds: NOTICE,
            challengeSeconds: CHALLENGE,
            trustTier: 0
        });
    }

    function openJob() internal returns (JobId) {
        vm.prank(requestor);
        return escrow.openJob(terms(), SALT);
    }

    function caps(uint128 adas, uint128 bobs) internal view returns (Caps.Line[] memory lines) {
        lines = new Caps.Line[](2);
        lines[0] = Caps.Line(ada, adas);
        lines[1] = Caps.Line(bob, bobs);
    }

    function allocate(JobId jobId, Caps.Line[] memory lines) internal {
        (bytes32 root, uint128 total) = Caps.root(lines);
        vm.prank(requestor);
        escrow.allocate(jobId, root, total, "document");
    }

    /// @dev A job in which Ada may earn 600 and Bob 400.
    function openAllocated() internal returns (JobId jobId, Caps.Line[] memory lines) {
        jobId = openJob();
        lines = caps(600e18, 400e18);
        allocate(jobId, lines);
    }

    // ---- vouchers ----

    function signAs(uint256 key, JobId jobId, address provider, uint256 cumulative)
        internal
        view
        returns (IJobEscrow.SignedVoucher memory)
    {
        (bytes32 r, bytes32 vs) = vm.signCompact(key, escrow.voucherDigest(jobId, provider, cumulative));
        return IJobEscrow.SignedVoucher(provider, cumulative, r, vs);
    }

    function vouchers(JobId jobId, address provider, uint256 cumulative)
        internal
        view
        returns (IJobEscrow.SignedVoucher[] memory list)
    {
        list = new IJobEscrow.SignedVoucher[](1);
        list[0] = signAs(REQUESTOR_KEY, jobId, provider, cumulative);
    }

    function proofs(Caps.Line[] memory lines, uint256 index) internal pure returns (IJobEscrow.CapProof[] memory list) {
        list = new IJobEscrow.CapProof[](1);
        list[0] = Caps.proof(lines, index);
    }

    function redeem(JobId jobId, Caps.Line[] memory lines, uint256 index, uint256 cumulative)
        internal
        returns (uint256)
    {
        IJobEscrow.SignedVoucher[] memory list = vouchers(jobId, lines[index].provider, cumulative);
        return escrow.redeem(jobId, list, proofs(lines, index));
    }

    function signedShares(JobId jobId, Caps.Line[] memory lines, uint128[] memory cumulatives)
        internal
        view
        returns (IJobEscrow.SignedShare[] memory list)
    {
        list = new IJobEscrow.SignedShare[](lines.length);
        for (uint256 i = 0; i < lines.length; ++i) {
            IJobEscrow.SignedVoucher memory one = signAs(REQUESTOR_KEY, jobId, lines[i].provider, cumulatives[i]);
            list[i] = IJobEscrow.SignedShare(lines[i].provider, lines[i].cap, cumulatives[i], one.r, one.vs);
        }
    }

    function shares(Caps.Line[] memory lines, uint128[] memory amounts)
        internal
        pure
        returns (IJobEscrow.Share[] memory list)
    {
        list = new IJobEscrow.Share[](lines.length);
        for (uint256 i = 0; i < lines.length; ++i) {
            list[i] = IJobEscrow.Share(lines[i].provider, lines[i].cap, amounts[i]);
        }
    }

    function two(uint128 first, uint128 second) internal pure returns (uint128[] memory list) {
        list = new uint128[](2);
        (list[0], list[1]) = (first, second);
    }

    function none() internal pure returns (IJobEscrow.SignedShare[] memory) {
        return new IJobEscrow.SignedShare[](0);
    }

    // ---- stake ----

    function offer(bool judges) internal pure returns (IProviderRegistry.Offer memory) {
        return IProviderRegistry.Offer({
            pricePerWuHour: 1e18,
            benchmarkMilliWu: 1_500,
            memoryMiB: 12_288,
            isaClass: 3,
            trustTier: IProviderRegistry.TrustTier.Open,
            judges: judges,
            comparisonClass: CLASS,
            enginesHash: keccak256("engines"),
            offerHash: keccak256("offer"),
            uri: "ipfs://an-address-that-is-longer-than-one-storage-slot"
        });
    }

    function register(address account, bool judges) internal {
        vm.prank(account);
        registry.register(keccak256(abi.encode("endpoint", account)), [bytes32("r"), bytes32("s")], offer(judges));
    }

    function giveStakeTokens(address account, address spender, uint256 amount) internal {
        stakeToken.mint(account, amount);
        vm.prank(account);
        stakeToken.approve(spender, amount);
    }

    function stake(address account, uint128 amount) internal {
        giveStakeTokens(account, address(registry), amount);
        vm.prank(account);
        registry.stake(amount);
    }

    // ---- claims ----

    function claim(JobId jobId, Caps.Line[] memory lines, uint256 index, uint256 cumulative) internal {
        IJobEscrow.CapProof memory cap = Caps.proof(lines, index);
        vm.prank(lines[index].provider);
        escrow.claim(jobId, cumulative, "results", cap);
    }

    function assertClaim(JobId jobId, address provider, IJobClaims.ClaimState state, uint256 amount) internal view {
        IJobClaims.Claim memory held = escrow.claimOf(jobId, provider);
        assertEq(uint8(held.state), uint8(state), "claim state");
        assertEq(held.amount, amount, "claim amount");
    }

    function assertJob(JobId jobId, IJobEscrow.JobState state, uint256 paid, uint256 refunded, uint256 locked)
        internal
        view
    {
        IJobEscrow.Job memory job = escrow.job(jobId);
        assertEq(uint8(job.state), uint8(state), "state");
        assertEq(job.paid, paid, "paid");
        assertEq(job.refunded, refunded, "refunded");
        assertEq(job.locked, locked, "locked");
        assertEq(
            job.deposited,
            uint256(job.paid) + job.fees + job.refunded + job.locked,
            "deposited = paid + fees + refunded + locked"
        );
        assertLe(job.reserved, job.locked, "held back out of what is locked");
        assertGe(token.balanceOf(address(escrow)), locked, "the escrow holds what is locked");
    }
}
