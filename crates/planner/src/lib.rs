//! From scene facts and settings to a task graph and a quote. Pure.
