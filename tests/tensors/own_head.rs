//! A head with a matrix of its own: embeddings come from a table, and the head yields none.

use cairo_decode::air::components::Component;
use cairo_decode::prove::Prover;
use cairo_decode::tensor::matrix::Row;
use cairo_decode::tensor::{Plan, PlanError};
use cairo_decode::verify::params::PLAIN;
use stwo::core::fields::m31::M31;

use crate::balance::Honest;
use crate::liar::wrong_values;
use crate::proofs::accepts;
use crate::{Chunk, GIVEN, LANES, Numbers, TOKENS, WIDTH, chunk_of};

/// Channels of the head's matrix, which are not as many as an embedding has.
const OUTPUT: usize = 24;

fn plan() -> Plan {
    let mut numbers = Numbers(3);
    let mut plan = Plan::new(LANES, 12, numbers.matrix(WIDTH, TOKENS, 127)).expect("a plan");
    let x = plan.embed();
    let of = numbers.product(WIDTH, OUTPUT, 500, 11);
    let x = plan.linear(x, of, 14).expect("in range");
    let output = numbers.matrix(OUTPUT, TOKENS, 300);
    plan.own_head(x, output).expect("in range");
    plan
}

/// A chunk of such a plan.
pub fn chunk() -> Chunk {
    chunk_of(plan(), &GIVEN)
}

/// Attack: one value of any column, as without such a matrix; and a row of the head's matrix for an embedding. Stopped by: the table of
/// embeddings is the only one that yields them.
#[test]
fn requirement_11_one_wrong_value_in_any_column_of_an_own_head() {
    let chunk = chunk_of(plan(), &GIVEN);
    wrong_values(&chunk);
    let component = chunk.index("embed_0");
    let honest = Honest::new(&chunk.constants, &chunk.witness);
    let mut lie = chunk.witness.clone();
    let output = chunk.plan.output.as_ref().expect("a matrix");
    // Behind two operands and the view of the lane.
    for (channel, column) in lie.tables[component][10..].iter_mut().enumerate() {
        let number = output.row(GIVEN[0] as usize).at(channel);
        column[0] = match number < 0 {
            true => -M31::from(number.unsigned_abs()),
            false => M31::from(number as u32),
        };
    }
    assert!(!honest.accepts(&lie, component, 0));
}

/// The tokens that such a head chooses are the ones with the largest logits, and a proof of that verifies.
#[test]
fn an_own_head_is_proven() {
    let Chunk {
        plan,
        constants,
        values,
        witness,
        input,
    } = chunk_of(plan(), &GIVEN);
    let layout = constants.layout.clone();
    let has = |component| layout.components.iter().any(|p| p.component == component);
    assert!(has(Component::EmbeddingTable { part: WIDTH }));
    let (width, tied) = (OUTPUT, false);
    assert!(has(Component::Head { width, tied }));
    let output = plan.output.as_ref().expect("a matrix");
    let input_of_head = &plan.operations[1].writes()[0];
    for lane in 0..LANES {
        let x = input_of_head
            .addresses()
            .map(|address| values.rows[address as usize][lane]);
        let x: Vec<i64> = x.collect();
        let logit = |row: &Row| {
            let products = row.numbers().into_iter().zip(&x);
            products.map(|(w, x)| i64::from(w) * x).sum()
        };
        let logits: Vec<i64> = output.rows().iter().map(logit).collect();
        let largest = logits.iter().max().expect("tokens");
        let first = logits.iter().position(|logit| logit == largest);
        let chosen = values.rows[plan.tokens.chosen as usize][lane];
        assert_eq!(first, Some(chosen as usize), "lane {lane}");
    }
    let prover = Prover::with_constants(&PLAIN, constants);
    let proven = prover.prove_tensors(input, &witness).expect("proves");
    assert_eq!(accepts(&proven.proof, &layout, &proven.tensors), Ok(()));
}

#[test]
fn other_matrices_are_refused() {
    let mut numbers = Numbers(3);
    let mut refused = |inputs: usize, tokens: usize| {
        let mut plan = Plan::new(LANES, 12, numbers.matrix(WIDTH, TOKENS, 127)).expect("a plan");
        let x = plan.embed();
        plan.own_head(x, numbers.matrix(inputs, tokens, 3))
    };
    let (found, expected) = (TOKENS - 1, TOKENS);
    assert_eq!(
        refused(WIDTH, TOKENS - 1),
        Err(PlanError::OutputTokens { found, expected })
    );
    assert_eq!(refused(12, TOKENS), Err(PlanError::Width(12)));
    assert!(matches!(
        refused(2 * WIDTH, TOKENS),
        Err(PlanError::Inputs { .. })
    ));
    assert_eq!(refused(WIDTH, TOKENS), Ok(()));
}
