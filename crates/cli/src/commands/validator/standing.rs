//! `rayswarm validator status`: who votes, who stands, and where one account stands.

use crate::{args::StandingArgs, daemon, exit::ExitCode, show};
use rayswarm_model::{Address, Amount};
use rayswarm_node::chain::client::{
    BallotFor, Candidate, Delegate, Exit, Member, SetKind, SetParams, Standing, ValidatorsView, own_key,
};
use serde::Serialize;
use std::path::Path;

/// Candidates that are listed in text; all are in JSON.
const CANDIDATES_SHOWN: usize = 40;

#[derive(Serialize)]
struct Report {
    consensus: SetKind,
    chain_id: u64,
    height: u64,
    epoch: u64,
    params: SetParams,
    validators: Vec<Member>,
    candidates: Vec<Candidate>,
    account: Account,
}

/// Where the account stands.
#[derive(Serialize)]
struct Account {
    address: Address,
    /// Coins outside of the contract.
    balance: Amount,
    standing: Standing,
    exits: Vec<Exit>,
    /// By dpos.
    votes: Option<Votes>,
}

#[derive(Serialize)]
struct Votes {
    /// What it is to its voters, if it is a delegate.
    delegate: Option<Delegate>,
    /// Whom it votes for.
    ballots: Vec<BallotFor>,
    /// Locked coins that vote for nobody.
    free: Amount,
}

pub async fn run(data_dir: Option<&Path>, args: StandingArgs) -> anyhow::Result<ExitCode> {
    let address = match args.account {
        Some(account) => account,
        None => own_key(&daemon::data_dir(data_dir)?)?.address(),
    };
    let view = ValidatorsView::find(&args.server.rpc).await?;
    let report = Report {
        consensus: view.kind(),
        chain_id: view.chain_id(),
        height: view.height().await?,
        epoch: view.epoch().await?,
        params: view.params().await?,
        validators: view.members().await?,
        candidates: view.candidates().await?,
        account: account(&view, address).await?,
    };
    if args.server.json {
        show::json(&report)?;
    } else {
        print(&report);
    }
    Ok(ExitCode::Success)
}

async fn account(view: &ValidatorsView, address: Address) -> anyhow::Result<Account> {
    let standing = view.standing(address).await?;
    let votes = match view.kind() {
        SetKind::Staked => None,
        SetKind::Delegated => {
            let delegate = view.delegate(address).await?;
            Some(Votes {
                delegate: (standing.candidate || delegate.votes > Amount::ZERO).then_some(delegate),
                ballots: view.ballots(address).await?,
                free: view.free_coins(address).await?,
            })
        }
    };
    Ok(Account {
        address,
        balance: view.balance(address).await?,
        standing,
        exits: view.exits(address).await?,
        votes,
    })
}

fn print(report: &Report) {
    let total: u64 = report.validators.iter().map(|member| member.power).sum();
    let last = report
        .epoch
        .saturating_add(1)
        .saturating_mul(report.params.epoch_blocks);
    show::line(format_args!("chain     {} ({})", report.chain_id, report.consensus));
    show::line(format_args!(
        "epoch     {}, until block {last}; block {} is the newest",
        report.epoch, report.height
    ));
    show::line(format_args!(
        "votes     {} validators of at most {} with a power of {total}",
        report.validators.len(),
        report.params.validators_max
    ));
    let counts = match report.consensus {
        SetKind::Staked => "stake",
        SetKind::Delegated => "votes",
    };
    let mut table = show::table(["candidate", counts, "power now"]);
    for candidate in report.candidates.iter().take(CANDIDATES_SHOWN) {
        let power = report
            .validators
            .iter()
            .find(|member| member.account == candidate.account);
        table.add_row([
            candidate.account.to_string(),
            show::tokens(candidate.weight),
            power.map_or_else(|| "-".into(), |member| member.power.to_string()),
        ]);
    }
    show::line(table);
    if report.candidates.len() > CANDIDATES_SHOWN {
        let more = report.candidates.len() - CANDIDATES_SHOWN;
        show::line(format_args!("and {more} more; --json lists all"));
    }
    print_account(&report.account);
}

fn print_account(account: &Account) {
    let standing = &account.standing;
    show::line(format_args!("account   {}", account.address));
    show::line(format_args!("balance   {} coins", account.balance));
    show::line(format_args!(
        "stake     {} coins, power {} now",
        standing.stake, standing.power
    ));
    let stands = if standing.candidate {
        "stands for the next sets"
    } else {
        "does not stand for the next sets"
    };
    show::line(format_args!("standing  {stands}"));
    if let Some(jail) = standing.jail {
        show::line(format_args!("jail      {jail}"));
    }
    if standing.turns > 0 {
        show::line(format_args!(
            "turns     {} in this epoch, {} of them missed",
            standing.turns, standing.missed
        ));
    }
    show::line(format_args!("rewards   {} coins", standing.rewards));
    for exit in &account.exits {
        show::line(format_args!(
            "leaving   {} coins, to be withdrawn from block {} on",
            exit.amount, exit.release_height
        ));
    }
    if let Some(votes) = &account.votes {
        print_votes(votes);
    }
}

fn print_votes(votes: &Votes) {
    if let Some(delegate) = &votes.delegate {
        show::line(format_args!(
            "delegate  {} votes, commission {}",
            delegate.votes,
            percent(delegate.commission_bps)
        ));
        if let Some((bps, epoch)) = delegate.next_commission {
            show::line(format_args!(
                "          commission {} from epoch {epoch} on",
                percent(bps)
            ));
        }
    }
    for ballot in &votes.ballots {
        show::line(format_args!("votes for {}: {}", ballot.delegate, ballot.votes));
    }
    show::line(format_args!("locked    {} coins that vote for nobody", votes.free));
}

fn percent(bps: u16) -> String {
    format!("{}.{:02} %", bps / 100, bps % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percents_are_shown_as_they_are_typed() {
        assert_eq!(percent(250), "2.50 %");
        assert_eq!(percent(7), "0.07 %");
        assert_eq!(percent(10_000), "100.00 %");
    }
}
