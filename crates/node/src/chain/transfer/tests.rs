//! A chain that is mined here, written to a file, and read into another folder.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::{
    chain::{Draft, development_genesis, ledger::Template},
    clock,
};
use alloy_primitives::U256;
use rayswarm_consensus::{Event, Output, pow::puzzle};
use std::{collections::VecDeque, num::NonZeroU32, time::Duration};

/// Blocks that are mined, and those of them that are final.
const MINED: u64 = 6;
const FINAL: u64 = 4;

/// A chain whose every nonce is a solution, final after two confirmations.
fn spec() -> ChainSpec {
    // So late that its difficulty stays the least.
    let begin = clock::now().seconds_floor() - 3_600;
    let mut spec = Draft::mined(begin, Duration::from_secs(1)).spec();
    let ConsensusRules::Pow { rules } = &mut spec.consensus else {
        panic!("not pow")
    };
    rules.initial_difficulty = U256::ONE;
    rules.confirmations = NonZeroU32::new((MINED - FINAL) as u32).unwrap();
    spec
}

/// Mines without peers.
fn mine(data_dir: &Path, spec: &ChainSpec) {
    let folder = data_dir.join(CHAIN_FOLDER);
    claim(&folder, spec).unwrap();
    let part = Part {
        mines: true,
        ..Part::default()
    };
    let Opened {
        ledger,
        mut consensus,
        written,
        ..
    } = kept::open(&folder, spec, &part).unwrap();
    let mut template: Option<Template> = None;
    let mut outputs = VecDeque::from(consensus.start(clock::now().0, &written));
    while let Some(output) = outputs.pop_front() {
        let event = match output {
            Output::Head(hash) => {
                ledger.set_head(hash).unwrap();
                None
            }
            Output::Final(hash) => {
                ledger.finalize(hash).unwrap();
                None
            }
            Output::Build(request) if ledger.head().0 < MINED => {
                let built = ledger.build(&request).unwrap();
                let block = template.insert(built).block.clone();
                Some(Event::Built { request, block })
            }
            Output::Mine { puzzle, target } => {
                let nonce = puzzle::search(puzzle, target, 0..u64::MAX).unwrap();
                let block = ledger.solve(&template.take().unwrap(), nonce).unwrap();
                Some(Event::Solved { block })
            }
            Output::Store { block, seal } => Some(Event::Stored {
                header: ledger.store(&block.bytes, &seal).unwrap(),
                validators: None,
            }),
            _ => None,
        };
        outputs.extend(
            event
                .into_iter()
                .flat_map(|event| consensus.handle(clock::now().0, event)),
        );
    }
    assert_eq!((ledger.head().0, ledger.finalized_number()), (MINED, FINAL));
    ledger.close();
}

fn told(error: &anyhow::Error) -> String {
    error.chain().map(|cause| format!("{cause}; ")).collect()
}

#[test]
fn a_chain_comes_back_whole_and_only_once() {
    let folder = tempfile::tempdir().unwrap();
    let [miner, copy, file] = ["miner", "copy", "blocks"].map(|name| folder.path().join(name));
    let spec = spec();
    mine(&miner, &spec);

    let written = export(&miner, &file).unwrap();
    assert_eq!((written.blocks, written.finalized), (FINAL, FINAL));
    let refused = export(&miner, &file).unwrap_err();
    assert!(
        told(&refused).contains("cannot be made"),
        "a file is never written over: {refused:#}"
    );

    let refused = import(&copy, None, &file).unwrap_err();
    assert!(told(&refused).contains("--genesis"), "{refused:#}");
    let read = import(&copy, Some(spec.clone()), &file).unwrap();
    assert_eq!((read.genesis, read.blocks, read.known), (written.genesis, FINAL, 0));
    assert_eq!(
        read.finalized,
        2 * FINAL - MINED,
        "two more would have to stand on the others"
    );

    let again = import(&copy, None, &file).unwrap();
    assert_eq!((again.blocks, again.known, again.finalized), (0, FINAL, read.finalized));
    let onto_itself = import(&miner, None, &file).unwrap();
    assert_eq!((onto_itself.blocks, onto_itself.finalized), (0, FINAL));
}

#[test]
fn the_state_is_made_again_of_the_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let spec = spec();
    mine(folder.path(), &spec);
    let chain = folder.path().join(CHAIN_FOLDER);
    let standing = || {
        let ledger = kept::open(&chain, &spec, &Part::default()).unwrap().ledger;
        let (root, standing) = (ledger.read().state().root(), (ledger.head(), ledger.finalized_number()));
        ledger.close();
        (root, standing)
    };
    let before = standing();
    assert_eq!((before.1.0.0, before.1.1), (MINED, FINAL));
    fs::remove_file(chain.join("state.redb")).unwrap();
    assert_eq!(standing(), before);
}

#[test]
fn a_block_that_was_changed_is_named_and_those_before_it_stay() {
    let folder = tempfile::tempdir().unwrap();
    let [miner, copy, file] = ["miner", "copy", "blocks"].map(|name| folder.path().join(name));
    let spec = spec();
    mine(&miner, &spec);
    export(&miner, &file).unwrap();
    let mut bytes = fs::read(&file).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&file, &bytes).unwrap();

    let refused = import(&copy, Some(spec), &file).unwrap_err();
    assert!(
        told(&refused).contains(&format!("block {FINAL} of the file")),
        "{refused:#}"
    );
    bytes[40 + 8 - 1] -= 1;
    bytes.truncate(bytes.len() - last_block_bytes(&bytes));
    fs::write(&file, &bytes).unwrap();
    let rest = import(&copy, None, &file).unwrap();
    assert_eq!((rest.blocks, rest.known), (0, FINAL - 1));
}

/// Bytes of the last block of a file of [`FINAL`] blocks, with its lengths.
fn last_block_bytes(file: &[u8]) -> usize {
    let mut at = 48;
    for _ in 1..FINAL {
        at += 8 + u32::from_be_bytes(file[at..at + 4].try_into().unwrap()) as usize;
    }
    file.len() - at
}

#[test]
fn a_chain_that_one_node_seals_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let chain = folder.path().join(CHAIN_FOLDER);
    claim(&chain, &ChainSpec::solo(development_genesis(7, 1))).unwrap();
    let refused = export(folder.path(), &folder.path().join("blocks")).unwrap_err();
    assert!(told(&refused).contains("sealed by one node"), "{refused:#}");
    let files: Vec<_> = fs::read_dir(&chain)
        .unwrap()
        .map(|file| file.unwrap().file_name())
        .collect();
    assert_eq!(files, ["genesis.json"]);
}
