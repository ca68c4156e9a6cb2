//! Plans that are refused: each for its reason.

use cairo_decode::tensor::plan::Operation;
use cairo_decode::tensor::{Matrix, Plan, PlanError, Product, Tensor};

fn matrix(inputs: usize, outputs: usize, value: i32) -> Matrix {
    Matrix::new(inputs, vec![vec![value; inputs]; outputs])
}

fn product(inputs: usize, outputs: usize, value: i32, shift: u32) -> Product {
    Product { weights: matrix(inputs, outputs, value), bias: vec![0; outputs], shift }
}

fn new(embedding: i32) -> (Plan, Tensor) {
    let mut plan = Plan::new(8, 4, matrix(8, 3, embedding)).expect("a plan");
    let x = plan.embed();
    (plan, x)
}

#[test]
fn forms_that_no_component_has() {
    assert_eq!(
        Plan::new(7, 4, matrix(8, 3, 1)).map(|_| ()),
        Err(PlanError::Lanes(7))
    );
    assert_eq!(
        Plan::new(8, 4, matrix(9, 3, 1)).map(|_| ()),
        Err(PlanError::Width(9))
    );
    let (mut plan, x) = new(1);
    for (shift, bits) in [(17, 8), (0, 17), (0, 0), (15, 16)] {
        let found = plan.linear(x, product(8, 3, 1, shift), bits);
        assert_eq!(found, Err(PlanError::Bits { operation: "linear", bits, shift }));
    }
    let wrong = PlanError::Inputs {
        operation: "linear",
        found: 9,
        expected: 8,
    };
    assert_eq!(plan.linear(x, product(9, 3, 1, 0), 8), Err(wrong));
    let mut short = product(8, 3, 1, 0);
    short.bias.pop();
    assert_eq!(
        plan.linear(x, short, 8),
        Err(PlanError::Biases { operation: "linear", found: 2, expected: 3 })
    );
}

/// A logit of `2^28` could have two readings: one less is the most.
#[test]
fn logits_at_their_limit() {
    // Inputs are at most 2^13, or one less; logits 8 · 2^12 times that.
    let head = |most: i32| {
        let (mut plan, x) = new(1 << 12);
        let mut of = product(8, 8, 0, 0);
        of.bias = vec![most; 8];
        let y = plan.linear(x, of, 15).expect("in range");
        plan.head(y)
    };
    let found = PlanError::Range {
        operation: "head",
        output: 0,
        reach: 1 << 28,
        limit: 1 << 28,
    };
    assert_eq!(head(1 << 13), Err(found));
    assert_eq!(head((1 << 13) - 1), Ok(()));
}

/// A result is as large as is proven, or as its bits are; an accumulator of `3 · 2^29 − 2^16` could be another number modulo `p` than its form.
#[test]
fn results_have_the_range_of_their_bits() {
    let (mut plan, x) = new(16);
    // 8 · 16 · 1 = 128, and with half a unit more before the shift (128 + 1) / 2.
    for (shift, bits, magnitude, holds) in [(0, 8, 128, 8), (0, 9, 128, 9), (0, 12, 128, 9), (1, 7, 64, 7)] {
        let found = plan.linear(x, product(8, 1, 1, shift), bits).expect("in range");
        assert_eq!((found.magnitude, found.bits), (magnitude, holds));
    }
    let limit = (3 << 29) - (1 << 16);
    let mut linear = |reach: i64| {
        let mut of = product(8, 1, 0, 14);
        of.bias = vec![reach as i32];
        plan.linear(x, of, 16)
    };
    assert!(linear(limit - 1).is_ok());
    let wrong = PlanError::Range { operation: "linear", output: 0, reach: limit, limit };
    assert_eq!(linear(limit), Err(wrong));
}

/// Attack: an operation that reads what nobody writes, or what two operations write. Stopped by: the check of the plan.
#[test]
fn what_is_read_has_one_writer() {
    let (mut plan, x) = new(1);
    let y = plan.linear(x, product(8, 8, 1, 0), 9).expect("in range");
    plan.head(y).expect("in range");
    assert_eq!(plan.check(), Ok(()));
    let reading = |address: u32| {
        let mut plan = plan.clone();
        let Some(Operation::Head(head)) = plan.operations.last_mut() else {
            panic!("a head")
        };
        head.input.address = address;
        plan.check()
    };
    let nobody = y.address + y.channels as u32;
    assert_eq!(
        reading(nobody - 7),
        Err(PlanError::Writers {
            address: nobody,
            writers: 0
        })
    );
    let mut twice = plan.clone();
    twice.operations.push(twice.operations[1].clone());
    assert_eq!(
        twice.check(),
        Err(PlanError::Writers {
            address: y.address,
            writers: 2
        })
    );
}
