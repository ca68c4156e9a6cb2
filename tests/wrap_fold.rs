//! The circuits of a fold: what they require of two nodes, each requirement with attacks that pass without it; proofs of them, over leaves
//! that say what they are told.
//!
//! Slow: eleven circuit proofs, 16 GB of memory.

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
