//! Ethereum blocks on revm: execution, roots, block tree. Pure; never knows who orders blocks.
