//! Coins for fees from a development chain's faucet (`rayswarm_faucet`). No other chain has the method.

use crate::{error::SettlementError, rpc::Rpc};
use alloy::primitives::Address;

/// Asks the chain at `rpc_url` for coins for `account`. One that has plenty gets no more.
pub async fn ask_faucet(rpc_url: &str, account: Address) -> Result<(), SettlementError> {
    Rpc::new(rpc_url)?.faucet(account).await
}
