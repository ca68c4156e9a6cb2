//! Operations on tensors as rows of components: the plan of a build, and what a chunk puts into it.
//!
//! A [`Plan`] gives each operation a number and its tensors addresses, checks ranges, and fixes the components' constants.
//! Each [`operation`] has a file: what it computes, the ranges that make it sound, and its rows.
//! [`values`] computes what the memory of tensors holds for given tokens; [`witness`] writes the rows.
//!
//! The operations are those of a decode step: embeddings, learned positions, norms, rotations, products with rounding, functions of them by tables, attention, sums with a
//! residual stream, gated products, and a head that chooses a token. [`description`] makes the plan of an integer model.

pub mod accepts;
pub mod angles;
pub mod attention;
pub mod carried;
pub mod chains;
pub mod constants;
pub mod description;
mod digests;
pub mod embed;
pub mod error;
pub mod function;
pub mod gated;
mod groups;
pub mod head;
pub mod length;
pub mod linear;
pub mod masks;
pub mod matrix;
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
pub mod rows;
pub mod shares;
pub mod values;
pub mod witness;

pub use accepts::ChunkError;
pub use angles::Angles;
pub use attention::Attention;
pub use description::{Planned, plan};
pub use error::{BitsError, PlanError};
pub use gated::Gated;
pub use matrix::Matrix;
pub use norm::{Norm, NormKind};
pub use operation::{Chunk, Operand, Operation, carried_blocks};
pub use plan::{LANES, Plan, Tensor};
pub use product::{Function, Product};
