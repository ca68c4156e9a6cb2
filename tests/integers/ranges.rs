//! The ranges of a description: what they say holds in every step, and each refusal has a neighbour that is accepted.

use cairo_decode::integers::{
    Carried, Description, Operation, Product, RangeError, chooses, ranges, step,
};

use crate::models::{everything, matrix, product, table};

/// Every step of every sequence of tokens.
#[test]
fn values_are_within_their_ranges() {
    let description = everything();
    let reaches = ranges(&description).unwrap();
    for tokens in 0..8 {
        let mut carried = Carried::new(&description);
        for position in 0..3 {
            let token = tokens >> position & 1;
            let step = step(&description, &mut carried, token).unwrap();
            for (values, reach) in step.values.iter().zip(&reaches) {
                let squares: i128 = values.iter().map(|&x| i128::from(x).pow(2)).sum();
                assert!(values.iter().all(|x| x.abs() <= reach.each));
                assert!(squares <= i128::from(reach.length).pow(2));
            }
        }
    }
}

/// A vector in the direction of a row of weights comes close to the bound by lengths, and none passes it.
#[test]
fn bounds_by_length_are_attained() {
    let rows: [i32; 8] = [200, -310, 50, 0, 90, 411, -7, 3];
    let mut description = everything();
    description.embedding.tokens = matrix(&[&rows.map(|w| 1000 * w)]);
    description.operations.truncate(2);
    description.operations.push(Operation::Linear {
        input: 1,
        of: product(&[&rows], 9),
        bits: 16,
    });
    let reach = ranges(&description).unwrap()[2].each;
    let step = step(&description, &mut Carried::new(&description), 0).unwrap();
    let found = step.values[2][0];
    assert!(
        found <= reach && 1000 * found > 997 * reach,
        "{found} {reach}"
    );
    // By magnitudes alone it would be twice as much.
    let sum: i64 = rows.iter().map(|&w| i64::from(w).abs()).sum();
    assert!((sum << 14 >> 9) * 10 > 17 * reach, "{sum} {reach}");
}

/// What the checks say of a changed description.
fn changed(change: impl Fn(&mut Description)) -> Result<(), String> {
    let mut description = everything();
    change(&mut description);
    let reaches = ranges(&description);
    reaches.map(|_| ()).map_err(|error| error.to_string())
}

/// The product of an operation.
fn of(description: &mut Description, number: usize) -> &mut Product {
    match &mut description.operations[number] {
        Operation::Linear { of, .. }
        | Operation::Function { of, .. }
        | Operation::Rotary { of, .. }
        | Operation::Residual { of, .. } => of,
        Operation::Gated { of, .. } => &mut of.gate,
        other => panic!("{} has no product", other.name()),
    }
}

/// What a description is changed into by a number.
type Change = fn(&mut Description, i64);

/// Each check: a change by a number, the largest number that is accepted, the next one that is not, and words of the refusal.
const CHECKS: &[(Change, i64, i64, &str)] = &[
    // embed
    (
        |d, n| token(d, n),
        (1 << 28) - 1,
        1 << 28,
        "0 (embed): the stream",
    ),
    (
        |d, n| token(d, n),
        1 - (1 << 28),
        -(1 << 28),
        "0 (embed): the stream",
    ),
    (
        |d, n| {
            d.embedding.tokens = matrix(&[&[0, 0], &[1, 0]]);
            d.embedding.shift = n as u32;
        },
        24,
        25,
        "0 (embed): a shift by 25",
    ),
    (
        |d, n| d.embedding.positions = Some(matrix(&vec![&[1, 1][..]; n as usize])),
        3,
        4,
        "4 numbers, not 3",
    ),
    (
        |d, n| d.embedding.tokens.rows[1].truncate(n as usize),
        2,
        1,
        "0 (embed): a matrix or a table",
    ),
    // norm
    (
        |d, n| scaled(d, 16, n as u32),
        5,
        6,
        "1 (norm): a scaled channel",
    ),
    (
        |d, n| scaled(d, n as u32, 0),
        16,
        17,
        "1 (norm): a shift by 17",
    ),
    (
        |d, n| long(d, n as u32),
        2,
        3,
        "1 (norm): the length of scaled channels",
    ),
    (
        |d, n| norm(d).floor = -n,
        -1024,
        -1023,
        "1 (norm): the constant floor is 1023",
    ),
    (
        |d, n| norm(d).floor = n,
        (1 << 28) - 1,
        1 << 28,
        "1 (norm): the constant floor",
    ),
    (
        |d, n| norm_shift(d, n),
        16,
        17,
        "1 (norm): a shift by 17, from 14 to 16",
    ),
    (
        |d, n| norm_shift(d, -n),
        -14,
        -13,
        "1 (norm): a shift by 13, from 14 to 16",
    ),
    // products
    (
        |d, n| added(d, n),
        (3 << 29) - (1 << 16) - 1,
        (3 << 29) - (1 << 16),
        "6 (residual): an accumulator can reach 1610547",
    ),
    (
        |d, n| long_rotary(d, n),
        1 << 28,
        1 << 29,
        "2 (rotary): an accumulator can reach 536",
    ),
    (
        |d, n| form(d, n as u32),
        14,
        15,
        "4 (linear): 16 bits behind a shift by 15",
    ),
    (
        |d, n| linear_bits(d, n as u32),
        16,
        17,
        "4 (linear): 17 bits behind a shift by 6: there are from 1 to 16",
    ),
    (
        |d, n| of(d, 4).bias = vec![0; n as usize],
        2,
        3,
        "4 (linear): a matrix or a table",
    ),
    // rotary
    (
        |d, n| short_rotary(d, n),
        11585,
        11586,
        "2 (rotary): a rotated output can reach 16385",
    ),
    (
        |d, n| d.angles.cos[0][0] = n as i32,
        1 << 15,
        (1 << 15) + 1,
        "(rotary): the constant |cos| + |sin|",
    ),
    (
        |d, n| d.angles.sin = vec![vec![0]; n as usize],
        3,
        4,
        "(rotary): a matrix or a table",
    ),
    // attention
    (
        |d, n| attention(d).kv_heads = n as usize,
        1,
        0,
        "5 (attention): a matrix or a table does not fit",
    ),
    (
        |d, n| attention(d).head_dim = n as usize,
        2,
        3,
        "5 (attention): a matrix or a table does not fit",
    ),
    (
        |d, n| attention(d).key_bits = -n as u32,
        -9,
        -8,
        "5 (attention): a key or a value can reach",
    ),
    (
        |d, n| attention(d).value_bits = -n as u32,
        -11,
        -10,
        "5 (attention): a key or a value can reach",
    ),
    (
        |d, n| checked_values(d, -n as u32),
        -10,
        -9,
        "5 (attention): a key or a value can reach",
    ),
    (
        |d, n| attention(d).mix_bits = n as u32,
        16,
        17,
        "5 (attention): 17 bits behind a shift by 12",
    ),
    (
        |d, n| value_bits(d, n as u32),
        15,
        16,
        "5 (attention): the constant bits",
    ),
    (
        |d, n| attention(d).score_shift = n as u32,
        14,
        15,
        "5 (attention): a shift by 15",
    ),
    (
        |d, n| scores(d, n),
        16383,
        16384,
        "5 (attention): a score can reach 536",
    ),
    (
        |d, n| d.tables[0].values[0] = n as i32,
        32767,
        32768,
        "5 (attention): the constant a weight is 32768",
    ),
    (
        |d, n| d.tables[0].values[0] = -n as i32,
        -16384,
        -16383,
        "5 (attention): the constant a weight is 16383",
    ),
    (
        |d, n| d.tables[0].values[9] = -n as i32,
        0,
        1,
        "5 (attention): the constant a weight is -1",
    ),
    (
        |d, n| d.tables[0].first = n,
        0,
        1,
        "5 (attention): the constant the first distance",
    ),
    (
        |d, n| d.tables[0].values.resize(n as usize, 0),
        1 << 16,
        (1 << 16) + 1,
        "(attention): the constant distances",
    ),
    (
        |d, n| mixture(d, n as usize),
        100_000,
        114_686,
        "5 (attention): a mixture can reach",
    ),
    // residual
    (
        |d, n| of(d, 6).shift = n as u32,
        5,
        6,
        "6 (residual): 25 bits behind a shift by 6: there are from 14 to 30",
    ),
    (
        |d, n| stream_bits(d, -n as u32),
        -14,
        -13,
        "6 (residual): 13 bits behind a shift by 2",
    ),
    (
        |d, n| grown(d, n),
        (1 << 28) - (1 << 24) - 1,
        (1 << 28) - (1 << 24),
        "1 (residual): the stream can reach",
    ),
    // gated and function
    (
        |d, n| gated_bits(d, n as u32),
        16,
        17,
        "8 (gated): 17 bits behind a shift by 7",
    ),
    (
        |d, n| d.tables[1] = table(-n, vec![0; 2 * n as usize + 1]),
        1 << 20,
        10,
        "8 (gated): an argument can reach",
    ),
    (
        |d, n| gated(d, n as i32),
        1 << 18,
        1 << 19,
        "8 (gated): a gated product can reach",
    ),
    // head
    (
        |d, n| head(d, n as i32),
        1 << 14,
        1 << 24,
        "11 (head): a logit can reach",
    ),
];

/// A token's vector with such a number.
fn token(description: &mut Description, number: i64) {
    description.embedding.tokens.rows[0][0] = number as i32;
    description.operations.truncate(1);
}

/// A grain, and a shift of the embedding.
fn scaled(description: &mut Description, grain: u32, shift: u32) {
    norm(description).grain = grain;
    description.embedding.shift = shift;
}

/// A norm of 64 channels, each as large as a stream can be.
fn long(description: &mut Description, grain: u32) {
    norm(description).grain = grain;
    description.embedding.tokens = matrix(&[&[1 << 24; 64]]);
    description.operations.truncate(2);
}

fn norm_shift(description: &mut Description, shift: i64) {
    norm(description).shift = shift as u32;
    description.operations.truncate(2);
}

pub fn norm(description: &mut Description) -> &mut cairo_decode::integers::Norm {
    match &mut description.operations[1] {
        Operation::Norm { norm, .. } => norm,
        other => panic!("{}", other.name()),
    }
}

pub fn attention(description: &mut Description) -> &mut cairo_decode::integers::Attention {
    match &mut description.operations[5] {
        Operation::Attention { of, .. } => of,
        other => panic!("{}", other.name()),
    }
}

/// What joins the stream has this accumulator.
fn added(description: &mut Description, reach: i64) {
    *of(description, 6) = product(&[&[0, 0], &[0, 0]], 0);
    of(description, 6).bias[1] = reach as i32;
}

/// The queries have this accumulator.
fn long_rotary(description: &mut Description, reach: i64) {
    *of(description, 2) = product(&[&[0, 0], &[0, 0]], 16);
    of(description, 2).bias[0] = reach as i32;
    description.operations.truncate(3);
}

/// Results of 16 bits behind a shift.
fn form(description: &mut Description, shift: u32) {
    of(description, 4).shift = shift;
    linear_bits(description, 16);
}

/// Values of so many bits, and no attention.
fn linear_bits(description: &mut Description, bits: u32) {
    if let Operation::Linear { bits: own, .. } = &mut description.operations[4] {
        *own = bits;
    }
    description.operations.truncate(5);
}

/// Values that are checked to have 10 bits, in the place of so many.
fn checked_values(description: &mut Description, bits: u32) {
    if let Operation::Linear { bits: own, .. } = &mut description.operations[4] {
        *own = 10;
    }
    attention(description).value_bits = bits;
}

/// What joins the first stream has so many bits.
fn stream_bits(description: &mut Description, bits: u32) {
    if let Operation::Residual { bits: own, .. } = &mut description.operations[6] {
        *own = bits;
    }
}

/// What joins a stream of this size has 25 bits, and can have more.
fn grown(description: &mut Description, number: i64) {
    description.embedding.tokens = matrix(&[&[number as i32, 0]]);
    let mut of = product(&[&[0, 0], &[0, 0]], 0);
    of.bias[0] = 1 << 25;
    let residual = Operation::Residual {
        stream: 0,
        input: 0,
        of,
        bits: 25,
    };
    description.operations = vec![Operation::Embed, residual];
}

/// Results of so many bits.
fn gated_bits(description: &mut Description, bits: u32) {
    if let Operation::Gated { of, .. } = &mut description.operations[8] {
        of.bits = bits;
    }
    description.operations.truncate(9);
}

/// The queries are rounded to this, and then turned by 45 degrees.
fn short_rotary(description: &mut Description, reach: i64) {
    *of(description, 2) = product(&[&[0, 0], &[0, 0]], 0);
    of(description, 2).bias[0] = reach as i32;
    description.operations.truncate(3);
}

/// Queries of this size, which are not turned, and keys of 15 bits.
fn scores(description: &mut Description, queries: i64) {
    let mut of = product(&[&[0, 0], &[0, 0]], 0);
    of.bias[1] = queries as i32;
    description.operations[2] = Operation::Linear {
        input: 1,
        of,
        bits: 16,
    };
    attention(description).key_bits = 15;
}

/// Values of so many bits, and as many bits dropped as a mixture of them has too many.
fn value_bits(description: &mut Description, bits: u32) {
    attention(description).value_bits = bits;
    attention(description).mix_shift = 14;
}

/// So many positions, with values of 14 bits.
fn mixture(description: &mut Description, context: usize) {
    description.context = context;
    description.angles.cos = vec![vec![1 << 14]; context];
    description.angles.sin = vec![vec![0]; context];
    attention(description).value_bits = 14;
    attention(description).mix_shift = 16;
    attention(description).mix_bits = 14;
}

/// Gates of this size.
fn gated(description: &mut Description, value: i32) {
    description.tables.push(table(-1024, vec![value; 2049]));
    if let Operation::Gated { of, .. } = &mut description.operations[8] {
        of.table = 2;
        of.shift = 16;
        of.bits = 14;
    }
    description.operations.truncate(9);
}

/// An output matrix with such a number.
fn head(description: &mut Description, weight: i32) {
    description.output = Some(matrix(&[&[weight, 0]]));
}

#[test]
fn each_check_counts() {
    let mut wrong = vec![];
    for (change, fits, too_much, words) in CHECKS {
        let [fits, too_much] = [fits, too_much].map(|&n| changed(|d| change(d, n)));
        let refused = too_much.as_ref().is_err_and(|error| error.contains(words));
        if fits.is_err() || !refused {
            wrong.push(format!("{words}: {fits:?}, {too_much:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn inputs_come_before() {
    let late = |d: &mut Description| d.operations[4] = Operation::Head { input: 4 };
    let mut description = everything();
    late(&mut description);
    let error = RangeError::Order {
        operation: 4,
        name: "head",
        input: 4,
    };
    assert_eq!(ranges(&description), Err(error));
}

#[test]
fn tables_are_there() {
    let error = changed(|d| d.tables.truncate(1)).unwrap_err();
    assert_eq!(
        error,
        "operation 8 (gated) reads table 1, which is not there"
    );
}

/// A description of a stranger: each of these was once a panic, or took as much memory as it liked.
#[test]
fn what_no_step_could_compute_is_refused() {
    let head = || Operation::Head { input: 0 };
    let heads: [fn(&mut Description); 3] = [
        |d| d.operations.clear(),
        |d| drop(d.operations.pop()),
        |d| {
            let head = d.operations.pop().unwrap();
            d.operations.insert(1, head);
        },
    ];
    for change in heads {
        let mut description = everything();
        change(&mut description);
        assert_eq!(chooses(&description), Err(RangeError::Head));
    }
    let mut description = everything();
    assert_eq!(chooses(&description), Ok(()));
    description.operations = (0..=1 << 14).map(|_| head()).collect();
    let many = chooses(&description).unwrap_err().to_string();
    assert_eq!(many, "16385 operations, at most 16384 are read");

    let no_half = changed(|d| {
        let rotary = d.operations.iter_mut().find_map(|of| match of {
            Operation::Rotary { half, .. } => Some(half),
            _ => None,
        });
        *rotary.unwrap() = 0;
    });
    let said = no_half.unwrap_err();
    assert!(said.contains("half of a head is 0"), "{said}");
    for (tokens, says) in [(0, "tokens is 0"), (1, "channels is 1152921504606846976")] {
        let said = changed(|d| {
            let embedding = &mut d.embedding.tokens;
            embedding.rows.truncate(tokens);
            if tokens > 0 {
                embedding.inputs = 1 << 60;
            }
        });
        let said = said.unwrap_err();
        assert!(said.contains(says), "{said}");
    }
}
