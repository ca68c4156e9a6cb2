//! Lowering: golden files, determinism, and the rules of the graph verifier that it relies on.

#[path = "lowering/golden.rs"]
mod golden;
#[path = "lowering/operations.rs"]
mod operations;
#[path = "lowering/packing.rs"]
mod packing;
#[path = "lowering/rules.rs"]
mod rules;
mod support;
