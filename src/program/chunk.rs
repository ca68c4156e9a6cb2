//! A chunk for the program: what it is given, and what it must state.
//!
//! The prover's side, which nothing that is proven depends on: the program refuses an input that does not fit its own
//! rules, and no proof exists for one that does not fit the tensor memory.

use starknet_types_core::felt::Felt;
use thiserror::Error;

use super::schedule::{Roots, Schedule, Uses, Views};
use crate::air::components::lanes::CHANNELS;
use crate::spec::SPEC_VERSION;
use crate::tensor::carried_blocks;
use crate::tensor::constants::signed;
use crate::verify::statement::{
    BoundaryKind, ChosenRoot, Domain, Frontier, KvRoot, MAX_POSITION, ModelRoot, Policy,
    ProgramHash, SessionId, Statement, TokensRoot, packed,
};

/// What all chunks of a session share.
#[derive(Debug, Clone)]
pub struct Pins {
    pub domain: Domain,
    pub session_id: SessionId,
    pub model_root: ModelRoot,
    pub program_hash: ProgramHash,
    pub policy: Policy,
    /// The prompt, at least one token.
    pub prompt: Vec<u32>,
    /// Chain of all tokens of the prompt.
    pub prompt_root: TokensRoot,
}

impl Pins {
    /// What a chunk of so many steps states that leads from one frontier to the other.
    pub fn statement(
        &self,
        frontier_in: Frontier,
        frontier_out: Frontier,
        steps: u32,
    ) -> Statement {
        Statement {
            spec_version: SPEC_VERSION,
            domain: self.domain,
            session_id: self.session_id,
            model_root: self.model_root,
            program_hash: self.program_hash,
            policy: self.policy,
            boundary: BoundaryKind::Token,
            prompt_root: self.prompt_root,
            prompt_length: self.prompt.len() as u32,
            steps,
            frontier_in,
            frontier_out,
        }
    }

    /// Why no step can follow a frontier, if none can. `chosen` is whether its token is the policy's choice, and `context` how many positions the model has.
    pub fn ended(&self, frontier: &Frontier, chosen: bool, context: u32) -> Option<&'static str> {
        if chosen && self.policy.eos == Some(frontier.last_token) {
            return Some("the model has chosen the token that ends it");
        }
        let full = frontier.position >= context;
        full.then_some("it has as many positions as the model")
    }
}

/// One chunk, ready to be run by the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// The program's input.
    pub input: Vec<Felt>,
    /// What its proof will state.
    pub statement: Statement,
}

/// Why there is no chunk.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ChunkError {
    #[error("a chunk of {steps} steps; this program has 1 to {lanes} lanes")]
    Steps { steps: u32, lanes: usize },
    #[error("the prompt is empty")]
    Prompt,
    #[error("a chunk at position {position}; the largest is {MAX_POSITION}")]
    Position { position: u32 },
    #[error("{steps} steps from position {position} on; this program has {context} positions")]
    Context {
        position: u32,
        steps: u32,
        context: u32,
    },
    #[error("the memory has no value at address {address} in lane {lane}")]
    Memory { address: u32, lane: usize },
    #[error("address {address} holds {value} in lane {lane}, which is no token")]
    Token {
        address: u32,
        lane: usize,
        value: i64,
    },
}

/// The chunk of so many steps from a frontier, with what the tensor memory holds: for each address the values of all lanes.
///
/// # Errors
/// More steps than lanes or none, an empty prompt, positions too large or beyond the context, or a memory that has not all that the program reads.
pub fn chunk(
    schedule: &Schedule,
    pins: &Pins,
    first: Frontier,
    steps: u32,
    memory: &[Vec<i64>],
) -> Result<Chunk, ChunkError> {
    if pins.prompt.is_empty() {
        return Err(ChunkError::Prompt);
    }
    if steps == 0 || steps as usize > schedule.lanes {
        let lanes = schedule.lanes;
        return Err(ChunkError::Steps { steps, lanes });
    }
    if first.position > MAX_POSITION {
        let position = first.position;
        return Err(ChunkError::Position { position });
    }
    let (position, context) = (first.position, schedule.context);
    if position + steps > context {
        return Err(ChunkError::Context {
            position,
            steps,
            context,
        });
    }
    let memory = Memory { rows: memory };
    let mut statement = pins.statement(first, first, steps);
    let lanes = Lanes {
        forced: statement.forced_count() as usize,
        steps: steps as usize,
    };
    statement.frontier_out = out(schedule, pins, first, lanes, memory)?;
    let mut input = header(&statement);
    if Uses::of(&schedule.steps).carried() {
        input.extend(carried_blocks(schedule.lanes, first.position).map(Felt::from));
    }
    for lane in 0..lanes.steps {
        input.extend(memory.view(schedule.tokens, lane)?);
        if lane < lanes.forced {
            input.push(Felt::from(next(pins, first, lane)));
        }
    }
    if let Some(Roots { before, after }) = &schedule.roots {
        if lanes.forced < lanes.steps && first.position < statement.prompt_length {
            input.extend(memory.view(after.tokens, lanes.forced)?);
        }
        for (views, lane) in [(before, 0), (after, lanes.steps - 1)] {
            for address in [views.kv, views.tokens, views.chosen] {
                input.extend(memory.view(address, lane)?);
            }
        }
    }
    Ok(Chunk { input, statement })
}

/// How many steps, and in how many of the first ones the prompt gives the next token.
#[derive(Clone, Copy)]
struct Lanes {
    forced: usize,
    steps: usize,
}

/// The next token that the prompt gives in a lane.
fn next(pins: &Pins, first: Frontier, lane: usize) -> u32 {
    let position = first.position as usize + lane + 1;
    pins.prompt.get(position).copied().unwrap_or(0)
}

/// The frontier behind the chunk.
fn out(
    schedule: &Schedule,
    pins: &Pins,
    first: Frontier,
    lanes: Lanes,
    memory: Memory<'_>,
) -> Result<Frontier, ChunkError> {
    let last = lanes.steps - 1;
    let last_token = if lanes.forced == lanes.steps {
        next(pins, first, last)
    } else {
        memory.token(schedule.tokens + 2, last)?
    };
    let root = |view: fn(&Views) -> u32| match &schedule.roots {
        Some(roots) => memory.digest(view(&roots.after), last),
        None => Ok(Felt::ZERO),
    };
    Ok(Frontier {
        position: first.position + lanes.steps as u32,
        last_token,
        kv_root: KvRoot(root(|views| views.kv)?),
        tokens_root: TokensRoot(root(|views| views.tokens)?),
        chosen_root: ChosenRoot(root(|views| views.chosen)?),
    })
}

/// The header and the frontier, as the program reads them.
pub fn header(statement: &Statement) -> Vec<Felt> {
    /// Places in the output of what the program is given and outputs unchanged.
    const GIVEN: [usize; 12] = [2, 3, 4, 7, 9, 10, 11, 12, 13, 14, 15, 16];
    let output = statement.to_output();
    GIVEN.map(|place| output[place]).to_vec()
}

/// What the tensor memory holds.
#[derive(Clone, Copy)]
struct Memory<'a> {
    rows: &'a [Vec<i64>],
}

impl Memory<'_> {
    fn at(&self, address: u32, lane: usize) -> Result<i64, ChunkError> {
        let row = self.rows.get(address as usize);
        let value = row.and_then(|row| row.get(lane)).copied();
        value.ok_or(ChunkError::Memory { address, lane })
    }

    fn token(&self, address: u32, lane: usize) -> Result<u32, ChunkError> {
        let value = self.at(address, lane)?;
        u32::try_from(value).map_err(|_| ChunkError::Token {
            address,
            lane,
            value,
        })
    }

    /// A view in a lane as the program reads it: elements of the field, the last first.
    fn view(&self, address: u32, lane: usize) -> Result<Vec<Felt>, ChunkError> {
        let channels = (address..address + CHANNELS as u32).rev();
        channels
            .map(|address| Ok(Felt::from(element(self.at(address, lane)?))))
            .collect()
    }

    /// The digest in a view, packed.
    fn digest(&self, address: u32, lane: usize) -> Result<Felt, ChunkError> {
        let mut digest = [0; CHANNELS];
        for (number, address) in digest.iter_mut().zip(address..) {
            *number = element(self.at(address, lane)?);
        }
        Ok(packed(&digest))
    }
}

/// A signed integer as the element of the field that it is.
fn element(value: i64) -> u32 {
    signed(value).0
}
