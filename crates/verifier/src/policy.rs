//! How often and how closely results are looked at. Audits never fall to zero.

use rayswarm_imaging::BasisPoints;
use serde::{Deserialize, Serialize};

/// Audit settings as typed or received; [`AuditPolicy::new`] checks them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuditSettings {
    /// A provider's first tasks that are all audited.
    pub first_tasks: u64,
    /// The share of later tasks that are audited.
    pub rate: BasisPoints,
    /// A crop's share of its tile.
    pub crop_share: BasisPoints,
    /// Pixels along a crop's side at least; smaller tiles are audited whole.
    pub crop_side_min: u32,
    /// Across comparison classes: the share of pixels that may be off by more than 1e-3.
    pub apart_max: BasisPoints,
}

impl Default for AuditSettings {
    /// Ten tasks, then a quarter, crops of a twentieth: about 1.25 % of the work. Honest pairs of other instruction sets
    /// showed up to 3 % of the pixels apart, the mildest cheat 78 %: a tenth lies safely between.
    fn default() -> Self {
        Self {
            first_tasks: 10,
            rate: BasisPoints(2_500),
            crop_share: BasisPoints(500),
            crop_side_min: 16,
            apart_max: BasisPoints(1_000),
        }
    }
}

/// Checked audit settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "AuditSettings", into = "AuditSettings")]
pub struct AuditPolicy(AuditSettings);

/// Settings that would switch audits off or make no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// A share is nothing or more than all.
    #[error("the audit {what} is {found}; choose from 0.01 % to 100 %: audits never fall to zero")]
    Share {
        /// Which setting.
        what: &'static str,
        /// Its value.
        found: BasisPoints,
    },
    /// Crops of no pixels.
    #[error("the smallest audit crop has {0} pixels a side; choose at least 1")]
    Side(u32),
    /// Every difference would be tolerated.
    #[error("the tolerated share of differing pixels is {0}; choose less than 50 %")]
    Tolerance(BasisPoints),
}

impl AuditPolicy {
    /// Checks `settings`.
    pub fn new(settings: AuditSettings) -> Result<Self, PolicyError> {
        for (what, found) in [("rate", settings.rate), ("crop share", settings.crop_share)] {
            if !(1..=BasisPoints::ALL.0).contains(&found.0) {
                return Err(PolicyError::Share { what, found });
            }
        }
        if settings.crop_side_min == 0 {
            return Err(PolicyError::Side(settings.crop_side_min));
        }
        if settings.apart_max.0 >= BasisPoints::ALL.0 / 2 {
            return Err(PolicyError::Tolerance(settings.apart_max));
        }
        Ok(Self(settings))
    }

    /// The settings.
    pub const fn settings(&self) -> &AuditSettings {
        &self.0
    }
}

impl TryFrom<AuditSettings> for AuditPolicy {
    type Error = PolicyError;
    fn try_from(settings: AuditSettings) -> Result<Self, PolicyError> {
        Self::new(settings)
    }
}

impl From<AuditPolicy> for AuditSettings {
    fn from(policy: AuditPolicy) -> Self {
        policy.0
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn audits_cannot_be_switched_off() {
        let base = AuditSettings::default();
        AuditPolicy::new(base).unwrap();
        let wrong = [
            AuditSettings {
                rate: BasisPoints(0),
                ..base
            },
            AuditSettings {
                rate: BasisPoints(10_001),
                ..base
            },
            AuditSettings {
                crop_share: BasisPoints(0),
                ..base
            },
            AuditSettings {
                crop_side_min: 0,
                ..base
            },
            AuditSettings {
                apart_max: BasisPoints(5_000),
                ..base
            },
        ];
        for settings in wrong {
            assert!(AuditPolicy::new(settings).is_err(), "{settings:?}");
            let json = serde_json::to_string(&settings).unwrap();
            assert!(serde_json::from_str::<AuditPolicy>(&json).is_err(), "{json}");
        }
    }

    #[test]
    fn a_policy_is_read_with_defaults() {
        let policy: AuditPolicy = serde_json::from_str("{\"rate\": 5000}").unwrap();
        assert_eq!(
            policy.settings(),
            &AuditSettings {
                rate: BasisPoints(5_000),
                ..AuditSettings::default()
            }
        );
        assert!(serde_json::from_str::<AuditPolicy>("{\"rates\": 5000}").is_err());
    }
}
