//! Rules of the plan that make its components sound.

use cairo_decode::air::components::Component;
use cairo_decode::air::components::head::{LANE_COLUMNS, LIMB_BITS};
use cairo_decode::air::components::head_input::OPERANDS;
use cairo_decode::prove::tensor::tally;
use cairo_decode::tensor::Operation;
use cairo_decode::tensor::constants::signed;
use cairo_decode::tensor::values::{Values, compute};
use cairo_decode::tensor::{self, Matrix, Plan, PlanError, Product};
use stwo::core::fields::m31::M31;

use crate::balance::Honest;
use crate::{GIVEN, LANES, TOKENS, WIDTH, chunk_unchecked, plan};

fn matrix(inputs: usize, outputs: usize, all: i32) -> Matrix {
    Matrix::new(inputs, vec![vec![all; inputs]; outputs])
}

/// Ranges are computed without wrapping: with the largest numbers that a matrix holds, products of magnitudes need 83 bits.
#[test]
fn ranges_do_not_wrap() {
    // Σ_j |w_j| · |x_j| is 2^64 here, which is 0 in 64 bits.
    let mut plan = Plan::new(LANES, 12, matrix(WIDTH, 4, i32::MIN)).expect("a plan");
    let input = plan.embed();
    assert_eq!(input.magnitude, 1 << 31);
    let large = Product {
        weights: matrix(WIDTH, 1, 1 << 29),
        bias: vec![0],
        shift: 9,
    };
    let error = plan.linear(input, large, 12).expect_err("out of range");
    assert!(
        matches!(
            error,
            PlanError::Range {
                operation: "linear",
                ..
            }
        ),
        "{error}"
    );
    let error = plan.head(input).expect_err("out of range");
    assert!(
        matches!(
            error,
            PlanError::Range {
                operation: "head",
                ..
            }
        ),
        "{error}"
    );
}

/// Attack: an input that no operation writes, or with a smaller range than its operation proves. Its values, or what they
/// are modulo the field, would be the prover's choice. Stopped by: a plan reads what it has written.
#[test]
fn a_plan_reads_what_it_has_written() {
    let mut plan = plan();
    let written = plan.embed();
    let mut elsewhere = written;
    elsewhere.address = plan.addresses;
    let mut smaller = written;
    smaller.magnitude -= 1;
    let mut shorter = written;
    shorter.length -= 1;
    for input in [elsewhere, smaller, shorter] {
        let product = Product {
            weights: matrix(WIDTH, 1, 1),
            bias: vec![0],
            shift: 9,
        };
        let error = plan.linear(input, product, 12).expect_err("unwritten");
        assert!(matches!(
            error,
            PlanError::Unwritten {
                operation: "linear",
                ..
            }
        ));
        let error = plan.head(input).expect_err("unwritten");
        assert!(matches!(
            error,
            PlanError::Unwritten {
                operation: "head",
                ..
            }
        ));
    }
}

/// Attack: a plan with two heads, whose powers and messages are the same. Only the sum of both heads' logits is bound, and
/// only the sum of their tokens: with logits of its choice the first head chooses the token before a lie and the second the
/// one behind it, and both answer the lie. Every constraint and every sum holds. Stopped by: a plan has one head.
#[test]
fn two_heads_would_choose_any_token() {
    let mut plan = plan();
    let Some(Operation::Head(head)) = plan.operations.last().cloned() else {
        panic!("the plan ends with a head");
    };
    let input = head.input;
    assert_eq!(plan.head(input), Err(PlanError::Heads));
    plan.operations.push(Operation::Head(head));
    let address = plan.tokens.chosen;
    assert_eq!(
        plan.check(),
        Err(PlanError::Writers {
            address,
            writers: 2
        })
    );

    let mut values =
        compute(&plan, &tensor::Chunk::first(&GIVEN)).expect("a stream within its bound");
    let logit = |values: &Values, token: usize, lane: usize| -> i64 {
        let inputs = &values.rows[input.address as usize..];
        let weights = plan.embedding.row(token).numbers();
        weights
            .into_iter()
            .zip(inputs)
            .map(|(w, x)| i64::from(w) * x[lane])
            .sum()
    };
    // A lane's logits as the sums see them: each head's messages are twice the inputs, so both together have four times.
    let logits: Vec<Vec<i64>> = (0..LANES)
        .map(|lane| {
            (0..TOKENS)
                .map(|token| logit(&values, token, lane))
                .collect()
        })
        .collect();
    let most = logits
        .iter()
        .flatten()
        .map(|y| y.abs())
        .max()
        .expect("logits");
    let maximum = 2 * most + 1;
    let mut lies = [20; LANES];
    for (lane, lie) in lies.iter_mut().enumerate() {
        let chosen = &mut values.rows[plan.tokens.chosen as usize][lane];
        if *chosen == *lie as i64 {
            *lie += 1;
        }
        *chosen = *lie as i64;
        values.rows[plan.maxima as usize][lane] = maximum;
    }

    let mut chunk = chunk_unchecked(plan, values);
    let of = |component: Component| {
        let mut placed = chunk.constants.layout.components.iter();
        placed
            .position(|p| p.component == component)
            .expect("placed")
    };
    let table = of(Component::Head {
        width: WIDTH,
        tied: true,
    });
    let first = chunk.witness.tables[table].len() - LANE_COLUMNS * LANES;
    for (head, token, lane) in rows() {
        let chosen = |head: usize| lies[lane] - 1 + 2 * head;
        let y = logits[lane][token];
        let said = match token {
            _ if token == chosen(head) => maximum,
            _ if token == chosen(1 - head) => 4 * y - maximum,
            _ => 2 * y,
        };
        let flag = token >= chosen(head);
        let distance = maximum - said - i64::from(!flag);
        let limb = |i: u32| (distance >> (LIMB_BITS * i)) & ((1 << LIMB_BITS) - 1);
        let before = i64::from(token > chosen(head));
        let row = [i64::from(flag), before, limb(0), limb(1)];
        for (i, value) in row.into_iter().enumerate() {
            chunk.witness.tables[table][first + LANE_COLUMNS * lane + i][head * TOKENS + token] =
                signed(value);
        }
    }
    tally::write(&chunk.constants, &mut chunk.witness);
    // One of the heads yields the embeddings.
    for token in 0..TOKENS {
        chunk.witness.tables[table][OPERANDS][TOKENS + token] = M31::from(0);
    }
    assert!(Honest::check(&chunk.constants, &chunk.witness, 2).is_ok());
}

/// Heads, tokens and lanes.
fn rows() -> impl Iterator<Item = (usize, usize, usize)> {
    (0..2 * TOKENS * LANES).map(|i| (i / LANES / TOKENS, i / LANES % TOKENS, i % LANES))
}
