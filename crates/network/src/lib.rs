//! iroh endpoint, one module per protocol, blob transfer. The node wires; this crate offers typed channels.
//!
//! | protocol (ALPN) | module | what it is for |
//! |---|---|---|
//! | `rayswarm/peers/1` | [`peers`] | hello, who else is there, round trips |
//! | `rayswarm/work/1` | [`work`] | invite, pull, commit, upload, verdict |
//! | `rayswarm/commands/1` | [`commands`] | sessions of commands on another node |
//! | `rayswarm/juries/1` | [`juries`] | quarrels about claims: what jurors are given |
//! | `rayswarm/chain/1` | [`chain`] | consensus, blocks and transactions of the chain that nodes keep |
//! | iroh-blobs | [`blobs`] | files by content, checked per job |
//!
//! [`Network::start`] gives a handle and an [`Inbox`]. What peers ask arrives there as events that carry a [`Reply`]; an
//! event loop that owns its state answers at once or keeps the reply for later (a pull may wait [`work::PULL_WAIT`]).
//!
//! ```no_run
//! # use rayswarm_network::*;
//! # async fn example(key: [u8; 32], folder: std::path::PathBuf, ticket: Ticket) -> Result<(), NetworkError> {
//! let (network, mut inbox) = Network::start(NetworkConfig::loopback(key, folder)).await?;
//! network.hello(&ticket.node).await?;
//! while let Some(event) = inbox.provider.recv().await {
//!     match event {
//!         ProviderEvent::Invite { link, invite, reply } => {
//!             // Nobody minds an answer to a requestor that has gone.
//!             let _ = reply.send(InviteAnswer::Accepted);
//!             let manifest = Want { blob: invite.manifest, bytes_max: invite.manifest_bytes };
//!             let requestor = PeerAddr { node: link.requestor(), ..ticket.node.clone() };
//!             network.fetch(invite.job, &[requestor], &[manifest], |_| {}).await?;
//!             // then, in a task of its own: link.pull(..), render, link.commit(..), link.upload(..)
//!         }
//!         ProviderEvent::Verdict { verdict, reply, .. } => {
//!             println!("{:?}", verdict.judgement);
//!             let _ = reply.send(());
//!         }
//!         _ => {}
//!     }
//! }
//! network.shutdown().await;
//! # Ok(()) }
//! ```
//!
//! Deliberately missing: deciding anything (who is invited, what is leased, what is paid), checking account signatures,
//! and any public service: no relay, address lookup or port mapping is used unless a relay is configured.

mod address;
pub mod blobs;
mod bounded;
mod call;
pub mod chain;
pub mod commands;
mod endpoint;
mod error;
mod frame;
#[doc(hidden)]
pub mod fuzzing;
pub mod juries;
mod peer_book;
pub mod peers;
pub mod ticket;
pub mod work;

pub use address::PeerAddr;
pub use blobs::{BlobOptions, BlobStore, FetchProgress, FetchReport, ImportedFile, Want};
pub use chain::{
    ChainAnswer, ChainEvent, ChainLink, ChainQuestion, ChainWord, SealedBytes, StateCursor, StatePage, StateQuestion,
    StateRow,
};
pub use endpoint::{Inbox, Network, NetworkConfig};
pub use error::{Cause, CloseCode, NetworkError};
pub use frame::{FrameError, MESSAGE_VERSION, Message};
pub use peer_book::{KnownPeer, PeerCard, PeerInfo, SignedOffer};
pub use ticket::{Contracts, Ticket, TicketError};
pub use work::{Delivery, InviteAnswer, ProviderEvent, ProviderLink, Reply, RequestorEvent, RequestorLink};

#[cfg(test)]
mod tests;
