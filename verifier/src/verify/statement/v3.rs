//! Statement 3: of a program that calls tensor operations.
//!
//! Owns: its types, their form, and the encoding into 22 felts (`encoding`), and how a chain goes on from its root (`chain`). It has the facts of the statements before, but for two:
//! the frontier also has the root of the choices so far, which goes on from chunk to chunk, in the place of a root of the
//! chunk's emitted tokens; and the tokens' root is of the tokens *before* the frontier's, so that everything carried is empty at
//! the start of a session.
//!
//! Invariants: every public output has at most one statement, and every statement has exactly one output; the version is
//! the type, so a statement cannot say another one.
//!
//! Absent on purpose: how roots are hashed, which the proof's components do; the layout and the constants of these
//! components, which the model root is made of.

mod chain;
mod encoding;

use serde::Serialize;
use starknet_types_core::felt::Felt;

use super::super::checks::{Check, all};
use super::common::form_rules;
use super::{
    BoundaryKind, ChosenRoot, Domain, KvRoot, ModelRoot, Policy, ProgramHash, SessionId,
    StatementError, TokensRoot,
};
use crate::spec::poseidon2::Digest;
use crate::spec::token_chain::{EMPTY, append};

pub use chain::{ChainError, extended};
pub use encoding::{OUTPUT_FIELDS, OUTPUT_LEN};

/// Version of the encoding.
pub const VERSION: u32 = 3;

/// A digest as a program packs it: `Σ v_i 2^(31 i)`.
pub fn packed(digest: &Digest) -> Felt {
    let numbers = digest.iter().rev();
    numbers.fold(Felt::ZERO, |sum, &number| {
        sum * Felt::from(1u64 << 31) + Felt::from(number)
    })
}

/// Root that pins a prompt: the chain of all its tokens.
pub fn prompt_root(prompt: &[u32]) -> TokensRoot {
    let tokens = prompt.iter();
    let chain = tokens.fold(EMPTY, |chain, &token| append(&chain, token));
    TokensRoot(packed(&chain))
}

/// What the next step inherits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Frontier {
    /// Position of `last_token`; keys and values exist for all positions before it.
    pub position: u32,
    /// Token id at `position`, not consumed yet.
    pub last_token: u32,
    /// Root of the records of keys and values at positions `0..position`.
    pub kv_root: KvRoot,
    /// Chain of the tokens at positions `0..position`.
    pub tokens_root: TokensRoot,
    /// Chain of the listed choices at positions `0..position`: the token that was chosen and 1, or 0 where the prompt gave
    /// the next token. The choice at `position − 1` is `last_token`, unless the prompt gave that.
    pub chosen_root: ChosenRoot,
}

impl Frontier {
    /// The first frontier of a session: its prompt's first token, and nothing carried. `None` for an empty prompt.
    pub fn start(prompt: &[u32]) -> Option<Self> {
        let last_token = *prompt.first()?;
        Some(Frontier {
            position: 0,
            last_token,
            kv_root: KvRoot(Felt::ZERO),
            tokens_root: TokensRoot(Felt::ZERO),
            chosen_root: ChosenRoot(Felt::ZERO),
        })
    }
}

/// The public facts of one chunk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Statement {
    /// Version of the numeric specification the program implements.
    pub spec_version: u32,
    pub domain: Domain,
    pub session_id: SessionId,
    /// Of parameters, configuration, tokenizer, and of layout and constants of the components.
    pub model_root: ModelRoot,
    pub program_hash: ProgramHash,
    pub policy: Policy,
    pub boundary: BoundaryKind,
    /// Chain of all tokens of the prompt.
    pub prompt_root: TokensRoot,
    /// Number of prompt tokens, at least 1.
    pub prompt_length: u32,
    /// Number of steps of the chunk, at least 1. The first one is at `frontier_in.position`.
    pub steps: u32,
    pub frontier_in: Frontier,
    pub frontier_out: Frontier,
}

impl Statement {
    /// Checks what can be refused without a proof: all of [`Statement::form_checks`].
    ///
    /// # Errors
    /// One variant of [`StatementError`] per rule.
    pub fn check_form(&self) -> Result<(), StatementError> {
        all(self.form_checks())
    }

    /// The rules of a statement's form, which are those of all versions.
    pub fn form_checks(&self) -> [Check<'_, StatementError>; 7] {
        let positions = [self.frontier_in.position, self.frontier_out.position];
        form_rules(self.domain, self.prompt_length, self.steps, positions)
    }

    /// How many of the chunk's next tokens the prompt gives. A step at position `p` brings the token at `p + 1`, which is
    /// forced while `p + 1 < prompt_length`.
    pub fn forced_count(&self) -> u32 {
        let last = self.prompt_length.saturating_sub(1);
        last.saturating_sub(self.frontier_in.position)
            .min(self.steps)
    }

    /// How many of them the policy chooses.
    pub fn emitted_count(&self) -> u32 {
        self.steps - self.forced_count()
    }
}
