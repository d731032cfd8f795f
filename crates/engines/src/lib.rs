//! One file per renderer: find or install a version, talk to a warm session, read results.
