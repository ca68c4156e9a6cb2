//! Hashes that statements and programs are made of: chains of tokens and of records of keys and values, and the hash of a program.
//!
//! `docs/spec.md` states each as an equation; this module is the same text as code. Nothing here knows a model or a proof: plain
//! integers in, plain integers out. The integers of a decode step are those of `integers` in the package `cairo-decode`.

pub mod poseidon2;
pub mod program_hash;
pub mod record;
pub mod token_chain;

/// Version of the integer semantics; part of every statement. Any change of any result of any
/// operation raises it.
pub const SPEC_VERSION: u32 = 2;
