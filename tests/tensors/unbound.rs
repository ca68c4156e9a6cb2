//! What a stranger found in checked plans and their programs: statements that nothing stood behind. Each is refused now.

use cairo_decode::program::{Schedule, ScheduleError};
use cairo_decode::tensor::values::{Values, compute, compute_steps};
use cairo_decode::tensor::{self, Matrix, Plan, PlanError, Product, Tensor};
use cairo_decode::verify::statement::MAX_POSITION;
use cairo_decode::verify::statement::Statement;

use crate::attention::{Form, NEAR, behind};
use crate::balance::Honest;
use crate::generated::{Model, frontier, names};
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

/// Attack: a plan with attention, whose carried blocks are in a record, but without chains of tokens, so that its program would read no root
/// at all: the record's is whatever the prover carries, and two histories of one frontier choose two tokens. Stopped by: a schedule has all roots.
#[test]
fn records_without_chains_bind_nothing() {
    let form = Form { layers: 1, ..NEAR };
    let mut plan = form.plan(&mut Numbers(5));
    let schedule = |plan: &Plan| Schedule::new(plan, &names(plan), MAX_POSITION);
    let refused = |plan: &Plan| schedule(plan).err();
    assert_eq!(refused(&plan), Some(ScheduleError::Roots));
    let carried: Vec<Tensor> = plan.carried.tensors.iter().map(|of| of.own).collect();
    plan.records(&carried).expect("in range");
    assert_eq!((plan.check(), plan.check_carried()), (Ok(()), Ok(())));
    assert_eq!(refused(&plan), Some(ScheduleError::Roots));
    plan.chains().expect("a head");
    let mut schedule = schedule(&plan).expect("all roots");
    schedule.roots = None;
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

/// Attack: a product without inputs, as somebody writes who adds a vector that does not depend on anything. Its block would have no rows of `product`,
/// so powers of the matrices behind it would be a block too low, and its outputs those of the next matrix. Stopped by: the check of the plan.
#[test]
fn a_matrix_has_inputs() {
    let mut numbers = Numbers(6);
    let embedding = numbers.matrix(WIDTH, TOKENS, 127);
    let mut plan = Plan::new(LANES, 12, embedding).expect("a plan");
    let x = plan.embed();
    let of = Product {
        weights: Matrix::new(0, vec![vec![]; WIDTH]),
        ..numbers.product(WIDTH, WIDTH, 250, 9)
    };
    let nothing = Tensor { channels: 0, ..x };
    let operation = "linear";
    assert_eq!(
        plan.linear(nothing, of, 15),
        Err(PlanError::NoInputs { operation })
    );
}

/// A chunk of one step, which is within the stream's bound; the token that it chooses is not. A lane that nobody asked for would consume it: it takes
/// another token, as it decides nothing.
#[test]
fn a_lane_that_nobody_asked_for_takes_another_token() {
    let matrix = |rows: usize, places: &[(usize, usize, i32)]| {
        let mut rows = vec![vec![0; WIDTH]; rows];
        for &(row, input, weight) in places {
            rows[row][input] = weight;
        }
        Matrix::new(WIDTH, rows)
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
    let x = plan.residual(x, x, twice, 24).expect("in range");
    let of = product(&[(1, 0, 20)], 15);
    let x = plan.linear(x, of, 15).expect("in range");
    plan.head(x).expect("in range");
    assert_eq!(plan.check(), Ok(()));
    let chunk = |tokens: &[u32]| compute(&plan, &tensor::Chunk::first(tokens));
    let refused = chunk(&[0]).expect_err("a stream beyond its bound");
    assert_eq!(refused.lane, 1);
    let one_step = compute_steps(&plan, &tensor::Chunk::first(&[0]), 1, None);
    let values = one_step.expect("a stream within its bound");
    assert_eq!(values.rows[plan.tokens.chosen as usize][0], 1);
    assert_eq!(values.rows[plan.tokens.given as usize], [0; LANES]);
    // So does a lane behind the token that ends the session, however many steps are asked for.
    let all_steps = |eos| compute_steps(&plan, &tensor::Chunk::first(&[0]), LANES, Some(eos));
    let ended = all_steps(1).expect("a stream within its bound");
    assert_eq!(ended.rows[plan.tokens.given as usize], [0; LANES]);
    assert_eq!(all_steps(2).err(), Some(refused));
    let chunk = chunk_with(plan, values);
    Honest::new(&chunk.constants, &chunk.witness);
}
