//! Decoding with proofs that have tensor components: what `compile` makes of an integer model, and the chunks of a session.
//!
//! | file | owns |
//! |---|---|
//! | `model` | the integers that a manifest names, and what they generate |
//! | `outline` | a model cut into rows: plan, schedule, layouts, and the choice of lanes |
//! | `cost` | what a chunk's proof will cost, before anything runs |
//! | `decoder` | a manifest's plan, schedule and program: what decodes a chunk |
//! | `listing` | its operations as text |
//! | `build` | the way from a description to a manifest: constants, roots, program; a decoder with its prover |
//! | `names` | what operations are called in the program, by layers |
//! | `root` | the root of quantised parameters, configuration and tokenizer |
//! | `session` | the decode loop: a chunk's values, its input and statement, what it hands to the next chunk |
//! | `proof` | from a decoded chunk to its run, and to the bytes of a proof that has been verified |
//!
//! Invariants
//! - The same description, digests, lanes, block and parameters of proofs give the same manifest and the same program.
//! - A proof that [`Build::prove`] hands out has been verified from its bytes, with the manifest's pins and nothing else, and shows the statement.
//! - The frontier behind some steps does not depend on how they were cut into chunks.
//!
//! Deliberately absent: receipts, files of sessions, scales, and what a text is in tokens.

mod build;
mod cost;
mod decoder;
mod error;
mod listing;
mod model;
mod names;
mod outline;
mod proof;
mod root;
mod session;

pub use build::{Build, Identity, Roots, roots};
pub use cost::{Cells, Columns, Cost, declared};
pub use decoder::Decoder;
pub use error::{BuildError, DecodeError};
pub use listing::Bits;
pub use model::{IntegerModel, generate};
pub(crate) use model::{Said, same};
pub use names::layers;
pub use outline::{Cut, LONG_PROOF, MOST_MEMORY, Outline};
pub use proof::Traced;
pub use root::parameters_root;
pub(crate) use session::start;
pub use session::{Decoded, Session};
