//! Tensor components: embeddings, products, roundings and a choice of tokens in one proof with a Cairo program that calls
//! them; and what liars get for each of their columns.

#[path = "tensors/attention.rs"]
mod attention;
#[path = "tensors/attention_groups.rs"]
mod attention_groups;
#[path = "tensors/attention_lanes.rs"]
mod attention_lanes;
#[path = "tensors/attention_lie.rs"]
mod attention_lie;
#[path = "tensors/attention_plans.rs"]
mod attention_plans;
#[path = "tensors/balance.rs"]
mod balance;
#[path = "tensors/cell_lies.rs"]
mod cell_lies;
#[path = "tensors/cells.rs"]
mod cells;
#[path = "tensors/chain_lies.rs"]
mod chain_lies;
#[path = "tensors/checked.rs"]
mod checked;
#[path = "tensors/circuit.rs"]
mod circuit;
#[path = "tensors/claims.rs"]
mod claims;
#[path = "support/command.rs"]
mod command;
#[path = "tensors/constraint_lies.rs"]
mod constraint_lies;
#[path = "tensors/constraints.rs"]
mod constraints;
#[path = "tensors/coverage.rs"]
mod coverage;
#[path = "tensors/digest_liar.rs"]
mod digest_liar;
#[path = "tensors/digest_lies.rs"]
mod digest_lies;
#[path = "tensors/digest_plans.rs"]
mod digest_plans;
#[path = "tensors/digest_proofs.rs"]
mod digest_proofs;
#[path = "tensors/digests.rs"]
mod digests;
#[path = "tensors/findings.rs"]
mod findings;
#[path = "tensors/forms.rs"]
mod forms;
#[path = "tensors/frontiers.rs"]
mod frontiers;
#[path = "tensors/generated.rs"]
mod generated;
#[path = "tensors/head_lies.rs"]
mod head_lies;
#[path = "tensors/hint_liar.rs"]
mod hint_liar;
#[path = "tensors/hints.rs"]
mod hints;
#[path = "tensors/liar.rs"]
mod liar;
#[path = "tensors/lookup_lies.rs"]
mod lookup_lies;
#[path = "tensors/manifest.rs"]
mod manifest;
#[path = "tensors/matrix.rs"]
mod matrix;
#[path = "tensors/necessity.rs"]
mod necessity;
#[path = "tensors/norm_lane.rs"]
mod norm_lane;
#[path = "tensors/norm_lies.rs"]
mod norm_lies;
#[path = "tensors/norm_plans.rs"]
mod norm_plans;
#[path = "tensors/norm_roots.rs"]
mod norm_roots;
#[path = "tensors/norms.rs"]
mod norms;
#[path = "tensors/numbers.rs"]
mod numbers;
#[path = "tensors/object.rs"]
mod object;
#[path = "tensors/own_head.rs"]
mod own_head;
#[path = "tensors/pinned.rs"]
mod pinned;
#[path = "tensors/position_lies.rs"]
mod position_lies;
#[path = "tensors/position_refusals.rs"]
mod position_refusals;
#[path = "tensors/program.rs"]
mod program;
#[path = "tensors/proofs.rs"]
mod proofs;
#[path = "tensors/random.rs"]
mod random;
#[path = "tensors/receipts.rs"]
mod receipts;
#[path = "tensors/refusals.rs"]
mod refusals;
#[path = "tensors/rooted.rs"]
mod rooted;
#[path = "tensors/rotary.rs"]
mod rotary;
#[path = "tensors/rotary_lies.rs"]
mod rotary_lies;
#[path = "tensors/rules.rs"]
mod rules;
#[path = "tensors/scalar.rs"]
mod scalar;
#[path = "tensors/sessions.rs"]
mod sessions;
#[allow(dead_code)]
#[path = "tensors/shape.rs"]
mod shape;
#[path = "tensors/shapes.rs"]
mod shapes;
#[path = "tensors/sites.rs"]
mod sites;
#[path = "support/table.rs"]
mod table;
#[path = "tensors/unbound.rs"]
mod unbound;
#[path = "tensors/words.rs"]
mod words;

use cairo_decode::prove::tensor::{Constants, Witness};
use cairo_decode::tensor::values::{Values, compute};
use cairo_decode::tensor::{self, Function, Gated, Matrix, Plan, Product, constants, witness};
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
    fn next(&mut self) -> u64 {
        // Knuth's multiplier of a linear congruential generator.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        self.0 >> 33
    }

    /// A number from `-most` to `most`.
    fn signed(&mut self, most: i32) -> i32 {
        let range = 2 * i64::from(most) + 1;
        (self.next() as i64 % range) as i32 - most
    }

    fn matrix(&mut self, inputs: usize, outputs: usize, most: i32) -> Matrix {
        Matrix::new(inputs, self.rows(inputs, outputs, most))
    }

    fn rows(&mut self, inputs: usize, outputs: usize, most: i32) -> Vec<Vec<i32>> {
        let row = |numbers: &mut Numbers| (0..inputs).map(|_| numbers.signed(most)).collect();
        (0..outputs).map(|_| row(self)).collect()
    }

    /// A product with weights of at most `most`.
    fn product(&mut self, inputs: usize, outputs: usize, most: i32, shift: u32) -> Product {
        Product {
            weights: self.matrix(inputs, outputs, most),
            bias: (0..outputs).map(|_| self.signed(20 * most)).collect(),
            shift,
        }
    }
}

/// A function with a sign, a bend and a slope: `v · sigmoid(v / 64)` rounded, for the arguments from `-most` to `most`.
fn silu(most: i64) -> Function {
    let value = |v: i64| (v as f64 / (1.0 + (-v as f64 / 64.0).exp())).round() as i32;
    Function {
        first: -most,
        values: (-most..=most).map(value).collect(),
    }
}

/// Every operation between embedding and head; matrices with fewer outputs than a block, and with more.
pub fn plan() -> Plan {
    let mut numbers = Numbers(1);
    let mut embedding = numbers.rows(WIDTH, TOKENS, 127);
    // Two tokens with equal logits, whatever the input.
    embedding[31] = embedding[7].clone();
    let embedding = Matrix::new(WIDTH, embedding);
    let mut plan = Plan::new(LANES, 12, embedding).expect("a plan");
    let silu = plan.table(silu(1000)).expect("a table");
    let x = plan.embed();
    let y = numbers.product(WIDTH, 14, 500, 11);
    let y = plan.function(x, y, silu).expect("in range");
    let z = numbers.product(14, 8, 500, 9);
    let z = plan.linear(y, z, 14).expect("in range");
    let sum = numbers.product(8, WIDTH, 3, 3);
    let sum = plan.residual(x, z, sum, 24).expect("in range");
    let gated = Gated {
        gate: numbers.product(WIDTH, 7, 2, 10),
        up: numbers.product(WIDTH, 7, 2, 5),
        table: silu,
        shift: 11,
        bits: 16,
    };
    let gated = plan.gated(sum, gated).expect("in range");
    let sum2 = numbers.product(7, WIDTH, 3, 2);
    let sum = plan.residual(sum, gated, sum2, 18).expect("in range");
    plan.head(sum).expect("in range");
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
pub fn chunk(tokens: &[u32]) -> Chunk {
    chunk_of(plan(), tokens)
}

impl Chunk {
    /// Place of a component in the layout.
    pub fn index(&self, name: &str) -> usize {
        let mut placed = self.constants.layout.components.iter();
        let found = placed.position(|placed| placed.component.to_string() == name);
        found.unwrap_or_else(|| panic!("no {name}"))
    }

    /// What a table of the plan says of an argument.
    pub fn value(&self, table: usize, argument: i64) -> i64 {
        let function = &self.plan.tables[table];
        function.values[(argument - function.first) as usize].into()
    }
}

/// A chunk with one operation of each kind that takes outputs, whose results nothing else reads: a wrong one has no consequences.
pub fn ends() -> Chunk {
    let mut numbers = Numbers(5);
    let mut plan = Plan::new(LANES, 12, numbers.matrix(WIDTH, TOKENS, 127)).expect("a plan");
    let silu = plan.table(silu(1000)).expect("a table");
    let x = plan.embed();
    let of = numbers.product(WIDTH, 8, 500, 11);
    plan.linear(x, of, 14).expect("in range");
    let of = numbers.product(WIDTH, 8, 500, 11);
    plan.function(x, of, silu).expect("in range");
    let of = numbers.product(WIDTH, WIDTH, 500, 3);
    plan.residual(x, x, of, 25).expect("in range");
    let of = Gated {
        gate: numbers.product(WIDTH, 8, 500, 11),
        up: numbers.product(WIDTH, 8, 500, 10),
        table: silu,
        shift: 8,
        bits: 16,
    };
    plan.gated(x, of).expect("in range");
    plan.head(x).expect("in range");
    chunk_of(plan, &GIVEN)
}

/// A plan's chunk of these tokens, one for each lane.
pub fn chunk_of(plan: Plan, tokens: &[u32]) -> Chunk {
    chunk_at(plan, tokens, 0)
}

/// The same from a position on.
pub fn chunk_at(plan: Plan, tokens: &[u32], position: u32) -> Chunk {
    let mut chunk = tensor::Chunk::first(tokens);
    chunk.position = position;
    plan.accepts(&chunk)
        .expect("tokens and positions of the plan");
    let values = compute(&plan, &chunk).expect("a stream within its bound");
    chunk_with(plan, values)
}

/// A plan's chunk with these values in memory.
pub fn chunk_with(plan: Plan, values: Values) -> Chunk {
    plan.check().expect("one writer each");
    chunk_unchecked(plan, values)
}

/// The same of any plan.
pub fn chunk_unchecked(plan: Plan, values: Values) -> Chunk {
    let mut input = program::run(&plan, &values);
    let sets = constants::unchecked(&plan, program::reads(&plan).len());
    let constants = constants::of_chunk(&plan, &sets, &values.chunk);
    let constants = constants.expect("allowed sizes");
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
