//! The node's money: what it has, what is locked, what it is owed, and what became of all of it.

use super::Node;
use crate::{
    config::ChainChoice,
    requestor::refusal::{bad_input, chain, failed},
};
use rayswarm_api::{
    Problem, Time,
    farm::{VoucherView, WalletEntry, WalletEntryKind, WalletView},
    page::{Page, PageQuery},
};
use rayswarm_model::{Amount, money::TOKEN_DECIMALS};
use rayswarm_settlement::{Movement, MovementKind, SettlementError, ask_faucet};

/// Tokens that a development faucet mints, in base units: enough for any job on a test chain.
const FAUCET_TOKENS: Amount = Amount(1_000_000_000_000_000_000_000);

/// The chain does not answer, or not as it should.
pub(super) fn unreadable(error: &SettlementError) -> Problem {
    failed("chain_unreadable", chain(error))
}

impl Node {
    /// Balances, addresses, what is locked and what this node is owed.
    pub async fn wallet(&self) -> Result<WalletView, Problem> {
        let settlement = &self.services.settlement;
        let (account, contracts) = (settlement.account(), settlement.contracts());
        let held = self.services.journal.open_vouchers();
        let held = held.map_err(|error| failed("journal", chain(&error)))?;
        let read = async {
            let tokens = settlement.token_balance(account).await?;
            let native = settlement.native_balance(account).await?;
            Ok::<_, SettlementError>((tokens, native, settlement.token_symbol().await?.to_owned()))
        };
        let (tokens, native, token_symbol) = read.await.map_err(|error| unreadable(&error))?;
        Ok(WalletView {
            account: account.to_string(),
            tokens,
            native: Amount(u128::try_from(native).unwrap_or(u128::MAX)),
            // No other token is taken.
            token_decimals: u8::try_from(TOKEN_DECIMALS).unwrap_or(u8::MAX),
            token_symbol,
            chain_id: settlement.chain_id(),
            rpc: self.services.rpc_url.clone(),
            token: contracts.token.to_string(),
            escrow: contracts.escrow.to_string(),
            registry: contracts.registry.to_string(),
            faucet: self.has_faucet(),
            locked: self.requestor.escrow_locked(),
            vouchers: held
                .into_iter()
                .map(|held| VoucherView {
                    job: held.job,
                    cumulative: held.cumulative,
                    deadline: Time(held.deadline),
                })
                .collect(),
        })
    }

    /// Test money for this node's account, on its own development chain.
    pub async fn fund_from_faucet(&self) -> Result<(), Problem> {
        if !self.has_faucet() {
            let detail = "only the embedded development chain gives test money away";
            let account = self.services.settlement.account();
            return Err(Problem::new(409, "no_faucet", detail).next(format!("send {account} coins and tokens")));
        }
        let settlement = &self.services.settlement;
        let give = async {
            ask_faucet(&self.services.rpc_url, settlement.account()).await?;
            settlement.mint_dev_tokens(settlement.account(), FAUCET_TOKENS).await
        };
        let given = give.await.map(drop);
        given.map_err(|error| failed("faucet_failed", chain(&error)))
    }

    /// What moved its money, newest first. A cursor is the number of movements before those shown already, so that new
    /// ones disturb nobody who turns the pages.
    pub async fn wallet_history(&self, query: &PageQuery) -> Result<Page<WalletEntry>, Problem> {
        let not_ours = || bad_input("bad_cursor", "the cursor is none of this list's; begin without one");
        let cursor = query.cursor.as_deref().map(str::parse::<usize>);
        let cursor = cursor.transpose().map_err(|_| not_ours())?;
        let mut movements = self.movements.lock().await;
        let updated = movements.update(&self.services.settlement).await;
        updated.map_err(|error| unreadable(&error))?;
        let (first, end) = newest_part(movements.len(), cursor, query.limit());
        let mut items: Vec<WalletEntry> = movements.all().skip(first).take(end - first).map(entry).collect();
        items.reverse();
        Ok(Page {
            items,
            next_cursor: (first > 0).then(|| first.to_string()),
        })
    }

    fn has_faucet(&self) -> bool {
        matches!(
            self.services.config.chain,
            ChainChoice::Embedded(_) | ChainChoice::Shared(..)
        )
    }
}

/// The places of the newest `limit` items, of all or of those before `cursor`.
fn newest_part(len: usize, cursor: Option<usize>, limit: usize) -> (usize, usize) {
    let end = cursor.map_or(len, |cursor| cursor.min(len));
    (end.saturating_sub(limit), end)
}

fn entry(movement: &Movement) -> WalletEntry {
    WalletEntry {
        at: Time(movement.at),
        kind: match movement.kind {
            MovementKind::Opened => WalletEntryKind::Opened,
            MovementKind::Paid => WalletEntryKind::Paid,
            MovementKind::Refunded => WalletEntryKind::Refunded,
            MovementKind::Earned => WalletEntryKind::Earned,
        },
        job: movement.job,
        amount: movement.amount,
        transaction: Some(movement.tx.to_string()),
        block: Some(movement.block),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_the_history_go_back_in_time() {
        assert_eq!(newest_part(5, None, 2), (3, 5));
        assert_eq!(newest_part(7, Some(3), 2), (1, 3), "two came meanwhile");
        assert_eq!(newest_part(7, Some(1), 2), (0, 1));
        assert_eq!(newest_part(0, None, 2), (0, 0));
        assert_eq!(newest_part(2, Some(9), 5), (0, 2), "blocks were replaced");
    }
}
