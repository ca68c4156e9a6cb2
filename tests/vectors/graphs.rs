//! A graph, or a few, for the cases of each operation.

use std::collections::BTreeMap;

use cairo_decode::ir::{Op, VerifiedGraph};
use cairo_decode::spec::requantize::Requant;
use cairo_decode::spec::rmsnorm::RmsNorm;
use serde::Deserialize;

use crate::attention;
use crate::file::{Case, File};
use crate::workbench::{Workbench, shape};

/// A graph with cases of one operation.
pub struct Graph {
    pub graph: VerifiedGraph,
    pub checks: Vec<Check>,
}

/// A node's value at the last step of a prompt is what a case expects.
pub struct Check {
    pub case: String,
    pub prompt: Vec<u32>,
    pub label: String,
    pub expected: Vec<i64>,
}

impl Check {
    pub fn new(case: &Case, label: &str, prompt: Vec<u32>) -> Check {
        Check {
            case: case.name.clone(),
            prompt,
            label: label.to_string(),
            expected: case.numbers(),
        }
    }
}

/// The graphs for an operation's file; `kv_append` makes no value and is apart.
pub fn graphs(file: &File) -> Vec<Graph> {
    match file.operation.as_str() {
        "embed" => embed(file),
        "rmsnorm" => vec![each(file, rmsnorm)],
        "linear" => vec![each(file, linear)],
        "requantize" => vec![each(file, requantize)],
        "rope" => rope(file),
        "scores" => attention::scores(file),
        "softmax" => attention::softmax(file),
        "mix" => attention::mix(file),
        "silu" => vec![each(file, silu)],
        "mul" => vec![each(file, mul)],
        "add" => vec![each(file, add)],
        "argmax" => argmax(file),
        other => panic!("no graph for {other}"),
    }
}

/// Cases by what their graph has to be made for.
pub fn by<K: Ord>(file: &File, key: impl Fn(&Case) -> K) -> BTreeMap<K, Vec<&Case>> {
    let mut groups: BTreeMap<K, Vec<&Case>> = BTreeMap::new();
    for case in &file.cases {
        groups.entry(key(case)).or_default().push(case);
    }
    groups
}

/// One graph with all cases; `push` adds the operation with a label.
fn each(file: &File, push: fn(&mut Workbench, &Case, &str)) -> Graph {
    let mut bench = Workbench::new(&file.operation, shape(1, 1, [1, 1, 2]));
    let mut checks = vec![];
    for (i, case) in file.cases.iter().enumerate() {
        let label = format!("case{i}");
        push(&mut bench, case, &label);
        checks.push(Check::new(case, &label, vec![0]));
    }
    bench.append(0, &[vec![0; 2]], &[vec![0; 2]]);
    Graph {
        graph: bench.finish(),
        checks,
    }
}

fn rmsnorm(bench: &mut Workbench, case: &Case, label: &str) {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Input {
        eps: i64,
        root_shift: u32,
        numerator: i64,
        inv_shift: u32,
        x: Vec<i64>,
    }
    let Input {
        eps,
        root_shift,
        numerator,
        inv_shift,
        x,
    } = case.read();
    let norm = RmsNorm {
        eps,
        root_shift,
        numerator,
        inv_shift,
    };
    let x = bench.constant(&format!("{label}.x"), &x);
    bench.push(label, Op::RmsNorm { x, norm });
}

fn linear(bench: &mut Workbench, case: &Case, label: &str) {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Input {
        #[serde(rename = "W")]
        w: Vec<Vec<i8>>,
        x: Vec<i64>,
    }
    let Input { w, x } = case.read();
    let cols = x.len();
    let x = bench.constant(&format!("{label}.x"), &x);
    bench.linear(label, x, cols, w.concat());
}

/// Constants of a rounding, with one vector, or two.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rounded {
    shift: u32,
    lo: i64,
    hi: i64,
    #[serde(default)]
    x: Vec<i64>,
    #[serde(default)]
    a: Vec<i64>,
    #[serde(default)]
    b: Vec<i64>,
    #[serde(default)]
    cos: Vec<i64>,
    #[serde(default)]
    sin: Vec<i64>,
}

impl Rounded {
    fn to(&self) -> Requant {
        Requant {
            shift: self.shift,
            lo: self.lo,
            hi: self.hi,
        }
    }
}

fn requantize(bench: &mut Workbench, case: &Case, label: &str) {
    let input: Rounded = case.read();
    let x = bench.constant(&format!("{label}.x"), &input.x);
    let to = input.to();
    bench.push(label, Op::Requantize { x, to });
}

fn mul(bench: &mut Workbench, case: &Case, label: &str) {
    let input: Rounded = case.read();
    let a = bench.constant(&format!("{label}.a"), &input.a);
    let b = bench.constant(&format!("{label}.b"), &input.b);
    let to = input.to();
    bench.push(label, Op::Mul { a, b, to });
}

fn add(bench: &mut Workbench, case: &Case, label: &str) {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Input {
        a: Vec<i64>,
        b: Vec<i64>,
    }
    let Input { a, b } = case.read();
    let a = bench.constant(&format!("{label}.a"), &a);
    let b = bench.constant(&format!("{label}.b"), &b);
    bench.push(label, Op::Add { a, b });
}

fn silu(bench: &mut Workbench, case: &Case, label: &str) {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Input {
        index_shift: u32,
        x: Vec<i64>,
    }
    let Input { index_shift, x } = case.read();
    let x = bench.constant(&format!("{label}.x"), &x);
    bench.push(label, Op::Silu { x, index_shift });
}

/// One graph for each length of a row; a case's row is a token's.
fn embed(file: &File) -> Vec<Graph> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Input {
        shift: u32,
        row: Vec<i8>,
    }
    let groups = by(file, |case| case.read::<Input>().row.len());
    let graph = |(len, cases): (usize, Vec<&Case>)| {
        let inputs: Vec<Input> = cases.iter().map(|case| case.read()).collect();
        let mut shape = shape(cases.len(), 1, [1, 1, 2]);
        shape.hidden = len;
        let rows = inputs.iter().flat_map(|input| input.row.clone()).collect();
        let change = |tables: &mut cairo_decode::ir::Tables| tables.embedding.data = rows;
        let mut bench = Workbench::with("embed_rows", shape, change);
        let mut checks = vec![];
        for (token, (case, input)) in cases.iter().zip(&inputs).enumerate() {
            let (label, shift) = (format!("case{token}"), input.shift);
            bench.push(&label, Op::Embed { shift });
            checks.push(Check::new(case, &label, vec![token as u32]));
        }
        bench.append(
            0,
            &vec![vec![0; 2]; cases.len()],
            &vec![vec![0; 2]; cases.len()],
        );
        Graph {
            graph: bench.finish(),
            checks,
        }
    };
    groups.into_iter().map(graph).collect()
}

/// One graph for each size of a head; a case's angles are those of a position.
fn rope(file: &File) -> Vec<Graph> {
    let groups = by(file, |case| case.read::<Rounded>().cos.len());
    let graph = |(half, cases): (usize, Vec<&Case>)| {
        let inputs: Vec<Rounded> = cases.iter().map(|case| case.read()).collect();
        let change = |tables: &mut cairo_decode::ir::Tables| {
            tables.rope_cos = inputs.iter().flat_map(|i| i.cos.clone()).collect();
            tables.rope_sin = inputs.iter().flat_map(|i| i.sin.clone()).collect();
        };
        let shape = shape(cases.len(), 1, [1, 1, 2 * half]);
        let mut bench = Workbench::with("rope_angles", shape, change);
        let mut checks = vec![];
        for (position, (case, input)) in cases.iter().zip(&inputs).enumerate() {
            let (label, to) = (format!("case{position}"), input.to());
            let x = bench.constant(&format!("{label}.x"), &input.x);
            bench.push(&label, Op::Rope { x, to });
            checks.push(Check::new(case, &label, (0..=position as u32).collect()));
        }
        let rows = vec![vec![0; 2 * half]; cases.len()];
        bench.append(0, &rows, &rows);
        Graph {
            graph: bench.finish(),
            checks,
        }
    };
    groups.into_iter().map(graph).collect()
}

/// One graph for each number of logits; a case's logits are a token's.
fn argmax(file: &File) -> Vec<Graph> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Input {
        x: Vec<i64>,
    }
    let groups = by(file, |case| case.read::<Input>().x.len());
    let graph = |(len, cases): (usize, Vec<&Case>)| {
        let mut logits: Vec<Vec<i64>> = cases.iter().map(|c| c.read::<Input>().x).collect();
        assert!(logits.len() <= len, "more cases than tokens");
        logits.resize(len, vec![0; len]);
        let mut bench = Workbench::new("argmax_logits", shape(len, 1, [1, 1, 2]));
        let logits = bench.vector("logits", &logits);
        let rows = vec![vec![0; 2]; len];
        bench.append(0, &rows, &rows);
        let check = |(token, case): (usize, &&Case)| Check::new(case, "token", vec![token as u32]);
        let checks = cases.iter().enumerate().map(check).collect();
        Graph {
            graph: bench.choose(logits),
            checks,
        }
    };
    groups.into_iter().map(graph).collect()
}
