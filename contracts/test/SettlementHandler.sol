// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Disputes} from "../src/Disputes.sol";
import {IDisputes} from "../src/interfaces/IDisputes.sol";
import {IJobClaims} from "../src/interfaces/IJobClaims.sol";
import {IJobEscrow, JobId} from "../src/interfaces/IJobEscrow.sol";
import {Caps} from "./Caps.sol";
import {NosyToken} from "./HostileTokens.sol";
import {SettlementActors} from "./SettlementActors.sol";

/// @dev Requestors, providers, jurors and strangers do anything in any order, with jumps in time. It keeps its own books
/// by watching balances. Calls that make no sense are left out, so that a revert is always a find.
contract SettlementHandler is SettlementActors {
    /// @dev Every digit in base three is one.
    uint256 private constant ALL_GOOD = (3 ** STAKERS - 1) / 2;

    constructor(Disputes disputes_, NosyToken token_) SettlementActors(disputes_, token_) {}

    // ---- jobs ----

    function open(uint256 who, uint128 budget, uint32 duration, uint32 window, uint32 challenge) external {
        ++calls;
        bool another = duration % 4 == 0;
        if (jobs.length == JOBS || (jobs.length > 1 && _live(escrow.job(jobs[jobs.length - 1])) && !another)) return;
        budget = uint128(bound(budget, 1e6, 1e24));
        token.mint(requestor(who), budget);
        IJobEscrow.JobTerms memory terms = IJobEscrow.JobTerms({
            manifestHash: "m",
            planHash: "p",
            policyHash: "v",
            comparisonClass: "class",
            token: address(token),
            budget: budget,
            providerStake: 8e18,
            deadline: uint64(block.timestamp + bound(duration, 1 days, 9 days)),
            exitWindowSeconds: uint32(bound(window, 0, 6 hours)),
            noticeSeconds: 10 minutes,
            challengeSeconds: uint32(bound(challenge, 1 hours, 12 hours)),
            trustTier: 0
        });
        vm.prank(requestor(who));
        JobId jobId = escrow.openJob(terms, bytes32(jobs.length));
        jobs.push(jobId);
        deposited[jobId] = budget;
        if (budget % 8 > 0) _publish(jobId, budget / 2, budget / 3);
    }

    function cancel(uint256 pick) external {
        ++calls;
        (JobId jobId, IJobEscrow.Job memory job) = _job(pick);
        if (job.state != IJobEscrow.JobState.Open || escrow.allocation(jobId).epoch > 0) return;
        uint256 balance = token.balanceOf(job.requestor);
        uint256[] memory before = _watch(jobId, abi.encodeCall(IJobEscrow.refund, (jobId)));
        vm.prank(job.requestor);
        escrow.cancelJob(jobId);
        _book(jobId, before);
        refunded[jobId] += token.balanceOf(job.requestor) - balance;
    }

    function topUp(uint256 pick, uint128 amount) external {
        ++calls;
        (JobId jobId, IJobEscrow.Job memory job) = _job(pick);
        if (job.state != IJobEscrow.JobState.Open || block.timestamp >= job.deadline) return;
        amount = uint128(bound(amount, 1, 1e24));
        token.mint(job.requestor, amount);
        vm.prank(job.requestor);
        escrow.topUp(jobId, amount);
        deposited[jobId] += amount;
    }

    function allocate(uint256 pick, uint128 first, uint128 second) external {
        ++calls;
        (JobId jobId, IJobEscrow.Job memory job) = _job(pick);
        if (job.state != IJobEscrow.JobState.Open || block.timestamp >= job.deadline) return;
        _publish(jobId, first, second);
    }

    function redeem(uint256 pick, uint256 who, uint256 cumulative) external {
        ++calls;
        (JobId jobId, IJobEscrow.Job memory job) = _job(pick);
        if (!_live(job) || capsOf(jobId).length == 0) return;
        // Often far more than the deposit: a requestor may sign what it cannot cover.
        cumulative = bound(cumulative, 0, deposited[jobId] * 2);
        _issued.push(Issued(jobId, who % PROVIDERS, _sign(jobId, job.requestor, provider(who), cumulative)));
        _earn(jobId, provider(who), cumulative);
        _redeem(_issued[_issued.length - 1]);
    }

    function replay(uint256 pick) external {
        ++calls;
        if (_issued.length == 0) return;
        Issued memory old = _issued[pick % _issued.length];
        if (!_live(escrow.job(old.jobId)) || capsOf(old.jobId).length == 0) return;
        _redeem(old);
        bytes32 before = _state(old);
        if (_redeem(old) != 0 || _state(old) != before) ++replaysThatChanged;
    }

    function redeemAll(uint256 pick, uint256 cumulative) external {
        ++calls;
        (JobId jobId, IJobEscrow.Job memory job) = _job(pick);
        Caps.Line[] memory lines = capsOf(jobId);
        if (!_live(job) || lines.length == 0) return;
        IJobEscrow.SignedShare[] memory all =
            _signAll(jobId, job.requestor, lines, uint128(bound(cumulative, 0, deposited[jobId])));
        uint256[] memory before = _watch(jobId, abi.encodeCall(IJobEscrow.redeemAll, (jobId, all)));
        try escrow.redeemAll(jobId, all) {}
        catch (bytes memory reason) {
            assertEq(bytes4(reason), IJobEscrow.EscrowPaymentNotRecorded.selector, "a redemption failed");
        }
        _book(jobId, before);
    }

    function settle(uint256 pick, uint128 first, uint128 second) external {
        ++calls;
        (JobId jobId, IJobEscrow.Job memory job) = _job(pick);
        Caps.Line[] memory lines = capsOf(jobId);
        if (job.state != IJobEscrow.JobState.Open || lines.length == 0 || job.paid + job.reserved > 0) return;
        if (pick % 3 > 0) return;
        IJobEscrow.Share[] memory shares = new IJobEscrow.Share[](lines.length);
        for (uint256 i = 0; i < lines.length; ++i) {
            uint128 amount = uint128(bound(i == 0 ? first : second, 0, lines[i].cap));
            shares[i] = IJobEscrow.Share(lines[i].provider, lines[i].cap, amount);
            _settled[jobId].push(shares[i]);
            _earn(jobId, lines[i].provider, amount);
        }
        uint256[] memory before = _watch(jobId, abi.encodeCall(IJobEscrow.settleJob, (jobId, shares)));
        vm.prank(job.requestor);
        escrow.settleJob(jobId, shares);
        _book(jobId, before);
    }

    function record(uint256 pick, uint256 who) external {
        ++calls;
        (JobId jobId, IJobEscrow.Job memory job) = _job(pick);
        for (uint256 i = 0; i < jobs.length && (!_live(job) || job.settlementHash == 0); ++i) {
            (jobId, job) = (jobs[i], escrow.job(jobs[i]));
        }
        if (!_live(job) || job.settlementHash == 0) return;
        address[] memory one = new address[](1);
        one[0] = provider(who);
        escrow.recordSettlement(jobId, _settled[jobId], one);
    }

    /// @dev Every other time it pays too.
    function close(uint256 pick, uint256 cumulative) external {
        ++calls;
        (JobId jobId, IJobEscrow.Job memory job) = _job(pick);
        if (job.state != IJobEscrow.JobState.Open || pick % 3 > 0) return;
        Caps.Line[] memory lines = cumulative % 2 == 0 ? capsOf(jobId) : new Caps.Line[](0);
        IJobEscrow.SignedShare[] memory all =
            _signAll(jobId, job.requestor, lines, uint128(bound(cumulative, 0, deposited[jobId])));
        uint256[] memory before = _watch(jobId, abi.encodeCall(IJobEscrow.closeJob, (jobId, all)));
        vm.prank(job.requestor);
        escrow.closeJob(jobId, all);
        _book(jobId, before);
    }

    function refund(uint256 pick) external {
        ++calls;
        (JobId jobId, IJobEscrow.Job memory job) = _job(pick);
        if (!_live(job) || block.timestamp < job.refundableAt) return;
        if (job.reserved > 0 && job.locked == job.reserved) return;
        uint256 balance = token.balanceOf(job.requestor);
        uint256[] memory before = _watch(jobId, abi.encodeCall(IJobEscrow.refund, (jobId)));
        escrow.refund(jobId);
        _book(jobId, before);
        refunded[jobId] += token.balanceOf(job.requestor) - balance;
    }

    function collectFees() external {
        ++calls;
        collected += escrow.collectFees(address(token));
    }

    // ---- claims ----

    /// @dev Who delivered garbage takes its stake and runs.
    function claimAndLeave(uint256 pick, uint256 who, uint256 amount, bool waits) external {
        claim(pick, who, amount);
        _unbond(provider(who), registry.standing(provider(who)).bonded);
        if (waits) _withdraw(provider(who), true);
    }

    function claim(uint256 pick, uint256 who, uint256 amount) public {
        ++calls;
        (JobId jobId, IJobEscrow.Job memory job) = _job(pick);
        address claimant = provider(who);
        Caps.Line[] memory lines = capsOf(jobId);
        if (!_live(job) || block.timestamp >= job.refundableAt || lines.length == 0) return;
        if (registry.freeStake(claimant) < job.providerStake) return;
        uint256 left = lines[who % PROVIDERS].cap;
        uint256 used = escrow.usedOf(jobId, claimant);
        if (used >= left) return;
        IJobEscrow.CapProof memory proof = Caps.proof(lines, who % PROVIDERS);
        uint256 cumulative = escrow.paidTo(jobId, claimant) + bound(amount, 1, left - used);
        vm.prank(claimant);
        try escrow.claim(jobId, cumulative, "results", proof) {
            _filedAt[jobId][claimant] = block.timestamp;
            _earn(jobId, claimant, cumulative);
        } catch (bytes memory reason) {
            bytes4 kind = bytes4(reason);
            assertTrue(
                kind == IJobClaims.ClaimStateWrong.selector || kind == IJobClaims.ClaimBarred.selector
                    || kind == IJobEscrow.EscrowPaymentNotRecorded.selector,
                "a claim failed"
            );
        }
    }

    function payClaim(uint256 pick, uint256 who) external {
        ++calls;
        (JobId jobId,) = _job(pick);
        IJobClaims.Claim memory held = escrow.claimOf(jobId, provider(who));
        bool due = held.state == IJobClaims.ClaimState.Upheld
            || (held.state == IJobClaims.ClaimState.Pending && block.timestamp >= held.challengeEndsAt);
        if (!due) return;
        uint256[] memory before = _watch(jobId, abi.encodeCall(IJobClaims.payClaim, (jobId, provider(who))));
        escrow.payClaim(jobId, provider(who));
        _book(jobId, before);
    }

    // ---- disputes ----

    function reject(uint256 pick, uint256 who) public {
        ++calls;
        (JobId jobId, IJobEscrow.Job memory job) = _job(pick);
        IJobClaims.Claim memory held = escrow.claimOf(jobId, provider(who));
        if (held.state != IJobClaims.ClaimState.Pending || block.timestamp >= held.challengeEndsAt) return;
        stakeToken.mint(job.requestor, disputes.bondOf(0));
        vm.prank(job.requestor);
        disputes.reject(jobId, provider(who), 1, "evidence");
        bonds += disputes.bondOf(0);
    }

    /// @dev Whatever comes next in each dispute, so that runs get far into them.
    function advance(uint256 votes) external {
        ++calls;
        for (uint256 i = 0; i < disputes.disputeCount(); ++i) {
            uint256 pick = i << 2;
            (, IDisputes.Phase phase) = _dispute(pick);
            if (phase == IDisputes.Phase.Drawing) draw(pick);
            else if (phase == IDisputes.Phase.Committing) commitVotes(pick, votes >> i | 0x5555);
            else if (phase == IDisputes.Phase.Revealing) revealVotes(pick, type(uint256).max);
            else if (phase == IDisputes.Phase.Appealing && (votes >> i) % 2 == 0) appeal(pick);
            else if (phase == IDisputes.Phase.Due) conclude(pick);
        }
    }

    /// @dev A round in which all say the same, and half of the time its end.
    function judge(uint256 pick, bool good, bool end) public {
        draw(pick);
        commitVotes(pick, good ? ALL_GOOD : 2 * ALL_GOOD);
        revealVotes(pick, type(uint256).max);
        (uint256 id, IDisputes.Phase phase) = _dispute(pick);
        if (!end || phase != IDisputes.Phase.Appealing) return;
        vm.warp(disputes.roundOf(id, disputes.dispute(id).round).appealEndsAt);
        conclude(pick);
    }

    /// @dev From the claim to the verdict.
    function quarrel(uint256 pick, uint256 who, uint256 amount, bool good, bool end) external {
        uint256 count = disputes.disputeCount();
        claim(pick, who, amount);
        reject(pick, who);
        if (disputes.disputeCount() > count) judge(count << 2, good, end);
    }

    function draw(uint256 pick) public {
        ++calls;
        (uint256 id, IDisputes.Phase phase) = _dispute(pick);
        if (phase != IDisputes.Phase.Drawing) return;
        uint64 drawBlock = disputes.roundOf(id, disputes.dispute(id).round).drawBlock;
        if (block.number <= drawBlock) vm.roll(drawBlock + 1);
        vm.setBlockhash(block.number - 1, keccak256(abi.encode(block.number, pick)));
        disputes.draw(id, "");
    }

    /// @dev Each juror finds the claim good, bad, or is absent, by a digit of `votes` in base three.
    function commitVotes(uint256 pick, uint256 votes) public {
        ++calls;
        (uint256 id, IDisputes.Phase phase) = _dispute(pick);
        if (phase != IDisputes.Phase.Committing) return;
        uint8 round = disputes.dispute(id).round;
        for (uint256 i = 0; i < STAKERS && disputes.phase(id) == IDisputes.Phase.Committing; ++i) {
            IDisputes.Ballot memory ballot = disputes.ballotOf(id, round, staker(i));
            uint256 says = (votes / 3 ** i) % 3;
            if (!ballot.seated || ballot.commitment != 0 || says == 0) continue;
            bytes32 commitment = disputes.verdictCommitment(id, round, staker(i), IDisputes.Verdict(says), "c", "s");
            vm.prank(staker(i));
            disputes.commitVerdict(id, commitment);
        }
    }

    function revealVotes(uint256 pick, uint256 absent) public {
        ++calls;
        (uint256 id, IDisputes.Phase phase) = _dispute(pick);
        if (phase != IDisputes.Phase.Revealing) return;
        uint8 round = disputes.dispute(id).round;
        for (uint256 i = 0; i < STAKERS && disputes.phase(id) == IDisputes.Phase.Revealing; ++i) {
            IDisputes.Ballot memory ballot = disputes.ballotOf(id, round, staker(i));
            if (ballot.commitment == 0 || ballot.verdict != IDisputes.Verdict.None || (absent >> i) & 7 == 0) continue;
            bytes32 good = disputes.verdictCommitment(id, round, staker(i), IDisputes.Verdict.Good, "c", "s");
            bool says = ballot.commitment == good;
            vm.prank(staker(i));
            disputes.revealVerdict(id, says ? IDisputes.Verdict.Good : IDisputes.Verdict.Bad, "c", "s");
        }
    }

    function appeal(uint256 pick) public {
        ++calls;
        (uint256 id, IDisputes.Phase phase) = _dispute(pick);
        if (phase != IDisputes.Phase.Appealing) return;
        IDisputes.Dispute memory held = disputes.dispute(id);
        IDisputes.Verdict verdict = disputes.roundVerdict(id, held.round);
        bool good = (verdict == IDisputes.Verdict.None ? held.standing : verdict) == IDisputes.Verdict.Good;
        address loser = good ? held.requestor : held.provider;
        stakeToken.mint(loser, disputes.bondOf(held.round + 1));
        vm.prank(loser);
        disputes.appeal(id, "more");
        bonds += disputes.bondOf(held.round + 1);
    }

    function conclude(uint256 pick) public {
        ++calls;
        (uint256 id, IDisputes.Phase phase) = _dispute(pick);
        if (phase != IDisputes.Phase.Due) return;
        disputes.conclude(id);
    }

    function payJurors(uint256 pick, uint8 round) external {
        ++calls;
        (uint256 id, IDisputes.Phase phase) = _dispute(pick << 2);
        if (phase != IDisputes.Phase.Concluded) return;
        for (uint256 i = 0; i < STAKERS; ++i) {
            try disputes.payJuror(id, round % 2, staker(i)) {} catch {}
        }
    }

    function withdrawCredit(uint256 who) external {
        ++calls;
        address account = who % 3 == 0 ? requestor(who) : who % 3 == 1 ? provider(who / 3) : juror(who / 3);
        if (disputes.creditOf(account) == 0) return;
        vm.prank(account);
        cashed += disputes.withdraw();
    }

    // ---- stakes ----

    function stake(uint256 who, uint128 amount) external {
        ++calls;
        _stake(who % 2 == 0 ? provider(who / 2) : juror(who / 2), uint128(bound(amount, 1, 50e18)));
    }

    function unbond(uint256 who, uint128 amount) external {
        ++calls;
        uint128 bonded = registry.standing(staker(who)).bonded;
        if (bonded > 0) _unbond(staker(who), uint128(bound(amount, 1, bonded)));
    }

    /// @dev Mostly at the first moment in which it can.
    function withdrawStake(uint256 who, bool waits) external {
        ++calls;
        for (uint256 i = 0; i < STAKERS && registry.standing(staker(who)).unbonding == 0; ++i) {
            who = (who % STAKERS) + 1;
        }
        _withdraw(staker(who), waits);
    }

    function unjail(uint256 who) external {
        ++calls;
        if (block.timestamp >= registry.standing(provider(who)).jailedUntil) registry.unjail(provider(who));
    }

    // ---- time ----

    function wait_(uint32 span) external {
        ++calls;
        vm.warp(block.timestamp + bound(span, 1, 1 hours));
        vm.roll(block.number + bound(span, 1, 20));
    }

    function waitLong(uint32 span) external {
        ++calls;
        vm.warp(block.timestamp + bound(span, 1 hours, 12 hours));
        vm.roll(block.number + bound(span, 1, 400));
    }

    // ---- helpers ----

    function _unbond(address account, uint128 amount) private {
        if (amount == 0) return;
        vm.prank(account);
        registry.unbond(amount);
        _unbondedAt[account] = block.timestamp;
    }

    function _state(Issued memory issued) private view returns (bytes32) {
        (JobId jobId, address to) = (issued.jobId, issued.voucher.provider);
        IJobEscrow.Job memory job = escrow.job(jobId);
        return keccak256(abi.encode(job, escrow.paidTo(jobId, to), escrow.usedOf(jobId, to), escrow.claimOf(jobId, to)));
    }

    function _withdraw(address account, bool waits) private {
        uint64 releaseAt = registry.standing(account).releaseAt;
        if (waits && block.timestamp < releaseAt) vm.warp(releaseAt);
        uint256 before = stakeToken.balanceOf(account);
        vm.prank(account);
        try registry.withdraw() {
            withdrawn[account] += stakeToken.balanceOf(account) - before;
            ++withdrawals;
            if (_mayStillBeJudged(account)) ++leftTooEarly;
        } catch {}
    }

    /// @dev Whether a claim of when the stake was still bonded can be rejected, or is being judged in time.
    function _mayStillBeJudged(address account) private view returns (bool) {
        for (uint256 i = 0; i < jobs.length; ++i) {
            IJobClaims.Claim memory held = escrow.claimOf(jobs[i], account);
            if (held.state != IJobClaims.ClaimState.Pending || block.timestamp >= held.challengeEndsAt) continue;
            if (_filedAt[jobs[i]][account] <= _unbondedAt[account]) return true;
        }
        for (uint256 id = 1; id <= disputes.disputeCount(); ++id) {
            IDisputes.Dispute memory held = disputes.dispute(id);
            if (held.provider != account || held.concluded || disputes.phase(id) == IDisputes.Phase.Due) continue;
            if (_filedAt[held.jobId][account] <= _unbondedAt[account]) return true;
        }
        return false;
    }
}
