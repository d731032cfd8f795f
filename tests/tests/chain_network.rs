//! Nodes that render for each other and keep the chain of their network themselves, each by its own JSON-RPC. `make test-long` plays
//! it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rayswarm_tests::{
    Farm, Job, Node,
    job::TINY,
    keeper::Keeper,
    keepers::Keepers,
    money::nothing_locked,
    purse::{Purse, account_of},
    until,
};
use std::time::Duration;

/// Longest wait for a block on another node.
const BLOCKS: Duration = Duration::from_secs(60);

#[test]
fn a_node_that_joins_with_a_ticket_and_the_chains_file_keeps_the_chain_itself() -> anyhow::Result<()> {
    let Some(farm) = Farm::long()? else { return Ok(()) };
    let validator = vec![Keeper::new(&farm, "validator")?];
    let keepers = Keepers::begin(&farm, "pos", validator, &[], &["--block-time", "200ms"])?;
    let (genesis, peer) = (&keepers.genesis, keepers.all[0].peer()?);
    let requestor = Node::start(&farm, "requestor", &["--genesis", genesis, "--peer", &peer])?;
    let ticket = requestor.ticket()?;
    let provider = Node::start(
        &farm,
        "provider",
        &["--provide", "--threads", "1", "--join", &ticket, "--genesis", genesis],
    )?;
    requestor.wait_for_providers(1)?;

    let (scene, out) = (Farm::example("animation/animation.blend"), farm.scratch().join("out"));
    let (scene, out) = (scene.to_string_lossy(), out.to_string_lossy());
    let own = [
        "render", &scene, "--yes", "--frames", "1-2", "--format", "png", "--out", &out,
    ];
    let (view, _) = Job::submit(&requestor, &[&own[..], &TINY[..]].concat())?.end(&requestor)?;
    nothing_locked(&view)?;

    let wallets = [requestor.wallet()?, provider.wallet()?];
    assert_eq!(wallets[0].escrow, wallets[1].escrow, "the contracts are the ticket's");
    assert_ne!(wallets[0].rpc, wallets[1].rpc, "each asks its own node");
    // Nor does it need who invited it.
    requestor.stop()?;
    let by_itself = Purse::of_nobody(&wallets[1])?;
    let account = account_of(&provider)?;
    until("the provider's own chain has its pay", BLOCKS, || {
        Ok((by_itself.tokens(account)? == view.providers[0].paid).then_some(()))
    })?;
    Ok(())
}
