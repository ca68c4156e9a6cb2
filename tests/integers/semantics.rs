//! Each operation against numbers that were computed apart, by hand or by a script from the specification.

use cairo_decode::integers::{
    Attention, Carried, Description, Gated, Norm, Operation, Refusal, Step, step,
};

use crate::models::{attending, description, matrix, product, table};

/// What a step makes of token 0 at position 0.
fn first(description: &Description) -> Step {
    step(description, &mut Carried::new(description), 0).unwrap()
}

/// Why an operation makes nothing of a vector.
fn refused(x: &[i32], operation: Operation) -> Refusal {
    let mut description = description(vec![Operation::Embed, operation]);
    description.embedding.tokens = matrix(&[x]);
    description.tables = vec![table(-4, [0, -1, -2, -1, 0, 3, 7, 12, 17])];
    step(&description, &mut Carried::new(&description), 0).unwrap_err()
}

/// The refusal of a channel of operation 1.
fn bits(channel: usize, value: i64, bits: u32) -> Refusal {
    Refusal::Bits {
        operation: 1,
        channel,
        value,
        bits,
    }
}

/// What an operation makes of a vector, which is token 0's.
fn apply(x: &[i32], operation: Operation, change: impl Fn(&mut Description)) -> Vec<i64> {
    let mut description = description(vec![Operation::Embed, operation]);
    description.embedding.tokens = matrix(&[x]);
    change(&mut description);
    first(&description).values.remove(1)
}

#[test]
fn embed() {
    let mut description = description(vec![Operation::Embed]);
    description.embedding.shift = 3;
    description.embedding.positions = Some(matrix(&[&[1, -1], &[5, 6], &[0, 7]]));
    let mut carried = Carried::new(&description);
    let mut next = |token| step(&description, &mut carried, token);
    assert_eq!(next(0).unwrap().values, [[25, -33]]);
    assert_eq!(next(1).unwrap().values, [[805, 406]]);
    let token = Refusal::Token {
        token: 2,
        tokens: 2,
    };
    assert_eq!(next(2), Err(token));
    assert_eq!(next(0).unwrap().values, [[24, -25]]);
    let position = Refusal::Position {
        position: 3,
        context: 3,
    };
    assert_eq!(next(0), Err(position));
}

/// Halves go up, for negative numbers too; a bias is added before.
#[test]
fn linear() {
    let mut of = product(&[&[1, 0], &[0, 1], &[1, 1], &[-2, 3]], 2);
    of.bias = vec![0, 0, 3, -1];
    let linear = |bits| Operation::Linear {
        input: 0,
        of: of.clone(),
        bits,
    };
    assert_eq!(apply(&[6, -6], linear(4), |_| ()), [2, -1, 1, -8]);
    assert_eq!(refused(&[6, -6], linear(3)), bits(3, -8, 3));
}

#[test]
fn norm() {
    let norm = |x: &[i32], grain, shift, floor, centred| {
        let norm = Norm {
            centred,
            grain,
            floor,
            shift,
        };
        apply(x, Operation::Norm { input: 0, norm }, |_| ())
    };
    assert_eq!(norm(&[3, -4, 0, 12], 0, 15, 1024, false), [56, -56, 8, 200]);
    let x = [300_000, -400_000, 0, 1_200_000];
    assert_eq!(norm(&x, 2, 15, 5000, false), [3777, -5036, 0, 15109]);
    let top = 1 << 24;
    let x = [-top, top - 1, 1, -1, 0, 7, -7, 1 << 20];
    let y = [-5781, 5781, 0, 0, 0, 0, 0, 361];
    assert_eq!(norm(&x, 2, 16, 1 << 20, false), y);
    let x = [300_001, -400_000, 5, 1_200_000];
    assert_eq!(norm(&x, 1, 14, 5000, true), [695, -18758, -7642, 25706]);
    assert_eq!(norm(&[0; 8], 0, 15, 1024, false), [8; 8]);
}

/// Each head is normalised by itself, and what reads it multiplies its matrix with each.
#[test]
fn head_norm() {
    let norm = Norm {
        centred: false,
        grain: 2,
        floor: 5000,
        shift: 15,
    };
    let all = [300_000, -400_000, 7, -1_200_000];
    let one = |x: &[i32]| apply(x, Operation::Norm { input: 0, norm }, |_| ());
    let heads = |heads| {
        let input = 0;
        let of = Operation::HeadNorm { input, norm, heads };
        apply(&all, of, |_| ())
    };
    assert_eq!(heads(1), one(&all));
    assert_eq!(heads(2), [one(&all[..2]), one(&all[2..])].concat());

    let normed = Operation::HeadNorm {
        input: 0,
        norm,
        heads: 2,
    };
    let mut of = product(&[&[1, 2], &[0, 3], &[-1, 1]], 4);
    of.bias = vec![0, 16, -16];
    let (input, bits) = (1, 16);
    let linear = Operation::Linear { input, of, bits };
    let mut description = description(vec![Operation::Embed, normed, linear]);
    description.embedding.tokens = matrix(&[&[30, -40, 0, 7]]);
    let values = first(&description).values;
    let [a, b, c, d] = values[1][..] else {
        panic!("{values:?}")
    };
    let round = |x: i64| (x + 8) >> 4;
    let expected = [(a, b), (c, d)]
        .map(|(x, y)| [round(x + 2 * y), round(3 * y + 16), round(y - x - 16)])
        .concat();
    assert_eq!(values[2], expected);
}

/// A vector that is too long for the largest unit has no result.
#[test]
fn norm_has_a_largest_unit() {
    let norm = Norm {
        centred: false,
        grain: 14,
        floor: 1 << 10,
        shift: 15,
    };
    let mut description = description(vec![Operation::Embed, Operation::Norm { input: 0, norm }]);
    description.embedding.tokens = matrix(&[&[1 << 16, 0]]);
    let refused = step(&description, &mut Carried::new(&description), 0);
    let most = 14;
    assert_eq!(refused, Err(Refusal::Norm { operation: 1, most }));
    description.embedding.tokens = matrix(&[&[(1 << 16) - 4, 0]]);
    assert!(step(&description, &mut Carried::new(&description), 0).is_ok());
}

#[test]
fn function() {
    let of = product(&[&[1, 0], &[0, 1]], 1);
    let function = Operation::Function {
        input: 0,
        of,
        table: 0,
    };
    let cubes = table(-3, (-3..=3).map(|z| z * z * z));
    assert_eq!(
        apply(&[5, -6], function, |of| of.tables = vec![cubes.clone()]),
        [27, -27]
    );
}

/// By 0, 90 and 45 degrees, at the positions 0, 1, 2, in two heads.
#[test]
fn rotary() {
    let of = product(
        &[&[1, 0, 0, 0], &[0, 1, 0, 0], &[0, 0, 1, 0], &[0, 0, 0, 1]],
        0,
    );
    let rotary = Operation::Rotary {
        input: 0,
        of,
        half: 1,
    };
    let mut description = description(vec![Operation::Embed, rotary]);
    description.embedding.tokens = matrix(&[&[100, 40, -7, 3]]);
    description.angles.cos = vec![vec![1 << 14], vec![0], vec![11585]];
    description.angles.sin = vec![vec![0], vec![1 << 14], vec![11585]];
    let mut carried = Carried::new(&description);
    let mut next = || {
        step(&description, &mut carried, 0)
            .unwrap()
            .values
            .remove(1)
    };
    assert_eq!(next(), [100, 40, -7, 3]);
    assert_eq!(next(), [-40, 100, -3, -7]);
    assert_eq!(next(), [42, 99, -7, -3]);
}

/// The last of several positions, with given queries, keys and values.
fn attend(of: Attention, weights: &[i32], inputs: [&[&[i32]]; 3]) -> Vec<i64> {
    attention_of(of, weights, inputs).unwrap()
}

fn attention_of(
    of: Attention,
    weights: &[i32],
    [queries, keys, values]: [&[&[i32]]; 3],
) -> Result<Vec<i64>, Refusal> {
    let rows: Vec<Vec<i32>> = (0..keys.len())
        .map(|t| [queries[t], keys[t], values[t]].concat())
        .collect();
    let description = attending(of, &rows, weights);
    let mut carried = Carried::new(&description);
    let tokens = 0..keys.len() as u32;
    let steps = tokens.map(|token| step(&description, &mut carried, token));
    steps.last().unwrap().map(|mut step| step.values.remove(4))
}

#[test]
fn attention() {
    let mut of = Attention {
        heads: 1,
        kv_heads: 1,
        head_dim: 2,
        key_bits: 15,
        value_bits: 15,
        score_shift: 2,
        weights: 0,
        mix_shift: 10,
        mix_bits: 15,
    };
    // Scores 482, -724, 485: the distances are 0, 302, 0, and the second one has no weight.
    let queries: [&[i32]; 3] = [&[0, 0], &[0, 0], &[100, -3]];
    let keys: [&[i32]; 3] = [&[5, 6], &[-7, 8], &[5, 5]];
    let values: [&[i32]; 3] = [&[1000, -1000], &[2000, 50], &[-3000, 7]];
    let weights = [32767, 20000, 10000, 5000];
    let mixed = attend(of, &weights, [&queries, &keys, &values]);
    assert_eq!(mixed, [-8000, -3972]);

    // A mixture of more bits is refused.
    let narrow = Attention { mix_bits: 13, ..of };
    let refused = attention_of(narrow, &weights, [&queries, &keys, &values]).unwrap_err();
    let expected = Refusal::Bits {
        operation: 4,
        channel: 0,
        value: -8000,
        bits: 13,
    };
    assert_eq!(refused, expected);

    // Three keys with one weight: 2731 of 2^13 each, which is a third, rounded.
    of.score_shift = 0;
    of.mix_shift = 13;
    let equal: [&[i32]; 3] = [&[0, 0]; 3];
    let values: [&[i32]; 3] = [&[100, 1], &[200, 2], &[300, 4]];
    assert_eq!(attend(of, &[16384], [&equal, &equal, &values]), [200, 2]);

    // Two query heads read one head of keys and values: one sees the first key, the other the second.
    of.heads = 2;
    let far: &[i32] = &[1000, 0, -1000, 0];
    let keys: [&[i32]; 2] = [&[100, 0], &[-100, 0]];
    let values: [&[i32]; 2] = [&[11, 12], &[13, 14]];
    let mixed = attend(of, &[20000], [&[far, far], &keys, &values]);
    assert_eq!(mixed, [11, 12, 13, 14]);
}

#[test]
fn residual() {
    let of = product(&[&[1, 1], &[0, -1]], 1);
    let residual = |x: &[i32]| {
        let residual = Operation::Residual {
            stream: 0,
            input: 0,
            of: of.clone(),
            bits: 25,
        };
        let mut description = description(vec![Operation::Embed, residual]);
        description.embedding.tokens = matrix(&[x]);
        step(&description, &mut Carried::new(&description), 0).map(|step| step.values[1].clone())
    };
    assert_eq!(residual(&[5, -2]).unwrap(), [7, -1]);
    // What joins the stream has 25 bits, whatever the stream has.
    let half = 1 << 24;
    assert_eq!(residual(&[half, half - 2]).unwrap(), [33554431, 8388607]);
    assert_eq!(residual(&[half, half]), Err(bits(0, 16777216, 25)));
    assert_eq!(residual(&[-half, -half]).unwrap(), [-33554432, -8388608]);
    assert_eq!(residual(&[0, -2 * half]), Err(bits(1, 16777216, 25)));
    assert_eq!(residual(&[0, 2 * half]), Err(bits(0, 16777216, 25)));
    assert_eq!(residual(&[3 * half, -2 * half]), Err(bits(1, 16777216, 25)));
}

#[test]
fn gated() {
    let of = Gated {
        gate: product(&[&[1, 0], &[0, 1]], 1),
        up: product(&[&[0, 10], &[10, 0]], 0),
        table: 0,
        shift: 3,
        bits: 7,
    };
    let silu = table(-4, [0, -1, -2, -1, 0, 3, 7, 12, 17]);
    let narrow = Gated {
        bits: 6,
        ..of.clone()
    };
    let narrow = Operation::Gated {
        input: 0,
        of: narrow,
    };
    assert_eq!(refused(&[6, -4], narrow), bits(0, -60, 6));
    let gated = Operation::Gated { input: 0, of };
    // 12 · (-40) / 8 and -1 · 60 / 8.
    assert_eq!(
        apply(&[6, -4], gated, |of| of.tables = vec![silu.clone()]),
        [-60, -15]
    );
}

/// The lowest of equal logits, of the embedding or of a matrix of its own.
#[test]
fn head() {
    let operations = vec![Operation::Embed, Operation::Head { input: 0 }];
    let mut description = description(operations);
    description.embedding.tokens = matrix(&[&[1, 2], &[3, 1], &[1, 2], &[-5, 5]]);
    let chosen = first(&description);
    assert_eq!(
        (chosen.values[1].as_slice(), chosen.token),
        (&[5, 5, 5, 5][..], 0)
    );
    description.output = Some(matrix(&[&[0, 0], &[0, 1], &[2, 0], &[0, 1]]));
    let chosen = first(&description);
    assert_eq!(
        (chosen.values[1].as_slice(), chosen.token),
        (&[0, 2, 2, 2][..], 1)
    );
}
