//! HTTP types and a typed client of the daemon.
