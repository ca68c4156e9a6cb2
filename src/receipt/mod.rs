//! Documents of a session: what a verifier reads and checks, and here how they are written.
//!
//! Reading and checking are the verifier's, whose names are all here too (`cairo_decode_verifier::receipt`).
//!
//! | file | owns |
//! |---|---|
//! | `write` | atomic writing, of documents too |
//! | `writer` | the session's folder with the right to write |
//! | `lock` | who has that right |
//! | `tidy` | names that an earlier run, or somebody else, left |
//! | `bundle` | a session in one file |
//! | `discard` | removing chunks, so that they can be proven anew |

mod bundle;
mod discard;
mod lock;
mod tidy;
mod write;
mod writer;

pub use bundle::write_bundle;
pub use cairo_decode_verifier::receipt::*;
pub use lock::LOCK_FILE;
pub use write::{WriteDocument, write_atomic};
pub use writer::{SessionWriter, WriterError};
