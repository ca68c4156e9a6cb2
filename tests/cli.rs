//! The command line as a user meets it: a second model with other shapes goes through `compile`,
//! `generate`, `prove` and `verify`, and everything that is wrong with a session is refused.
//!
//! Slow: about ten proofs, two of them of the session that most of the tests share. `tests/tensor_sessions.rs` has what is proven again.

#[path = "support/command.rs"]
mod command;
#[path = "support/model_dir.rs"]
mod model_dir;
#[path = "cli/receipts.rs"]
mod receipts;
#[path = "cli/resume.rs"]
mod resume;
#[path = "cli/said.rs"]
mod said;
#[path = "support/second_model.rs"]
mod second_model;
#[path = "cli/session.rs"]
mod session;
