//! Provable transformer decode: a quantised model becomes a Cairo program, its decode steps become
//! Stwo proofs, and typed receipts say what was proven.
//!
//! Data flows one way: `model` → `quantize` → `integers` → `tensor` → `program` → `compile` → `trace` → `prove` →
//! `verify` → `receipt`. See `docs/architecture.md`.

// Nothing from outside may end in a panic. Where only a mistake in this crate can, an `allow` says which.
#![warn(
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice,
    clippy::unreachable,
    clippy::unwrap_used
)]

pub use cairo_decode_verifier::{air, escape, spec, verify};

use cairo_decode_verifier::guard;

pub mod bench;
pub mod bundle;
pub mod chain;
pub mod compile;
pub mod contract;
pub mod decode;
pub mod fidelity;
pub mod integers;
pub mod model;
pub mod portable;
pub mod profile;
pub mod program;
pub mod prove;
pub mod quantize;
pub mod receipt;
pub mod session;
pub mod tensor;
pub mod trace;
pub mod wrap;
