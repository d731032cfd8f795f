//! `rayswarm validator`: stake, votes and rewards of this data folder's account.

mod standing;

use crate::{
    args::{JsonArgs, ServerArgs, ValidatorCommand},
    daemon,
    exit::ExitCode,
    show,
};
use rayswarm_model::{Address, Amount, B256};
use rayswarm_node::chain::client::{Mined, PaidOut, Validators, own_key};
use serde::Serialize;
use std::path::Path;

/// What was done, for scripts.
#[derive(Serialize)]
struct Done {
    account: Address,
    action: &'static str,
    /// What came out of the contract, in wei.
    amount: Option<Amount>,
    tx: B256,
    block: u64,
    gas_used: u64,
}

/// The account, and how its deeds are told.
struct Actor {
    validators: Validators,
    json: bool,
}

pub async fn run(data_dir: Option<&Path>, command: ValidatorCommand) -> anyhow::Result<ExitCode> {
    use ValidatorCommand as C;
    let actor = async |server: ServerArgs| -> anyhow::Result<Actor> {
        let key = own_key(&daemon::data_dir(data_dir)?)?;
        Ok(Actor {
            validators: Validators::connect(&server.rpc, key).await?,
            json: server.json,
        })
    };
    match command {
        C::Account(args) => account(data_dir, &args),
        C::Status(args) => return standing::run(data_dir, args).await,
        C::Stake(args) => {
            let actor = actor(args.server).await?;
            let mined = actor.validators.stake(args.coins).await?;
            actor.tell("staked", mined)
        }
        C::Unstake(args) => {
            let actor = actor(args.server).await?;
            let mined = actor.validators.unstake(args.coins).await?;
            actor.tell("on its way out of the stake", mined)
        }
        C::Withdraw(server) => {
            let actor = actor(server).await?;
            let paid = actor.validators.withdraw().await?;
            actor.tell_paid("withdrawn", paid)
        }
        C::Claim(server) => {
            let actor = actor(server).await?;
            let paid = actor.validators.claim_rewards().await?;
            actor.tell_paid("claimed", paid)
        }
        C::Unjail(server) => {
            let actor = actor(server).await?;
            let mined = actor.validators.unjail().await?;
            actor.tell("out of the jail", mined)
        }
        C::Register(args) => {
            let actor = actor(args.server).await?;
            let mined = actor.validators.register(args.commission, args.coins).await?;
            actor.tell("registered", mined)
        }
        C::Commission(args) => {
            let actor = actor(args.server).await?;
            let mined = actor.validators.set_commission(args.commission).await?;
            actor.tell("commission changed", mined)
        }
        C::Lock(args) => {
            let actor = actor(args.server).await?;
            let mined = actor.validators.lock(args.coins).await?;
            actor.tell("locked", mined)
        }
        C::Unlock(args) => {
            let actor = actor(args.server).await?;
            let mined = actor.validators.unlock(args.coins).await?;
            actor.tell("on its way out of the lock", mined)
        }
        C::Vote(args) => {
            let actor = actor(args.server).await?;
            let mined = actor.validators.vote(args.delegate, args.coins).await?;
            actor.tell("voted", mined)
        }
        C::Unvote(args) => {
            let actor = actor(args.server).await?;
            let mined = actor.validators.unvote(args.delegate, args.coins).await?;
            actor.tell("votes taken back", mined)
        }
    }?;
    Ok(ExitCode::Success)
}

fn account(data_dir: Option<&Path>, args: &JsonArgs) -> anyhow::Result<()> {
    let account = own_key(&daemon::data_dir(data_dir)?)?.address();
    if args.json {
        return show::json(&serde_json::json!({ "account": account }));
    }
    show::line(account);
    Ok(())
}

impl Actor {
    fn tell(&self, action: &'static str, mined: Mined) -> anyhow::Result<()> {
        self.say(action, None, mined)
    }

    fn tell_paid(&self, action: &'static str, paid: PaidOut) -> anyhow::Result<()> {
        self.say(action, Some(paid.amount), paid.mined)
    }

    fn say(&self, action: &'static str, amount: Option<Amount>, mined: Mined) -> anyhow::Result<()> {
        let Mined { tx, block, gas_used } = mined;
        if self.json {
            return show::json(&Done {
                account: self.validators.account(),
                action,
                amount,
                tx,
                block,
                gas_used,
            });
        }
        let amount = amount.map(|amount| format!(" {amount} coins")).unwrap_or_default();
        show::line(format_args!("{action}{amount}: transaction {tx} in block {block}"));
        Ok(())
    }
}
