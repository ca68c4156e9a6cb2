//! Verifies that a language model generated what a session's receipts say: the Stwo proof of every chunk, the receipt about it,
//! and the chain of receipts from the prompt to the last token.
//!
//! What a verifier needs is here, and nothing else: no prover, no compiler, no VM, no weights, no tokenizer, no network. What an
//! accepted session means, and what it does not, is in `docs/non-claims.md` of the repository.
//!
//! # A session in a folder
//!
//! The model's manifest comes from somebody whom the verifier trusts; everything else may come from anybody.
//!
//! ```
//! use cairo_decode_verifier::receipt::{Document, Folder, Manifest, verify_session};
//! use cairo_decode_verifier::verify::statement::Domain;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let manifest = Manifest::read("../examples/model.json".as_ref())?;
//! let accept = manifest.accept(Domain::local());
//! let accepted = verify_session(Folder::new("../examples/session"), &manifest, &accept)?;
//! assert_eq!(accepted.session.prompt_tokens, [0, 190, 246, 80, 245]);
//! assert_eq!(accepted.generated_tokens.len(), 12);
//! # Ok(())
//! # }
//! ```
//!
//! # Files in memory
//!
//! A page has no folder. Any source of files will do that is a [`receipt::Files`], and files in memory are one. A session can be
//! verified chunk by chunk, so that somebody can watch; and a refusal says which file and field it is about.
//!
//! ```
//! use cairo_decode_verifier::receipt::{Document, Manifest, Memory, Rejected, Verification};
//! use cairo_decode_verifier::verify::statement::Domain;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let read = |name: &str| std::fs::read(format!("../examples/{name}"));
//! let manifest = Manifest::from_json(&read("model.json")?)?;
//! let accept = manifest.accept(Domain::local());
//! let mut files = vec![];
//! for name in ["session.json", "chunk-0000.receipt.json", "chunk-0001.receipt.json", "chunk-0000.proof"] {
//!     files.push((name.to_string(), read(&format!("session/{name}"))?));
//! }
//! let files = Memory::new("given", files.into_iter().collect());
//! let mut verification = Verification::open(files, &manifest, &accept)?;
//! assert_eq!(verification.chunks(), 2);
//! let first = verification.next_chunk()?.expect("a chunk");
//! assert_eq!((first.statement.frontier_in.position, first.statement.steps), (0, 8));
//! // The proof of the second chunk was not given.
//! let rejected: Rejected = verification.finish().expect_err("a missing proof");
//! assert_eq!(rejected.file().to_str(), Some("given/chunk-0001.proof"));
//! assert_eq!(rejected.to_string(), "given/chunk-0001.proof: no such file or folder");
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! `cli`, which is on by default, is the program `cairo-decode-verify`. A library does without:
//! `default-features = false`.

// Nothing from outside may end in a panic. Where only a mistake in this crate can, an `allow` says which.
#![warn(
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice,
    clippy::unreachable,
    clippy::unwrap_used
)]

pub mod air;
#[cfg(feature = "cli")]
pub mod cli;
pub mod escape;
pub mod guard;
pub mod receipt;
pub mod spec;
pub mod verify;
