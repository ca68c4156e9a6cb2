//! The generated package of two small models, as a person would read it.
//!
//! `UPDATE_GOLDEN=1 cargo test --release --test lowering` writes the files anew.

use std::fs;
use std::path::{Path, PathBuf};

use blake2::{Blake2s256, Digest};
use cairo_decode::compile::compile;
use cairo_decode::ir::VerifiedGraph;
use cairo_decode::lower::{LowerOptions, Package, lower};
use starknet_types_core::felt::Felt;

use crate::support::{MODEL_ROOT, Sizes, random_graph, sizes, tiny};

fn package(graph: &VerifiedGraph) -> Package {
    lower(graph, Felt::from(MODEL_ROOT), LowerOptions::default()).expect("lowers")
}

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

fn golden(name: &str, seed: u64, sizes: Sizes) {
    let graph = random_graph(name, seed, sizes);
    let package = package(&graph);
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
    let [weights, tables] = long.map(|file| digest(&package.files[file]));
    check(&format!("{name}.data"), &[hash, weights, tables].join("\n"));
}

/// One layer, grouped query heads.
#[test]
fn one_layer() {
    golden("one_layer", 1, tiny());
}

/// Two layers, several key/value heads, sizes that no block divides.
#[test]
fn two_layers() {
    golden("two_layers", 2, sizes(20, 2, 4, 2, 6, 27, 33));
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
    assert_eq!(first.to_json(), second.to_json());
    // The name is not part of the program; the model root is.
    let renamed = package(&random_graph("renamed", 3, tiny()));
    assert_eq!(program(&renamed).hash(), first.hash());
    let other = lower(&graph, Felt::from(MODEL_ROOT + 1), LowerOptions::default()).expect("lowers");
    assert_ne!(program(&other).hash(), first.hash());
}
