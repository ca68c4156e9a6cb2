//! Graphs for the operations of attention: a layer for each case, a position for each token.

use cairo_decode::ir::{Op, ValueId};
use serde::Deserialize;

use crate::file::{Case, File};
use crate::graphs::{Check, Graph, by};
use crate::support::{Random, tables};
use crate::workbench::{Workbench, shape};

/// A graph for all cases with the same heads and positions; `push` adds a case to a layer, and returns the label of
/// what it expects.
fn layers<K: Into<([usize; 3], usize)> + Ord>(
    file: &File,
    key: impl Fn(&Case) -> K,
    push: impl Fn(&mut Workbench, &Case, usize) -> String,
) -> Vec<Graph> {
    let graph = |(key, cases): (K, Vec<&Case>)| {
        let (heads, positions) = key.into();
        let mut bench = Workbench::new(
            &format!("{}_layers", file.operation),
            shape(positions, cases.len(), heads),
        );
        let prompt: Vec<u32> = (0..positions as u32).collect();
        let mut checks = vec![];
        for (layer, case) in cases.iter().enumerate() {
            let label = push(&mut bench, case, layer);
            checks.push(Check::new(case, &label, prompt.clone()));
        }
        Graph {
            graph: bench.finish(),
            checks,
        }
    };
    by(file, key).into_iter().map(graph).collect()
}

pub fn scores(file: &File) -> Vec<Graph> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Input {
        heads: usize,
        kv_heads: usize,
        q: Vec<i64>,
        keys: Vec<Vec<i64>>,
    }
    let key = |case: &Case| {
        let input: Input = case.read();
        let head_dim = input.q.len() / input.heads;
        ([input.heads, input.kv_heads, head_dim], input.keys.len())
    };
    layers(file, key, |bench, case, layer| {
        let input: Input = case.read();
        let q = bench.constant(&format!("q{layer}.row"), &input.q);
        bench.append(layer, &input.keys, &input.keys);
        let label = format!("scores{layer}");
        bench.push(&label, Op::Scores { q, layer });
        label
    })
}

/// Pushes a query and keys whose scores are these; `values` are appended beside them. Each head of a group has two
/// channels of the keys to itself, `k_0` and `k_1`, and the query `g·(1, 128)` there, so that a score is
/// `g·(k_0 + 128·k_1)`. Returns the scores.
fn scored(
    bench: &mut Workbench,
    layer: usize,
    scores: &[Vec<i64>],
    [kv_heads, head_dim]: [usize; 2],
    values: Option<&[Vec<i64>]>,
) -> ValueId {
    let group = scores.len() / kv_heads;
    assert!(2 * group <= head_dim, "too few channels");
    let bits = scores.iter().flatten().filter(|s| **s != 0);
    let unit = 1 << bits.map(|s| s.trailing_zeros()).min().unwrap_or(0);
    let positions = scores[0].len();
    let mut q = vec![0; scores.len() * head_dim];
    let mut keys = vec![vec![0; kv_heads * head_dim]; positions];
    for (head, scores) in scores.iter().enumerate() {
        let channel = 2 * (head % group);
        let (at, key) = (head * head_dim + channel, head / group * head_dim + channel);
        (q[at], q[at + 1]) = (unit, 128 * unit);
        for (row, score) in keys.iter_mut().zip(scores) {
            let high = (score / unit + 64).div_euclid(128);
            (row[key], row[key + 1]) = (score / unit - 128 * high, high);
        }
    }
    let q = bench.constant(&format!("q{layer}.row"), &q);
    bench.append(layer, &keys, values.unwrap_or(&keys));
    bench.push(&format!("scores{layer}"), Op::Scores { q, layer })
}

pub fn softmax(file: &File) -> Vec<Graph> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Input {
        shift: u32,
        scores: Vec<Vec<i64>>,
    }
    let key = |case: &Case| {
        let scores = case.read::<Input>().scores;
        ([scores.len(), scores.len(), 2], scores[0].len())
    };
    layers(file, key, |bench, case, layer| {
        let Input { shift, scores } = case.read();
        let scores = scored(bench, layer, &scores, [scores.len(), 2], None);
        let label = format!("softmax{layer}");
        bench.push(&label, Op::Softmax { scores, shift });
        label
    })
}

pub fn mix(file: &File) -> Vec<Graph> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Input {
        heads: usize,
        kv_heads: usize,
        shift: u32,
        weights: Vec<Vec<i64>>,
        values: Vec<Vec<i64>>,
    }
    let key = |case: &Case| {
        let input: Input = case.read();
        let head_dim = input.values[0].len() / input.kv_heads;
        ([input.heads, input.kv_heads, head_dim], input.values.len())
    };
    layers(file, key, |bench, case, layer| {
        let input: Input = case.read();
        let head_dim = input.values[0].len() / input.kv_heads;
        // Scores at the distances whose weights these are: they are weights of a softmax that rounds nothing.
        let table = tables(&mut Random::new(1), &shape(1, 1, [1, 1, 2])).exp2;
        let weight = |z: usize| match z {
            2048 => 0,
            _ => table[z % 128] << (15 - z / 128),
        };
        let distance = |e: &i64| (0..=2048).find(|&z| weight(z) == *e).expect("a weight");
        let score = |e: &i64| -(distance(e) as i64);
        let scores: Vec<Vec<i64>> = input
            .weights
            .iter()
            .map(|head| head.iter().map(score).collect())
            .collect();
        let (heads, values) = ([input.kv_heads, head_dim], input.values.as_slice());
        let scores = scored(bench, layer, &scores, heads, Some(values));
        let softmax = Op::Softmax { scores, shift: 0 };
        let weights = bench.push(&format!("softmax{layer}"), softmax);
        let (label, shift) = (format!("mix{layer}"), input.shift);
        bench.push(
            &label,
            Op::Mix {
                weights,
                layer,
                shift,
            },
        );
        label
    })
}
