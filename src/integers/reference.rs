//! One decode step in plain integers, written from `docs/spec.md`: obvious, and what `generate` computes with.
//!
//! Every value, product and sum is an `i64`, which holds them in each description that has [`ranges`](super::ranges()): a sum of products is
//! below `2^30` there, a sum of squares below `2^60`. Nothing is shared with what computes the values of a proof.

use rayon::prelude::*;

use super::description::{Attention, Description, Matrix, Norm, Operation, Product, Table, half};
use super::error::Refusal;

/// Fractional bits of cosines and sines.
pub const ANGLE_BITS: u32 = 14;

/// Fractional bits of a probability.
pub const PROBABILITY_BITS: u32 = 13;

/// The sum of squares of a norm, in its unit, is below this.
pub const SQUARES: i64 = 1 << 30;

/// What length and reciprocal of a norm are together.
pub const RECIPROCAL: i64 = (1 << 29) - (1 << 19);

/// The largest exponent of a norm's unit.
pub const MAX_EXPONENT: u32 = 14;

/// Weights of a matrix whose outputs several threads compute: of fewer, one thread is done before another one has begun.
const MANY_WEIGHTS: usize = 1 << 18;

/// Keys and values of the positions before: by operation (only attention has any), by position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    pub position: usize,
    pub keys: Vec<Vec<Vec<i64>>>,
    pub values: Vec<Vec<Vec<i64>>>,
}

impl Carried {
    /// What there is before the first token.
    pub fn new(description: &Description) -> Carried {
        let none = vec![vec![]; description.operations.len()];
        Carried {
            position: 0,
            keys: none.clone(),
            values: none,
        }
    }
}

/// What a step computes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What each operation writes; the head writes the logits.
    pub values: Vec<Vec<i64>>,
    /// The first token with the largest logit.
    pub token: u32,
}

/// Takes in a token at the next position.
///
/// # Errors
/// A token or a position that the tables do not have, or a value out of a range that is checked and not proven.
pub fn step(description: &Description, carried: &mut Carried, token: u32) -> Result<Step, Refusal> {
    let values = all(description, carried, token, |_| true)?;
    let logits = values.last().map_or(&[][..], Vec::as_slice);
    let token = first_largest(logits);
    Ok(Step { values, token })
}

/// The same where the next token is known, so that nobody asks for the logits.
///
/// # Errors
/// As [`step`].
pub fn carry(description: &Description, carried: &mut Carried, token: u32) -> Result<(), Refusal> {
    let no_head = |operation: &Operation| !matches!(operation, Operation::Head { .. });
    all(description, carried, token, no_head).map(|_| ())
}

/// What operations write at the next position; nothing where an operation is not asked for.
fn all(
    description: &Description,
    carried: &mut Carried,
    token: u32,
    asked: impl Fn(&Operation) -> bool,
) -> Result<Vec<Vec<i64>>, Refusal> {
    let mut values: Vec<Vec<i64>> = vec![];
    for (number, operation) in description.operations.iter().enumerate() {
        let value = match asked(operation) {
            true => compute(description, carried, token, number, &values)?,
            false => vec![],
        };
        values.push(value);
    }
    carried.position += 1;
    Ok(values)
}

/// What one operation writes; `values` are those of the operations before it.
///
/// # Errors
/// As [`step`].
fn compute(
    description: &Description,
    carried: &mut Carried,
    token: u32,
    number: usize,
    values: &[Vec<i64>],
) -> Result<Vec<i64>, Refusal> {
    let values = |input: usize| &values[input][..];
    let sums = &mut |weights: &Matrix, input| dots(weights, values(input));
    finish(description, carried, token, number, &values, sums)
}

/// The matrices of an operation with the operations that they read, in the order in which [`finish`] asks for their sums.
pub fn matrices<'a>(
    description: &'a Description,
    operation: &'a Operation,
) -> Vec<(&'a Matrix, usize)> {
    match operation {
        Operation::Embed
        | Operation::Norm { .. }
        | Operation::HeadNorm { .. }
        | Operation::Attention { .. } => vec![],
        Operation::Linear { input, of, .. }
        | Operation::Function { input, of, .. }
        | Operation::Rotary { input, of, .. }
        | Operation::Residual { input, of, .. } => vec![(&of.weights, *input)],
        Operation::Gated { input, of } => {
            vec![(&of.gate.weights, *input), (&of.up.weights, *input)]
        }
        Operation::Head { input } => vec![(description.output(), *input)],
    }
}

/// What one operation writes, given the values before it and the sums `Σ_j W_ij x_j` of a matrix and an operation's values, which are asked for in the order of
/// [`matrices`].
///
/// # Errors
/// As [`step`].
pub fn finish<'a>(
    description: &Description,
    carried: &mut Carried,
    token: u32,
    number: usize,
    values: &dyn Fn(usize) -> &'a [i64],
    sums: &mut dyn FnMut(&Matrix, usize) -> Vec<i64>,
) -> Result<Vec<i64>, Refusal> {
    let position = carried.position;
    let mut linear = |of: &Product, input: &usize| rounded(of, sums(&of.weights, *input));
    match &description.operations[number] {
        Operation::Embed => embed(description, token, position),
        Operation::Norm { input, norm } => normalise(number, *norm, values(*input)),
        Operation::HeadNorm { input, norm, heads } => {
            let x = values(*input);
            let parts = x.chunks_exact(x.len() / heads);
            let normed: Result<Vec<_>, _> = parts.map(|x| normalise(number, *norm, x)).collect();
            Ok(normed?.concat())
        }
        Operation::Linear { input, of, bits } => fitting(number, linear(of, input), *bits),
        Operation::Function { input, of, table } => {
            let arguments = linear(of, input);
            let table = &description.tables[*table];
            Ok(arguments.into_iter().map(|z| at(table, z)).collect())
        }
        Operation::Rotary { input, of, half } => {
            rotate(description, &linear(of, input), *half, position)
        }
        Operation::Attention {
            queries,
            keys,
            values: of_values,
            of,
        } => {
            carried.keys[number].push(values(*keys).to_vec());
            carried.values[number].push(values(*of_values).to_vec());
            let (keys, mixed) = (&carried.keys[number], &carried.values[number]);
            let table = &description.tables[of.weights];
            let mixed = attend(*of, table, values(*queries), keys, mixed);
            fitting(number, mixed, of.mix_bits)
        }
        Operation::Residual {
            stream,
            input,
            of,
            bits,
        } => {
            let added = fitting(number, linear(of, input), *bits)?;
            let sums = values(*stream).iter().zip(added).map(|(x, z)| x + z);
            Ok(sums.collect())
        }
        Operation::Gated { input, of } => {
            let table = &description.tables[of.table];
            let gates = linear(&of.gate, input).into_iter().map(|z| at(table, z));
            let pairs = gates.zip(linear(&of.up, input));
            let products = pairs.map(|(a, u)| round(a * u, of.shift)).collect();
            fitting(number, products, of.bits)
        }
        Operation::Head { input } => Ok(sums(description.output(), *input)),
    }
}

/// `floor((x + 2^(s−1)) / 2^s)`.
pub fn round(x: i64, shift: u32) -> i64 {
    (x + half(shift)) >> shift
}

/// `Σ_j W_ij x_j`, of each of the parts that have the matrix's inputs.
pub fn dots(weights: &Matrix, x: &[i64]) -> Vec<i64> {
    let part = |x: &[i64]| -> Vec<i64> {
        let dot = |row: &Vec<i32>| {
            let products = row.iter().zip(x);
            products.map(|(&w, &x)| i64::from(w) * x).sum()
        };
        match weights.rows.len() * weights.inputs < MANY_WEIGHTS {
            true => weights.rows.iter().map(dot).collect(),
            false => weights.rows.par_iter().map(dot).collect(),
        }
    };
    x.chunks(weights.inputs.max(1)).flat_map(part).collect()
}

fn rounded(of: &Product, sums: Vec<i64>) -> Vec<i64> {
    let biased = sums.iter().zip(of.bias.iter().cycle());
    biased
        .map(|(&sum, &bias)| round(sum + i64::from(bias), of.shift))
        .collect()
}

fn at(table: &Table, argument: i64) -> i64 {
    i64::from(table.values[(argument - table.first) as usize])
}

fn embed(description: &Description, token: u32, position: usize) -> Result<Vec<i64>, Refusal> {
    let embedding = &description.embedding;
    let tokens = embedding.tokens.rows.len();
    let row = embedding.tokens.rows.get(token as usize);
    let row = row.ok_or(Refusal::Token { token, tokens })?;
    let context = description.context;
    if position >= context {
        return Err(Refusal::Position { position, context });
    }
    let scaled = row.iter().map(|&e| i64::from(e) << embedding.shift);
    let Some(positions) = &embedding.positions else {
        return Ok(scaled.collect());
    };
    let added = positions.rows[position].iter().map(|&p| i64::from(p));
    Ok(scaled.zip(added).map(|(e, p)| e + p).collect())
}

fn normalise(operation: usize, norm: Norm, x: &[i64]) -> Result<Vec<i64>, Refusal> {
    let scaled: Vec<i64> = x.iter().map(|x| x << norm.grain).collect();
    let mean = match norm.centred {
        true => ceil_div(scaled.iter().sum(), x.len() as i64),
        false => 0,
    };
    let mut numbers: Vec<i64> = scaled.iter().map(|x| x - mean).collect();
    numbers.push(norm.floor);

    // The least unit that leaves few enough bits.
    let few = |e: &u32| {
        let halves = numbers.iter().map(|x| (x >> e) >> 1);
        halves.map(|u| u * u + u).sum::<i64>() < SQUARES
    };
    let most = MAX_EXPONENT;
    let e = (0..=most).find(few);
    let e = e.ok_or(Refusal::Norm { operation, most })?;
    let odd: Vec<i64> = numbers.iter().map(|x| 2 * (x >> e) + 1).collect();
    let length = odd.iter().map(|x| x * x).sum::<i64>().isqrt();
    let reciprocal = (2 * RECIPROCAL + length) / (2 * length);
    let channels = odd[..x.len()].iter();
    Ok(channels
        .map(|x| round(x * reciprocal, norm.shift))
        .collect())
}

/// `⌈a / b⌉` for a positive `b`.
fn ceil_div(a: i64, b: i64) -> i64 {
    -(-a).div_euclid(b)
}

fn rotate(
    description: &Description,
    x: &[i64],
    half: usize,
    position: usize,
) -> Result<Vec<i64>, Refusal> {
    let context = description.context;
    let beyond = Refusal::Position { position, context };
    let angles = &description.angles;
    let cos = angles.cos.get(position).ok_or(beyond)?;
    let sin = angles.sin.get(position).ok_or(beyond)?;
    let mut rotated = vec![0; x.len()];
    for (i, out) in rotated.iter_mut().enumerate() {
        let (head, place) = (i / (2 * half), i % (2 * half));
        let pair = place % half;
        let [a, b] = [pair, pair + half].map(|i| x[head * 2 * half + i]);
        let (cos, sin) = (i64::from(cos[pair]), i64::from(sin[pair]));
        *out = match place < half {
            true => round(a * cos - b * sin, ANGLE_BITS),
            false => round(b * cos + a * sin, ANGLE_BITS),
        };
    }
    Ok(rotated)
}

fn attend(
    of: Attention,
    weights: &Table,
    queries: &[i64],
    keys: &[Vec<i64>],
    values: &[Vec<i64>],
) -> Vec<i64> {
    let mut mixed = vec![];
    for head in 0..of.heads {
        let query = &queries[head * of.head_dim..(head + 1) * of.head_dim];
        let first = head / (of.heads / of.kv_heads) * of.head_dim;
        let own = first..first + of.head_dim;
        let scores = keys.iter().map(|key| {
            let products = query.iter().zip(&key[own.clone()]);
            products.map(|(q, k)| q * k).sum()
        });
        let probabilities = normalised(&weigh(of, weights, scores.collect()));
        let mut sums = vec![0; of.head_dim];
        for (p, value) in probabilities.iter().zip(values) {
            let channels = sums.iter_mut().zip(&value[own.clone()]);
            channels.for_each(|(sum, v)| *sum += p * v);
        }
        mixed.extend(sums.iter().map(|&sum| round(sum, of.mix_shift)));
    }
    mixed
}

/// Weights of scores, by their distances from the largest.
fn weigh(of: Attention, weights: &Table, scores: Vec<i64>) -> Vec<i64> {
    let largest = scores.iter().copied().max().unwrap_or(0);
    let weight = |score: &i64| {
        let distance = (largest - score) >> of.score_shift;
        let inside = weights.values.get(distance as usize);
        inside.map_or(0, |&weight| i64::from(weight))
    };
    scores.iter().map(weight).collect()
}

/// `round(w m / 2^n)` with `2^(n−1) < D ≤ 2^n` and `m = floor(2^(n+13) / D)`, for `D = Σ w`.
fn normalised(weights: &[i64]) -> Vec<i64> {
    let total: i64 = weights.iter().sum();
    let mut n = 0;
    while total > 1 << n {
        n += 1;
    }
    let m = (1i64 << (n + PROBABILITY_BITS)) / total;
    weights.iter().map(|w| round(w * m, n)).collect()
}

/// The values, if all have at most so many bits.
fn fitting(operation: usize, values: Vec<i64>, bits: u32) -> Result<Vec<i64>, Refusal> {
    let half = 1i64 << (bits - 1);
    let outside = |(_, value): &(usize, &i64)| !(-half..half).contains(*value);
    match values.iter().enumerate().find(outside) {
        None => Ok(values),
        Some((channel, &value)) => Err(Refusal::Bits {
            operation,
            channel,
            value,
            bits,
        }),
    }
}

/// The place of the largest number; of equal ones the first.
pub fn first_largest(values: &[i64]) -> u32 {
    let mut best = 0;
    for (i, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = i;
        }
    }
    best as u32
}
