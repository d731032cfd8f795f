//! `rpc_request` of `rayswarm_fuzzing`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rayswarm_fuzzing::check("rpc_request", bytes));
