//! `consensus_log` of `rayswarm_fuzzing`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rayswarm_fuzzing::check("consensus_log", bytes));
