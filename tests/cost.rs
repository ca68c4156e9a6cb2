//! Declared costs are the measured ones, operation by operation and component by component.
//!
//! `scripts/bless` measures the Cairo code around the kernels again and writes `src/cost/units.tsv`: after a change of the
//! kernel library, or of the compiler.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use cairo_decode::air::cairo::Component;
use cairo_decode::chunk::Decoder;
use cairo_decode::cost::{Cost, Rows};
use cairo_decode::ir::{KvCache, StepValues, VerifiedGraph, run_step};
use cairo_decode::lower::{Chunk, LowerOptions, Products, WeightLayout, declare};
use cairo_decode::profile::{Profile, profile};
use expect_test::expect_file;
use support::{Sizes, pins_as, program_as, random_graph, sizes};

/// Components whose rows are of distinct values, or of the program's words: not declared.
const UNDECLARED: [Component; 3] = [
    Component::MemoryIdToBig,
    Component::MemoryIdToSmall,
    Component::VerifyInstruction,
];

/// What one operation costs in a chunk.
struct Measured {
    label: String,
    declared: Cost,
    /// What its line of the generated code costs each time.
    site: Rows,
    rows: Rows,
}

impl Measured {
    /// Whether it is no operation of the graph.
    fn is_around(&self) -> bool {
        self.label.starts_with("protocol.")
    }
}

/// Chunks of `lengths` steps from the first token on, after a prompt of `prompt` tokens.
fn measure(
    graph: &VerifiedGraph,
    options: LowerOptions,
    prompt: usize,
    lengths: &[usize],
) -> Vec<Measured> {
    let program = program_as(graph, options);
    let sites = program.sites();
    let prompt: Vec<u32> = (0..prompt as u32).map(|i| 1 + i % 5).collect();
    let pins = pins_as(graph, options, &program, &prompt);
    let mut decoder = Decoder::new(graph, pins).expect("a prompt");
    let mut cache = KvCache::new(graph.shape.layers);
    let mut token = prompt[0];
    let mut measured = vec![];
    for &length in lengths {
        let chunk = decoder.chunk(length).expect("a chunk");
        let first = cache.positions();
        let values: Vec<StepValues> = (first..first + length)
            .map(|position| {
                let values = run_step(graph, &mut cache, token);
                token = *prompt.get(position + 1).unwrap_or(&values.token());
                values
            })
            .collect();
        let found = profile(&program, graph, &chunk.input).expect("a profile");
        let steps = Chunk {
            position: first,
            steps: length,
            prompt: prompt.len(),
            values: &values,
        };
        let declared = declare(graph, options, steps).expect("declares");
        assert_eq!(declared.nodes.len(), graph.nodes.len());
        let nodes = graph.nodes.iter().map(|node| node.label.clone());
        let around = declared.around.into_iter();
        let around = around.map(|(part, cost)| (format!("protocol.{part}"), cost));
        for (label, declared) in nodes.zip(declared.nodes).chain(around) {
            let site = label.strip_prefix("protocol.").unwrap_or(&label);
            measured.push(Measured {
                site: sites.get(site).cloned().unwrap_or_default(),
                rows: rows(&found, &label),
                label,
                declared,
            });
        }
    }
    measured
}

/// The measured rows of what has a label, as far as they can be declared.
fn rows(found: &Profile, label: &str) -> Rows {
    let mut rows = Rows::default();
    let work = found.work.iter().find(|work| work.label == label);
    for (&component, share) in work.iter().flat_map(|work| &work.components) {
        if let Some(component) = component.cairo().filter(|of| !UNDECLARED.contains(of)) {
            rows.add(component, share.rows);
        }
    }
    rows
}

fn options(products: Products, weights: WeightLayout) -> LowerOptions {
    LowerOptions { products, weights }
}

/// Shapes whose costs give the table: head sizes with and without a rest, one and more heads per group.
fn fit() -> Vec<Measured> {
    let mut all = vec![];
    use Products::{Claimed, Computed};
    use WeightLayout::{Committed, Pairs, Ready};
    for (seed, shape, products, weights) in [
        (5, sizes(16, 2, 2, 1, 8, 24, 16), Computed, Pairs),
        (6, sizes(8, 1, 2, 2, 4, 8, 8), Claimed, Pairs),
        (7, sizes(24, 1, 4, 2, 6, 40, 40), Computed, Ready),
        (8, sizes(12, 2, 1, 1, 18, 30, 40), Claimed, Pairs),
        (9, sizes(8, 1, 4, 4, 10, 8, 8), Computed, Pairs),
        (10, sizes(8, 1, 3, 3, 10, 8, 8), Computed, Pairs),
        (15, sizes(8, 1, 2, 2, 4, 8, 8), Claimed, Ready),
        (16, sizes(16, 1, 2, 1, 8, 24, 16), Claimed, Committed),
        (17, sizes(32, 1, 2, 2, 4, 8, 40), Computed, Committed),
    ] {
        let graph = random_graph("random", seed, shape);
        let chunks = [[1, 2, 1, 2, 3, 4].as_slice(), &[1; 14]].concat();
        let options = options(products, weights);
        let samples = measure(&graph, options, 5, &chunks).into_iter();
        // Where nothing is separated, the compiler makes something else of the packing.
        all.extend(samples.filter(|s| weights == Pairs || s.label != "protocol.bytes"));
    }
    all
}

#[test]
fn declared_is_measured() {
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        return update();
    }
    let shapes: [(u64, Sizes, Products, WeightLayout, &[usize]); 6] = [
        (
            11,
            sizes(20, 1, 4, 4, 10, 33, 29),
            Products::Cheapest,
            WeightLayout::Pairs,
            &[4, 1, 9],
        ),
        (
            12,
            sizes(16, 2, 4, 1, 4, 24, 50),
            Products::Claimed,
            WeightLayout::Ready,
            &[1, 13, 12],
        ),
        (
            13,
            sizes(40, 3, 2, 2, 12, 20, 64),
            Products::Computed,
            WeightLayout::Ready,
            &[6, 6],
        ),
        (
            14,
            sizes(12, 1, 6, 3, 2, 17, 9),
            Products::Claimed,
            WeightLayout::Pairs,
            &[26],
        ),
        (
            18,
            sizes(20, 1, 4, 4, 10, 33, 29),
            Products::Cheapest,
            WeightLayout::Committed,
            &[4, 1, 9],
        ),
        (
            19,
            sizes(12, 2, 6, 3, 2, 170, 90),
            Products::Claimed,
            WeightLayout::Committed,
            &[1, 13],
        ),
    ];
    let mut compared = 0;
    for (seed, shape, products, weights, lengths) in shapes {
        let graph = random_graph("random", seed, shape);
        for one in measure(&graph, options(products, weights), 4, lengths) {
            let declared = one.declared.rows(&one.site).expect("known code");
            if one.is_around() {
                close(&one.label, &declared, &one.rows);
            } else {
                assert_eq!(declared, one.rows, "{seed} {}", one.label);
            }
            compared += 1;
        }
    }
    eprintln!(
        "{compared} operations of {} chunks",
        shapes.iter().map(|s| s.4.len()).sum::<usize>()
    );
}

/// What is around the operations, the compiler fits into one function, not the same in every program: its rows are
/// declared to a hundredth.
fn close(part: &str, declared: &Rows, measured: &Rows) {
    let all: u64 = measured.iter().map(|(_, rows)| rows).sum();
    for (component, _) in declared.iter().chain(measured.iter()) {
        let (declared, measured) = (declared.of(component), measured.of(component));
        let room = 8 + all / 100;
        assert!(
            declared.abs_diff(measured) <= room,
            "{part} {component}: {declared} declared, {measured} measured"
        );
    }
}

/// Measures the units and writes their table, which the next build reads.
fn update() {
    let samples = fit();
    let mut known: BTreeMap<&str, BTreeMap<Component, i64>> = BTreeMap::new();
    // The operations' units are exact. What is around them is measured after, with those units known.
    for around in [false, true] {
        let samples: Vec<&Measured> = samples.iter().filter(|s| s.is_around() == around).collect();
        let rest: Vec<BTreeMap<Component, i64>> = samples.iter().map(|s| left(s, &known)).collect();
        let units = samples
            .iter()
            .flat_map(|s| s.declared.units.keys().copied());
        let units: BTreeSet<&str> = units.filter(|unit| !known.contains_key(unit)).collect();
        let units: Vec<&str> = units.into_iter().collect();
        let row = |s: &&Measured| -> Vec<f64> {
            let times = |unit| s.declared.units.get(unit).copied().unwrap_or(0) as f64;
            units.iter().map(times).collect()
        };
        let matrix: Vec<Vec<f64>> = samples.iter().map(row).collect();
        let components: BTreeSet<Component> =
            rest.iter().flat_map(|rest| rest.keys().copied()).collect();
        for component in components {
            let right = rest
                .iter()
                .map(|r| r.get(&component).copied().unwrap_or(0) as f64);
            let right: Vec<f64> = right.collect();
            for (unit, rows) in units.iter().zip(solve(&units, &matrix, &right)) {
                let whole = rows.round();
                assert!(
                    around || (rows - whole).abs() < 1e-3,
                    "{unit} {component}: {rows}"
                );
                let unit = known.entry(unit).or_default();
                unit.insert(component, whole as i64);
            }
        }
    }
    let lines = known.iter().flat_map(|(unit, rows)| {
        let rows = rows.iter().filter(|(_, rows)| **rows != 0);
        rows.map(move |(component, rows)| format!("{unit}\t{component}\t{rows}\n"))
    });
    expect_file!["../src/cost/units.tsv"].assert_eq(&lines.collect::<String>());
}

/// What is left of a sample when kernels, the generated code and known units are taken away.
fn left(
    sample: &Measured,
    known: &BTreeMap<&str, BTreeMap<Component, i64>>,
) -> BTreeMap<Component, i64> {
    let mut left: BTreeMap<Component, i64> = BTreeMap::new();
    let mut add = |component: Component, rows: i64| {
        *left.entry(component).or_default() += rows;
    };
    for (component, rows) in sample.rows.iter() {
        add(component, rows as i64);
    }
    for (component, rows) in sample.declared.kernels.iter() {
        add(component, -(rows as i64));
    }
    for (component, rows) in sample.site.iter() {
        add(component, -((rows * sample.declared.sites) as i64));
    }
    for (unit, &times) in &sample.declared.units {
        for (&component, rows) in known.get(unit).into_iter().flatten() {
            add(component, -rows * times as i64);
        }
    }
    left.retain(|_, rows| *rows != 0);
    left
}

/// The least squares solution of `matrix · x = right`, which must have one solution only.
fn solve(units: &[&str], matrix: &[Vec<f64>], right: &[f64]) -> Vec<f64> {
    let n = matrix[0].len();
    let mut rows: Vec<Vec<f64>> = (0..n)
        .map(|i| {
            let of = |j: usize| matrix.iter().map(|row| row[i] * row[j]).sum::<f64>();
            let mut row: Vec<f64> = (0..n).map(of).collect();
            row.push(matrix.iter().zip(right).map(|(row, b)| row[i] * b).sum());
            row
        })
        .collect();
    for i in 0..n {
        let pivot = (i..n).max_by(|&a, &b| rows[a][i].abs().total_cmp(&rows[b][i].abs()));
        rows.swap(i, pivot.expect("a row"));
        let pivot = rows[i].clone();
        assert!(
            pivot[i].abs() > 1e-6,
            "{} always goes with others",
            units[i]
        );
        for (j, row) in rows.iter_mut().enumerate() {
            let factor = row[i] / pivot[i];
            if j != i && factor != 0.0 {
                for (x, p) in row.iter_mut().zip(&pivot) {
                    *x -= factor * p;
                }
            }
        }
    }
    rows.iter()
        .enumerate()
        .map(|(i, row)| row[n] / row[i])
        .collect()
}
