//! Drawing a committee from the randomness of one block.

use super::Phase;
use crate::{
    bindings::disputes::Disputes::{self, DisputesEvents},
    error::SettlementError,
    sender::Mined,
    settlement::Settlement,
};
use alloy::{
    primitives::{Address, Bytes, U256},
    rpc::types::TransactionReceipt,
    sol_types::SolEventInterface,
};
use rayswarm_model::DisputeId;

/// The contract's number for randomness out of a block's header, which must be shown to it.
const PREV_RANDAO: u8 = 1;

/// A draw was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// The transaction.
    pub transaction: Mined,
    /// What came of it.
    pub outcome: DrawOutcome,
}

/// What came of a draw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DrawOutcome {
    /// The committee sits.
    Seated {
        /// Its jurors.
        jurors: Vec<Address>,
    },
    /// There are too few jurors: the round does not decide.
    Missing,
    /// The chain had forgotten the block; draw again after this one.
    Rearmed {
        /// The block that draws now.
        draw_block: u64,
    },
}

impl Settlement {
    /// Draws the committee of the present round; anybody's account may. `None` when there is nothing to draw any more.
    /// Before the draw block is there the error is transient ([`SettlementError::DrawNotDue`]); where nobody else makes
    /// blocks, [`Settlement::nudge`] makes one.
    pub async fn draw_jurors(&self, id: DisputeId) -> Result<Option<Drawn>, SettlementError> {
        const ACTION: &str = "drawing jurors";
        let turn = self.sender.turn().await;
        let (mut draw_block, mut header) = (0, Bytes::new());
        // The contract says that there is none.
        if let Some(dispute) = self.dispute(id).await? {
            let round = self.round_of(id, dispute.round).await?;
            let waits = round.filter(|round| round.committee.is_none() && !round.unseatable);
            let Some(round) = waits.filter(|_| !dispute.concluded) else {
                return Ok(None);
            };
            draw_block = round.draw_block;
            if self.height().await? < draw_block {
                return Err(self.not_due(id, draw_block).await?);
            }
            header = self.draw_header(draw_block).await?;
        }
        let call = Disputes::drawCall {
            disputeId: U256::from(id.0),
            header,
        };
        match self.judge(&turn, ACTION, call).await {
            Ok(receipt) => outcome(&receipt).map(|outcome| {
                Some(Drawn {
                    transaction: Mined::from(&receipt),
                    outcome,
                })
            }),
            Err(SettlementError::Reverted { revert, .. }) if revert.phase().is_some_and(|it| it > Phase::Drawing) => {
                Ok(None)
            }
            // Servers may reckon in the newest block instead of the next.
            Err(SettlementError::Reverted { revert, .. }) if revert.is_draw_not_due() => {
                Err(self.not_due(id, draw_block).await?)
            }
            Err(error) => Err(error),
        }
    }

    async fn not_due(&self, dispute: DisputeId, draw_block: u64) -> Result<SettlementError, SettlementError> {
        Ok(SettlementError::DrawNotDue {
            dispute,
            draw_block,
            height: self.height().await?,
        })
    }

    /// What the contract must be shown of the draw block.
    async fn draw_header(&self, number: u64) -> Result<Bytes, SettlementError> {
        let entropy = self
            .read_disputes("reading the source of randomness", Disputes::entropyCall {})
            .await?;
        if entropy != PREV_RANDAO {
            return Ok(Bytes::new());
        }
        // A block that the server has forgotten is one that the chain has forgotten: then none is needed.
        Ok(self.rpc.header_rlp(number).await?.unwrap_or_default())
    }
}

fn outcome(receipt: &TransactionReceipt) -> Result<DrawOutcome, SettlementError> {
    let events = receipt.logs().iter();
    let outcome = events
        .filter_map(|log| DisputesEvents::decode_log(&log.inner).ok())
        .find_map(|event| match event.data {
            DisputesEvents::JurorsDrawn(drawn) => Some(DrawOutcome::Seated { jurors: drawn.jurors }),
            DisputesEvents::JurorsMissing(_) => Some(DrawOutcome::Missing),
            DisputesEvents::DrawRearmed(rearmed) => Some(DrawOutcome::Rearmed {
                draw_block: rearmed.drawBlock,
            }),
            _ => None,
        });
    outcome.ok_or_else(|| SettlementError::Nonsense {
        method: "eth_getTransactionReceipt",
        reason: "a draw that says nothing of what came of it".into(),
    })
}
