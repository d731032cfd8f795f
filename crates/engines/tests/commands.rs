//! Jobs of commands in the real sandbox: our own examples, and what goes wrong.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

#[path = "commands/blender.rs"]
mod blender;
#[path = "commands/examples.rs"]
mod examples;
mod testdata;
#[path = "commands/third_party.rs"]
mod third_party;
#[path = "commands/trouble.rs"]
mod trouble;
#[path = "commands/yard.rs"]
mod yard;
