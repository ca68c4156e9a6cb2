//! The operations of specification 2 in plain Cairo, and the chunk protocol around them.
//!
//! One file for each operation, named as its section in `docs/spec.md`. A generated package calls them with the constants of a
//! model; any compiler of Cairo makes the program of it, and nothing is changed behind the compiler.
//!
//! Vectors are spans of `i64`. A sum of products is a `felt252`, which no sum of a model comes near to filling, and becomes an
//! `i64` again where it is rounded. So every number is computed, none is believed, and one that does not fit ends the run.

pub mod attention;
pub mod chunk;
pub mod digest;
pub mod embed;
pub mod function;
pub mod gated;
pub mod head;
pub mod linear;
pub mod matrix;
pub mod norm;
pub mod poseidon2;
pub mod product;
pub mod record;
pub mod residual;
pub mod rotary;
pub mod rounding;
pub mod token_chain;
