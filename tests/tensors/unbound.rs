//! What checked plans and their programs leave open: statements that are accepted, and that no root and no table stands behind.

use cairo_decode::program::Schedule;
use cairo_decode::tensor::values::{Values, compute};
use cairo_decode::tensor::{self, Matrix, Plan, Product, Tensor};
use cairo_decode::verify::statement::v3::Statement;

use crate::attention::{Form, NEAR, behind};
use crate::balance::Honest;
use crate::generated::{Model, frontier, names};
use crate::rotary::CONTEXT;
use crate::{LANES, Numbers, TOKENS, WIDTH, chunk_with};

/// What is stated of a chunk of all lanes, if it is accepted: the program runs, and its calls and reads fit the rows.
fn accepted(model: &Model, first: [u32; 2], values: &Values) -> Statement {
    let [position, token] = first;
    let chunk = model.chunk(&[token], frontier(position, token), LANES, values);
    let run = model.rows(values, &chunk.input).expect("it runs");
    assert_eq!(run.output, chunk.statement.to_output());
    assert_eq!(run.misfit(), None);
    chunk.statement
}

/// A plan with attention, whose carried blocks are in a record, but without chains of tokens: `constants` takes it, a schedule too. Its program
/// reads no root at all, so the record's is whatever the prover carries: two histories of one frontier, with two choices.
#[test]
fn records_without_chains_bind_nothing() {
    let form = Form { layers: 1, ..NEAR };
    let mut plan = form.plan(&mut Numbers(5));
    let carried: Vec<Tensor> = plan.carried.tensors.iter().map(|of| of.own).collect();
    plan.records(&carried).expect("in range");
    assert_eq!((plan.check(), plan.check_carried()), (Ok(()), Ok(())));
    let schedule = Schedule::new(&plan, &names(&plan)).expect("a schedule");
    assert_eq!(schedule.roots, None);
    let model = Model::of(plan, schedule);
    let statements = [1, 2].map(|seed| {
        let mut chunk = behind(&model.plan, 9, &mut Numbers(seed));
        chunk.tokens = vec![3];
        let values = compute(&model.plan, &chunk).expect("no stream");
        accepted(&model, [9, 3], &values)
    });
    let [one, other] = &statements;
    assert_eq!(one.frontier_in, other.frontier_in);
    assert_ne!(one.frontier_out.last_token, other.frontier_out.last_token);
}

/// A chunk whose first step is the context's last position, and that goes on: positions that the model does not have are stated, with the zeros
/// that stand behind the tables.
#[test]
fn steps_beyond_the_context_are_stated() {
    let mut numbers = Numbers(3);
    let mut plan = Plan::new(LANES, 12, numbers.matrix(WIDTH, TOKENS, 127)).expect("a plan");
    plan.positions();
    let positions = numbers.matrix(WIDTH, CONTEXT, 900);
    let x = plan.embed_positions(positions, 3).expect("in range");
    plan.head(x).expect("in range");
    let model = Model::new(plan);
    let first = frontier(CONTEXT as u32 - 1, 3);
    let values = model.decode(&[3], first, LANES);
    let stated = accepted(&model, [CONTEXT as u32 - 1, 3], &values);
    assert_eq!(stated.frontier_out.position as usize, CONTEXT - 1 + LANES);
}

/// A product without inputs, as somebody writes who adds a vector that does not depend on anything. Its block has no rows of `product`, so powers of the
/// matrices behind it are a block too low: their products are taken by the outputs of the matrix before. The check of the plan says nothing; what is
/// computed has no proof, and another memory has one, in which the first matrix has the second one's outputs.
#[test]
fn a_matrix_without_inputs_moves_all_powers_behind_it() {
    let plan = |swapped: bool| {
        let mut numbers = Numbers(6);
        let embedding = numbers.matrix(WIDTH, TOKENS, 127);
        let mut plan = Plan::new(LANES, 12, embedding).expect("a plan");
        let x = plan.embed();
        let of = numbers.product(WIDTH, WIDTH, 250, 9);
        let none = Product {
            weights: Matrix {
                inputs: 0,
                rows: vec![vec![]; WIDTH],
            },
            ..of.clone()
        };
        let nothing = Tensor { channels: 0, ..x };
        let mut products = [(nothing, none), (x, of)];
        if swapped {
            products.reverse();
        }
        let outputs = products.map(|(input, of)| plan.linear(input, of, 15).expect("in range"));
        plan.head(outputs[1]).expect("in range");
        plan
    };
    let honest = plan(false);
    assert_eq!(honest.check(), Ok(()));
    let tokens = [3, 7, 31, 39, 5, 0, 1, 2];
    let [computed, other] = [honest.clone(), plan(true)]
        .map(|plan| compute(&plan, &tensor::Chunk::first(&tokens)).expect("no stream"));
    let chosen = honest.tokens.chosen as usize;
    assert_ne!(computed.rows[chosen], other.rows[chosen]);
    let [computed, other] = [computed, other].map(|values| {
        let chunk = chunk_with(honest.clone(), values);
        Honest::check(&chunk.constants, &chunk.witness, 1).err()
    });
    assert!(computed.is_some_and(|misfit| misfit.sum));
    assert_eq!(other, None);
}

/// A chunk of one step, which is within the stream's bound; the token that it chooses is not. The lanes that nobody asked for consume it, so there is
/// no memory, and no proof. With other tokens in these lanes, which decide nothing, there is one.
#[test]
fn a_lane_that_nobody_asked_for_refuses_the_chunk() {
    let matrix = |rows: usize, places: &[(usize, usize, i32)]| {
        let mut rows = vec![vec![0; WIDTH]; rows];
        for &(row, input, weight) in places {
            rows[row][input] = weight;
        }
        Matrix {
            inputs: WIDTH,
            rows,
        }
    };
    let product = |places: &[(usize, usize, i32)], shift| Product {
        weights: matrix(WIDTH, places),
        bias: vec![0; WIDTH],
        shift,
    };
    let embedding = matrix(TOKENS, &[(0, 0, 1), (1, 1, 1 << 14)]);
    let mut plan = Plan::new(LANES, 12, embedding).expect("a plan");
    let x = plan.embed_scaled(10).expect("in range");
    let twice = product(&[(1, 1, 1)], 0);
    let x = plan.residual(x, x, twice).expect("in range");
    let of = product(&[(1, 0, 31)], 15);
    let x = plan.linear(x, of, 15).expect("in range");
    plan.head(x).expect("in range");
    assert_eq!(plan.check(), Ok(()));
    let chunk = |tokens: &[u32]| compute(&plan, &tensor::Chunk::first(tokens));
    let refused = chunk(&[0]).expect_err("a stream beyond its bound");
    assert_eq!(refused.lane, 1);
    let values = chunk(&[0; LANES]).expect("a stream within its bound");
    assert_eq!(values.rows[plan.tokens.chosen as usize][0], 1);
    chunk_with(plan, values);
}
