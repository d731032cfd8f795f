//! Results and policy in, a verdict with evidence out. Pure.
