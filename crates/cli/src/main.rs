//! The terminal face of Rayswarm.
fn main() {}
