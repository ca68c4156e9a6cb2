//! The decode loop of a session, chunk by chunk.

use super::decoder::Decoder;
use super::error::DecodeError;
use crate::air::components::tokens::CHAINS;
use crate::program::{self, Pins, Roots};
use crate::spec::poseidon2::Digest;
use crate::spec::token_chain::EMPTY;
use crate::tensor::Chunk;
use crate::tensor::values::{Values, compute_steps};
use crate::verify::statement::{Domain, Frontier, SessionId, Statement, prompt_root};

/// A session between two chunks: what the next one goes on from.
#[derive(Clone)]
pub struct Session<'a> {
    decoder: &'a Decoder,
    pins: Pins,
    frontier: Frontier,
    /// The chains of the tokens before the frontier's, and of the listed choices.
    chains: [Digest; CHAINS],
    /// Keys and values of the positions before, as rows of the memory, block by block; a position has a lane of its block.
    carried: Vec<Vec<i64>>,
    /// Whether the frontier's token is the policy's choice, so that it may be its last one.
    chosen: bool,
}

/// A chunk that has been decoded: what the memory holds, the program's input and the statement.
pub struct Decoded {
    pub values: Values,
    pub chunk: program::Chunk,
    /// The next tokens that the prompt gave, in order.
    pub forced: Vec<u32>,
    /// Those that the policy chose, in order; they follow the forced ones.
    pub emitted: Vec<u32>,
}

impl Decoded {
    /// What its proof will state.
    pub fn statement(&self) -> &Statement {
        &self.chunk.statement
    }
}

/// The first frontier of a session with this prompt, of a model that has so many positions and tokens.
///
/// # Errors
/// A prompt that is empty, longer than the context, or has a token that the model does not have.
pub(crate) fn start(prompt: &[u32], context: u32, tokens: usize) -> Result<Frontier, DecodeError> {
    let frontier = Frontier::start(prompt).ok_or(DecodeError::Prompt)?;
    let found = prompt.len();
    if found > context as usize {
        return Err(DecodeError::PromptLength { found, context });
    }
    let mut places = prompt.iter().enumerate();
    match places.find(|(_, token)| **token as usize >= tokens) {
        Some((place, &token)) => Err(DecodeError::PromptToken {
            place,
            token,
            tokens,
        }),
        None => Ok(frontier),
    }
}

impl<'a> Session<'a> {
    /// The start of a session, with the manifest's policy.
    ///
    /// # Errors
    /// A prompt that is empty, too long, or not of this vocabulary.
    pub fn new(
        decoder: &'a Decoder,
        domain: Domain,
        session_id: SessionId,
        prompt: Vec<u32>,
    ) -> Result<Session<'a>, DecodeError> {
        let model = &decoder.manifest.model;
        let tokens = decoder.plan.embedding.outputs();
        let frontier = start(&prompt, decoder.schedule.context, tokens)?;
        let pins = Pins {
            domain,
            session_id,
            model_root: model.model_root,
            program_hash: model.program_hash,
            policy: model.policy,
            prompt_root: prompt_root(&prompt),
            prompt,
        };
        Ok(Session {
            decoder,
            pins,
            frontier,
            chains: [EMPTY; CHAINS],
            carried: vec![],
            chosen: false,
        })
    }

    /// What it is a session of.
    pub fn decoder(&self) -> &'a Decoder {
        self.decoder
    }

    /// Where the session is.
    pub fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// Position of the next step.
    pub fn position(&self) -> usize {
        self.frontier.position as usize
    }

    /// Most steps of a chunk: a proof's lanes.
    pub fn longest(&self) -> usize {
        self.decoder.plan.lanes
    }

    /// What all its chunks share.
    pub fn pins(&self) -> &Pins {
        &self.pins
    }

    /// Why no step can follow, if none can.
    pub fn ended(&self) -> Option<&'static str> {
        let context = self.decoder.schedule.context;
        self.pins.ended(&self.frontier, self.chosen, context)
    }

    /// Decodes the next chunk, of so many steps; of fewer if the session ends before.
    ///
    /// # Errors
    /// No step or more than a chunk has, a session that is at its end, or a value that no proof can have.
    pub fn decode(&self, steps: usize) -> Result<Decoded, DecodeError> {
        let lanes = self.decoder.plan.lanes;
        if !(1..=lanes).contains(&steps) {
            return Err(DecodeError::Steps { steps, lanes });
        }
        if let Some(why) = self.ended() {
            return Err(DecodeError::End(why));
        }
        let left = self.decoder.schedule.context - self.frontier.position;
        let steps = steps.min(left as usize);
        let chunk = self.chunk(steps);
        self.decoder.plan.accepts(&chunk)?;
        let values = compute_steps(&self.decoder.plan, &chunk, steps, self.pins.policy.eos)?;
        let chosen = &values.rows[self.decoder.plan.tokens.chosen as usize];
        let is_last = |token: &i64| self.pins.policy.eos.map(i64::from) == Some(*token);
        let ends = chosen[chunk.forced..steps].iter().position(is_last);
        let steps = ends.map_or(steps, |end| chunk.forced + end + 1);
        let emitted = chosen[chunk.forced..steps].iter();
        let emitted = emitted.map(|&token| token as u32).collect();
        let forced = self.given(chunk.forced).collect();
        let rows = &values.rows;
        let schedule = &self.decoder.schedule;
        let chunk = program::chunk(schedule, &self.pins, self.frontier, steps as u32, rows)?;
        Ok(Decoded {
            values,
            chunk,
            forced,
            emitted,
        })
    }

    /// What the next chunk puts into the plan: the tokens that are known come in together.
    fn chunk(&self, steps: usize) -> Chunk {
        let first = self.frontier.position as usize;
        let prompt = &self.pins.prompt;
        let forced = (prompt.len() - 1).saturating_sub(first).min(steps);
        let next = self.given(forced);
        let mut tokens: Vec<u32> = [self.frontier.last_token].into_iter().chain(next).collect();
        tokens.truncate(self.decoder.plan.lanes);
        Chunk {
            tokens,
            position: self.frontier.position,
            forced,
            carried: self.carried.clone(),
            chains: self.chains,
        }
    }

    /// The prompt's tokens behind the frontier's: so many.
    fn given(&self, count: usize) -> impl Iterator<Item = u32> {
        let next = self.frontier.position as usize + 1;
        let given = self.pins.prompt.iter().skip(next);
        given.take(count).copied()
    }

    /// Goes on behind a chunk that [`decode`](Self::decode) has made here.
    pub fn advance(&mut self, decoded: &Decoded) {
        let statement = decoded.statement();
        let steps = statement.steps as usize;
        for lane in 0..steps {
            self.carry(&decoded.values, lane);
        }
        if let Some(Roots { after, .. }) = self.decoder.schedule.roots {
            let row = |address: u32| &decoded.values.rows[address as usize];
            let digest =
                |view: u32| std::array::from_fn(|i| row(view + i as u32)[steps - 1] as u32);
            self.chains = [after.tokens, after.chosen].map(digest);
        }
        self.frontier = statement.frontier_out;
        self.chosen = !decoded.emitted.is_empty();
    }

    /// Goes on behind so many steps, however they are cut.
    ///
    /// # Errors
    /// As [`Session::decode`].
    pub fn skip(&mut self, steps: usize) -> Result<(), DecodeError> {
        let end = self.position() + steps;
        while self.position() < end {
            let decoded = self.decode(self.longest().min(end - self.position()))?;
            self.advance(&decoded);
        }
        Ok(())
    }

    /// Keeps a lane's keys and values in the lane of its position.
    fn carry(&mut self, values: &Values, lane: usize) {
        let plan = &self.decoder.plan;
        let position = values.chunk.position as usize + lane;
        let (block, place) = (position / plan.lanes, position % plan.lanes);
        let step = plan.carried.step as usize;
        let rows = (block + 1) * step;
        if self.carried.len() < rows {
            self.carried.resize(rows, vec![0; plan.lanes]);
        }
        for tensor in &plan.carried.tensors {
            let to = block * step + tensor.offset as usize;
            let own = tensor.own.addresses();
            for (row, address) in self.carried[to..].iter_mut().zip(own) {
                row[place] = values.rows[address as usize][lane];
            }
        }
    }
}
