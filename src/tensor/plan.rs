//! The plan: operations in the order of their calls, their tensors' addresses, and the ranges that make them sound.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::carried::Carried;
use super::error::PlanError;
use super::matrix::Matrix;
use super::operation::{Chunk, Operand, Operation};
use super::product::{Function, fewest_bits};
use crate::air::components::Component;
use crate::air::components::lanes::CHANNELS;
use crate::air::components::positions::IN_VIEW;

/// Numbers of lanes that a plan may have.
pub const LANES: [usize; 4] = [8, 16, 32, 64];

/// A tensor in the memory: consecutive addresses, one for each channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tensor {
    pub address: u32,
    pub channels: usize,
    /// Largest magnitude of its values.
    pub magnitude: i64,
    /// Largest length of a lane's channels: the root of the sum of their squares.
    pub length: i64,
    /// Bits that hold each of its values, sign included.
    pub bits: u32,
}

impl Tensor {
    /// So many channels of at most this magnitude each, whatever their length.
    pub(super) fn new(address: u32, channels: usize, magnitude: i64) -> Tensor {
        let square = i128::from(magnitude).pow(2) * channels as i128;
        Tensor {
            address,
            channels,
            magnitude,
            length: root(square),
            bits: fewest_bits(magnitude),
        }
    }

    /// The same with channels that are checked to have at most so many bits.
    pub(super) fn of_bits(self, bits: u32) -> Tensor {
        let bits = self.bits.min(bits);
        Tensor { bits, ..self }
    }

    /// The same with channels that are together no longer than this.
    pub(super) fn within(self, length: i64) -> Tensor {
        Tensor {
            length: self.length.min(length),
            ..self
        }
    }

    /// Its addresses, channel by channel.
    pub fn addresses(&self) -> Range<u32> {
        self.address..self.address + self.channels as u32
    }

    /// Some of its channels.
    pub(super) fn part(self, first: usize, channels: usize) -> Tensor {
        Tensor {
            channels,
            ..self.at(self.address + first as u32)
        }
    }

    /// Tensors that lie behind one another, as one: of several no more is known than how large each channel is.
    pub(super) fn joined(parts: &[Tensor]) -> Tensor {
        if let [one] = parts {
            return *one;
        }
        let most = |of: fn(&Tensor) -> i64| parts.iter().map(of).max().unwrap_or(0);
        let address = parts.first().map_or(0, |part| part.address);
        let channels = parts.iter().map(|part| part.channels).sum();
        let bits = most(|part| part.bits.into()) as u32;
        Tensor::new(address, channels, most(|part| part.magnitude)).of_bits(bits)
    }

    /// As many channels of the same magnitude at another address.
    pub(super) fn at(self, address: u32) -> Tensor {
        Tensor { address, ..self }
    }

    /// Addresses of its views.
    pub(super) fn views(&self) -> Vec<u32> {
        self.addresses().step_by(CHANNELS).collect()
    }

    /// Its address, as an operand.
    pub(super) fn operand(self) -> Operand {
        Operand::Number(self.address)
    }
}

/// The least integer whose square is at least this.
pub(super) fn root(square: i128) -> i64 {
    let root = square.isqrt();
    let root = root + i128::from(root * root < square);
    i64::try_from(root).unwrap_or(i64::MAX)
}

/// Addresses of the tokens: the first of a view of eight rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// Row of the tokens that come in. The view has it first.
    pub given: u32,
    /// Row of the choices that count: the chosen token and 1, or 0 in a lane whose next token the prompt gives. The program
    /// binds it, as it binds the tokens that come in.
    pub listed: u32,
    /// Row of the chosen tokens.
    pub chosen: u32,
    /// Row of the positions.
    pub positions: u32,
}

/// Operations, numbered from 1 on in the order of their calls.
#[derive(Clone, Debug)]
pub struct Plan {
    pub lanes: usize,
    /// Outputs of a block of a matrix: an even number.
    pub block: usize,
    /// The table of embeddings.
    pub embedding: Matrix,
    /// The head's matrix, where it is not the table of embeddings: [`own_head`](Self::own_head).
    pub output: Option<Matrix>,
    /// Tables of functions.
    pub tables: Vec<Function>,
    pub tokens: Tokens,
    /// Address of the largest logits.
    pub maxima: u32,
    pub operations: Vec<Operation>,
    /// Addresses in use, without those of carried blocks, which lie behind them.
    pub addresses: u32,
    pub carried: Carried,
}

impl Plan {
    /// A plan that so far has tokens only.
    ///
    /// # Errors
    /// A number of lanes, of channels, or of a block's outputs that no component has.
    pub fn new(lanes: usize, block: usize, embedding: Matrix) -> Result<Plan, PlanError> {
        if !LANES.contains(&lanes) {
            return Err(PlanError::Lanes(lanes));
        }
        if !block.is_multiple_of(2) || block == 0 {
            return Err(PlanError::Block(block));
        }
        if !embedding.inputs.is_multiple_of(CHANNELS) || embedding.inputs == 0 {
            return Err(PlanError::Width(embedding.inputs));
        }
        let tokens = Tokens {
            given: 0,
            listed: 1,
            chosen: 2,
            positions: IN_VIEW as u32,
        };
        Ok(Plan {
            lanes,
            block,
            embedding,
            output: None,
            tables: vec![],
            tokens,
            maxima: CHANNELS as u32,
            operations: vec![],
            addresses: 2 * CHANNELS as u32,
            carried: Carried::default(),
        })
    }

    /// Addresses for the results of an operation, of at most this magnitude.
    pub(super) fn tensor(&mut self, channels: usize, magnitude: i64) -> Tensor {
        let address = self.addresses;
        // Views start at multiples of their size.
        self.addresses += channels.next_multiple_of(CHANNELS) as u32;
        Tensor::new(address, channels, magnitude)
    }

    /// Adds a table, and returns its number.
    ///
    /// # Errors
    /// Arguments or values of too many bits.
    pub fn table(&mut self, function: Function) -> Result<usize, PlanError> {
        function.check()?;
        self.tables.push(function);
        Ok(self.tables.len() - 1)
    }

    /// The number of a table, which is added where the plan has no equal one.
    pub(super) fn table_once(&mut self, function: Function) -> Result<usize, PlanError> {
        let equal = self.tables.iter().position(|table| *table == function);
        equal.map_or_else(|| self.table(function), Ok)
    }

    /// A table of the plan.
    pub(super) fn values_of(
        &self,
        operation: &'static str,
        table: usize,
    ) -> Result<&Function, PlanError> {
        let missing = PlanError::NoTable { operation, table };
        self.tables.get(table).ok_or(missing)
    }

    /// Requires that each address that an operation reads is written by exactly one: what nobody writes is the prover's
    /// choice. The tokens that come in are the program's, which reads them. No operation writes carried blocks: their values come from the
    /// prover, and are bound by the root of the [records](Self::records).
    ///
    /// # Errors
    /// [`PlanError::Writers`].
    pub fn check(&self) -> Result<(), PlanError> {
        let given = [self.tokens.given].into_iter();
        let bound = given.chain(self.carried_addresses());
        let mut writers: BTreeMap<u32, usize> = bound.map(|address| (address, 1)).collect();
        let mut read = vec![self.tokens.given];
        for operation in &self.operations {
            for address in operation.writes().iter().flat_map(Tensor::addresses) {
                let carried = usize::from(address >= self.addresses);
                *writers.entry(address).or_insert(carried) += 1;
            }
            let reads = operation.work().reads();
            read.extend(reads.iter().flat_map(Tensor::addresses));
        }
        read.extend(writers.keys());
        let wrong = read.into_iter().find_map(|address| {
            let writers = writers.get(&address).copied().unwrap_or(0);
            (writers != 1).then_some(PlanError::Writers { address, writers })
        });
        wrong.map_or(Ok(()), Err)
    }

    /// A tensor is what operations before have written, each with at most its range.
    pub(super) fn written(&self, operation: &'static str, input: Tensor) -> Result<(), PlanError> {
        let written = self.operations.iter().flat_map(Operation::writes);
        let unwritten = PlanError::Unwritten {
            operation,
            address: input.address,
            channels: input.channels,
            magnitude: input.magnitude,
        };
        if written.clone().any(|output| output == input) {
            return Ok(());
        }
        // Put together of several, its channels are no longer than their magnitudes say.
        let proven = Tensor::new(input.address, input.channels, input.magnitude).length;
        let known = written
            .filter(|output| output.magnitude <= input.magnitude && output.bits <= input.bits);
        let common = |output: Tensor| {
            let [own, other] = [input, output].map(|tensor| tensor.addresses());
            let end = own.end.min(other.end);
            end.saturating_sub(own.start.max(other.start)) as usize
        };
        let channels: usize = known.map(common).sum();
        let all = channels == input.channels && input.length >= proven;
        all.then_some(()).ok_or(unwritten)
    }

    /// Rows of each component that [grows](Component::grows), where so many blocks are carried.
    pub(super) fn grown(&self, blocks: u32) -> BTreeMap<Component, usize> {
        let memory = self.carried_address(blocks, 0);
        let mut rows = BTreeMap::from([(Component::Tensor, memory as usize)]);
        if let Some(views) = self.carried_views() {
            let addresses = (memory - self.addresses) as usize;
            rows.insert(views, addresses / CHANNELS);
        }
        for operation in &self.operations {
            for (component, own) in operation.work().grown(self, blocks) {
                *rows.entry(component).or_default() += own;
            }
        }
        rows
    }

    /// Addresses of the views that operations and the program use, without those of carried blocks.
    pub(super) fn views(&self) -> BTreeSet<u32> {
        let operations = self.operations.iter();
        let used = operations.flat_map(|operation| operation.work().views());
        used.chain([self.tokens.given]).collect()
    }

    /// Kinds of calls by their number of operands, and how many calls of each there are.
    pub fn kinds(&self) -> BTreeMap<usize, usize> {
        let mut kinds = BTreeMap::new();
        for call in self.calls() {
            *kinds.entry(call.len()).or_default() += 1;
        }
        kinds
    }

    /// What each call hands over: the operation's number, then its operands.
    pub fn calls(&self) -> Vec<Vec<Operand>> {
        let operations = (1..).zip(&self.operations);
        let call = |(number, operation): (u32, &Operation)| {
            [
                vec![Operand::Number(number)],
                operation.work().operands(self),
            ]
            .concat()
        };
        operations.map(call).collect()
    }

    /// The same in numbers, of a chunk.
    pub fn calls_of(&self, chunk: &Chunk) -> Vec<Vec<u32>> {
        let calls = self.calls().into_iter();
        let numbers =
            |call: Vec<Operand>| call.iter().map(|cell| cell.of(self.lanes, chunk)).collect();
        calls.map(numbers).collect()
    }
}
