//! Trees of caps, against the values that viem computed and the contracts are held to.

#![allow(clippy::unwrap_used)]

use super::*;
use serde_json::Value;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../../contracts/vectors/settlement.json")).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn amount(value: &Value) -> Amount {
    Amount(text(value).parse().unwrap())
}

fn hash(value: &Value) -> B256 {
    text(value).parse().unwrap()
}

fn committed(allocation: &Value) -> Caps {
    let line = |line: &Value| Cap {
        provider: text(&line["provider"]).parse().unwrap(),
        cap: amount(&line["cap"]),
    };
    Caps::new(allocation["caps"].as_array().unwrap().iter().map(line).collect()).unwrap()
}

fn caps(amounts: &[u128]) -> Caps {
    let line = |(index, cap): (u8, &u128)| Cap {
        provider: Address::repeat_byte(index),
        cap: Amount(*cap),
    };
    Caps::new((1..).zip(amounts).map(line).collect()).unwrap()
}

/// As the contract climbs.
fn climb(provider: Address, proof: &CapProof) -> Sibling {
    let cap = proof.cap;
    let mut node = Sibling {
        hash: leaf(&Cap { provider, cap }),
        sum: cap,
    };
    for (level, sibling) in proof.siblings.iter().enumerate() {
        let left = (proof.path >> level) & 1 == 1;
        node = parent(&if left { [*sibling, node] } else { [node, *sibling] });
    }
    node
}

#[test]
fn trees_and_proofs_are_those_of_the_contracts() {
    let vectors = vectors();
    let allocation = &vectors["allocation"];
    let caps = committed(allocation);
    assert_eq!(caps.root(), hash(&allocation["root"]));
    assert_eq!(caps.total(), amount(&allocation["total"]));
    assert_eq!(caps.seal(), hash(&allocation["sealed"]));
    let proofs = allocation["proofs"].as_array().unwrap();
    assert_eq!(proofs.len(), caps.lines().len());
    for (line, expected) in caps.lines().iter().zip(proofs) {
        let proof = caps.proof(line.provider).unwrap();
        assert_eq!(proof.path, text(&expected["path"]).parse::<u64>().unwrap());
        let siblings = expected["siblings"].as_array().unwrap().iter();
        let siblings: Vec<_> = siblings
            .map(|sibling| Sibling {
                hash: hash(&sibling["hash"]),
                sum: amount(&sibling["sum"]),
            })
            .collect();
        assert_eq!(proof.siblings, siblings);
    }
}

#[test]
fn settlements_and_claims_hash_as_in_the_contracts() {
    let vectors = vectors();
    let caps = committed(&vectors["allocation"]);
    let amounts = vectors["settlement"]["amounts"].as_array().unwrap();
    let of = |provider: Address| {
        let place = caps.lines().iter().position(|line| line.provider == provider);
        amount(&amounts[place.unwrap()])
    };
    assert_eq!(settlement_hash(&caps, of), hash(&vectors["settlement"]["hash"]));
    let digests = vectors["claim"]["receiptDigests"].as_array().unwrap();
    let digests: Vec<B256> = digests.iter().map(hash).collect();
    assert_eq!(result_commitment(&digests), hash(&vectors["claim"]["resultCommitment"]));
}

#[test]
fn every_proof_of_every_tree_leads_to_its_root_and_no_other_cap_does() {
    for count in 1..=17 {
        let amounts: Vec<u128> = (1..=count).map(|one| one * 1_000).collect();
        let caps = caps(&amounts);
        for line in caps.lines() {
            let mut proof = caps.proof(line.provider).unwrap();
            let top = climb(line.provider, &proof);
            assert_eq!((top.hash, top.sum), (caps.root(), caps.total()), "{count}");
            proof.cap.0 += 1;
            assert_ne!(climb(line.provider, &proof).hash, caps.root(), "{count}");
        }
        assert_eq!(caps.proof(Address::ZERO), None);
        assert_eq!(caps.of(Address::ZERO), Amount::ZERO);
    }
}

#[test]
fn no_caps_have_no_root() {
    let none = caps(&[]);
    assert_eq!(
        (none.root(), none.seal(), none.total()),
        (B256::ZERO, B256::ZERO, Amount::ZERO)
    );
}

#[test]
fn caps_that_no_contract_would_take_are_refused() {
    let twice = Cap {
        provider: Address::repeat_byte(1),
        cap: Amount(1),
    };
    assert_eq!(Caps::new(vec![twice, twice]), Err(CapsError::Twice(twice.provider)));
    let dear = |cap| {
        Caps::new(vec![Cap {
            cap: Amount(cap),
            ..twice
        }])
    };
    assert!(dear((1 << AMOUNT_BITS_MAX) - 1).is_ok());
    for cap in [1 << AMOUNT_BITS_MAX, u128::MAX] {
        assert_eq!(dear(cap), Err(CapsError::TooLarge));
    }
}
