//! Kernels of a transformer decode step, and the chunk protocol around it.
//!
//! One file per operation, named as its section in `docs/spec.md` and its function in the Rust
//! module `spec`. Values are signed integers held as `felt252`; the ranges that make every
//! conversion exact are proven by the generator and written into the constants it passes (`bias`,
//! `offset`, lane width): within its proven range no value can wrap, and no lane can borrow from
//! another. Everything that comes from outside (the chunk's input) is checked here.

pub mod argmax;
pub mod bytes;
pub mod casm;
pub mod chunk;
pub mod claims;
pub mod elementwise;
pub mod embed;
pub mod kv;
pub mod linear;
pub mod mix;
pub mod requantize;
pub mod rmsnorm;
pub mod roots;
pub mod rope;
pub mod scores;
pub mod shift;
pub mod silu;
pub mod softmax;
pub mod weights;
