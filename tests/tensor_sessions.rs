//! Sessions of a build whose proofs have tensor components, as a user meets them: `compile`, `prove`, `verify` and `inspect`; what an
//! earlier run left; and what is refused.
//!
//! Slow: about twenty proofs of 8 lanes. Most tests share one session of two chunks.

#[path = "support/command.rs"]
mod command;
#[path = "tensor_sessions/ends.rs"]
mod ends;
#[path = "support/families.rs"]
mod families;
#[path = "support/model_dir.rs"]
mod model_dir;
#[path = "tensor_sessions/qwen3.rs"]
mod qwen3;
#[path = "tensor_sessions/receipts.rs"]
mod receipts;
#[path = "tensor_sessions/refused.rs"]
mod refused;
#[path = "tensor_sessions/resume.rs"]
mod resume;
#[path = "support/second_model.rs"]
mod second_model;
#[path = "tensor_sessions/session.rs"]
mod session;
