//! Pixels: decode, hash, compare, crop and merge. Pure.
