//! What a proof is about, as prover and verifier have to see it alike.
//!
//! Invariants
//! - Nothing here imports the prover: a verifier is built with it.
//! - Deliberately absent: traces, and whatever needs one.

pub mod cairo;
