//! Real endpoints on loopback: what honest peers do, what hostile ones may not, and what a crash leaves behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod blobs;
mod commands;
mod hostile;
mod juries;
mod peers;
mod process;
mod support;
mod wire;
mod work;
