//! The decode loop of a session, chunk by chunk, with the integer reference: what the program is given, and what it must state.
//!
//! What decodes chunks for tensor components takes values and roots from the tensor memory. Here they are computed position by position; the two share
//! the integers, the hashes, and the rules of where a session starts and ends.

use starknet_types_core::felt::Felt;

use super::error::PortableError;
use super::model::PortableModel;
use crate::decode::{DecodeError, start};
use crate::integers::{self, Carried};
use crate::program::{Pins, header};
use crate::spec::poseidon2::Digest;
use crate::spec::{record, token_chain};
use crate::verify::statement::{
    ChosenRoot, Domain, Frontier, KvRoot, SessionId, Statement, TokensRoot, packed, prompt_root,
};

/// The digests of a frontier's roots.
#[derive(Clone, Copy)]
struct Chains {
    kv: Digest,
    tokens: Digest,
    chosen: Digest,
}

/// A session between two chunks: what the next one goes on from.
#[derive(Clone)]
pub struct Session<'a> {
    model: &'a PortableModel,
    pins: Pins,
    frontier: Frontier,
    chains: Chains,
    carried: Carried,
    /// Records of all positions before the frontier's, one after the other.
    records: Vec<i64>,
    /// Whether the frontier's token is the policy's choice, so that it may be its last one.
    chosen: bool,
}

/// A chunk that has been decoded: the program's input and the statement.
pub struct Decoded<'a> {
    /// In the order in which `cairo_decode::chunk::Chunk` is read.
    pub input: Vec<Felt>,
    pub statement: Statement,
    /// The next tokens that the prompt gave, in order.
    pub forced: Vec<u32>,
    /// Those that the policy chose, in order; they follow the forced ones.
    pub emitted: Vec<u32>,
    /// The session behind the chunk.
    pub next: Session<'a>,
}

impl<'a> Session<'a> {
    /// A session at its start.
    ///
    /// # Errors
    /// A prompt that is empty, longer than the context, or has a token that the model does not have.
    pub fn new(
        model: &'a PortableModel,
        domain: Domain,
        session_id: SessionId,
        prompt: Vec<u32>,
    ) -> Result<Session<'a>, PortableError> {
        let document = &model.document;
        let (context, tokens) = (document.context_length, document.vocab_size as usize);
        let frontier = start(&prompt, context, tokens)?;
        let pins = Pins {
            domain,
            session_id,
            model_root: document.model_root,
            program_hash: document.program_hash,
            policy: document.policy,
            prompt_root: prompt_root(&prompt),
            prompt,
        };
        Ok(Session {
            model,
            pins,
            frontier,
            chains: Chains {
                kv: record::EMPTY,
                tokens: token_chain::EMPTY,
                chosen: token_chain::EMPTY,
            },
            carried: Carried::new(&model.description),
            records: vec![],
            chosen: false,
        })
    }

    /// What it is a session of.
    pub fn model(&self) -> &'a PortableModel {
        self.model
    }

    /// Where the session is.
    pub fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// Why no step can follow, if none can.
    pub fn ended(&self) -> Option<&'static str> {
        let context = self.model.document.context_length;
        self.pins.ended(&self.frontier, self.chosen, context)
    }

    /// Decodes the next chunk, of so many steps; of fewer if the session ends before.
    ///
    /// # Errors
    /// No step or more than a chunk has, a session that is at its end, or a value out of a checked range.
    pub fn decode(&self, steps: u32) -> Result<Decoded<'a>, PortableError> {
        let most = self.model.document.steps_per_chunk;
        if !(1..=most).contains(&steps) {
            return Err(PortableError::Steps { steps, most });
        }
        if let Some(why) = self.ended() {
            return Err(DecodeError::End(why).into());
        }
        let left = self.model.document.context_length - self.frontier.position;
        let mut next = self.clone();
        let (mut forced, mut emitted) = (vec![], vec![]);
        for _ in 0..steps.min(left) {
            let token = next.step()?;
            match next.chosen {
                true => emitted.push(token),
                false => forced.push(token),
            }
            if next.ended().is_some() {
                break;
            }
        }
        let steps = next.frontier.position - self.frontier.position;
        let statement = self.pins.statement(self.frontier, next.frontier, steps);
        let input = self.input(&statement, &forced);
        Ok(Decoded {
            input,
            statement,
            forced,
            emitted,
            next,
        })
    }

    /// Takes in the frontier's token; returns the next one.
    fn step(&mut self) -> Result<u32, PortableError> {
        let description = &self.model.description;
        let token = self.frontier.last_token;
        let position = self.frontier.position;
        let given = self.pins.prompt.get(position as usize + 1).copied();
        let next = match given {
            Some(next) => {
                integers::carry(description, &mut self.carried, token)?;
                next
            }
            None => integers::step(description, &mut self.carried, token)?.token,
        };
        self.chosen = given.is_none();
        let listed = match given {
            Some(_) => 0,
            None => next + 1,
        };
        let own = self.model.record.last(description, &self.carried);
        let chains = &mut self.chains;
        chains.kv = record::append(&chains.kv, &own, self.model.record.packing);
        chains.tokens = token_chain::append(&chains.tokens, token);
        chains.chosen = token_chain::append(&chains.chosen, listed);
        self.records.extend(own);
        self.frontier = Frontier {
            position: position + 1,
            last_token: next,
            kv_root: KvRoot(packed(&chains.kv)),
            tokens_root: TokensRoot(packed(&chains.tokens)),
            chosen_root: ChosenRoot(packed(&chains.chosen)),
        };
        Ok(next)
    }

    /// The program's input: header and frontier, then two lists, each behind its length.
    fn input(&self, statement: &Statement, forced: &[u32]) -> Vec<Felt> {
        let mut input = header(statement);
        input.push(Felt::from(forced.len()));
        input.extend(forced.iter().map(|&token| Felt::from(token)));
        input.push(Felt::from(self.records.len()));
        input.extend(self.records.iter().map(|&value| Felt::from(value)));
        input
    }
}
