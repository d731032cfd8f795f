//! Quarrels about pay, with real nodes, a real chain and jurors that render: final balances are what ADR 0016 says, to the
//! last unit. They take minutes each: `make test-long` plays them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use anyhow::Context;
use rayswarm_api::job::JobView;
use rayswarm_model::{Address, Amount, JobId, TaskId, keccak256, signed::Verdict};
use rayswarm_settlement::{ClaimState, JobEventKind, Payments};
use rayswarm_tests::{
    Farm, Job, Node,
    cheat::other_noise,
    job::TINY,
    money::nothing_locked,
    purse::{Purse, account_of},
    town::{PATIENCE, PURSE, TOKEN, Town},
    until,
};

/// What the development chains ask and pay: see `contracts/addresses.json`.
const BOND: u128 = 4 * TOKEN;
const FEE: u128 = TOKEN;

/// A film that takes a node longer than its first caps wait.
fn film(requestor: &Node<'_>, farm: &Farm, frames: &str, more: &[&str]) -> anyhow::Result<Job> {
    let (scene, out) = (Farm::example("animation/animation.blend"), farm.scratch().join("out"));
    let (scene, out) = (scene.to_string_lossy(), out.to_string_lossy());
    let own = [
        "render",
        &scene,
        "--yes",
        "--frames",
        frames,
        "--format",
        "png",
        "--out",
        &out,
        "--resolution",
        "192x108",
        "--samples",
        "16",
        "--budget",
        "10",
    ];
    Job::submit(requestor, &[&own[..], more].concat())
}

/// Waits until the provider has a cap in force that leaves something, some work of its is verified, and it has heard of that:
/// it does not claim what it does not know to have arrived.
fn capped(town: &Town<'_>, requestor: &Node<'_>, job: &Job, provider: Address, cap_min: u128) -> anyhow::Result<()> {
    let (looker, id) = (town.looker()?, job.id.parse::<JobId>()?);
    let share = |view: &JobView| {
        let mut shares = view.providers.iter();
        shares.find(|share| share.account == provider.to_string()).cloned()
    };
    let tasks = job.wait_for(requestor, "the provider has a cap and verified work", |view| {
        let caps = looker.caps_in_force(requestor.data_dir(), id).ok().flatten()?;
        let verified = share(view).filter(|share| share.paid > Amount::ZERO)?;
        (caps.of(provider).0 > cap_min).then_some(verified.tasks)
    })?;
    // A task takes seconds, a word of the one before does not.
    job.wait_for(requestor, "another task of it is verified", |view| {
        share(view).filter(|share| share.tasks > tasks).map(drop)
    })
}

/// As if the requestor had never vouched: the provider's node loses what vouchers it has, and starts again.
fn never_vouched(provider: &mut Node<'_>) -> anyhow::Result<()> {
    provider.kill()?;
    let journal = provider.data_dir().join("journal.sqlite");
    let forget = "import sqlite3, sys\n\
        journal = sqlite3.connect(sys.argv[1])\n\
        journal.execute('DELETE FROM vouchers')\n\
        journal.commit()\n";
    let forgotten = std::process::Command::new("python3")
        .args(["-c", forget])
        .arg(journal)
        .status()?;
    anyhow::ensure!(forgotten.success(), "the vouchers are still there");
    provider.start_again()
}

/// The balance of an account becomes this, and nothing else.
fn gets(looker: &Purse, what: &str, account: Address, expected: u128) -> anyhow::Result<()> {
    let mut last = None;
    let found = until(what, PATIENCE, || {
        let tokens = looker.tokens(account)?;
        last = Some(tokens);
        Ok((tokens == Amount(expected)).then_some(()))
    });
    found.with_context(|| format!("it has {last:?} instead of {expected} base units"))
}

#[test]
fn a_requestor_that_rejects_good_work_pays_it_and_loses_its_bond() -> anyhow::Result<()> {
    let Some(farm) = Farm::long()? else { return Ok(()) };
    let town = Town::new(&farm)?;
    let jurors = town.jurors(3)?;
    let windows = ["--notice", "1s", "--exit-window", "90s", "--challenge-window", "90s"];
    let mut requestor = town.join("requestor", &windows)?;
    town.fund(&requestor)?;
    let mut provider = town.join("provider", &["--provide", "--threads", "1"])?;
    requestor.wait_for_providers(4)?;
    let (account, worker) = (account_of(&requestor)?, account_of(&provider)?);

    let job = film(&requestor, &farm, "1-40", &[])?;
    let id = job.id.parse::<JobId>()?;
    capped(&town, &requestor, &job, worker, 0)?;
    requestor.kill()?;
    never_vouched(&mut provider)?;

    // It settles for nothing, though it has verified work.
    let rogue = Purse::of(requestor.data_dir(), &town.wallet)?;
    let caps = rogue
        .caps_in_force(requestor.data_dir(), id)?
        .context("caps are in force")?;
    rogue.wait(rogue.chain.settle_job(id, &Payments::new(), &caps))?;
    let looker = town.looker()?;
    let claim = until("the provider claims what it was not paid", PATIENCE, || {
        Ok(looker.wait(looker.chain.claim_of(id, worker))?)
    });
    let claim = claim.with_context(|| provider.log_end())?;
    assert!(
        claim.amount > Amount::ZERO && claim.state == ClaimState::Pending,
        "{claim:?}"
    );

    // And it rejects the claim, for the sake of a task that is right.
    let evidence = b"all of it is wrong";
    let folder = requestor
        .data_dir()
        .join("jobs")
        .join(id.to_string())
        .join("rejections");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join(format!("{}.bin", keccak256(evidence))), evidence)?;
    let rejected = rogue.wait(rogue.chain.reject_claim(id, worker, TaskId(0), keccak256(evidence)))?;
    drop(rogue);
    requestor.start_again()?;

    let ended = until("the quarrel is over", PATIENCE, || {
        let dispute = looker.wait(looker.chain.dispute(rejected.dispute))?;
        Ok(dispute.filter(|dispute| dispute.concluded))
    });
    let logs = || {
        jurors
            .iter()
            .chain([&requestor, &provider])
            .map(Node::log_end)
            .collect::<Vec<_>>()
            .join("\n---\n")
    };
    let ended = ended.with_context(logs)?;
    assert_eq!(ended.standing, Verdict::Good, "{}", logs());
    gets(
        &looker,
        "the provider has its claim and what is left of the bond",
        worker,
        claim.amount.0 + BOND - 3 * FEE,
    )
    .with_context(logs)?;
    for juror in &jurors {
        gets(&looker, "a juror has its fee", account_of(juror)?, 990 * TOKEN + FEE)?;
    }
    town.refund_by_anyone(id)?;
    gets(
        &looker,
        "the requestor has the rest",
        account,
        PURSE - claim.amount.0 - BOND,
    )?;
    Ok(())
}

#[test]
fn a_provider_that_claims_garbage_loses_its_stake_and_an_absent_juror_its_fee() -> anyhow::Result<()> {
    let Some(farm) = Farm::long()? else { return Ok(()) };
    let town = Town::new(&farm)?;
    let mut jurors = town.jurors(3)?;
    let windows = [
        "--notice",
        "4s",
        "--exit-window",
        "60s",
        "--challenge-window",
        "60s",
        "--claim-stake",
        "5",
    ];
    let requestor = town.join("requestor", &windows)?;
    town.fund(&requestor)?;
    let honest = town.join("honest", &["--provide", "--threads", "1", "--stake", "5"])?;
    town.fund(&honest)?;
    requestor.wait_for_providers(4)?;
    let (account, worker) = (account_of(&requestor)?, account_of(&honest)?);
    let job = film(&requestor, &farm, "1-48", &[])?;
    let id = job.id.parse::<JobId>()?;
    capped(&town, &requestor, &job, worker, 0)?;

    // Its Blender takes other random numbers: noise as good as any, and none of the scene's.
    let engines = farm.scratch().join("garbage-engines");
    other_noise(&farm, &engines)?;
    let garbage = ["--provide", "--threads", "1", "--stake", "5"];
    let garbage = town.join_with("garbage", &garbage, Some(engines))?;
    town.fund(&garbage)?;
    let cheat = account_of(&garbage)?;
    // The committee will have a seat that nobody fills.
    let absent = account_of(&jurors[2])?;
    jurors[2].kill()?;

    let looker = town.looker()?;
    let claim = until("the provider of garbage claims", PATIENCE, || {
        Ok(looker.wait(looker.chain.claim_of(id, cheat))?)
    });
    let logs = || {
        jurors
            .iter()
            .chain([&requestor, &garbage])
            .map(Node::log_end)
            .collect::<Vec<_>>()
            .join("\n---\n")
    };
    let claim = claim.with_context(logs)?;
    assert!(claim.amount > Amount::ZERO, "{claim:?}");
    let (view, _) = job.end(&requestor)?;
    let dispute = until("the requestor rejects the claim", PATIENCE, || {
        let found = looker.wait(looker.chain.disputes_of(Some(id), Some(cheat), 0))?;
        Ok(found.found.first().copied())
    });
    let dispute = dispute.with_context(logs)?;
    let ended = until("the quarrel is over", PATIENCE, || {
        let dispute = looker.wait(looker.chain.dispute(dispute))?;
        Ok(dispute.filter(|dispute| dispute.concluded))
    });
    let ended = ended.with_context(logs)?;
    assert_eq!(ended.standing, Verdict::Bad, "{}", logs());

    // Its stake was five; the two fees come out of it, and the bond comes back.
    let paid = view.providers.iter().map(|share| share.paid).sum::<Amount>();
    let cheated = view.providers.iter().find(|share| share.account == cheat.to_string());
    assert!(cheated.is_none_or(|share| share.paid == Amount::ZERO), "{view:?}");
    gets(
        &looker,
        "the requestor has the stake",
        account,
        PURSE - paid.0 + 5 * TOKEN - 2 * FEE,
    )
    .with_context(logs)?;
    // Its node bonds anew what its owner wants at stake.
    until(
        "the provider of garbage has lost its stake and has nothing of the job",
        PATIENCE,
        || {
            let tokens = looker.tokens(cheat)?;
            let standing = looker.wait(looker.chain.stake_standing(cheat))?;
            Ok((tokens.0 + standing.bonded.0 == PURSE - 5 * TOKEN).then_some(()))
        },
    )?;
    gets(
        &looker,
        "the honest provider has what it earned",
        worker,
        995 * TOKEN + paid.0,
    )?;
    for juror in &jurors[..2] {
        gets(&looker, "a juror has its fee", account_of(juror)?, 990 * TOKEN + FEE)?;
    }
    assert_eq!(
        looker.tokens(absent)?,
        Amount(990 * TOKEN),
        "who was absent gets nothing"
    );
    Ok(())
}

#[test]
fn a_requestor_that_vanishes_has_its_provider_paid_and_gets_the_rest() -> anyhow::Result<()> {
    let Some(farm) = Farm::long()? else { return Ok(()) };
    let town = Town::new(&farm)?;
    let windows = ["--notice", "2s", "--exit-window", "30s", "--challenge-window", "10s"];
    let mut requestor = town.join("requestor", &windows)?;
    town.fund(&requestor)?;
    let mut provider = town.join("provider", &["--provide", "--threads", "1"])?;
    requestor.wait_for_providers(1)?;
    let (account, worker) = (account_of(&requestor)?, account_of(&provider)?);
    // Few enough that even a slow probe finds them done before the deadline, which is waited for.
    let job = film(&requestor, &farm, "1-12", &["--deadline", "240s"])?;
    let id = job.id.parse::<JobId>()?;
    capped(&town, &requestor, &job, worker, 0)?;
    // A provider turns its voucher into money as soon as it fears for it: it must be owed something still.
    let looker = town.looker()?;
    let verified = job.wait_for(&requestor, "the provider is owed for verified work", |view| {
        let share = view
            .providers
            .iter()
            .find(|share| share.account == worker.to_string())?;
        let paid = looker.wait(looker.chain.paid_to(id, worker)).ok()?;
        (share.paid > paid).then_some(share.paid)
    })?;
    requestor.kill()?;
    never_vouched(&mut provider)?;

    until("the provider claims and is paid", PATIENCE, || {
        let history = looker.wait(looker.chain.job_history(id, 0))?;
        let paid = |kind: &JobEventKind| matches!(kind, JobEventKind::ClaimPaid { .. });
        Ok(history.iter().any(|event| paid(&event.kind)).then_some(()))
    })
    .with_context(|| provider.log_end())?;
    let paid = looker.wait(looker.chain.paid_to(id, worker))?;
    assert!(paid >= verified, "{paid} {verified}");
    gets(&looker, "the provider has all of it", worker, paid.0)?;
    town.refund_by_anyone(id)?;
    gets(&looker, "the requestor has the rest", account, PURSE - paid.0)?;
    let escrow = looker.wait(looker.chain.job(id))?;
    assert_eq!((escrow.locked, escrow.paid), (Amount::ZERO, paid), "{escrow:?}");
    Ok(())
}

#[test]
fn old_vouchers_change_nothing_and_vouchers_beyond_the_escrow_pay_the_cap() -> anyhow::Result<()> {
    let Some(farm) = Farm::long()? else { return Ok(()) };
    let town = Town::new(&farm)?;
    let windows = ["--notice", "1s", "--exit-window", "60s", "--challenge-window", "60s"];
    let mut requestor = town.join("requestor", &windows)?;
    town.fund(&requestor)?;
    let provider = town.join("provider", &["--provide", "--threads", "1"])?;
    requestor.wait_for_providers(1)?;
    let worker = account_of(&provider)?;
    let job = film(&requestor, &farm, "1-40", &[])?;
    let id = job.id.parse::<JobId>()?;
    capped(&town, &requestor, &job, worker, 10)?;
    requestor.kill()?;
    // The provider itself does nothing meanwhile.
    let _still = provider.freeze()?;

    let rogue = Purse::of(requestor.data_dir(), &town.wallet)?;
    let stranger = Purse::of(town.bank.data_dir(), &town.wallet)?;
    let caps = rogue
        .caps_in_force(requestor.data_dir(), id)?
        .context("caps are in force")?;
    let cap = caps.of(worker);
    let redeem = |units: u128| {
        let voucher = rogue.voucher(id, worker, Amount(units));
        stranger.wait(stranger.chain.redeem(id, &[voucher], &caps))
    };
    assert_eq!(redeem(7)?.paid, Amount(7));
    for old in [7, 3, 0] {
        assert_eq!(redeem(old)?.paid, Amount::ZERO, "voucher of {old}");
    }
    assert_eq!(stranger.tokens(worker)?, Amount(7));
    let beyond = cap.0 * 1_000_000;
    let paid = redeem(beyond)?;
    assert_eq!(paid.paid, Amount(cap.0 - 7));
    assert_eq!(paid.unpaid.len(), 1, "{paid:?}");
    assert_eq!(redeem(beyond)?.paid, Amount::ZERO);
    assert_eq!(stranger.tokens(worker)?, cap);
    let escrow = stranger.wait(stranger.chain.job(id))?;
    assert_eq!(escrow.deposited.0, escrow.paid.0 + escrow.locked.0, "{escrow:?}");
    let held = stranger.tokens(town.wallet.escrow.parse()?)?;
    assert_eq!(held, escrow.locked, "the escrow holds what is locked");
    Ok(())
}

#[test]
fn a_provider_that_vanishes_is_paid_what_was_verified() -> anyhow::Result<()> {
    let Some(farm) = Farm::long()? else { return Ok(()) };
    let town = Town::new(&farm)?;
    let requestor = town.join(
        "requestor",
        &["--notice", "1s", "--exit-window", "5s", "--challenge-window", "5s"],
    )?;
    town.fund(&requestor)?;
    let mut vanishing = town.join("vanishing", &["--provide", "--threads", "1"])?;
    let steady = town.join("steady", &["--provide", "--threads", "1"])?;
    requestor.wait_for_providers(2)?;
    let accounts = [account_of(&vanishing)?, account_of(&steady)?];
    let (scene, out) = (Farm::example("animation/animation.blend"), farm.scratch().join("out"));
    let (scene, out) = (scene.to_string_lossy(), out.to_string_lossy());
    let own = [
        "render", &scene, "--yes", "--frames", "1-16", "--format", "png", "--out", &out,
    ];
    let job = Job::submit(&requestor, &[&own[..], &TINY[..]].concat())?;
    let gone = accounts[0].to_string();
    job.wait_for(&requestor, "the one that vanishes has verified work", |view| {
        let share = view.providers.iter().find(|share| share.account == gone)?;
        (share.tasks > 0).then_some(())
    })?;
    vanishing.kill()?;
    let (view, _) = job.end(&requestor)?;
    nothing_locked(&view)?;
    let looker = town.looker()?;
    for account in accounts {
        let share = view.providers.iter().find(|share| share.account == account.to_string());
        let share = share.with_context(|| format!("{account} has no share: {view:?}"))?;
        gets(&looker, "a provider has what was verified", account, share.paid.0)?;
    }
    assert_eq!(looker.tokens(account_of(&requestor)?)?.0, PURSE - view.escrow.paid.0);

    let audited = requestor.run(&["audit", &view.summary.id.to_string()])?;
    assert_eq!(audited.code, 0, "{audited:?}");
    // Without the published reasons nobody can recompute them.
    let nothing = farm.scratch().join("nothing");
    std::fs::create_dir(&nothing)?;
    let nothing = nothing.to_string_lossy();
    let audited = requestor.run(&["audit", &view.summary.id.to_string(), "--documents", &nothing])?;
    assert_eq!(audited.code, 1, "{audited:?}");
    Ok(())
}
