//! The statement: the public facts that a proof's output encodes.
//!
//! Owns: the statement's types, their form (what can be refused without a proof, `form`), the fixed
//! encoding into 22 felts (`encoding`), how a chain goes on from its root (`chain`), the typed felts with their one text form
//! (`felts`) and what a verified proof hands over (`facts`).
//!
//! Invariants: every public output has at most one statement, and every statement has exactly one
//! output; `program_hash` is *not* in the output, because the verifier recomputes it from
//! the proof's own program memory. The version is the type, so a statement cannot say another one.
//!
//! Absent on purpose: `Deserialize` for the statement — outside text is read by the strict
//! reader in `receipt`, which refuses what serde would let pass; what a verifier is willing to
//! accept (`policy`); relations between receipts (`receipt::continuity`); how roots are hashed, which the proof's components do.

mod chain;
mod encoding;
mod error;
mod facts;
mod felts;
mod form;

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use starknet_types_core::felt::Felt;
use thiserror::Error;

use crate::spec::poseidon2::Digest;
use crate::spec::token_chain::{EMPTY, append};

pub use chain::{ChainError, extended};
pub use encoding::{OUTPUT_FIELDS, OUTPUT_LEN};
pub use error::StatementError;
pub use facts::{Channel, Preprocessed, ProofParams, PublicFacts};
pub use felts::{
    ChainId, ChainIdError, ChosenRoot, CircuitRoot, ContractAddress, HexError, KvRoot, ModelRoot,
    ProgramHash, ProofFelt, SessionId, TokensRoot, felt_to_hex, parse_felt,
};

/// Version of the encoding.
pub const VERSION: u32 = 3;

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
