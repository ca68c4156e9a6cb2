//! The command line of the verifier, which `cairo-decode verify` shares: verdicts, texts and exit codes are the same.
//!
//! | file | owns |
//! |---|---|
//! | `shell` | what is around a command: arguments, errors, exit code |
//! | `verify` | the command |
//! | `paths` | what a path on the command line is |
//! | `failure` | which exit code a refusal has |
//! | `output` | the one way out: every line that is printed |
//! | `bug` | what a panic says |
//!
//! It is behind the feature `cli`: a library that verifies needs none of it. Its interface is for this project's programs.

mod bug;
pub mod failure;
pub mod output;
pub mod paths;
pub mod shell;
pub mod verify;

/// How a command ends.
pub type Outcome = Result<(), failure::Failure>;
