//! The portable target: an integer model as a package of plain Cairo, which any compiler, VM and prover of Cairo takes.
//!
//! | file | owns |
//! |---|---|
//! | `error` | why a model has no package, and a chunk no run |
//! | `constants` | matrices, tables and vectors as constant arrays |
//! | `names` | what the operations are called in the package |
//! | `record` | what a position's record is made of |
//! | `text` | the package: a step that reads from top to bottom, and its constants |
//! | `document` | `portable.json`: what a build is |
//! | `model` | a build's document and integers, and what they generate |
//! | `session` | a session's chunks: the program's input, and what it must state |
//! | `run` | a chunk's run in the VM, compared with the statement |
//!
//! Invariants
//! - The same integers, names and roots give the same text.
//! - The library (`cairo/portable`) computes every number; nothing is claimed, and nothing is changed behind the compiler.
//! - A program's output is that of the program of tensor operations for the same chunk, felt for felt, model root included. So the model
//!   is planned and its constants are committed to, though no proof of this target has them.
//!
//! Deliberately absent: proofs and receipts. What a proof of such a program would say, and how one gets it, is in `docs/portable.md`.

mod constants;
mod document;
mod error;
mod model;
mod names;
mod record;
mod run;
mod session;
mod text;

pub use constants::{MAX_CONSTANTS, constants};
pub use document::{PORTABLE_FILE, PORTABLE_FORMAT, PortableDocument};
pub use error::PortableError;
pub use model::PortableModel;
pub use record::{Part, Record};
pub use run::{Run, run, run_session};
pub use session::{Decoded, Session};
pub use text::{Package, package};
