//! The daemon: config, journal, event loop, HTTP, JSON-RPC; the only place that wires.
//!
//! | module | holds |
//! |---|---|
//! | [`daemon`] | starting and stopping everything |
//! | [`config`], [`ports`], [`identity`] | settings, addresses, keys |
//! | [`contracts`] | which contracts it settles with |
//! | [`services`] | what every role shares |
//! | [`requestor`] | the role that owns jobs and pays |
//! | [`provider`] | the role that renders for pay |
//! | [`rounds`] | what is done again and again |
//! | [`quarrels`] | quarrels about claims, as a party and as a juror |
//! | [`chain`] | the chain that a node keeps, alone or with others |
//! | [`folder`] | the data folder |
//! | [`keeper`] | a node that keeps a chain and does nothing else |
//! | [`journal`] | what outlives the process |
//! | [`events`], [`webhooks`] | what happens, told |
//! | [`traces`] | how long it took, told to a collector |
//! | [`uploads`] | scenes that come over HTTP |
//! | [`pictures`], [`fetch`] | pictures by their address, through an image model |
//! | [`reach`] | which machines are connected to for somebody else |
//! | [`peers`] | keeping in touch with other nodes |
//! | [`http`], [`node`] | the API, and what it shows |
//! | [`engines`], [`pixels`] | renderers of this machine, and the files they write |
//! | [`mod@exactness`] | a measurement: is the merged picture the single-machine picture |
//! | [`gas`] | a measurement: what settling a job costs |
//! | [`speed`] | a measurement: what an offer says of this machine |
//! | [`models`] | image models of this machine's user |
//! | [`mod@audit`] | a job's money recomputed from the chain |
//! | [`local`] | what the command line does without a daemon |
//! | [`bench_seed`] | jobs of the past for a measurement |
//! | [`bench_chain`] | a measurement: how many transfers a chain takes, and how soon they count |
//!
//! A process has one journal and up to two endpoints: one as requestor, one as provider. A node cannot dial itself, and a
//! studio's own machine should render the studio's own job.

pub mod audit;
pub mod bench_chain;
pub mod bench_seed;
pub mod chain;
pub mod clock;
pub mod config;
pub mod contracts;
pub mod daemon;
pub mod engines;
pub mod events;
pub mod exactness;
pub mod fetch;
mod folder;
pub mod gas;
pub mod http;
pub mod identity;
pub mod journal;
pub mod keeper;
pub mod local;
pub mod models;
pub mod node;
pub mod peers;
pub mod pictures;
pub mod pixels;
pub mod ports;
mod private_list;
pub mod provider;
pub mod quarrels;
pub mod reach;
pub mod requestor;
pub mod rounds;
pub mod services;
pub mod session_files;
pub mod speed;
pub mod traces;
pub mod uploads;
pub mod webhooks;

pub use daemon::Daemon;
