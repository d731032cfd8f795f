//! What a step wants of the machine it runs on, in Rayswarm's own units.

use crate::error::OpenJdError;
use openjd_model::job::{AmountRequirement, AttributeRequirement, HostRequirements};
use rayswarm_model::Bytes;
use serde::{Deserialize, Serialize};

/// What one session of a step needs. Zero and empty mean that nothing is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requirements {
    /// Processors, rounded up.
    pub processors: u32,
    /// Memory.
    pub memory: Bytes,
    /// GPUs.
    pub gpus: u32,
    /// Memory of each GPU.
    pub gpu_memory: Bytes,
    /// Disk for what it writes.
    pub scratch: Bytes,
    /// The operating systems that will do; any when empty.
    pub systems: Vec<Os>,
    /// The processor families that will do, as the specification names them; any when empty.
    pub architectures: Vec<String>,
}

/// A family of operating systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Os {
    /// Linux.
    Linux,
    /// macOS.
    MacOs,
    /// Windows.
    Windows,
}

/// What a machine gives one session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Processors.
    pub processors: u32,
    /// Memory.
    pub memory: Bytes,
    /// GPUs that commands may use.
    pub gpus: u32,
    /// Free disk.
    pub scratch: Bytes,
    /// Its operating system.
    pub system: Os,
    /// Its processor family.
    pub architecture: String,
}

impl Os {
    fn parse(text: &str) -> Option<Self> {
        [Self::Linux, Self::MacOs, Self::Windows]
            .into_iter()
            .find(|os| os.word().eq_ignore_ascii_case(text))
    }

    /// The specification's word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Linux => "linux",
            Self::MacOs => "macos",
            Self::Windows => "windows",
        }
    }
}

impl Requirements {
    pub(crate) fn of(step: &str, found: Option<&HostRequirements>) -> Result<Self, OpenJdError> {
        let mut requirements = Self::default();
        let unknown = |what: String| OpenJdError::UnknownRequirement {
            step: step.to_owned(),
            what,
        };
        for amount in found.and_then(|found| found.amounts.as_ref()).into_iter().flatten() {
            if !requirements.take_amount(amount) {
                return Err(unknown(format!("{} of {}", amount.name, least(amount))));
            }
        }
        for attribute in found.and_then(|found| found.attributes.as_ref()).into_iter().flatten() {
            if !requirements.take_attribute(attribute) {
                return Err(unknown(format!("{} {}", attribute.name, wanted(attribute))));
            }
        }
        Ok(requirements)
    }

    /// Whether the amount is one that is known. The most that it may be is a hint for sharing a machine, and not kept.
    fn take_amount(&mut self, amount: &AmountRequirement) -> bool {
        let least = amount.min.unwrap_or(0.0).max(0.0);
        let whole = |unit: f64| (least * unit).ceil() as u64;
        let count = u32::try_from(whole(1.0)).unwrap_or(u32::MAX);
        let (mebibytes, gibibytes) = (f64::from(1u32 << 20), f64::from(1u32 << 30));
        match amount.name.to_ascii_lowercase().as_str() {
            "amount.worker.vcpu" => self.processors = count,
            "amount.worker.memory" => self.memory = Bytes(whole(mebibytes)),
            "amount.worker.gpu" => self.gpus = count,
            "amount.worker.gpu.memory" => self.gpu_memory = Bytes(whole(mebibytes)),
            "amount.worker.disk.scratch" => self.scratch = Bytes(whole(gibibytes)),
            // A custom amount that may be nothing asks for nothing.
            _ => return least == 0.0,
        }
        true
    }

    fn take_attribute(&mut self, attribute: &AttributeRequirement) -> bool {
        let values = || attribute.any_of.iter().chain(&attribute.all_of).flatten();
        match attribute.name.to_ascii_lowercase().as_str() {
            "attr.worker.os.family" => {
                self.systems = values().filter_map(|value| Os::parse(value)).collect();
                self.systems.len() == values().count()
            }
            "attr.worker.cpu.arch" => {
                self.architectures = values().map(|value| value.to_ascii_lowercase()).collect();
                true
            }
            _ => false,
        }
    }

    /// What a machine lacks, as a sentence; `None` when it will do.
    pub fn unmet(&self, host: &Host) -> Option<String> {
        let systems: Vec<&str> = self.systems.iter().map(|os| os.word()).collect();
        let short = |what: &str, asked: String, given: String| {
            Some(format!("needs {asked} of {what}; this machine gives {given}"))
        };
        match () {
            () if self.processors > host.processors => {
                short("processors", self.processors.to_string(), host.processors.to_string())
            }
            () if self.memory > host.memory => short("memory", self.memory.to_string(), host.memory.to_string()),
            () if self.scratch > host.scratch => short("free disk", self.scratch.to_string(), host.scratch.to_string()),
            () if self.gpus > host.gpus || (self.gpu_memory > Bytes(0) && host.gpus == 0) => {
                short("GPUs", self.gpus.max(1).to_string(), host.gpus.to_string())
            }
            () if !self.systems.is_empty() && !self.systems.contains(&host.system) => Some(format!(
                "needs {}; this machine has {}",
                systems.join(" or "),
                host.system.word()
            )),
            () if !self.architectures.is_empty() && !self.architectures.contains(&host.architecture) => Some(format!(
                "needs a processor of {}; this machine has {}",
                self.architectures.join(" or "),
                host.architecture
            )),
            () => None,
        }
    }
}

fn least(amount: &AmountRequirement) -> String {
    match (amount.min, amount.max) {
        (Some(min), _) => format!("at least {min}"),
        (None, Some(max)) => format!("at most {max}"),
        (None, None) => "any amount".into(),
    }
}

fn wanted(attribute: &AttributeRequirement) -> String {
    match (&attribute.any_of, &attribute.all_of) {
        (Some(any), _) => format!("to be {}", any.join(" or ")),
        (None, Some(all)) => format!("to be {}", all.join(" and ")),
        (None, None) => "to be set".into(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn amount(name: &str, min: f64) -> AmountRequirement {
        AmountRequirement {
            name: name.into(),
            min: Some(min),
            max: None,
        }
    }

    fn attribute(name: &str, any_of: &[&str]) -> AttributeRequirement {
        AttributeRequirement {
            name: name.into(),
            any_of: Some(any_of.iter().map(|value| (*value).to_owned()).collect()),
            all_of: None,
        }
    }

    fn requirements(
        amounts: Vec<AmountRequirement>,
        attributes: Vec<AttributeRequirement>,
    ) -> Result<Requirements, OpenJdError> {
        let found = HostRequirements {
            amounts: Some(amounts),
            attributes: Some(attributes),
        };
        Requirements::of("S", Some(&found))
    }

    fn host() -> Host {
        Host {
            processors: 4,
            memory: Bytes(8 << 30),
            gpus: 0,
            scratch: Bytes(100 << 30),
            system: Os::Linux,
            architecture: "x86_64".into(),
        }
    }

    #[test]
    fn units_are_those_of_the_specification() {
        let amounts = vec![
            amount("amount.worker.vcpu", 1.5),
            amount("amount.worker.MEMORY", 256.0),
            amount("amount.worker.disk.scratch", 2.0),
        ];
        let found = requirements(amounts, vec![attribute("attr.worker.os.family", &["Linux", "macos"])]).unwrap();
        assert_eq!(
            (found.processors, found.memory, found.scratch),
            (2, Bytes(256 << 20), Bytes(2 << 30))
        );
        assert_eq!(found.systems, [Os::Linux, Os::MacOs]);
        assert_eq!(found.unmet(&host()), None);
    }

    #[test]
    fn what_is_not_known_is_refused_by_name_and_value() {
        for (amounts, attributes, part) in [
            (
                vec![],
                vec![attribute("attr.custom.rack", &["A", "B"])],
                "attr.custom.rack to be A or B",
            ),
            (
                vec![amount("amount.custom.licence", 2.0)],
                vec![],
                "amount.custom.licence of at least 2",
            ),
        ] {
            let error = requirements(amounts, attributes).unwrap_err().to_string();
            assert!(
                error.starts_with("step \"S\" requires") && error.contains(part),
                "{error}"
            );
        }
        assert!(requirements(vec![amount("amount.custom.licence", 0.0)], vec![]).is_ok());
    }

    #[test]
    fn a_machine_that_lacks_something_says_what() {
        for (amounts, attributes, expected) in [
            (
                vec![amount("amount.worker.vcpu", 8.0)],
                vec![],
                "needs 8 of processors; this machine gives 4",
            ),
            (
                vec![amount("amount.worker.memory", 16384.0)],
                vec![],
                "needs 16.0 GiB of memory; this machine gives 8.0 GiB",
            ),
            (
                vec![amount("amount.worker.gpu", 1.0)],
                vec![],
                "needs 1 of GPUs; this machine gives 0",
            ),
            (
                vec![],
                vec![attribute("attr.worker.os.family", &["windows", "macos"])],
                "needs windows or macos; this machine has linux",
            ),
            (
                vec![],
                vec![attribute("attr.worker.cpu.arch", &["arm64"])],
                "needs a processor of arm64; this machine has x86_64",
            ),
        ] {
            let found = requirements(amounts, attributes).unwrap();
            assert_eq!(found.unmet(&host()).as_deref(), Some(expected));
        }
    }
}
