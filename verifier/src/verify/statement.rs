//! The statement: the public facts that a proof's output encodes.
//!
//! Owns: the statement's types, their form (what can be refused without a proof), what all versions share (`common`), the fixed
//! encoding into 21 felts (`encoding`), the typed felts with their one text form (`felts`) and
//! what a verified proof hands over (`facts`). Statements of programs with tensor components are another type (`v3`).
//!
//! Invariants: every public output has at most one statement, and every statement has exactly one
//! output; `program_hash` is *not* in the output, because the verifier recomputes it from
//! the proof's own program memory.
//!
//! Absent on purpose: `Deserialize` for the statement — outside text is read by the strict
//! reader in `receipt`, which refuses what serde would let pass; what a verifier is willing to
//! accept (`policy`); relations between receipts (`receipt::continuity`).

mod common;
mod encoding;
mod facts;
mod felts;
pub mod v3;

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use starknet_types_core::felt::Felt;
use thiserror::Error;

use super::checks::{Check, all, ensure};
use crate::spec::roots;

use common::form_rules;
pub use encoding::{OUTPUT_FIELDS, OUTPUT_LEN};
pub use facts::{Channel, Preprocessed, ProofParams, PublicFacts};
pub use felts::{
    ChainId, ChainIdError, ChosenRoot, CircuitRoot, ContractAddress, HexError, KvRoot, ModelRoot,
    ProgramHash, ProofFelt, SessionId, TokensRoot, felt_to_hex, parse_felt,
};

/// Version of the 21-felt encoding where the program holds the model: its root is a constant.
pub const STATEMENT_VERSION: u32 = 1;

/// Version of the encoding where the program reads the model's words: its root is of these words.
pub const COMMITTED_STATEMENT_VERSION: u32 = 2;

/// Largest position, and largest prompt length in tokens, that a statement may mention.
pub const MAX_POSITION: u32 = 1 << 20;

/// Where a receipt is meant to count: a chain and a verifier contract on it, or `local`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Domain {
    /// Chain id, for example `SN_SEPOLIA`; `local` where no chain is meant.
    pub chain: ChainId,
    /// Address of the verifier contract; zero exactly when `chain` is `local`.
    pub verifier: ContractAddress,
}

impl Domain {
    /// The domain of proofs that are verified by the command line only.
    pub fn local() -> Self {
        Domain {
            chain: ChainId::local(),
            verifier: ContractAddress(Felt::ZERO),
        }
    }

    /// True when the chain is `local`.
    pub fn is_local(&self) -> bool {
        self.chain == ChainId::local()
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Domain::local() {
            return write!(f, "local");
        }
        write!(f, "{}/{}", self.chain, self.verifier)
    }
}

/// Why a text is not a domain.
#[derive(Debug, Error)]
pub enum DomainError {
    #[error("expected `local` or CHAIN/CONTRACT, for example SN_SEPOLIA/0x1234")]
    Form,
    #[error("chain: {0}")]
    Chain(#[from] ChainIdError),
    #[error("contract: {0}")]
    Contract(#[from] HexError),
    #[error("the chain `local` has no contract, and every other chain has one that is not zero")]
    Mixed,
}

impl FromStr for Domain {
    type Err = DomainError;

    /// The form of `Display`.
    fn from_str(text: &str) -> Result<Domain, DomainError> {
        if text == "local" {
            return Ok(Domain::local());
        }
        let (chain, verifier) = text.split_once('/').ok_or(DomainError::Form)?;
        let domain = Domain {
            chain: chain.parse()?,
            verifier: verifier.parse()?,
        };
        if domain.is_local() || domain.verifier.0 == Felt::ZERO {
            return Err(DomainError::Mixed);
        }
        Ok(domain)
    }
}

/// What the next step inherits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Frontier {
    /// Position of `last_token`; keys and values exist for all positions before it.
    pub position: u32,
    /// Token id at `position`, not consumed yet.
    pub last_token: u32,
    /// KV chain over positions `0..position`.
    pub kv_root: KvRoot,
    /// Token chain over positions `0..=position`.
    pub tokens_root: TokensRoot,
}

impl Frontier {
    /// The first frontier of a session, `(0, prompt[0], 0, fold([prompt[0]]))`.
    /// `None` for an empty prompt.
    pub fn start(prompt: &[u32]) -> Option<Self> {
        let first = *prompt.first()?;
        Some(Frontier {
            position: 0,
            last_token: first,
            kv_root: KvRoot(roots::EMPTY_ROOT),
            tokens_root: TokensRoot(roots::fold_tokens([first])),
        })
    }
}

/// How a token follows from the logits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyKind {
    /// Largest logit; ties go to the smallest token id.
    Greedy,
}

impl PolicyKind {
    /// The name used in documents.
    pub fn name(self) -> &'static str {
        match self {
            PolicyKind::Greedy => "greedy",
        }
    }
}

/// Where a program has its model from. A statement says it by its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weights {
    /// The program holds the weights, and the model root.
    InProgram,
    /// The program reads the weights, and outputs a root of them.
    Committed,
}

impl Weights {
    /// What a version of the encoding says; `None` for one that this program does not read.
    pub fn of_version(version: u32) -> Option<Self> {
        match version {
            STATEMENT_VERSION => Some(Weights::InProgram),
            COMMITTED_STATEMENT_VERSION => Some(Weights::Committed),
            _ => None,
        }
    }

    /// The version that says it.
    pub fn version(self) -> u32 {
        match self {
            Weights::InProgram => STATEMENT_VERSION,
            Weights::Committed => COMMITTED_STATEMENT_VERSION,
        }
    }
}

impl fmt::Display for Weights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Weights::InProgram => "in the program",
            Weights::Committed => "committed",
        })
    }
}

/// The decoding policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Policy {
    /// How a token follows from the logits.
    pub kind: PolicyKind,
    /// Token id after which no further step is allowed, once it was emitted.
    pub eos: Option<u32>,
}

impl Policy {
    /// Greedy decoding that stops after `eos`, if there is one.
    pub fn greedy(eos: Option<u32>) -> Self {
        Policy {
            kind: PolicyKind::Greedy,
            eos,
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.eos {
            Some(token) => write!(f, "{}, eos {token}", self.kind.name()),
            None => write!(f, "{}, no eos", self.kind.name()),
        }
    }
}

/// Where chunks may be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BoundaryKind {
    /// Between two tokens, after all layers.
    Token,
}

impl BoundaryKind {
    /// The name used in documents.
    pub fn name(self) -> &'static str {
        match self {
            BoundaryKind::Token => "token",
        }
    }
}

/// The public facts of one chunk: this model, from this prompt and frontier, under this policy,
/// in this domain, produced these tokens and this next frontier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Statement {
    /// Version of the encoding, which says where the weights are: see [`Weights`].
    pub version: u32,
    /// Version of the numeric specification the program implements.
    pub spec_version: u32,
    pub domain: Domain,
    pub session_id: SessionId,
    pub model_root: ModelRoot,
    pub program_hash: ProgramHash,
    pub policy: Policy,
    pub boundary: BoundaryKind,
    /// Token chain over the whole prompt.
    pub prompt_root: TokensRoot,
    /// Number of prompt tokens, at least 1.
    pub prompt_length: u32,
    /// Number of steps of the chunk, at least 1. The first one is at `frontier_in.position`.
    pub steps: u32,
    pub frontier_in: Frontier,
    pub frontier_out: Frontier,
    /// Token chain, from 0, over the tokens that this chunk emitted (not the forced ones).
    pub emitted_root: TokensRoot,
}

impl Statement {
    /// Checks what can be refused without a proof: all of [`Statement::form_checks`].
    ///
    /// # Errors
    /// One variant of [`StatementError`] per rule.
    pub fn check_form(&self) -> Result<(), StatementError> {
        all(self.form_checks())
    }

    /// The rules of a statement's form: format version, domain, prompt length, number of steps,
    /// positions within [`MAX_POSITION`], and `frontier_out.position = frontier_in.position + steps`.
    pub fn form_checks(&self) -> Vec<Check<'_, StatementError>> {
        let version = Check::new("version", move || {
            let found = self.version;
            let known = Weights::of_version(found).is_some();
            ensure(known, || StatementError::Version { found })
        });
        let positions = [self.frontier_in.position, self.frontier_out.position];
        let rules = form_rules(self.domain, self.prompt_length, self.steps, positions);
        [version].into_iter().chain(rules).collect()
    }

    /// How many of the chunk's tokens came from the prompt. A step at position `p` brings the
    /// token at `p + 1`, which is forced while `p + 1 < prompt_length`. Needs a statement that
    /// passed [`Statement::check_form`]; otherwise the count is meaningless, but never a panic.
    pub fn forced_count(&self) -> u32 {
        let first = self.frontier_in.position.saturating_add(1);
        let end = self
            .frontier_out
            .position
            .saturating_add(1)
            .min(self.prompt_length);
        end.saturating_sub(first)
    }

    /// How many of the chunk's tokens the policy chose: the steps that were not forced.
    pub fn emitted_count(&self) -> u32 {
        self.steps.saturating_sub(self.forced_count())
    }
}

/// Why a public output is no statement, a statement is not well formed, or the two differ.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StatementError {
    #[error("public output: has {found} felts, a statement has {OUTPUT_LEN}")]
    OutputLength { found: usize },
    #[error(
        "public output: has {found} felts, a statement of version 3 has {}",
        v3::OUTPUT_LEN
    )]
    TensorOutputLength { found: usize },
    #[error("{field}: {value} is too large for this field")]
    TooLarge { field: &'static str, value: String },
    #[error("statement.domain.chain: {0}")]
    Chain(#[from] ChainIdError),
    #[error("statement.policy.kind: unknown policy {value}")]
    PolicyKind { value: String },
    #[error("statement.boundary: unknown boundary kind {value}")]
    Boundary { value: String },
    #[error(
        "statement.version: is {found}, this program reads {STATEMENT_VERSION} and {COMMITTED_STATEMENT_VERSION}"
    )]
    Version { found: u32 },
    #[error(
        "statement.version: is {found}, this is the reader of version {}",
        v3::VERSION
    )]
    OtherVersion { found: String },
    #[error("statement.domain.verifier: must be 0x0 in the domain `local`, is {found}")]
    LocalVerifier { found: ContractAddress },
    #[error("statement.domain.verifier: must not be 0x0 on chain {chain}")]
    NoVerifier { chain: ChainId },
    #[error("statement.prompt_length: is {found}, allowed are 1 to {MAX_POSITION} tokens")]
    PromptLength { found: u32 },
    #[error("statement.steps: is 0, a chunk has at least one step")]
    NoSteps,
    #[error("statement.frontier_{side}.position: is {found}, the largest is {MAX_POSITION}")]
    Position { side: &'static str, found: u32 },
    #[error(
        "statement.frontier_out.position: is {to}, but {steps} steps from position {from} end at \
         {}",
        u64::from(*from) + u64::from(*steps)
    )]
    Steps { from: u32, steps: u32, to: u32 },
    #[error("{field}: receipt says {receipt}, proof says {proof}")]
    Differs {
        field: &'static str,
        receipt: String,
        proof: String,
    },
}

impl StatementError {
    /// The field of the receipt that it is about; `None` for the output as a whole.
    pub fn field(&self) -> Option<String> {
        let field = match self {
            StatementError::OutputLength { .. } | StatementError::TensorOutputLength { .. } => {
                return None;
            }
            StatementError::TooLarge { field, .. } | StatementError::Differs { field, .. } => field,
            StatementError::Chain(_) => "statement.domain.chain",
            StatementError::PolicyKind { .. } => "statement.policy.kind",
            StatementError::Boundary { .. } => "statement.boundary",
            StatementError::Version { .. } | StatementError::OtherVersion { .. } => {
                "statement.version"
            }
            StatementError::LocalVerifier { .. } | StatementError::NoVerifier { .. } => {
                "statement.domain.verifier"
            }
            StatementError::PromptLength { .. } => "statement.prompt_length",
            StatementError::NoSteps => "statement.steps",
            StatementError::Position { side, .. } => {
                return Some(format!("statement.frontier_{side}.position"));
            }
            StatementError::Steps { .. } => "statement.frontier_out.position",
        };
        Some(field.to_string())
    }
}
