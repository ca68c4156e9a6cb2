//! Random plans: their witnesses fit, and their results are what integers written out in another way say.

use std::collections::BTreeMap;

use cairo_decode::air::components::lanes::CHANNELS;
use cairo_decode::tensor::Operation;
use cairo_decode::tensor::matrix::Row;
use cairo_decode::tensor::values::compute;
use cairo_decode::tensor::{
    Angles, Chunk, Function, Gated, Matrix, Norm, Plan, PlanError, Product, Tensor,
};

use crate::balance::Honest;
use crate::norms::{self, KINDS};
use crate::{Numbers, chunk_at, rotary};

/// Tables of a plan.
const TABLES: usize = 2;

impl Numbers {
    /// A number from `least` to `most`.
    pub fn between(&mut self, least: usize, most: usize) -> usize {
        least + (self.next() % (most - least + 1) as u64) as usize
    }
}

/// An operation with the least shift from a random one on that the plan takes.
fn shifted<T>(numbers: &mut Numbers, mut add: impl FnMut(u32) -> Result<T, PlanError>) -> T {
    let first = numbers.between(0, 3) as u32;
    let mut refusals = vec![];
    for shift in first..=16 {
        match add(shift) {
            Ok(output) => return output,
            Err(error) => refusals.push(error),
        }
    }
    panic!("no shift: {refusals:?}")
}

/// Adds an operation whose results, less what they are added to, always have so many bits: every chunk has a proof.
fn proven(
    plan: &mut Plan,
    bits: u32,
    added_to: i64,
    add: impl Fn(&mut Plan) -> Result<Tensor, PlanError>,
) -> Result<Tensor, PlanError> {
    let mut more = plan.clone();
    let output = add(&mut more)?;
    let reach = output.magnitude - added_to;
    if reach >= 1 << (bits - 1) {
        return Err(PlanError::Result {
            operation: "random",
            output: 0,
            reach,
            bits,
        });
    }
    *plan = more;
    Ok(output)
}

/// A product whose accumulators stay below `2^bits`, and its biases.
fn product(numbers: &mut Numbers, input: Tensor, outputs: usize, bits: u32) -> Product {
    let inputs = input.channels;
    let most = (1 << bits) / (inputs as i64 * input.magnitude.max(1));
    let most = numbers.between(0, most.clamp(1, 60) as usize) as i32;
    Product {
        weights: numbers.matrix(inputs, outputs, most),
        bias: (0..outputs).map(|_| numbers.signed(500)).collect(),
        shift: 0,
    }
}

fn with_shift(of: &Product, shift: u32) -> Product {
    Product {
        shift,
        ..of.clone()
    }
}

/// A plan with up to five operations between embedding and head.
pub fn plan(numbers: &mut Numbers) -> Plan {
    let lanes = [8, 16][numbers.between(0, 1)];
    let width = 8 * numbers.between(1, 3);
    let tokens = numbers.between(2, 40);
    let block = 2 * numbers.between(1, 8);
    let embedding = numbers.matrix(width, tokens, 127);
    let mut plan = Plan::new(lanes, block, embedding).expect("a plan");
    for _ in 0..TABLES {
        let most = numbers.between(300, 2000) as i64;
        let values = (-most..=most).map(|_| numbers.signed(3000)).collect();
        let function = Function {
            first: -most,
            values,
        };
        plan.table(function).expect("a table");
    }
    plan.positions();
    let mut tensors = vec![rotary::embeds(numbers, &mut plan)];
    let angles = rotary::angles(numbers, &mut plan);
    for _ in 0..numbers.between(1, 4) {
        let output = operation(numbers, &mut plan, &tensors, angles);
        tensors.push(output);
    }
    // The head takes as many channels as the embedding has, of 12 bits.
    let input = tensors[tensors.len() - 1];
    let last = product(numbers, input, width, 28);
    let last = shifted(numbers, |shift| {
        let of = with_shift(&last, shift);
        proven(&mut plan, 12, 0, |plan| plan.linear(input, of.clone(), 12))
    });
    plan.head(last).expect("in range");
    plan
}

/// A random operation on some of the tensors that there are.
fn operation(numbers: &mut Numbers, plan: &mut Plan, tensors: &[Tensor], angles: Angles) -> Tensor {
    let any = |numbers: &mut Numbers| tensors[numbers.between(0, tensors.len() - 1)];
    let input = any(numbers);
    let outputs = numbers.between(1, 20);
    match numbers.between(0, 5) {
        0 => {
            let of = product(numbers, input, outputs, 28);
            let bits = numbers.between(10, 16) as u32;
            shifted(numbers, |shift| {
                let of = with_shift(&of, shift);
                proven(plan, bits, 0, |plan| plan.linear(input, of.clone(), bits))
            })
        }
        1 => {
            let of = product(numbers, input, outputs, 24);
            let table = numbers.between(0, TABLES - 1);
            shifted(numbers, |shift| {
                plan.function(input, with_shift(&of, shift), table)
            })
        }
        2 => {
            let [gate, up] = [22, 24].map(|bits| product(numbers, input, outputs, bits));
            let table = numbers.between(0, TABLES - 1);
            shifted(numbers, |shift| {
                let of = Gated {
                    gate: with_shift(&gate, shift + 2),
                    up: with_shift(&up, shift),
                    table,
                    shift: shift + 4,
                    bits: 16.min(26 - shift),
                };
                proven(plan, of.bits, 0, |plan| plan.gated(input, of.clone()))
            })
        }
        3 => {
            // A plan has norms of one kind.
            let kind = KINDS[plan.embedding.inputs / CHANNELS % 2];
            let eps = numbers.between(0, 1000) as f64;
            let bits = numbers.between(14, 16) as u32;
            let of = Norm::finest(kind, input.channels, input.magnitude, eps, bits);
            plan.norm(input, of).expect("in range")
        }
        4 => {
            let heads = numbers.between(1, 3);
            let of = product(numbers, input, heads * 2 * angles.frequencies, 26);
            let bits = numbers.between(10, 15) as u32;
            shifted(numbers, |shift| {
                plan.rotary(input, with_shift(&of, shift), angles, heads, bits)
            })
        }
        _ => {
            let stream = any(numbers);
            let of = product(numbers, input, stream.channels, 20);
            let bits = 24;
            shifted(numbers, |shift| {
                let of = with_shift(&of, shift);
                proven(plan, bits, stream.magnitude, |plan| {
                    plan.residual(stream, input, of.clone(), bits)
                })
            })
        }
    }
}

/// `⌊(W x + b) / 2^s + 1/2⌋` of one output.
fn rounded(of: &Product, output: usize, x: &[i128]) -> i128 {
    let row = of.weights.row(output);
    let mut sum = i128::from(of.bias[output]);
    for (j, value) in x.iter().enumerate() {
        sum += i128::from(row.at(j)) * value;
    }
    halves_up(sum, of.shift)
}

/// The nearest integer to `number / 2^shift`; of two, the larger.
pub fn halves_up(number: i128, shift: u32) -> i128 {
    let unit = 1i128 << shift;
    (2 * number + unit).div_euclid(2 * unit)
}

/// What a table says of an argument.
fn table(plan: &Plan, table: usize, argument: i128) -> i128 {
    let function = &plan.tables[table];
    let place = argument - i128::from(function.first);
    i128::from(function.values[usize::try_from(place).expect("an argument")])
}

/// The first row with the largest product.
fn largest(matrix: &Matrix, x: &[i128]) -> i128 {
    let product = |row: &Row| -> i128 {
        row.numbers()
            .iter()
            .zip(x)
            .map(|(&w, x)| i128::from(w) * x)
            .sum()
    };
    let products: Vec<i128> = matrix.rows().iter().map(product).collect();
    let largest = products.iter().max();
    let place = products.iter().position(|product| Some(product) == largest);
    place.expect("a row") as i128
}

/// The results of each operation for one token at a position, and the tensor that has them.
fn expected(plan: &Plan, token: u32, position: usize) -> Vec<(Tensor, Vec<i128>)> {
    let mut results: Vec<(Tensor, Vec<i128>)> = vec![];
    for operation in &plan.operations {
        let of = |tensor: Tensor| {
            let found = results.iter().find(|(output, _)| *output == tensor);
            found.map_or(vec![], |(_, values)| values.clone())
        };
        let rounds = |of: &Product, x: &[i128]| -> Vec<i128> {
            let outputs = 0..of.weights.outputs();
            outputs.map(|i| rounded(of, i, x)).collect()
        };
        let result = match operation {
            Operation::Embed(embed) => {
                let row = plan.embedding.row(token as usize).numbers();
                let scaled = row.iter().map(|&e| i128::from(e) << embed.shift);
                let own = rotary::of_position(embed, position).into_iter();
                (embed.output, scaled.zip(own).map(|(e, p)| e + p).collect())
            }
            Operation::Linear(linear) => {
                let values = rounds(&linear.of, &of(linear.input));
                (linear.output, values)
            }
            Operation::Function(function) => {
                let arguments = rounds(&function.of, &of(function.input)).into_iter();
                let values = arguments.map(|z| table(plan, function.table, z)).collect();
                (function.output, values)
            }
            Operation::Residual(residual) => {
                let added = rounds(&residual.of, &of(residual.input));
                let old = of(residual.stream);
                let values = old.iter().zip(added).map(|(x, z)| x + z).collect();
                (residual.output, values)
            }
            Operation::Gated(gated) => {
                let x = of(gated.input);
                let [gates, ups] = [&gated.of.gate, &gated.of.up].map(|of| rounds(of, &x));
                let values = gates
                    .into_iter()
                    .zip(ups)
                    .map(|(z, u)| halves_up(table(plan, gated.of.table, z) * u, gated.of.shift));
                (gated.output, values.collect())
            }
            Operation::Positions(positions) => (positions.output, vec![position as i128]),
            Operation::Angles(angles) => {
                let values = rotary::cosines_and_sines(angles, position);
                (angles.angles.output, values)
            }
            Operation::Rotary(rotary) => {
                let x = rounds(&rotary.of, &of(rotary.input));
                let values = rotary::rotated(&x, rotary.angles, &of(rotary.angles.output));
                (rotary.output, values)
            }
            Operation::Norm(norm) => {
                let (_, values) = norms::expected(&of(norm.input), &norm.of);
                (norm.output, values)
            }
            // Their lanes depend on each other: `attention` has plans of its own.
            Operation::Masks(_) | Operation::QueryHead(_) => {
                panic!("random plans have no attention")
            }
            Operation::Head(head) => {
                let token = largest(&plan.embedding, &of(head.input));
                (head.chosen, vec![token])
            }
            Operation::Records(_) | Operation::Chains(_) => {
                panic!("digests have tests of their own")
            }
        };
        results.push(result);
    }
    results
}

#[test]
fn random_plans_fit_and_compute() {
    let mut kinds = BTreeMap::new();
    for seed in 0..20 {
        let mut numbers = Numbers(1000 + seed);
        let plan = plan(&mut numbers);
        let last = plan.embedding.outputs() - 1;
        let tokens: Vec<u32> = (0..plan.lanes)
            .map(|_| numbers.between(0, last) as u32)
            .collect();
        // Some of the lanes may be beyond the context.
        let position = numbers.between(0, rotary::CONTEXT - 1);
        let chunk = chunk_at(plan, &tokens, position as u32);
        Honest::new(&chunk.constants, &chunk.witness);
        for (lane, &token) in tokens.iter().enumerate() {
            let expected = expected(&chunk.plan, token, position + lane);
            for (operation, (output, expected)) in chunk.plan.operations.iter().zip(expected) {
                let address = output.address as usize;
                let rows = &chunk.values.rows[address..][..expected.len()];
                let found: Vec<i128> = rows.iter().map(|row| row[lane].into()).collect();
                assert_eq!(found, expected, "seed {seed}, lane {lane}: {operation:?}");
            }
        }
        for operation in &chunk.plan.operations {
            *kinds.entry(operation.name()).or_insert(0) += 1;
        }
    }
    // Each kind of operation is among them.
    assert_eq!(kinds.len(), 10);
    assert!(kinds.values().all(|&count| count >= 5), "{kinds:?}");
}

/// Lanes that take the tokens that lanes before choose hold what they hold when these tokens are given to them.
#[test]
fn chosen_tokens_come_in() {
    for seed in 0..8 {
        let mut numbers = Numbers(2000 + seed);
        let plan = plan(&mut numbers);
        let last = plan.embedding.outputs() - 1;
        let known = numbers.between(1, plan.lanes);
        let tokens: Vec<u32> = (0..known)
            .map(|_| numbers.between(0, last) as u32)
            .collect();
        let decoded = compute(&plan, &Chunk::first(&tokens)).expect("within bounds");
        let row = |address: u32| &decoded.rows[address as usize];
        let given: Vec<u32> = row(plan.tokens.given).iter().map(|&t| t as u32).collect();
        let chosen = row(plan.tokens.chosen).iter().map(|&t| t as u32);
        let expected: Vec<u32> = tokens
            .iter()
            .copied()
            .chain(chosen.skip(known - 1))
            .collect();
        assert_eq!(given, expected[..plan.lanes]);
        let forced = compute(&plan, &Chunk::first(&given)).expect("within bounds");
        assert_eq!(decoded.rows, forced.rows);
        // Also what rows are made of.
        let [one, other] = [decoded, forced].map(|values| crate::chunk_with(plan.clone(), values));
        assert_eq!(one.witness.tables, other.witness.tables);
    }
}
