//! The fold circuit: what it requires of two nodes, each requirement with an attack that passes without it; proofs of it, over leaves
//! that say what they are told.
//!
//! Slow: eight circuit proofs, 12 GB of memory.

#[path = "wrap_fold/attacks.rs"]
mod attacks;
#[path = "wrap_fold/proofs.rs"]
mod proofs;
#[path = "wrap_fold/rules.rs"]
mod rules;
#[path = "wrap_fold/spans.rs"]
mod spans;
#[path = "wrap_fold/toy.rs"]
mod toy;
