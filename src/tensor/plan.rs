//! The plan: operations in the order of their calls, their tensors' addresses, and the ranges that make them sound.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::air::components::lanes::CHANNELS;
use crate::air::components::range::MAX_BITS;

/// Numbers of lanes that a plan may have.
const LANES: [usize; 4] = [8, 16, 32, 64];

/// Most bits of a rounded result and its rest together: the form that stands for an accumulator is below `2^30`.
const FORM_BITS: u32 = 30;

/// A logit must be below this in magnitude.
const LOGIT: i64 = 1 << 28;

/// Why there is no plan.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PlanError {
    #[error("a plan has 8, 16, 32 or 64 lanes, not {0}")]
    Lanes(usize),
    #[error("an embedding's channels come in eights: {0}")]
    Width(usize),
    #[error("{operation}: the matrix has {found} inputs, the tensor {expected} channels")]
    Inputs {
        operation: &'static str,
        found: usize,
        expected: usize,
    },
    #[error("{operation}: output {output} can reach {reach}, at most {limit} can be proven")]
    Range {
        operation: &'static str,
        output: usize,
        reach: i64,
        limit: i64,
    },
    #[error("linear: {bits} bits after a shift by {shift}; at most 16 each, and 30 together")]
    Bits { bits: u32, shift: u32 },
    #[error("linear: output {output} can be {reach} after rounding, which {bits} bits do not hold")]
    Result {
        output: usize,
        reach: i64,
        bits: u32,
    },
    #[error("address {address} is read, and {writers} operations write it: there must be one")]
    Writers { address: u32, writers: usize },
    #[error("linear: {found} biases for {expected} outputs")]
    Biases { found: usize, expected: usize },
    #[error(
        "head: the plan has one already; two would have the same powers of β and τ, so the errors of one could cancel those of the other"
    )]
    Heads,
    #[error(
        "{operation}: no operation writes {channels} channels of at most {magnitude} to address {address}; what is read there would be the prover's choice"
    )]
    Unwritten {
        operation: &'static str,
        address: u32,
        channels: usize,
        magnitude: i64,
    },
}

/// A matrix of integers: `outputs` rows of `inputs` numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matrix {
    pub inputs: usize,
    /// By output.
    pub rows: Vec<Vec<i32>>,
}

impl Matrix {
    /// The largest magnitude of `Σ_j W_ij x_j + bias` for inputs of at most `input`; beyond what 64 bits hold, the largest
    /// number that they hold, which is above every limit.
    fn reach(&self, output: usize, input: i64, bias: i64) -> i64 {
        let weights: i64 = self.rows[output].iter().map(|&w| i64::from(w).abs()).sum();
        weights.saturating_mul(input).saturating_add(bias.abs())
    }
}

/// A tensor in the memory: consecutive addresses, one for each channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tensor {
    pub address: u32,
    pub channels: usize,
    /// Largest magnitude of its values.
    pub magnitude: i64,
}

/// `round((W x + bias) / 2^shift)`, in `bits` bits with the sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linear {
    pub weights: Matrix,
    pub bias: Vec<i32>,
    pub shift: u32,
    pub bits: u32,
}

/// An operation of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// The embeddings of the lanes' tokens.
    Embed { output: Tensor },
    Linear {
        of: Linear,
        input: Tensor,
        output: Tensor,
    },
    /// The token with the largest logit `E x`; of equal ones the lowest.
    Head { input: Tensor },
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
    /// Outputs of a block of a matrix.
    pub block: usize,
    /// The table of embeddings, which is the output matrix too.
    pub embedding: Matrix,
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
    /// A number of lanes or channels that no component has.
    pub fn new(lanes: usize, block: usize, embedding: Matrix) -> Result<Plan, PlanError> {
        if !LANES.contains(&lanes) {
            return Err(PlanError::Lanes(lanes));
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

    /// A product with rounding.
    ///
    /// # Errors
    /// Forms that do not fit, or an output whose range cannot be proven.
    pub fn linear(&mut self, input: Tensor, of: Linear) -> Result<Tensor, PlanError> {
        let Linear {
            weights,
            bias,
            shift,
            bits,
        } = &of;
        inputs("linear", weights, input)?;
        self.written("linear", input)?;
        if bias.len() != weights.rows.len() {
            return Err(PlanError::Biases {
                found: bias.len(),
                expected: weights.rows.len(),
            });
        }
        if *shift > MAX_BITS || !(1..=MAX_BITS).contains(bits) || shift + bits > FORM_BITS {
            return Err(PlanError::Bits {
                bits: *bits,
                shift: *shift,
            });
        }
        let mut magnitude = 0;
        for (output, &bias) in bias.iter().enumerate() {
            let reach = weights.reach(output, input.magnitude, bias.into());
            // A result within its bits, and at most 30 with its rest, bounds the accumulator below 2^29.
            let rounded = reach.saturating_add(half(*shift)) >> shift;
            if rounded >= 1 << (bits - 1) {
                return Err(PlanError::Result {
                    output,
                    reach: rounded,
                    bits: *bits,
                });
            }
            magnitude = magnitude.max(rounded);
        }
        let output = self.tensor(weights.rows.len(), magnitude);
        self.operations
            .push(Operation::Linear { of, input, output });
        Ok(output)
    }

    /// The choice of the next token. A plan has one: the head's messages, its powers and the sum over chosen tokens have no
    /// number of an operation in them.
    ///
    /// # Errors
    /// A logit whose range cannot be proven, or a second head.
    pub fn head(&mut self, input: Tensor) -> Result<(), PlanError> {
        inputs("head", &self.embedding, input)?;
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
            let written: Vec<u32> = match operation {
                Operation::Embed { output } | Operation::Linear { output, .. } => {
                    addresses(output).collect()
                }
                // The maxima are attained, which the head proves.
                Operation::Head { .. } => vec![self.maxima, self.tokens.chosen],
            };
            for address in written {
                *writers.entry(address).or_default() += 1;
            }
            if let Operation::Linear { input, .. } | Operation::Head { input } = operation {
                read.extend(addresses(input));
            }
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
        let outputs = self.operations.iter().filter_map(|op| match op {
            Operation::Embed { output } | Operation::Linear { output, .. } => Some(*output),
            Operation::Head { .. } => None,
        });
        let unwritten = PlanError::Unwritten {
            operation,
            address: input.address,
            channels: input.channels,
            magnitude: input.magnitude,
        };
        let mut same = outputs.filter(|output| *output == input);
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

    /// The numbers that each call hands over: the operation's number, then its operands.
    pub fn calls(&self) -> Vec<Vec<u32>> {
        let call = |(i, operation): (usize, &Operation)| {
            let mut call = vec![i as u32 + 1];
            match operation {
                Operation::Embed { output } => call.extend([self.tokens.given, output.address]),
                Operation::Linear { input, output, .. } => {
                    call.extend([input.address, output.address])
                }
                Operation::Head { input } => {
                    call.extend([input.address, self.maxima, self.tokens.chosen])
                }
            }
            call
        };
        self.operations.iter().enumerate().map(call).collect()
    }
}

/// Half of `2^shift`, which rounding adds.
pub fn half(shift: u32) -> i64 {
    (1 << shift) >> 1
}

fn inputs(operation: &'static str, matrix: &Matrix, input: Tensor) -> Result<(), PlanError> {
    let fits =
        matrix.inputs == input.channels && matrix.rows.iter().all(|row| row.len() == matrix.inputs);
    let wrong = PlanError::Inputs {
        operation,
        found: matrix.inputs,
        expected: input.channels,
    };
    fits.then_some(()).ok_or(wrong)
}

fn within(operation: &'static str, output: usize, reach: i64, limit: i64) -> Result<(), PlanError> {
    let wrong = PlanError::Range {
        operation,
        output,
        reach,
        limit,
    };
    (reach < limit).then_some(()).ok_or(wrong)
}
