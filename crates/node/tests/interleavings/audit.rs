//! Chain, books and balances are held against each other, to the last unit.

use crate::{
    books::Books,
    chains::Kind,
    jobs::Job,
    story::{Stage, Story, TOKENS, read},
};
use alloy::{providers::Provider, rpc::types::Filter};
use rayswarm_model::{Amount, JobId};
use rayswarm_settlement::{JobState, Payments, Settlement};
use std::collections::BTreeSet;

/// `IJobEscrow.JobOpened`, its terms spelt out.
const OPENED: &str = "JobOpened(bytes32,address,(bytes32,bytes32,bytes32,bytes32,address,uint128,uint128,uint64,uint32,\
                      uint32,uint32,uint8))";

/// While steps are under way: each job's sums agree, and the escrow holds what is locked.
pub async fn in_between(story: &Story) {
    let stage = &story.stage;
    if stage.kind == Kind::Embedded {
        // Every look is at the same block.
        let seen = read(|| stage.observer.at_finalized()).await;
        let (locked, held) = sums(&seen, &story.jobs).await;
        assert_eq!(held, locked, "the escrow holds what is locked");
        return;
    }
    stage.chain.hold().await;
    // One may still have been under way.
    let (locked, held) = loop {
        let before = stage.chain.newest_block().await;
        let sums = sums(&stage.observer, &story.jobs).await;
        if stage.chain.newest_block().await == before {
            break sums;
        }
    };
    assert_eq!(held, locked, "the escrow holds what is locked");
    stage.chain.seal_at_once().await;
}

/// What all jobs have locked, and what the escrow holds.
async fn sums(seen: &Settlement, jobs: &[Job]) -> (Amount, Amount) {
    let mut locked = Amount::ZERO;
    for job in jobs {
        let told = read(|| seen.job(job.id)).await;
        let sum = told.paid.0 + told.fees.0 + told.refunded.0 + told.locked.0;
        assert_eq!(told.deposited.0, sum, "deposited is not paid, refunded and locked");
        assert!(told.reserved <= told.locked, "claims hold back more than is locked");
        assert!(
            told.deposited <= job.deposit,
            "{told:?} holds more than was meant: {}",
            job.deposit.0
        );
        locked = [locked, told.locked].into_iter().sum();
    }
    (locked, read(|| seen.token_balance(seen.contracts().escrow)).await)
}

/// When everything has ended; gives what was paid in all.
pub async fn at_the_end(story: &Story) -> u128 {
    let stage = &story.stage;
    let meant: BTreeSet<JobId> = story.jobs.iter().map(|job| job.id).collect();
    assert_eq!(opened(stage).await, meant, "these jobs were opened, and no other");
    all_is_there(stage).await;
    let mut earned = vec![0; stage.cast.providers.len()];
    let mut spent = vec![0; stage.cast.requestors.len()];
    for job in &story.jobs {
        let books = ended(stage, job).await;
        for (provider, sum) in stage.cast.providers.iter().zip(&mut earned) {
            *sum += books.paid(*provider);
        }
        spent[job.owner] += books.paid_to_all();
    }
    let balance = |account| read(move || stage.observer.token_balance(account));
    let mut all = balance(stage.observer.contracts().escrow).await.0;
    assert_eq!(all, 0, "something stayed locked");
    for (provider, sum) in stage.cast.providers.iter().zip(&earned) {
        assert_eq!(
            balance(*provider).await.0,
            *sum,
            "what {provider} holds is what it was paid"
        );
        all += sum;
    }
    for (requestor, sum) in stage.cast.requestors.iter().zip(&spent) {
        let left = balance(requestor.address()).await.0;
        assert_eq!(left, TOKENS.0 - sum, "{} lost what it did not pay", requestor.address());
        all += left;
    }
    let minted = TOKENS.0 * stage.cast.requestors.len() as u128;
    assert_eq!(all, minted, "tokens came or went");
    earned.iter().sum()
}

/// What the client once said is in a block is in one, whatever befell the chain afterwards.
async fn all_is_there(stage: &Stage) {
    let chain = stage.chain.provider();
    let mined = stage.mined.lock().unwrap().clone();
    for (tx, word) in mined {
        let receipt = chain.get_transaction_receipt(tx).await.unwrap();
        assert!(receipt.is_some(), "{word}: its transaction {tx} is lost");
    }
}

/// The jobs that were opened on this escrow.
async fn opened(stage: &Stage) -> BTreeSet<JobId> {
    let filter = Filter::new()
        .address(stage.observer.contracts().escrow)
        .event(OPENED)
        .from_block(0);
    let logs = stage.chain.provider().get_logs(&filter).await.unwrap();
    let ids: BTreeSet<JobId> = logs.iter().map(|log| JobId::from(log.topics()[1])).collect();
    assert_eq!(ids.len(), logs.len(), "a job was opened twice");
    ids
}

/// One job's history by the rules, and the chain's own sums.
async fn ended(stage: &Stage, job: &Job) -> Books {
    let chain: &Settlement = &stage.observer;
    let history = read(|| chain.job_history(job.id, 0)).await;
    let shares = read(|| chain.settled_shares(job.id, 0)).await;
    let settled: Option<Payments> = shares.map(|shares| shares.all().collect());
    let books = match Books::of(&history, &job.meant, settled.as_ref()) {
        Ok(books) => books,
        Err(why) => panic!("job {}: {why}", job.id),
    };
    let told = read(|| chain.job(job.id)).await;
    assert!(books.over, "{books:?}");
    assert_eq!(told.state, JobState::Refunded);
    assert_eq!(
        (
            told.deposited.0,
            told.paid.0,
            told.fees.0,
            told.refunded.0,
            told.locked.0
        ),
        (books.deposited, books.paid_to_all(), 0, books.refunded, 0),
        "the chain's sums and ours"
    );
    if job.completed {
        assert_eq!(told.deposited, job.deposit, "not what was meant to be deposited");
    }
    assert!(told.deposited <= job.deposit, "more was deposited than was meant");
    for provider in &stage.cast.providers {
        let (paid, vouchered) = (books.paid(*provider), job.meant.vouchered(*provider).0);
        let claimed = job.meant.claimed.get(provider).map_or(0, |most| most.0);
        assert!(
            paid <= vouchered.max(claimed),
            "{provider} was paid more than it earned"
        );
        if job.covered {
            assert!(paid >= vouchered, "{provider} was paid {paid} of {vouchered}");
        }
        if settled.is_none() {
            assert_eq!(read(|| chain.paid_to(job.id, *provider)).await.0, paid);
        }
    }
    books
}
