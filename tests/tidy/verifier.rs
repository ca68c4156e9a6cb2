//! What the verifier's package is built from: cargo's own list of its dependencies.

use std::collections::BTreeSet;
use std::process::Command;

use crate::root;

/// Crates that no verifier needs, by the beginnings of their names: the prover, what makes its input, the circuits, the
/// compiler, the VM, models, text, the network.
const FOREIGN: [&str; 16] = [
    "cairo-lang-",
    "cairo-vm",
    "hyper",
    "minijinja",
    "reqwest",
    "safetensors",
    "salsa",
    "starknet-accounts",
    "starknet-providers",
    "stwo-air-utils",
    "stwo-cairo-adapter",
    "stwo-cairo-prover",
    "stwo-circuit",
    "tempfile",
    "tokenizers",
    "tokio",
];

/// Features of the library's crates that add the prover, and need a nightly compiler or a patch.
const PROVING: [&str; 2] = ["parallel", "prover"];

/// Name and features of every package that the verifier is built from, on this platform.
fn tree(package: &str) -> BTreeSet<(String, String)> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "--package", package])
        .args(["--edges", "normal,build", "--prefix", "none"])
        .args(["--format", "{p}\t{f}\t"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let package = |line: &str| {
        let mut cells = line.split('\t');
        let (Some(package), Some(features)) = (cells.next(), cells.next()) else {
            panic!("not a package and its features: {line:?}")
        };
        let name = package.split(' ').next().expect("a name");
        (name.to_string(), features.to_string())
    };
    text.lines().map(package).collect()
}

/// What in a tree is not a verifier's.
fn foreign(tree: &BTreeSet<(String, String)>) -> Vec<String> {
    let mut problems = vec![];
    for (name, features) in tree {
        if FOREIGN.iter().any(|start| name.starts_with(start)) {
            problems.push(name.clone());
        }
        let proving = |feature: &&str| PROVING.contains(feature);
        if let Some(feature) = features.split(',').find(proving) {
            problems.push(format!("{name} with {feature}"));
        }
    }
    problems
}

/// The verifier is built without prover, compiler, VM, circuits, tokenizer and network.
#[test]
fn the_verifier_stands_alone() {
    let tree = tree("cairo-decode-verifier");
    let names: BTreeSet<&str> = tree.iter().map(|(name, _)| name.as_str()).collect();
    assert!(
        names.contains("cairo-air") && names.contains("stwo"),
        "{names:?}"
    );
    assert_eq!(foreign(&tree), [""; 0]);
}

/// The names are those that the product's own tree has: a crate that changes its name is missed here.
#[test]
fn what_is_foreign_is_found() {
    let tree = tree("cairo-decode");
    let found = foreign(&tree);
    for start in FOREIGN {
        assert!(found.iter().any(|name| name.starts_with(start)), "{start}");
    }
    for feature in PROVING {
        let with = format!("stwo with {feature}");
        let found = tree.iter().any(|(name, features)| {
            name == "stwo" && features.split(',').any(|own| own == feature)
        });
        assert!(found, "{with}");
    }
}
