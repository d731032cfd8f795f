//! Whether an offer suits a job at all. What follows from speed and distance is ranking, not admission.

use rayswarm_model::{Amount, Bytes, Offer, WorkPrice};
use serde::{Deserialize, Serialize};

/// What a job demands of every provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Needs {
    /// The engine adapter.
    pub engine: String,
    /// Its exact version: another version is another picture.
    pub engine_version: String,
    /// Memory one session is expected to need.
    pub memory: Bytes,
    /// The most a WU-hour may cost.
    pub price_cap: WorkPrice,
    /// Whether strangers' machines may see the scene only inside a sandbox.
    pub sandbox: bool,
}

/// Why an offer does not suit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case", tag = "refusal")]
pub enum Refusal {
    /// The engine is not there, or only in other versions.
    #[error("needs {engine} {version}; this provider has {}", if .installed.is_empty() { "none".into() } else { .installed.join(", ") })]
    Engine {
        /// The adapter.
        engine: String,
        /// The version needed.
        version: String,
        /// The versions installed.
        installed: Vec<String>,
    },
    /// Too little memory.
    #[error("needs {needed} of memory; this provider has {offered}")]
    Memory {
        /// By the job.
        needed: Bytes,
        /// By the provider.
        offered: Bytes,
    },
    /// Too dear.
    #[error("may cost {cap} per WU-hour; this provider asks {asked}")]
    Price {
        /// The most.
        cap: Amount,
        /// What it asks.
        asked: Amount,
    },
    /// No sandbox.
    #[error("needs a sandbox for engines; this provider has none")]
    NoSandbox,
    /// No benchmark.
    #[error("needs a measured speed; this provider offers none")]
    NoBenchmark,
}

/// Whether `offer` suits `needs`; if not, the first thing that is amiss.
pub fn admit(offer: &Offer, needs: &Needs) -> Result<(), Refusal> {
    if offer.engine(&needs.engine, &needs.engine_version).is_none() {
        let versions = offer.engines.iter().filter(|engine| engine.name == needs.engine);
        return Err(Refusal::Engine {
            engine: needs.engine.clone(),
            version: needs.engine_version.clone(),
            installed: versions.map(|engine| engine.version.clone()).collect(),
        });
    }
    if offer.memory < needs.memory {
        return Err(Refusal::Memory {
            needed: needs.memory,
            offered: offer.memory,
        });
    }
    if needs.sandbox && !offer.sandboxed {
        return Err(Refusal::NoSandbox);
    }
    if offer.benchmark_milli_wu == 0 {
        return Err(Refusal::NoBenchmark);
    }
    admit_price(offer.price, needs.price_cap)
}

/// Whether a price is within the cap.
pub fn admit_price(asked: WorkPrice, cap: WorkPrice) -> Result<(), Refusal> {
    if asked > cap {
        return Err(Refusal::Price {
            cap: cap.per_wu_hour,
            asked: asked.per_wu_hour,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rayswarm_model::{
        B256, NodeId, UnixMillis,
        offer::{ComparisonClass, EngineOffer},
        settings::Device,
    };

    fn offer() -> Offer {
        Offer {
            node: NodeId::from_bytes([1; 32]),
            account: Default::default(),
            engines: vec![EngineOffer {
                name: "blender".into(),
                version: "4.5.15".into(),
                class: ComparisonClass(B256::ZERO),
            }],
            threads: 1,
            memory: Bytes(8 << 30),
            benchmark_milli_wu: 1000,
            price: WorkPrice {
                per_wu_hour: Amount(10),
            },
            device: Device::Cpu,
            sandboxed: true,
            commands: None,
            issued_at: UnixMillis(0),
        }
    }

    fn needs() -> Needs {
        Needs {
            engine: "blender".into(),
            engine_version: "4.5.15".into(),
            memory: Bytes(4 << 30),
            price_cap: WorkPrice {
                per_wu_hour: Amount(10),
            },
            sandbox: true,
        }
    }

    #[test]
    fn each_lack_has_its_sentence() {
        assert_eq!(admit(&offer(), &needs()), Ok(()));
        type Row = (fn(&mut Offer), &'static str);
        let rows: [Row; 6] = [
            (
                |o| o.engines[0].version = "4.2.0".into(),
                "needs blender 4.5.15; this provider has 4.2.0",
            ),
            (|o| o.engines.clear(), "needs blender 4.5.15; this provider has none"),
            (
                |o| o.memory = Bytes(1 << 30),
                "needs 4.0 GiB of memory; this provider has 1.0 GiB",
            ),
            (
                |o| o.sandboxed = false,
                "needs a sandbox for engines; this provider has none",
            ),
            (
                |o| o.benchmark_milli_wu = 0,
                "needs a measured speed; this provider offers none",
            ),
            (
                |o| o.price.per_wu_hour = Amount(11),
                "may cost 0.00000000000000001 per WU-hour; this provider asks 0.000000000000000011",
            ),
        ];
        for (spoil, sentence) in rows {
            let mut offer = offer();
            spoil(&mut offer);
            assert_eq!(admit(&offer, &needs()).unwrap_err().to_string(), sentence);
        }
    }
}
