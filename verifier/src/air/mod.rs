//! The composition of a proof: which components stand in one STARK, and in which order its parts are exchanged:
//! what prover and verifier have to see alike.
//!
//! Owns: the [`transcript`], which prover and verifier share, and the verifier's side of it; the [`components`] of this
//! project, the registry of [`cairo`]'s, the [`row`] in whose terms they are written, and the [`challenges`] that they use. The
//! prover's side is in `crate::prove`; checks of what a proof claims are in `crate::verify`.
//!
//! Invariants
//! - Nothing here imports the prover: a verifier is built with it.
//! - Deliberately absent: traces, and whatever needs one.

pub mod cairo;
pub mod challenges;
pub mod components;
pub mod layout;
pub mod record;
pub mod row;
pub mod transcript;
pub mod uses;
pub mod verify;
