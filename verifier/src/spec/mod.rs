//! Integer semantics of every operation of a decode step: the normative definition.
//!
//! `docs/spec.md` states each operation as an equation; this module is the same text as code; the
//! Cairo kernels in `cairo/src/` carry the same file and function names. Nothing here knows a
//! graph, a model or a proof: plain integers in, plain integers out.
//!
//! Invariants
//! - All arithmetic is exact on `i64`/`i128`. Callers keep magnitudes below [`MAX_MAGNITUDE`]; the
//!   graph verifier proves it for every value of a graph, so nothing here can overflow.
//! - Rounding is one rule everywhere: half rounds up, `floor(x / 2^s + 1/2)`.
//! - Deliberately absent: floating point. Tables are data of the graph, not computed here.

pub mod argmax;
pub mod elementwise;
pub mod embed;
pub mod kv;
pub mod linear;
pub mod mix;
pub mod poseidon2;
pub mod program_hash;
pub mod record;
pub mod requantize;
pub mod rmsnorm;
pub mod roots;
pub mod rope;
pub mod scores;
pub mod silu;
pub mod softmax;
pub mod token_chain;

/// Version of the integer semantics; part of every statement. Any change of any result of any
/// operation raises it.
pub const SPEC_VERSION: u32 = 1;

/// The same of tensor components, whose integers are those of specification 2: programs that call them, and statements of
/// version 3, have it.
pub const TENSOR_SPEC_VERSION: u32 = 2;

/// Exclusive bound on the magnitude of every value of a graph, so that sums and products of two
/// values stay inside `i128` and intermediate sums of `i64` cannot overflow.
pub const MAX_MAGNITUDE: i64 = 1 << 62;
