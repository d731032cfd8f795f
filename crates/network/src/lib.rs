//! iroh endpoint, one module per protocol, blob transfer.
