//! How well integers follow floats, and the texts that scales are calibrated on and fidelity is measured on.
//!
//! | file | owns |
//! |---|---|
//! | `documents` | a text as paragraphs of tokens |
//! | `texts` | the texts that come with the program |
//! | `follow` | the comparison of a float model with what follows it, token by token |
//! | `verdict` | how far integers may fall behind |
//! | `cause` | why they may, where the weights show it |
//! | `readable` | measured numbers as people read them |
//!
//! Invariant: what is measured in floats is a report, not an input to anything proven.
//!
//! Deliberately absent: both models ([`Follower`] is what is asked of either), and the choice of scales (`quantize`).

mod cause;
pub mod documents;
mod error;
mod follow;
mod readable;
pub mod texts;
mod verdict;

pub use cause::Cause;
pub use documents::{Documents, TextError};
pub use error::FidelityError;
pub use follow::{FidelityReport, Follower, NoProof, Stop, divergence, follow};
pub(crate) use readable::in_json;
pub use readable::{readable, readable_change};
pub use verdict::{MAX_DIVERGENCE, MAX_PERPLEXITY_RATIO, MIN_AGREEMENT, MIN_TOKENS, Verdict};
