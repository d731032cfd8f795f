//! Measurements that `rayswarm bench` prints: is the picture exact.

pub mod exactness;
