//! What the owner of this machine may change while it provides: rest, because the owner needs the machine, and another
//! price. Kept over restarts.

use crate::journal::{Journal, JournalError};
use rayswarm_model::{Amount, WorkPrice};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// The name of the setting in the journal.
const SETTING: &str = "provider";

/// What requestors hear while the owner uses the machine.
pub const RESTS: &str = "its owner uses the machine now";

/// The owner's wishes, shared by all roles.
#[derive(Debug)]
pub struct ProviderSwitch {
    /// The price of the command line.
    typed: WorkPrice,
    wishes: watch::Sender<Wishes>,
}

/// What the owner wishes now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wishes {
    paused: bool,
    price: WorkPrice,
}

/// The wishes as the journal keeps them.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Kept {
    paused: bool,
    price: Option<Repriced>,
}

/// A price that was changed while the node ran.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Repriced {
    asked: WorkPrice,
    /// The command line's price at that time. Once another is typed, that one is the newer wish.
    instead_of: WorkPrice,
}

impl ProviderSwitch {
    /// As the journal keeps it; `typed` is the price of the command line.
    pub fn load(journal: &Journal, typed: WorkPrice) -> Result<Self, JournalError> {
        let kept: Kept = journal.setting(SETTING)?.unwrap_or_default();
        let repriced = kept.price.filter(|price| price.instead_of == typed);
        let wishes = Wishes {
            paused: kept.paused,
            price: repriced.map_or(typed, |price| price.asked),
        };
        Ok(Self {
            typed,
            wishes: watch::Sender::new(wishes),
        })
    }

    /// Whether the owner uses the machine.
    pub fn is_paused(&self) -> bool {
        self.wishes.borrow().paused
    }

    /// What is asked now.
    pub fn price(&self) -> WorkPrice {
        self.wishes.borrow().price
    }

    /// Changes what is given. What was not saved has not changed.
    pub fn change(&self, journal: &Journal, paused: Option<bool>, price: Option<Amount>) -> Result<(), JournalError> {
        let mut saved = Ok(());
        // Under the lock of the wishes, so that the journal has them in the same order.
        self.wishes.send_if_modified(|wishes| {
            let changed = Wishes {
                paused: paused.unwrap_or(wishes.paused),
                price: price.map_or(wishes.price, |per_wu_hour| WorkPrice { per_wu_hour }),
            };
            if changed == *wishes {
                return false;
            }
            saved = journal.save_setting(SETTING, &self.kept(changed));
            if saved.is_ok() {
                *wishes = changed;
            }
            saved.is_ok()
        });
        saved
    }

    /// Resolves once the owner uses the machine.
    pub async fn paused(&self) {
        // Fails only when the sender is gone, which is held here.
        let _ = self.wishes.subscribe().wait_for(|wishes| wishes.paused).await;
    }

    /// Resolves once another price than this is asked.
    pub async fn price_other_than(&self, price: WorkPrice) -> WorkPrice {
        let mut wishes = self.wishes.subscribe();
        match wishes.wait_for(|wishes| wishes.price != price).await {
            Ok(wishes) => wishes.price,
            // The sender is gone, which is held here.
            Err(_) => price,
        }
    }

    fn kept(&self, wishes: Wishes) -> Kept {
        let repriced = Repriced {
            asked: wishes.price,
            instead_of: self.typed,
        };
        Kept {
            paused: wishes.paused,
            price: (wishes.price != self.typed).then_some(repriced),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn price(units: u128) -> WorkPrice {
        WorkPrice {
            per_wu_hour: Amount(units),
        }
    }

    #[test]
    fn wishes_outlive_the_process_until_another_price_is_typed() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal.sqlite")).unwrap();
        let switch = ProviderSwitch::load(&journal, price(10)).unwrap();
        assert_eq!((switch.is_paused(), switch.price()), (false, price(10)));
        switch.change(&journal, Some(true), None).unwrap();
        switch.change(&journal, None, Some(Amount(12))).unwrap();
        assert_eq!((switch.is_paused(), switch.price()), (true, price(12)));

        let again = ProviderSwitch::load(&journal, price(10)).unwrap();
        assert_eq!((again.is_paused(), again.price()), (true, price(12)));
        let typed_anew = ProviderSwitch::load(&journal, price(11)).unwrap();
        assert_eq!((typed_anew.is_paused(), typed_anew.price()), (true, price(11)));
        typed_anew.change(&journal, Some(false), None).unwrap();
        let forgotten = ProviderSwitch::load(&journal, price(11)).unwrap();
        assert_eq!((forgotten.is_paused(), forgotten.price()), (false, price(11)));
    }

    #[tokio::test]
    async fn whoever_waits_hears_of_changes() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("journal.sqlite")).unwrap();
        let switch = ProviderSwitch::load(&journal, price(10)).unwrap();
        let waiting = async { (switch.paused().await, switch.price_other_than(price(10)).await) };
        let changing = async {
            switch.change(&journal, Some(true), Some(Amount(7))).unwrap();
        };
        let (heard, ()) = tokio::join!(waiting, changing);
        assert_eq!(heard, ((), price(7)));
    }
}
