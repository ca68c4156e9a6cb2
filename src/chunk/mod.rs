//! Chunks of a session: runs the engine, and builds each chunk's program input and statement.
//!
//! Owns the decode loop (forced tokens while the prompt lasts, the policy's tokens after), the
//! witness, and the frontier. The statement built here is what the engine says; the program's output
//! has to equal its encoding, which is the proof that engine and program agree.
//!
//! Invariants
//! - The frontier after `n` steps does not depend on how the steps are divided into chunks.
//! - A [`State`] is all that a later chunk needs; it survives serialisation.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use starknet_types_core::felt::Felt;
use thiserror::Error;

use crate::engine::Engine;
use crate::ir::{KvCache, VerifiedGraph};
use crate::spec::kv::pack_kv;
use crate::spec::{SPEC_VERSION, roots};
use crate::verify::statement::{
    BoundaryKind, Domain, Frontier, KvRoot, ModelRoot, Policy, ProgramHash, SessionId, Statement,
    TokensRoot, Weights,
};

/// What all chunks of a session share.
#[derive(Debug, Clone)]
pub struct SessionPins {
    /// Where the receipts are meant to count.
    pub domain: Domain,
    /// Identity of the session.
    pub session_id: SessionId,
    /// Identity of the quantised model.
    pub model_root: ModelRoot,
    /// Identity of the program.
    pub program_hash: ProgramHash,
    /// The words that the program reads of the model, whose root `model_root` is; none if it holds them.
    pub words: Option<Arc<[Felt]>>,
    /// How tokens are chosen.
    pub policy: Policy,
    /// The prompt, at least one token.
    pub prompt: Vec<u32>,
}

/// Why a session cannot be decoded.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ChunkError {
    #[error("the prompt is empty")]
    EmptyPrompt,
    #[error("token {token} is outside the vocabulary of {vocab}")]
    Token { token: u32, vocab: usize },
    #[error("position {position} is outside the model's context of {context}")]
    Context { position: usize, context: usize },
    #[error("the saved state does not fit the model: {0}")]
    State(&'static str),
    #[error("a chunk needs at least one step")]
    NoSteps,
    #[error("the session has ended: the policy's end of sequence was emitted")]
    Ended,
}

/// Everything that the rest of a session depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Position of the next step.
    pub position: u32,
    /// Token that the next step consumes.
    pub last_token: u32,
    /// Chain over the tokens so far, hexadecimal.
    pub tokens_root: Felt,
    /// Carried int8 values, per position: for each layer the key row, then the value row.
    pub kv: Vec<Vec<i8>>,
}

/// One chunk, ready to be run by the program.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// The program's input.
    pub input: Vec<Felt>,
    /// What its proof will state.
    pub statement: Statement,
    /// Next tokens that the prompt gave.
    pub forced: Vec<u32>,
    /// Next tokens that the policy chose.
    pub emitted: Vec<u32>,
}

/// Decodes a session chunk by chunk.
#[derive(Clone)]
pub struct Decoder<'g> {
    graph: &'g VerifiedGraph,
    engine: Engine<'g>,
    facts: SessionPins,
    frontier: Frontier,
    /// Packed keys and values of every carried position.
    packed: Vec<Vec<Felt>>,
    /// Whether the policy's end of sequence was emitted.
    ended: bool,
}

impl<'g> Decoder<'g> {
    /// A session at its beginning.
    ///
    /// # Errors
    /// An empty prompt, a token outside the vocabulary, a prompt longer than the context.
    pub fn new(graph: &'g VerifiedGraph, facts: SessionPins) -> Result<Decoder<'g>, ChunkError> {
        let frontier = Frontier::start(&facts.prompt).ok_or(ChunkError::EmptyPrompt)?;
        let (vocab, context) = (graph.shape.vocab, graph.shape.context);
        if let Some(&token) = facts.prompt.iter().find(|&&t| t as usize >= vocab) {
            return Err(ChunkError::Token { token, vocab });
        }
        if facts.prompt.len() > context {
            return Err(ChunkError::Context {
                position: facts.prompt.len() - 1,
                context,
            });
        }
        let engine = Engine::new(graph);
        Ok(Decoder {
            graph,
            engine,
            facts,
            frontier,
            packed: vec![],
            ended: false,
        })
    }

    /// The state to save.
    pub fn state(&self) -> State {
        let cache = self.engine.cache();
        State {
            position: self.frontier.position,
            last_token: self.frontier.last_token,
            tokens_root: self.frontier.tokens_root.0,
            kv: (0..cache.positions()).map(|t| cache.position(t)).collect(),
        }
    }

    /// A session that goes on from a saved state.
    ///
    /// # Errors
    /// As [`Decoder::new`], or a state that does not have the model's shape.
    pub fn resume(
        graph: &'g VerifiedGraph,
        facts: SessionPins,
        state: &State,
    ) -> Result<Decoder<'g>, ChunkError> {
        let mut decoder = Decoder::new(graph, facts)?;
        let shape = graph.shape;
        if state.kv.len() != state.position as usize || state.kv.len() > shape.context {
            return Err(ChunkError::State(
                "its keys and values are not one row per position",
            ));
        }
        if state.kv.iter().any(|row| row.len() != shape.kv_values()) {
            return Err(ChunkError::State(
                "a row of keys and values has another length",
            ));
        }
        if state.last_token as usize >= shape.vocab {
            return Err(ChunkError::Token {
                token: state.last_token,
                vocab: shape.vocab,
            });
        }
        let mut cache = KvCache::new(shape.layers);
        let mut kv_root = roots::EMPTY_ROOT;
        for row in &state.kv {
            for (layer, rows) in row.chunks_exact(2 * shape.kv_dim()).enumerate() {
                let (k, v) = rows.split_at(shape.kv_dim());
                cache.keys[layer].push(k.to_vec());
                cache.values[layer].push(v.to_vec());
            }
            let words = pack_kv(row);
            kv_root = roots::kv_append(kv_root, &words);
            decoder.packed.push(words);
        }
        let generated = state.position as usize >= decoder.facts.prompt.len();
        decoder.ended = generated && Some(state.last_token) == decoder.facts.policy.eos;
        decoder.engine = Engine::with_cache(graph, cache);
        decoder.frontier = Frontier {
            position: state.position,
            last_token: state.last_token,
            kv_root: KvRoot(kv_root),
            tokens_root: TokensRoot(state.tokens_root),
        };
        Ok(decoder)
    }

    /// Where the session stands.
    pub fn frontier(&self) -> Frontier {
        self.frontier
    }

    /// Whether no step can follow: end of sequence was emitted, or the context is full.
    pub fn finished(&self) -> bool {
        self.ended || self.frontier.position as usize >= self.graph.shape.context
    }

    /// Runs up to `steps` steps, fewer if the session ends before.
    ///
    /// # Errors
    /// No steps asked for, a session that has ended, or a context that is full.
    pub fn chunk(&mut self, steps: usize) -> Result<Chunk, ChunkError> {
        if steps == 0 {
            return Err(ChunkError::NoSteps);
        }
        if self.ended {
            return Err(ChunkError::Ended);
        }
        if self.finished() {
            let context = self.graph.shape.context;
            return Err(ChunkError::Context {
                position: self.frontier.position as usize,
                context,
            });
        }
        let first = self.frontier;
        let carried: Vec<Felt> = self.packed.concat();
        let (mut forced, mut emitted) = (vec![], vec![]);
        while forced.len() + emitted.len() < steps && !self.finished() {
            self.step(&mut forced, &mut emitted);
        }
        let statement = self.statement(first, forced.len() + emitted.len(), &emitted);
        let mut input = self.header(&statement);
        input.extend(carried);
        input.extend(self.facts.words.iter().flat_map(|words| words.iter()));
        input.extend(forced.iter().map(|&t| Felt::from(t)));
        Ok(Chunk {
            input,
            statement,
            forced,
            emitted,
        })
    }

    fn step(&mut self, forced: &mut Vec<u32>, emitted: &mut Vec<u32>) {
        let position = self.frontier.position as usize;
        let token = match self.facts.prompt.get(position + 1) {
            Some(&token) => {
                self.engine.carry(self.frontier.last_token);
                forced.push(token);
                token
            }
            None => {
                let token = self.engine.step(self.frontier.last_token);
                emitted.push(token);
                self.ended = Some(token) == self.facts.policy.eos;
                token
            }
        };
        let words = pack_kv(&self.engine.cache().position(position));
        self.frontier = Frontier {
            position: position as u32 + 1,
            last_token: token,
            kv_root: KvRoot(roots::kv_append(self.frontier.kv_root.0, &words)),
            tokens_root: TokensRoot(roots::fold_token(self.frontier.tokens_root.0, token)),
        };
        self.packed.push(words);
    }

    fn statement(&self, first: Frontier, steps: usize, emitted: &[u32]) -> Statement {
        let facts = &self.facts;
        let weights = match facts.words {
            None => Weights::InProgram,
            Some(_) => Weights::Committed,
        };
        Statement {
            version: weights.version(),
            spec_version: SPEC_VERSION,
            domain: facts.domain,
            session_id: facts.session_id,
            model_root: facts.model_root,
            program_hash: facts.program_hash,
            policy: facts.policy,
            boundary: BoundaryKind::Token,
            prompt_root: TokensRoot(roots::prompt_root(&facts.prompt)),
            prompt_length: facts.prompt.len() as u32,
            steps: steps as u32,
            frontier_in: first,
            frontier_out: self.frontier,
            emitted_root: TokensRoot(roots::fold_tokens(emitted.iter().copied())),
        }
    }

    /// The first part of the program's input: what `chunk.cairo` reads before the carried data.
    fn header(&self, statement: &Statement) -> Vec<Felt> {
        let first = &statement.frontier_in;
        vec![
            statement.domain.chain.felt(),
            statement.domain.verifier.0,
            statement.session_id.0,
            statement
                .policy
                .eos
                .map_or(Felt::ZERO, |eos| Felt::from(eos) + Felt::ONE),
            statement.prompt_root.0,
            Felt::from(statement.prompt_length),
            Felt::from(statement.steps),
            Felt::from(first.position),
            Felt::from(first.last_token),
            first.kv_root.0,
            first.tokens_root.0,
        ]
    }
}
