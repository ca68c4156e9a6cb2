//! The manifest of a model with tensor components: one meaning, and nothing in it that its model root does not bind.

use cairo_decode::air::components::Component;
use cairo_decode::receipt::{FormatError, Manifest, ModelFacts};
use cairo_decode::spec::SPEC_VERSION;
use cairo_decode::verify::statement::{ModelRoot, Policy, ProgramHash};
use cairo_decode::verify::tensors::TensorPins;
use cairo_decode_verdicts::{Document, read_manifest};
use starknet_types_core::felt::Felt;

use crate::constants;
use crate::pinned::plan;

/// A manifest with the layout of the tests' plan, and roots that no constants have.
pub fn manifest() -> Manifest {
    let sets = constants::constants(&plan(), 8).expect("one writer each");
    let layouts = sets.layouts;
    let roots = [("plain", [7; 32]), ("compact", [9; 32])];
    let roots = roots.map(|(name, root)| (name.to_string(), root));
    let tensors = TensorPins::new(layouts, roots).expect("pins");
    let parameters_root = ModelRoot(Felt::from(1234));
    Manifest {
        model: ModelFacts {
            name: "toy".to_owned(),
            model_root: tensors.model_root(parameters_root),
            program_hash: ProgramHash(Felt::from(99)),
            spec_version: SPEC_VERSION,
            statement_version: 3,
            policy: Policy::greedy(Some(3)),
            vocab_size: 40,
            context_length: 64,
            kv_words_per_position: 4,
            parameters: 640,
            source: "a test".to_owned(),
        },
        parameters_root,
        tensors,
    }
}

/// What reading says about the manifest's text after a replacement.
fn replaced(from: &str, to: &str) -> String {
    let text = manifest().to_json().expect("a document");
    assert!(text.contains(from), "{from} is not in {text}");
    let text = text.replacen(from, to, 1);
    let error = Manifest::from_json(text.as_bytes()).expect_err(to);
    error.to_string()
}

#[test]
fn a_manifest_is_read_as_it_was_written() {
    let manifest = manifest();
    let text = manifest.to_json().expect("a document");
    assert_eq!(read_manifest(text.as_bytes()), Ok(manifest));
    // Of no other version of the format is a manifest read.
    for version in [1, 3] {
        let format = format!("cairo-decode-model/{version}");
        let other = text.replacen("cairo-decode-model/2", &format, 1);
        let other = read_manifest(other.as_bytes()).expect_err("another format");
        assert!(matches!(other, FormatError::OtherFormat { .. }), "{other}");
    }
}

/// Such a manifest is of statements of version 3 and of specification 2, and of no others.
#[test]
fn a_manifest_has_one_version_of_each() {
    for (field, found, expected) in [("statement_version", 3, 2), ("spec_version", 2, 1)] {
        let [from, to] = [found, expected].map(|number| format!("\"{field}\": {number}"));
        let said = replaced(&from, &to);
        assert_eq!(said, format!("{field}: is {expected}, and must be {found}"));
    }
}

/// Attack: a trusted model root over other parameters, another layout or other constants. Stopped by: the model root is that
/// of all three.
#[test]
fn requirement_25_the_model_root_binds_layout_and_constants() {
    let unbound = "model_root: parameters_root, layouts and roots of constants give 0x";
    let root = hex::encode([7; 32]);
    let others = [
        (root.as_str(), hex::encode([8; 32])),
        (
            "\"parameters_root\": \"0x4d2\"",
            "\"parameters_root\": \"0x4d3\"".to_string(),
        ),
        ("\"compact\"", "\"large\"".to_string()),
        (
            "\"name\": \"tensor\",\n        \"parameters\": [],\n        \"smallest\": 7",
            String::new(),
        ),
        ("\"lanes\": 8,", "\"lanes\": 16,".to_string()),
        (
            "[\n          12\n        ]",
            "[\n          14\n        ]".to_string(),
        ),
    ];
    for (from, to) in others {
        let to = if to.is_empty() {
            from.replace('7', "8")
        } else {
            to
        };
        let found = replaced(from, &to);
        assert!(found.starts_with(unbound), "{to}: {found}");
    }
    // A component less, in the same form.
    let mut less = manifest();
    let mut layouts = less.tensors.layouts().clone();
    layouts
        .components
        .retain(|placed| placed.component != Component::Answer);
    let roots = less.tensors.roots().iter();
    let roots: Vec<(String, [u8; 32])> = roots
        .map(|(set, root)| (set.name.to_string(), *root))
        .collect();
    less.tensors = TensorPins::new(layouts, roots).expect("pins");
    let found = less.to_json().expect_err("unbound").to_string();
    assert!(found.starts_with(unbound), "{found}");
}

/// Each rule of the section has an error that names the field.
#[test]
fn requirement_27_the_section_is_strict() {
    let root = hex::encode([7; 32]);
    let cases = [
        (
            "\"lanes\": 8,",
            "\"lanes\": 8, \"lanes\": 8,",
            "tensors.lanes: duplicate field",
        ),
        (
            "\"lanes\": 8,",
            "\"lines\": 8,",
            "tensors.lanes: missing field",
        ),
        (
            "\"lanes\": 8,",
            "\"lanes\": 8, \"more\": 1,",
            "tensors.more: unknown field",
        ),
        (
            "\"lanes\": 8,",
            "\"lanes\": 8.0,",
            "tensors.lanes: expected an integer",
        ),
        (
            "\"lanes\": 8,",
            "\"lanes\": 12,",
            "tensors: lanes: is 12, allowed are [8, 16, 32, 64]",
        ),
        (
            "\"messages\": 16,",
            "\"messages\": 15,",
            "tensors: messages: is 15, the layout's head has 16",
        ),
        (
            "\"name\": \"range\"",
            "\"name\": \"ranges\"",
            "tensors.components[0].name: \"ranges\" is no component",
        ),
        (
            "\"name\": \"range\"",
            "\"name\": \"tensor\"",
            "tensors: components: tensor is there twice",
        ),
        (
            "\"name\": \"range\"",
            "\"name\": \"head\"",
            "tensors.components[0].parameters: head: there are 0, the component has 2",
        ),
        (
            "[\n          12\n        ]",
            "[\n          13\n        ]",
            "tensors: components: product has block 13, it must be a multiple of 2 from 2 to 4096",
        ),
        (
            "[\n          12\n        ]",
            "[\n          4294967308\n        ]",
            "tensors.components[0].parameters: product: a number of more than 32 bits",
        ),
        (
            "\"smallest\": 17,\n        \"largest\": 17",
            "\"smallest\": 21, \"largest\": 21",
            "tensors: components: range has 2^21 rows, allowed are 2^4 to 2^20",
        ),
        (
            "\"largest\": 17",
            "\"largest\": 4294967295",
            "tensors: components: range has 2^4294967295 rows",
        ),
        (
            "\"largest\": 17",
            "\"largest\": 18",
            "tensors: components: range has 2^17 to 2^18 rows; only a component that grows",
        ),
        (
            "\"smallest\": 7",
            "\"smallest\": 9",
            "tensors: components: tensor has 2^9 to 2^8 rows; the smallest size is above the largest",
        ),
        (
            "\"plain\"",
            "\"plainer\"",
            "tensors: roots: \"plainer\" is no set of parameters",
        ),
        (
            "\"plain\"",
            "\"compact\"",
            "tensors: roots: \"compact\" is no set of parameters",
        ),
        (
            root.as_str(),
            "07",
            "tensors.roots[0].root: \"07\" must be 64 lower-case hexadecimal digits",
        ),
    ];
    // A message does not grow with what it names.
    let long = replaced("\"plain\"", &format!("{:?}", "x".repeat(5000)));
    assert!(long.contains("xx…") && long.len() < 300, "{long}");
    for (from, to, expected) in cases {
        let found = replaced(from, to);
        // The index of a component is the layout's matter.
        let found = match found.split_once("components[") {
            Some((before, rest)) => {
                let (_, after) = rest.split_once(']').expect("an index");
                format!("{before}components[0]{after}")
            }
            None => found,
        };
        assert!(found.starts_with(expected), "{to}: {found}");
    }
    let none = manifest().to_json().expect("a document");
    let (before, _) = none.split_once("\"roots\"").expect("roots");
    let none = format!("{before}\"roots\": []\n  }}\n}}\n");
    let found = Manifest::from_json(none.as_bytes())
        .expect_err("no root")
        .to_string();
    assert_eq!(found, "tensors: roots: there is none");
}
