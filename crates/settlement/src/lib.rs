//! Typed client of the contracts over any Ethereum JSON-RPC.
