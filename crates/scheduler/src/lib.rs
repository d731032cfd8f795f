//! Farm state and an event in, effects with reasons out. Pure.
