//! Verifies that a language model generated what a session's receipts say: Stwo proofs, receipts about them, and the chain
//! of receipts from the prompt to the last token.

// Nothing from outside may end in a panic. Where only a mistake in this crate can, an `allow` says which.
#![warn(
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice,
    clippy::unreachable,
    clippy::unwrap_used
)]

pub mod air;
#[cfg(feature = "cli")]
pub mod cli;
pub mod escape;
pub mod guard;
pub mod receipt;
pub mod spec;
pub mod verify;
