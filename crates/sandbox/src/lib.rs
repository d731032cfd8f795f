//! Runs one untrusted process under limits; has never heard of rendering.
