//! The daemon: config, journal, event loop, HTTP, JSON-RPC; the only place that wires.
