//! Scripted scenes: a command file and the committed transcript of what the farm answers.
//!
//! `RAYSWARM_BLESS=1 cargo nextest run -p rayswarm-scheduler` rewrites the transcripts; read the difference before
//! committing it. Providers are named by one letter, times are seconds, work is in WU, money in base units.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod world;

use rayswarm_model::{
    Address, Amount, AttemptId, B256, Bytes, CpuTime, FailureKind, NodeId, Rect, TaskId, UnixMillis, Work, WorkPrice,
    offer::ComparisonClass,
};
use rayswarm_scheduler::{AuditVerdict, Departure, Event, Farm, Policy, ReceiptSummary, Role, step};
use std::{fmt::Write, fs, path::Path};
use world::{Machine, START, plan};

#[test]
fn an_everyday_job() {
    check("everyday");
}

#[test]
fn a_provider_vanishes() {
    check("vanishing");
}

#[test]
fn a_cheat_and_a_slanderer() {
    check("cheats");
}

#[test]
fn a_scene_that_aborts_everywhere() {
    check("aborting");
}

#[test]
fn the_owner_cancels() {
    check("cancelling");
}

#[test]
fn the_tail_is_shared() {
    check("tail");
}

fn check(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
    let script = fs::read_to_string(folder.join(name).with_extension("script")).unwrap();
    let transcript = perform(&script);
    let path = folder.join(name).with_extension("transcript");
    if std::env::var_os("RAYSWARM_BLESS").is_some() {
        fs::write(&path, &transcript).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        transcript == expected,
        "{name} differs from its transcript:\n{transcript}"
    );
}

/// Plays a script and writes down commands and answers.
fn perform(script: &str) -> String {
    let mut transcript = String::new();
    let mut farm: Option<Farm> = None;
    let mut policy = Policy::default();
    let mut now = START;
    for line in script.lines() {
        writeln!(transcript, "{line}").unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        let (Some(&command), arguments) = (words.first(), words.get(1..).unwrap_or_default()) else {
            continue;
        };
        match command {
            "#" => {}
            "at" => now = START + (arguments[0].parse::<f64>().unwrap() * 1000.0) as u64,
            "budget" => policy.budget = Some(Amount(arguments[0].parse().unwrap())),
            "cap" => policy.price_cap = price(arguments[0]),
            "plan" => {
                let works: Vec<u64> = arguments
                    .iter()
                    .map(|wu| (wu.parse::<f64>().unwrap() * 1000.0) as u64)
                    .collect();
                farm = Some(Farm::new(&plan(&works, 1), policy.clone()).unwrap());
            }
            "explain" => {
                let task = farm.as_ref().unwrap().task(TaskId(number(arguments[0]))).unwrap();
                for attempt in task.attempts {
                    writeln!(transcript, "  {}", named(&attempt.to_string())).unwrap();
                }
            }
            "ranking" => {
                for node in farm.as_ref().unwrap().providers() {
                    let name = named(&node.info.node.short());
                    let (rate, verified, paid) = (node.rate_milli_wu, node.verified, node.paid.0);
                    writeln!(transcript, "  {name}: {rate} milli-WU/s, {verified} tasks, {paid} paid").unwrap();
                }
            }
            _ => {
                let event = event(command, arguments);
                for effect in step(farm.as_mut().unwrap(), event, UnixMillis(now)) {
                    writeln!(transcript, "  {}", named(&effect.to_string())).unwrap();
                }
            }
        }
    }
    transcript
}

/// Node ids back to their letters.
fn named(text: &str) -> String {
    ('a'..='z').fold(text.to_owned(), |text, letter| {
        text.replace(&NodeId::from_bytes([letter as u8; 32]).short(), &letter.to_string())
    })
}

fn letter(word: &str) -> u8 {
    word.as_bytes()[0]
}

fn node(word: &str) -> NodeId {
    NodeId::from_bytes([letter(word); 32])
}

/// The number of `a3` or `t3`.
fn number(word: &str) -> u64 {
    word[1..].parse().unwrap()
}

fn attempt(word: &str) -> AttemptId {
    AttemptId(number(word))
}

/// Base units per milli-WU, so that amounts are easy to read.
fn price(word: &str) -> WorkPrice {
    WorkPrice {
        per_wu_hour: Amount(word.parse::<u128>().unwrap() * 3_600_000),
    }
}

fn event(command: &str, words: &[&str]) -> Event {
    match (command, words) {
        ("join", [name, options @ ..]) => join(letter(name), options),
        ("leave", [name]) => Event::ProviderLeft {
            node: node(name),
            why: Departure::ConnectionLost,
        },
        ("pull", [name, held @ ..]) => Event::Pulled {
            node: node(name),
            warm: true,
            warm_frame: None,
            held: held.iter().map(|word| attempt(word)).collect(),
        },
        ("commit", [name, id]) => {
            let receipt = ReceiptSummary {
                cpu: CpuTime { millis: 3000 },
                bytes: Bytes(1 << 20),
            };
            Event::Committed {
                node: node(name),
                attempt: attempt(id),
                receipt,
            }
        }
        ("deliver", [name, id]) => Event::Delivered {
            node: node(name),
            attempt: attempt(id),
        },
        ("draw", [id]) => {
            let crop = Rect {
                x: 0,
                y: 0,
                width: 4,
                height: 4,
            };
            Event::AuditDrawn {
                attempt: attempt(id),
                crop,
                work: Work { milli_wu: 150 },
            }
        }
        ("spare", [id]) => Event::NoAudit { attempt: attempt(id) },
        ("judge", [id, verdict]) => {
            let verdict = match *verdict {
                "passed" => AuditVerdict::Passed,
                "failed" => AuditVerdict::Failed,
                "inconclusive" => AuditVerdict::Inconclusive,
                other => panic!("{other} is no verdict"),
            };
            Event::AuditJudged {
                attempt: attempt(id),
                verdict,
            }
        }
        ("fail", [name, id, kind, message @ ..]) => {
            let kind = match *kind {
                "transient" => FailureKind::Transient,
                "permanent" => FailureKind::Permanent,
                "malicious" => FailureKind::Malicious,
                other => panic!("{other} is no kind of failure"),
            };
            Event::Failed {
                node: node(name),
                attempt: attempt(id),
                kind,
                message: message.join(" "),
            }
        }
        ("progress", [name, id, permille]) => Event::Progress {
            node: node(name),
            attempt: attempt(id),
            permille: permille.parse().unwrap(),
        },
        ("tick", []) => Event::Tick,
        ("pause", []) => Event::Pause,
        ("resume", []) => Event::Resume,
        ("cancel", []) => Event::Cancel,
        ("retry", []) => Event::RetryFailed,
        ("restart", []) => Event::RequestorRestarted,
        _ => panic!("{command} {words:?} is no command"),
    }
}

fn join(name: u8, options: &[&str]) -> Event {
    let mut info = Machine::new(name, 1000).info();
    for option in options {
        match option.split_once('=').unwrap_or((option, "")) {
            ("rate", wu) => info.rate_milli_wu = (wu.parse::<f64>().unwrap() * 1000.0) as u64,
            ("price", asked) => info.price = price(asked),
            ("class", class) => info.class = ComparisonClass(B256::repeat_byte(letter(class))),
            ("account", account) => info.account = Address::repeat_byte(letter(account)),
            ("rtt", ms) => info.rtt_ms = ms.parse().unwrap(),
            ("own", _) => info.role = Role::OwnAuditor,
            other => panic!("{other:?} is no option"),
        }
    }
    Event::ProviderJoined(info)
}
