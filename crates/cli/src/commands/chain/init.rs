//! `rayswarm chain init`: a new chain of a few choices, in a file.

use crate::{
    args::{ConsensusArg, InitArgs},
    daemon,
    exit::{BadInput, ExitCode},
    show,
};
use anyhow::Context;
use rayswarm_model::{Address, Amount};
use rayswarm_node::{
    chain::{
        ChainSpec, DEVELOPMENT_CHAIN_ID, Draft, FirstValidator, claim,
        client::{own_key, wei, write_chain},
        new_chain_id,
    },
    clock,
    keeper::CHAIN_FOLDER,
};
use serde::Serialize;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

/// One coin, in wei.
const COIN: u128 = 10u128.pow(18);
/// What a first validator has at stake unless it is said.
const STAKE: Amount = Amount(1_000 * COIN);
/// The least that the contract takes: power is whole coins.
const STAKE_MIN: Amount = Amount(COIN);
/// What a first validator has for fees unless it is said.
const FEE_COINS: Amount = Amount(10 * COIN);
/// Blocks of an epoch: ten minutes of seconds.
const EPOCH_BLOCKS: u64 = 600;
/// Who votes at most.
const SEATS: u16 = 21;

/// What was made, for scripts.
#[derive(Serialize)]
struct Made {
    chain_id: u64,
    genesis: String,
    consensus: &'static str,
    validators: Vec<Address>,
    file: PathBuf,
    next: String,
}

pub fn run(data_dir: Option<&Path>, args: InitArgs) -> anyhow::Result<ExitCode> {
    let folder = daemon::data_dir(data_dir)?;
    let draft = draft(&args, clock::now().seconds_floor(), || Ok(own_key(&folder)?.address()))?;
    let validators = draft.validators.iter().map(|validator| validator.account).collect();
    let spec = draft.spec();
    let genesis = spec.chain_genesis()?.hash();
    let file = write(&folder, args.out.as_deref(), &spec)?;
    let made = Made {
        chain_id: spec.genesis.chain_id,
        genesis: genesis.to_string(),
        consensus: spec.consensus.name(),
        validators,
        next: next_command(data_dir, args.consensus, args.out.as_deref()),
        file,
    };
    if args.json {
        show::json(&made)?;
        return Ok(ExitCode::Success);
    }
    show::line(format_args!("chain     {} {}", made.chain_id, made.genesis));
    show::line(format_args!("consensus {}", made.consensus));
    for validator in &made.validators {
        show::line(format_args!("validator {validator}"));
    }
    show::line(format_args!("file      {}", made.file.display()));
    if args.consensus == ConsensusArg::Solo {
        show::line(format_args!("start it with `{}`", made.next));
    } else {
        show::line(format_args!(
            "every node of it needs the file; start one with `{}`",
            made.next
        ));
    }
    Ok(ExitCode::Success)
}

/// Puts a new chain into a data folder that one node keeps alone, coins for nothing: for the demo.
pub fn for_one_node(data_dir: &Path, consensus: ConsensusArg) -> anyhow::Result<()> {
    let account = own_key(data_dir)?.address();
    let votes = matches!(consensus, ConsensusArg::Pos | ConsensusArg::Dpos);
    let validator = FirstValidator {
        account,
        stake: wei(STAKE),
    };
    let draft = Draft {
        kind: consensus.into(),
        chain_id: DEVELOPMENT_CHAIN_ID,
        timestamp: clock::now().seconds_floor(),
        block_time: Duration::from_secs(1),
        epoch_blocks: EPOCH_BLOCKS,
        seats: SEATS,
        validators: votes.then_some(validator).into_iter().collect(),
        coins: vec![(account, wei(FEE_COINS))],
        faucet: true,
    };
    Ok(claim(&data_dir.join(CHAIN_FOLDER), &draft.spec())?)
}

/// The chain that was typed. `own` is asked for this data folder's account where nobody else is named.
fn draft(args: &InitArgs, timestamp: u64, own: impl FnOnce() -> anyhow::Result<Address>) -> anyhow::Result<Draft> {
    let votes = matches!(args.consensus, ConsensusArg::Pos | ConsensusArg::Dpos);
    if !votes {
        refuse_votes(args)?;
    }
    let seats = args.seats.unwrap_or(SEATS);
    let validators = if votes {
        first_validators(args, seats, own)?
    } else {
        Vec::new()
    };
    let mut coins = Vec::new();
    for (account, amount) in &args.coins {
        let Some(amount) = amount else {
            return Err(BadInput(format!("--coins {account} says no amount; write {account}=COINS")).into());
        };
        coins.push((*account, wei(*amount)));
    }
    // Without any coin outside of its stake a validator could not even pay for fetching its rewards.
    for validator in &validators {
        if args.coins.iter().all(|(account, _)| *account != validator.account) {
            coins.push((validator.account, wei(FEE_COINS)));
        }
    }
    let own_id = match args.consensus {
        ConsensusArg::Solo => DEVELOPMENT_CHAIN_ID,
        ConsensusArg::Pow | ConsensusArg::Pos | ConsensusArg::Dpos => new_chain_id(),
    };
    Ok(Draft {
        kind: args.consensus.into(),
        chain_id: args.chain_id.unwrap_or(own_id),
        timestamp,
        block_time: block_time(args)?,
        epoch_blocks: args.epoch.unwrap_or(EPOCH_BLOCKS),
        seats,
        validators,
        coins,
        faucet: args.faucet,
    })
}

/// Options that mean nothing where nobody votes.
fn refuse_votes(args: &InitArgs) -> Result<(), BadInput> {
    for (is_typed, name) in [
        (!args.validators.is_empty(), "--validators"),
        (args.epoch.is_some(), "--epoch"),
        (args.seats.is_some(), "--seats"),
    ] {
        if is_typed {
            return Err(BadInput(format!(
                "{name} is for --consensus pos and dpos; leave it out"
            )));
        }
    }
    Ok(())
}

fn first_validators(
    args: &InitArgs,
    seats: u16,
    own: impl FnOnce() -> anyhow::Result<Address>,
) -> anyhow::Result<Vec<FirstValidator>> {
    let typed = if args.validators.is_empty() {
        vec![(own()?, None)]
    } else {
        args.validators.clone()
    };
    if typed.len() > usize::from(seats) {
        let count = typed.len();
        return Err(BadInput(format!(
            "{count} validators do not fit in {seats} seats; give more with --seats"
        ))
        .into());
    }
    let mut seen = BTreeSet::new();
    let mut validators = Vec::with_capacity(typed.len());
    for (account, stake) in typed {
        let stake = stake.unwrap_or(STAKE);
        if stake < STAKE_MIN {
            return Err(BadInput(format!(
                "the stake of {account} is {stake} coins; at least {STAKE_MIN} is needed"
            ))
            .into());
        }
        if account == Address::ZERO || !seen.insert(account) {
            return Err(BadInput(format!(
                "{account} cannot be a validator, or stands twice among --validators"
            ))
            .into());
        }
        validators.push(FirstValidator {
            account,
            stake: wei(stake),
        });
    }
    Ok(validators)
}

fn block_time(args: &InitArgs) -> Result<Duration, BadInput> {
    let is_pow = args.consensus == ConsensusArg::Pow;
    let default = Duration::from_secs(if is_pow { 15 } else { 1 });
    let span = args.block_time.unwrap_or(default);
    if is_pow && span.subsec_nanos() != 0 {
        return Err(BadInput(
            "--block-time is in whole seconds by pow; write for example 2s".into(),
        ));
    }
    Ok(span)
}

/// Writes the file where it was asked for; gives where that is.
fn write(folder: &Path, out: Option<&Path>, spec: &ChainSpec) -> anyhow::Result<PathBuf> {
    if let Some(out) = out {
        write_chain(out, spec).context("the chain was not written")?;
        return Ok(out.to_path_buf());
    }
    let chain = folder.join(CHAIN_FOLDER);
    claim(&chain, spec).context("the chain was not written")?;
    Ok(chain.join("genesis.json"))
}

/// What is typed next.
fn next_command(data_dir: Option<&Path>, consensus: ConsensusArg, out: Option<&Path>) -> String {
    let mut command = match consensus {
        ConsensusArg::Solo => "rayswarm up".to_owned(),
        ConsensusArg::Pow => "rayswarm chain run --mine 1".to_owned(),
        ConsensusArg::Pos | ConsensusArg::Dpos => "rayswarm chain run --validate".to_owned(),
    };
    if let Some(out) = out.filter(|_| consensus != ConsensusArg::Solo) {
        command.push_str(&format!(" --genesis {}", out.display()));
    }
    if let Some(data_dir) = data_dir {
        command.push_str(&format!(" --data-dir {}", data_dir.display()));
    }
    command
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::args::{Args, ChainCommand, Command};
    use clap::Parser;
    use rayswarm_node::chain::is_own_chain_id;

    const OWN: Address = Address::repeat_byte(7);

    fn typed(options: &str) -> anyhow::Result<Draft> {
        let line = format!("rayswarm chain init --consensus {options}");
        let Command::Chain {
            command: ChainCommand::Init(args),
        } = Args::parse_from(line.split_whitespace()).command
        else {
            panic!("not init")
        };
        draft(&args, 1_800_000_000, || Ok(OWN))
    }

    #[test]
    fn without_a_word_the_own_account_votes_and_can_pay_fees() {
        let draft = typed("pos").unwrap();
        let [validator] = draft.validators.as_slice() else {
            panic!("one")
        };
        assert_eq!((validator.account, validator.stake), (OWN, wei(STAKE)));
        assert_eq!(draft.coins, [(OWN, wei(FEE_COINS))]);
        assert_eq!((draft.epoch_blocks, draft.seats), (600, 21));
        assert_eq!(draft.block_time, Duration::from_secs(1));
        let named = typed(&format!("pos --coins {OWN}=3")).unwrap();
        assert_eq!(named.coins, [(OWN, wei(Amount(3 * COIN)))]);
    }

    #[test]
    fn no_two_chains_have_one_id_unless_it_is_typed() {
        assert_eq!(typed("solo").unwrap().chain_id, DEVELOPMENT_CHAIN_ID);
        assert_eq!(typed("pos --chain-id 5").unwrap().chain_id, 5);
        let ids = ["pos", "pos", "dpos", "pow"].map(|kind| typed(kind).unwrap().chain_id);
        for (place, id) in ids.iter().enumerate() {
            assert!(is_own_chain_id(*id), "{id}");
            assert!(!ids[..place].contains(id), "once in a thousand million times: {ids:?}");
        }
    }

    #[test]
    fn miners_need_no_validators() {
        let draft = typed("pow").unwrap();
        assert!(draft.validators.is_empty() && draft.coins.is_empty());
        assert_eq!(draft.block_time, Duration::from_secs(15));
        for wrong in [
            "pow --seats 5",
            "pow --epoch 5",
            "solo --validators 0x0101010101010101010101010101010101010101",
        ] {
            assert!(typed(wrong).unwrap_err().is::<BadInput>(), "{wrong}");
        }
        assert!(typed("pow --block-time 500ms").is_err());
    }

    #[test]
    fn validators_that_make_no_set_are_refused() {
        let account = "0x0101010101010101010101010101010101010101";
        let zero = Address::ZERO;
        for (validators, expected) in [
            (format!("{account},{account}"), "stands twice"),
            (format!("{account}=0.5"), "at least 1"),
            (format!("{zero}"), "cannot be"),
            (
                format!("{account},0x0201010101010101010101010101010101010101,{OWN} --seats 2"),
                "do not fit",
            ),
        ] {
            let error = typed(&format!("dpos --validators {validators}")).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        }
        let error = typed(&format!("pos --coins {account}")).unwrap_err();
        assert!(error.to_string().contains("says no amount"), "{error}");
    }

    #[test]
    fn what_comes_next_names_the_file_and_the_folder() {
        let next = next_command(Some(Path::new("a")), ConsensusArg::Dpos, Some(Path::new("c.json")));
        assert_eq!(next, "rayswarm chain run --validate --genesis c.json --data-dir a");
        assert_eq!(
            next_command(None, ConsensusArg::Solo, Some(Path::new("c.json"))),
            "rayswarm up"
        );
    }
}
