//! Tensor components: embeddings, products, roundings and a choice of tokens in one proof with a Cairo program that calls
//! them; and what liars get for each of their columns.

#[path = "tensors/balance.rs"]
mod balance;
#[path = "tensors/circuit.rs"]
mod circuit;
#[path = "tensors/liar.rs"]
mod liar;
#[path = "tensors/plans.rs"]
mod plans;
#[path = "tensors/program.rs"]
mod program;
#[path = "tensors/proofs.rs"]
mod proofs;
#[path = "tensors/rules.rs"]
mod rules;

use cairo_decode::prove::tensor::{Constants, Witness};
use cairo_decode::tensor::values::{Values, compute};
use cairo_decode::tensor::{Linear, Matrix, Plan, constants, witness};
use stwo_cairo_adapter::ProverInput;

/// Lanes of the test's proofs.
const LANES: usize = 8;

/// Tokens of the vocabulary.
const TOKENS: usize = 40;

/// Channels of the embedding.
const WIDTH: usize = 16;

/// Numbers from a seed.
pub struct Numbers(u64);

impl Numbers {
    /// A number from `-most` to `most`.
    fn signed(&mut self, most: i32) -> i32 {
        // Knuth's multiplier of a linear congruential generator.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let range = 2 * i64::from(most) + 1;
        ((self.0 >> 33) as i64 % range) as i32 - most
    }

    fn matrix(&mut self, inputs: usize, outputs: usize, most: i32) -> Matrix {
        let row = |numbers: &mut Numbers| (0..inputs).map(|_| numbers.signed(most)).collect();
        Matrix {
            inputs,
            rows: (0..outputs).map(|_| row(self)).collect(),
        }
    }

    fn linear(&mut self, inputs: usize, outputs: usize, shift: u32, bits: u32) -> Linear {
        Linear {
            weights: self.matrix(inputs, outputs, 500),
            bias: (0..outputs).map(|_| self.signed(10_000)).collect(),
            shift,
            bits,
        }
    }
}

/// Two products between embedding and head, one with fewer outputs than a block and one with more.
pub fn plan() -> Plan {
    let mut numbers = Numbers(1);
    let mut embedding = numbers.matrix(WIDTH, TOKENS, 127);
    // Two tokens with equal logits, whatever the input.
    embedding.rows[31] = embedding.rows[7].clone();
    let mut plan = Plan::new(LANES, 12, embedding).expect("a plan");
    let x = plan.embed();
    let y = plan
        .linear(x, numbers.linear(WIDTH, 8, 9, 12))
        .expect("in range");
    let z = plan
        .linear(y, numbers.linear(8, WIDTH, 10, 13))
        .expect("in range");
    plan.head(z).expect("in range");
    plan
}

/// A chunk of the plan: constants, memory, rows, and the run without its calls.
pub struct Chunk {
    pub plan: Plan,
    pub constants: Constants,
    pub values: Values,
    pub witness: Witness,
    pub input: ProverInput,
}

/// The chunk of these tokens.
pub fn chunk(tokens: &[u32; LANES]) -> Chunk {
    let plan = plan();
    let values = compute(&plan, tokens);
    chunk_of(plan, values)
}

/// The chunk with these values in memory.
pub fn chunk_of(plan: Plan, values: Values) -> Chunk {
    let mut input = program::run(&plan, &values);
    let constants = constants::constants(&plan, LANES).expect("one writer each");
    let witness = witness::witness(&plan, &constants, &values, &mut input).expect("calls");
    Chunk {
        plan,
        constants,
        values,
        witness,
        input,
    }
}

pub const GIVEN: [u32; LANES] = [0, 7, 31, 39, 5, 12, 12, 23];
