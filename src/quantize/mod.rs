//! From a float model and calibration text to an integer model, and where it loses precision.
//!
//! Owns the choice of every scale. A scale is a number: an integer `x` of scale `s` stands for `x / s`. Weights are integers of any size, so scales need not be
//! powers of two; chosen ones have five bits, so that the same integers come out on every machine.
//!
//! A model is a list of operations in real numbers ([`network`]), which its family wrote. The same list is measured, quantised, and run beside the integers.
//!
//! Deliberately absent: the meaning of the integers (`integers`), how far they fall behind the floats, and the texts (`fidelity`).

pub mod block;
mod bounds;
mod choose;
mod coarse;
mod equalise;
mod error;
mod follow;
mod functions;
pub mod integer_block;
mod measure;
pub mod network;
mod operations;
mod products;
pub mod real;
mod rotate;
mod scores;
pub mod sites;
mod streams;
mod tables;

pub use choose::{Options, Quantised, quantise, quantise_on};
pub use coarse::coarse;
pub use error::ScaleError;
pub use follow::{Floats, Reference};
pub use measure::{Measured, measure};
