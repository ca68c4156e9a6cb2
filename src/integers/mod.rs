//! The integer model: a list of operations over small integers.
//!
//! Owns what a decode step computes once every number is an integer: which operations there are, their constants
//! ([`Description`]), the ranges that follow from the constants ([`ranges`]), and a slow, obvious interpreter
//! ([`reference`]) that follows `docs/spec.md` and nothing else.
//!
//! An operation has a number, its place in the list, and writes one value; it reads values of operations before it.
//!
//! Deliberately absent: floats, scales, and how an operation is proven (that is `tensor`).

mod bounds;
mod checks;
mod description;
mod encoding;
mod error;
mod limits;
pub mod ranges;
pub mod reference;

pub use description::{
    Angles, Attention, Description, Embedding, Gated, Matrix, Norm, Operation, Product, Table, half,
};
pub use encoding::{EncodingError, decode, encode};
pub use error::{RangeError, Refusal};
pub use ranges::{Reach, chooses, ranges};
pub use reference::{Carried, Step, carry, step};
