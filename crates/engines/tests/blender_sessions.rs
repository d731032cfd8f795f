//! The Blender adapter with the real Blender in the real sandbox. Skipped, with a word why, where Blender is not in the
//! engine store.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

#[path = "blender/farm.rs"]
mod farm;
#[path = "blender/finishing.rs"]
mod finishing;
#[path = "blender/inspecting.rs"]
mod inspecting;
mod testdata;
#[path = "blender/third_party.rs"]
mod third_party;
#[path = "blender/tiles.rs"]
mod tiles;
#[path = "blender/trouble.rs"]
mod trouble;
