//! The generated package of small models, as a person would read it.
//!
//! `UPDATE_GOLDEN=1 cargo test --release --test lowering` writes the files anew.

use std::fs;
use std::path::{Path, PathBuf};

use blake2::{Blake2s256, Digest};
use cairo_decode::compile::compile;
use cairo_decode::ir::{Graph, VerifiedGraph};
use cairo_decode::lower::{LowerOptions, Package, Products, WeightLayout, committed_words, lower};
use cairo_decode::verify::statement::Weights;
use starknet_types_core::felt::Felt;

use crate::support::{MODEL_ROOT, Sizes, random_graph, rebuild, sizes, tiny};

fn package(graph: &VerifiedGraph) -> Package {
    package_as(graph, LowerOptions::default())
}

fn package_as(graph: &VerifiedGraph, options: LowerOptions) -> Package {
    lower(graph, Felt::from(MODEL_ROOT), options).expect("lowers")
}

const COMMITTED: LowerOptions = LowerOptions {
    products: Products::Cheapest,
    weights: WeightLayout::Committed,
};

/// Weights and tables are long: their digest, and the lines with names and shapes.
fn digest(text: &str) -> String {
    let hash = hex::encode(Blake2s256::digest(text.as_bytes()));
    let heads = text
        .lines()
        .filter(|line| line.starts_with("//") || line.starts_with("pub const"));
    let heads: Vec<&str> = heads.collect();
    format!(
        "blake2s {hash}, {} bytes\n{}\n",
        text.len(),
        heads.join("\n")
    )
}

fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(file)
}

fn check(file: &str, text: &str) {
    let path = path(file);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().expect("a folder")).expect("a writable folder");
        fs::write(&path, text).expect("a writable file");
        return;
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    if golden == text {
        return;
    }
    let mut pairs = golden.lines().zip(text.lines()).enumerate();
    let (line, (old, new)) = pairs
        .find(|(_, (a, b))| a != b)
        .unwrap_or((0, ("(one is longer)", "")));
    panic!(
        "tests/golden/{file} differs from line {} on\n  golden:    {old}\n  generated: {new}\nIf the change \
         is meant, run `UPDATE_GOLDEN=1 cargo test --release --test lowering` and review the diff.",
        line + 1,
    );
}

fn golden(name: &str, seed: u64, sizes: Sizes, options: LowerOptions) {
    let graph = random_graph(name, seed, sizes);
    let package = package_as(&graph, options);
    check(&format!("{name}.graph"), &graph.to_string());
    let long = ["src/weights.cairo", "src/tables.cairo"];
    for (file, text) in package
        .files
        .iter()
        .filter(|(file, _)| !long.contains(&file.as_str()))
    {
        check(&format!("{name}.{}", file.trim_start_matches("src/")), text);
    }
    // The hash pins the compiled program, kernels included, across machines.
    let program = compile(&package.name, &package.files, &package.calls).expect("compiles");
    let hash = format!(
        "program {:#x}, {} words\n",
        program.hash(),
        program.words().len()
    );
    let long = long.iter().filter_map(|file| package.files.get(*file));
    let data: Vec<String> = [hash]
        .into_iter()
        .chain(long.map(|text| digest(text)))
        .collect();
    check(&format!("{name}.data"), &data.join("\n"));
}

/// One layer, grouped query heads.
#[test]
fn one_layer() {
    golden("one_layer", 1, tiny(), LowerOptions::default());
}

/// Two layers, several key/value heads, sizes that no block divides.
#[test]
fn two_layers() {
    golden(
        "two_layers",
        2,
        sizes(20, 2, 4, 2, 6, 27, 33),
        LowerOptions::default(),
    );
}

/// The program reads its weights.
#[test]
fn committed() {
    golden("committed", 2, sizes(20, 2, 4, 2, 6, 27, 33), COMMITTED);
}

/// Such a program is the same for all weights: it has no word of them, and no range of them.
#[test]
fn a_program_of_committed_weights_depends_on_none() {
    let sizes = sizes(20, 2, 4, 2, 6, 27, 33);
    let graph = random_graph("same", 2, sizes);
    let mut other: Graph = (*graph).clone();
    let all = other
        .matrices
        .iter_mut()
        .chain([&mut other.tables.embedding]);
    for (i, weight) in all.flat_map(|matrix| &mut matrix.data).enumerate() {
        *weight = [0, 1, -1, 127, -128, 77][i % 6];
    }
    let other = rebuild(&other);
    assert_ne!(graph.to_string(), other.to_string(), "other ranges");
    let any = graph.for_any_weights().expect("ranges");
    for (i, wide) in any.nodes.iter().enumerate() {
        for node in [&graph.nodes[i], &other.nodes[i]] {
            let inside =
                wide.range.contains(node.range.lo()) && wide.range.contains(node.range.hi());
            assert!(
                inside,
                "{}: {:?} in {:?}",
                node.label, node.range, wide.range
            );
        }
    }
    assert_eq!(package_as(&graph, COMMITTED), package_as(&other, COMMITTED));
    let words = |graph| committed_words(graph, COMMITTED).expect("words");
    assert_ne!(words(&graph), words(&other));
    assert_ne!(package(&graph), package(&other));
}

/// The program outputs the version whose meaning the statement gives it.
#[test]
fn versions() {
    for (layout, weights) in [
        (WeightLayout::Pairs, Weights::InProgram),
        (WeightLayout::Ready, Weights::InProgram),
        (WeightLayout::Committed, Weights::Committed),
    ] {
        assert_eq!(layout.statement_version(), weights.version());
        assert_eq!(Weights::of_version(weights.version()), Some(weights));
    }
}

/// The same graph and model root give byte-identical files, and the same program.
#[test]
fn lowering_is_deterministic() {
    let graph = random_graph("same", 3, tiny());
    let (first, second) = (package(&graph), package(&random_graph("same", 3, tiny())));
    assert_eq!(first, second);
    let program = |p: &Package| compile(&p.name, &p.files, &p.calls).expect("compiles");
    let (first, second) = (program(&first), program(&second));
    assert_eq!(first.words(), second.words());
    assert_eq!(first.hash(), second.hash());
    assert_eq!(
        first.to_json().expect("JSON"),
        second.to_json().expect("JSON")
    );
    // The name is not part of the program; the model root is.
    let renamed = package(&random_graph("renamed", 3, tiny()));
    assert_eq!(program(&renamed).hash(), first.hash());
    let other = lower(&graph, Felt::from(MODEL_ROOT + 1), LowerOptions::default()).expect("lowers");
    assert_ne!(program(&other).hash(), first.hash());
}
