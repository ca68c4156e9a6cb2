//! Operations on tensors as rows of components: the plan of a build, and what a chunk puts into it.
//!
//! A [`Plan`] gives each operation a number and its tensors addresses, checks ranges, and fixes the components' constants.
//! Each [`operation`] has a file: what it computes, the ranges that make it sound, and its rows.
//! [`values`] computes what the memory of tensors holds for given tokens; [`witness`] writes the rows.
//!
//! This is the first slice of `docs/tensor.md`: embeddings, learned positions, rotations, products with rounding, functions of them by
//! tables, sums with a residual stream, gated products, attention, and a head that chooses a token. The generated programs do not use it yet.

pub mod angles;
pub mod attention;
pub mod carried;
pub mod chains;
pub mod constants;
mod digests;
pub mod embed;
pub mod error;
pub mod function;
pub mod gated;
mod groups;
pub mod head;
pub mod holds;
pub mod length;
pub mod linear;
pub mod masks;
pub mod norm;
pub mod numbers;
pub mod operation;
pub mod plan;
pub mod positions;
pub mod product;
pub mod query_head;
pub mod records;
pub mod residual;
pub mod rotary;
pub mod shares;
pub mod values;
pub mod witness;

pub use angles::Angles;
pub use attention::Attention;
pub use error::{ChunkError, PlanError, StreamError};
pub use gated::Gated;
pub use holds::UnfitError;
pub use norm::{Norm, NormKind};
pub use operation::{Chunk, Operand, Operation};
pub use plan::{Plan, Tensor};
pub use product::{Function, Matrix, Product};
