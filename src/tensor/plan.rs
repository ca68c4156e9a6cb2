//! The plan: operations in the order of their calls, their tensors' addresses, and the ranges that make them sound.

use std::collections::BTreeMap;

use super::error::PlanError;
use super::gated::{Gated, Widths};
use super::product::{Function, Matrix, Product, form, holds, within};
use crate::air::components::lanes::CHANNELS;
use crate::air::components::residual::{BOUND, MAX_SHIFT};

/// Numbers of lanes that a plan may have.
const LANES: [usize; 4] = [8, 16, 32, 64];

/// A logit must be below this in magnitude.
const LOGIT: i64 = 1 << 28;

/// A tensor in the memory: consecutive addresses, one for each channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tensor {
    pub address: u32,
    pub channels: usize,
    /// Largest magnitude of its values.
    pub magnitude: i64,
}

/// An operation of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// The embeddings of the lanes' tokens.
    Embed { output: Tensor },
    /// Rounded products, in `bits` bits with the sign.
    Linear {
        of: Product,
        bits: u32,
        input: Tensor,
        output: Tensor,
    },
    /// A function of rounded products, by a table of the plan.
    Function {
        of: Product,
        table: usize,
        input: Tensor,
        output: Tensor,
    },
    /// A stream plus rounded products.
    Residual {
        of: Product,
        input: Tensor,
        stream: Tensor,
        output: Tensor,
    },
    /// A gated product, with the matrix that both of its matrices are.
    Gated {
        of: Gated,
        both: Matrix,
        widths: Widths,
        input: Tensor,
        output: Tensor,
    },
    /// The token with the largest logit `E x`; of equal ones the lowest.
    Head { input: Tensor },
}

impl Operation {
    /// The tensors that the operation reads.
    fn reads(&self) -> Vec<Tensor> {
        match self {
            Operation::Embed { .. } => vec![],
            Operation::Linear { input, .. }
            | Operation::Function { input, .. }
            | Operation::Gated { input, .. }
            | Operation::Head { input } => vec![*input],
            Operation::Residual { input, stream, .. } => vec![*input, *stream],
        }
    }

    /// The tensor that the operation writes.
    fn writes(&self) -> Option<Tensor> {
        match self {
            Operation::Embed { output }
            | Operation::Linear { output, .. }
            | Operation::Function { output, .. }
            | Operation::Residual { output, .. }
            | Operation::Gated { output, .. } => Some(*output),
            Operation::Head { .. } => None,
        }
    }
}

/// Addresses of the tokens: the first of a view of eight rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// Row of the tokens that come in. The view has it first.
    pub given: u32,
    /// Row of the chosen tokens.
    pub chosen: u32,
}

/// Operations, numbered from 1 on in the order of their calls.
#[derive(Clone, Debug)]
pub struct Plan {
    pub lanes: usize,
    /// Outputs of a block of a matrix: an even number.
    pub block: usize,
    /// The table of embeddings, which is the output matrix too.
    pub embedding: Matrix,
    /// Tables of functions.
    pub tables: Vec<Function>,
    pub tokens: Tokens,
    /// Address of the largest logits.
    pub maxima: u32,
    pub operations: Vec<Operation>,
    /// Addresses in use.
    pub addresses: u32,
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
            chosen: 1,
        };
        Ok(Plan {
            lanes,
            block,
            embedding,
            tables: vec![],
            tokens,
            maxima: CHANNELS as u32,
            operations: vec![],
            addresses: 2 * CHANNELS as u32,
        })
    }

    fn tensor(&mut self, channels: usize, magnitude: i64) -> Tensor {
        let address = self.addresses;
        // Views start at multiples of their size.
        self.addresses += channels.next_multiple_of(CHANNELS) as u32;
        Tensor {
            address,
            channels,
            magnitude,
        }
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

    /// The embeddings of the tokens that come in.
    pub fn embed(&mut self) -> Tensor {
        let values = self.embedding.rows.iter().flatten();
        let magnitude = values
            .map(|&value| i64::from(value).abs())
            .max()
            .unwrap_or(0);
        let output = self.tensor(self.embedding.inputs, magnitude);
        self.operations.push(Operation::Embed { output });
        output
    }

    /// A product with rounding to so many bits.
    ///
    /// # Errors
    /// Forms that do not fit, or an output whose range cannot be proven.
    pub fn linear(&mut self, input: Tensor, of: Product, bits: u32) -> Result<Tensor, PlanError> {
        self.written("linear", input)?;
        form("linear", bits, of.shift)?;
        let reaches = of.reaches("linear", input)?;
        for (output, &reach) in reaches.iter().enumerate() {
            holds("linear", output, reach, bits)?;
        }
        let magnitude = reaches.into_iter().max().unwrap_or(0);
        let output = self.tensor(of.outputs(), magnitude);
        self.operations.push(Operation::Linear {
            of,
            bits,
            input,
            output,
        });
        Ok(output)
    }

    /// A product with rounding, and a function of the results.
    ///
    /// # Errors
    /// Forms that do not fit, an output whose range cannot be proven, or a table that has not all arguments.
    pub fn function(
        &mut self,
        input: Tensor,
        of: Product,
        table: usize,
    ) -> Result<Tensor, PlanError> {
        self.written("function", input)?;
        let reaches = of.reaches("function", input)?;
        let function = self.values_of("function", table)?;
        let magnitude = function.magnitude("function", &reaches, of.shift)?;
        let output = self.tensor(of.outputs(), magnitude);
        self.operations.push(Operation::Function {
            of,
            table,
            input,
            output,
        });
        Ok(output)
    }

    fn values_of(&self, operation: &'static str, table: usize) -> Result<&Function, PlanError> {
        let missing = PlanError::NoTable { operation, table };
        self.tables.get(table).ok_or(missing)
    }

    /// A stream plus rounded products, one for each channel. A range of the sum that is beyond the bound of streams is not proven, but checked.
    ///
    /// # Errors
    /// A shift or a stream that no proof can have, or an output whose range cannot be proven.
    pub fn residual(
        &mut self,
        stream: Tensor,
        input: Tensor,
        of: Product,
    ) -> Result<Tensor, PlanError> {
        self.written("residual", input)?;
        self.written("residual", stream)?;
        if of.outputs() != stream.channels {
            return Err(PlanError::Outputs {
                operation: "residual",
                found: of.outputs(),
                expected: stream.channels,
            });
        }
        if of.shift > MAX_SHIFT {
            return Err(PlanError::StreamShift {
                shift: of.shift,
                limit: MAX_SHIFT,
            });
        }
        let (reach, limit) = (stream.magnitude, i64::from(BOUND));
        if reach > limit {
            return Err(PlanError::Stream { reach, limit });
        }
        let reaches = of.reaches("residual", input)?;
        let sum = reach + reaches.into_iter().max().unwrap_or(0);
        let output = self.tensor(stream.channels, sum.min(limit));
        self.operations.push(Operation::Residual {
            of,
            input,
            stream,
            output,
        });
        Ok(output)
    }

    /// A gated product.
    ///
    /// # Errors
    /// Forms that do not fit, an output whose range cannot be proven, or a table that has not all arguments.
    pub fn gated(&mut self, input: Tensor, of: Gated) -> Result<Tensor, PlanError> {
        self.written("gated", input)?;
        let function = self.values_of("gated", of.table)?;
        let widths = of.widths(function, input)?;
        let output = self.tensor(of.gate.outputs(), widths.magnitude);
        self.operations.push(Operation::Gated {
            both: of.both(),
            of,
            widths,
            input,
            output,
        });
        Ok(output)
    }

    /// The choice of the next token. A plan has one: the head's messages, its powers and the sum over chosen tokens have no
    /// number of an operation in them.
    ///
    /// # Errors
    /// A logit whose range cannot be proven, or a second head.
    pub fn head(&mut self, input: Tensor) -> Result<(), PlanError> {
        self.embedding.fits("head", input)?;
        self.written("head", input)?;
        if self.has_head() {
            return Err(PlanError::Heads);
        }
        for token in 0..self.embedding.rows.len() {
            let reach = self.embedding.reach(token, input.magnitude, 0);
            within("head", token, reach, LOGIT)?;
        }
        self.operations.push(Operation::Head { input });
        Ok(())
    }

    /// Requires that each address that an operation reads is written by exactly one: what nobody writes is the prover's
    /// choice. The tokens that come in are the program's, which reads them.
    ///
    /// # Errors
    /// [`PlanError::Writers`].
    pub fn check(&self) -> Result<(), PlanError> {
        let addresses = |tensor: &Tensor| tensor.address..tensor.address + tensor.channels as u32;
        let mut writers = BTreeMap::<u32, usize>::from([(self.tokens.given, 1)]);
        let mut read = vec![self.tokens.given];
        for operation in &self.operations {
            let written: Vec<u32> = match operation.writes() {
                Some(output) => addresses(&output).collect(),
                // The maxima are attained, which the head proves.
                None => vec![self.maxima, self.tokens.chosen],
            };
            for address in written {
                *writers.entry(address).or_default() += 1;
            }
            read.extend(operation.reads().iter().flat_map(addresses));
        }
        read.extend(writers.keys());
        let wrong = read.into_iter().find_map(|address| {
            let writers = writers.get(&address).copied().unwrap_or(0);
            (writers != 1).then_some(PlanError::Writers { address, writers })
        });
        wrong.map_or(Ok(()), Err)
    }

    /// A tensor is what an operation before has written, with that operation's range.
    fn written(&self, operation: &'static str, input: Tensor) -> Result<(), PlanError> {
        let written = self.operations.iter().filter_map(Operation::writes);
        let unwritten = PlanError::Unwritten {
            operation,
            address: input.address,
            channels: input.channels,
            magnitude: input.magnitude,
        };
        let mut same = written.filter(|output| *output == input);
        same.next().map(|_| ()).ok_or(unwritten)
    }

    /// Whether there is a choice of a token.
    pub fn has_head(&self) -> bool {
        self.operations
            .iter()
            .any(|operation| matches!(operation, Operation::Head { .. }))
    }

    /// Kinds of calls by their number of operands, and how many calls of each there are.
    pub fn kinds(&self) -> BTreeMap<usize, usize> {
        let mut kinds = BTreeMap::new();
        for call in self.calls() {
            *kinds.entry(call.len()).or_default() += 1;
        }
        kinds
    }

    /// The operands of an operation's call.
    pub fn operands(&self, operation: &Operation) -> Vec<u32> {
        match operation {
            Operation::Embed { output } => vec![self.tokens.given, output.address],
            Operation::Linear { input, output, .. }
            | Operation::Function { input, output, .. }
            | Operation::Gated { input, output, .. } => vec![input.address, output.address],
            Operation::Residual {
                input,
                stream,
                output,
                ..
            } => vec![input.address, output.address, stream.address],
            Operation::Head { input } => vec![input.address, self.maxima, self.tokens.chosen],
        }
    }

    /// The numbers that each call hands over: the operation's number, then its operands.
    pub fn calls(&self) -> Vec<Vec<u32>> {
        let call = |(number, operation)| [vec![number], self.operands(operation)].concat();
        (1..).zip(&self.operations).map(call).collect()
    }
}
