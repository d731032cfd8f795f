//! Which settings are taken, and which refused.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::chain::{Checkpoint, Draft};
use rayswarm_model::B256;

#[test]
fn joining_uses_the_chain_of_the_ticket() {
    let raw = RawConfig {
        join: Some("ticket".into()),
        data_dir: Some("d".into()),
        ..RawConfig::default()
    };
    assert!(matches!(raw.resolve().unwrap().chain, ChainChoice::FromTicket));
}

#[test]
fn a_chain_that_others_keep_is_kept_too_only_if_it_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let genesis = folder.path().join("chain.json");
    let spec = Draft::mined(1_700_000_000, Duration::from_secs(1)).spec();
    std::fs::write(&genesis, serde_json::to_vec(&spec).unwrap()).unwrap();
    let checkpoint = Checkpoint {
        number: 1,
        hash: B256::repeat_byte(1),
    };
    let keeping = Keeping {
        archive: Some(true),
        checkpoint: Some(checkpoint),
        ..Keeping::default()
    };
    let raw = |join: Option<&str>, genesis| RawConfig {
        join: join.map(Into::into),
        data_dir: Some("d".into()),
        genesis,
        keeping,
        ..RawConfig::default()
    };
    for join in [None, Some("ticket")] {
        let config = raw(join, Some(genesis.clone())).resolve().unwrap();
        assert!(matches!(config.chain, ChainChoice::Shared(..)), "{join:?}");
        assert_eq!(config.keeping, keeping);
        let refused = raw(join, None).resolve();
        assert!(matches!(refused, Err(ConfigError::NotShared("--archive"))), "{join:?}");
        // Once it is in the data folder the file may be left out.
        let again = RawConfig {
            data_dir: Some(folder.path().into()),
            ..raw(join, None)
        };
        std::fs::create_dir_all(folder.path().join(CHAIN_FOLDER)).unwrap();
        std::fs::copy(&genesis, folder.path().join(CHAIN_FOLDER).join("genesis.json")).unwrap();
        assert!(
            matches!(again.resolve().unwrap().chain, ChainChoice::Shared(..)),
            "{join:?}"
        );
    }
}

#[test]
fn contradictions_are_refused() {
    let listen = Some(SocketAddr::from(([127, 0, 0, 1], 1)));
    let raw = RawConfig {
        rpc: Some("http://x".into()),
        rpc_listen: listen,
        ..RawConfig::default()
    };
    assert!(matches!(raw.resolve(), Err(ConfigError::Conflict(..))));
    let raw = RawConfig {
        threads: Some(0),
        ..RawConfig::default()
    };
    assert!(matches!(raw.resolve(), Err(ConfigError::NoThreads)));
    let raw = RawConfig {
        http: Some(SocketAddr::from(([0, 0, 0, 0], 3000))),
        ..RawConfig::default()
    };
    assert!(matches!(raw.resolve(), Err(ConfigError::HttpNotLoopback(_))));
}

#[test]
fn names_for_other_machines_are_names_or_addresses() {
    let named = |name: &str| {
        let raw = RawConfig {
            data_dir: Some("d".into()),
            http_names: vec!["farm.example".into(), name.into()],
            ..RawConfig::default()
        };
        raw.resolve().map(drop)
    };
    for good in ["farm", "a-b.studio.example", "10.0.0.7", "fd00::7"] {
        assert!(named(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        "http://farm.example",
        "farm:3000",
        "a b",
        "-.x",
        "*.example",
        "größe.example",
    ] {
        let error = named(bad).unwrap_err();
        assert!(
            error.to_string().contains(&format!("{bad:?} is neither")),
            "{bad}: {error}"
        );
    }
}

#[test]
fn hosts_to_fetch_from_are_checked_and_the_cap_is_one_token() {
    let allowing = |host: &str| {
        let raw = RawConfig {
            data_dir: Some("d".into()),
            fetch_allow: vec!["nas:8080".into(), host.into()],
            ..RawConfig::default()
        };
        raw.resolve()
    };
    let config = allowing("10.0.0.7").unwrap();
    assert!(config.fetch_allow[1].covers("10.0.0.7", Some(80)));
    assert_eq!(config.render_cap.to_string(), "1");
    let error = allowing("http://nas").unwrap_err().to_string();
    assert!(
        error.contains("--fetch-allow") && error.contains("\"http://nas\""),
        "{error}"
    );
}

#[test]
fn only_who_provides_can_run_commands_of_others() {
    let raw = RawConfig {
        commands_from_all: true,
        ..RawConfig::default()
    };
    let provided = RawConfig {
        provide: true,
        ..raw.clone()
    };
    let error = raw.resolve().unwrap_err().to_string();
    assert!(error.starts_with("--commands-from-all"), "{error}");
    assert!(provided.resolve().unwrap().commands_from_all);
}

#[test]
fn contracts_are_named_deployed_or_invited_to() {
    let one = Address::repeat_byte(1);
    let named = Contracts {
        registry: one,
        escrow: one,
        token: one,
    };
    let (ticket, none) = (Some("ticket".to_owned()), None);
    for (contracts, deploy, join, expected) in [
        (None, false, &none, Some(ContractChoice::Noted)),
        (None, false, &ticket, Some(ContractChoice::Noted)),
        (None, true, &none, Some(ContractChoice::Deploy)),
        (Some(named), false, &none, Some(ContractChoice::Named(named))),
        (Some(named), true, &none, None),
        (Some(named), false, &ticket, None),
        (None, true, &ticket, None),
    ] {
        let raw = RawConfig {
            data_dir: Some("d".into()),
            contracts,
            deploy,
            join: join.clone(),
            ..RawConfig::default()
        };
        let case = format!("{contracts:?} {deploy} {join:?}");
        assert_eq!(raw.resolve().ok().map(|config| config.contracts), expected, "{case}");
    }
}
