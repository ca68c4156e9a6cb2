//! Proofs whose columns are opened at another number of points than their components read. The library panics on them twice at
//! once, which no guard survives: without the check the test's process ends.

use std::fs;
use std::path::Path;

use cairo_decode_verdicts::verify_tensors;
use cairo_decode_verifier::receipt::{Document, Manifest};
use cairo_decode_verifier::verify::ProofError;
use cairo_decode_verifier::verify::proof::{TensorProof, decode_tensors, encode_tensors};
use stwo::core::fields::qm31::SecureField;

type Openings = Vec<Vec<Vec<SecureField>>>;

/// The refusal of the first proof of `examples/session` after a change of its openings.
fn refused(name: &str, change: impl FnOnce(&mut Openings)) {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let manifest = Manifest::read(&examples.join("model.json")).expect("a manifest");
    let bytes = fs::read(examples.join("session/chunk-0000.proof")).expect("a proof");
    let mut proof: TensorProof = decode_tensors(&bytes).expect("a proof");
    change(&mut proof.proof.stark_proof.0.sampled_values.0);
    let refused = verify_tensors(&encode_tensors(&proof), &manifest.tensors).err();
    let expected = "a column is opened at another number of points than its components read";
    assert_eq!(
        refused,
        Some(ProofError::Invalid(expected.to_string())),
        "{name}"
    );
}

#[test]
fn openings_are_those_that_components_read() {
    for tree in 0..4 {
        let opened = |values: &Openings, points: usize| {
            let column = values[tree]
                .iter()
                .position(|column| column.len() == points);
            column.unwrap_or_else(|| panic!("tree {tree}: a column opened at {points} points"))
        };
        let last = move |values: &Openings| {
            values[tree]
                .iter()
                .rposition(|c| !c.is_empty())
                .expect("one")
        };
        refused("a point less", |values| {
            let column = opened(values, 1);
            values[tree][column].clear();
        });
        refused("a point less at the end", |values| {
            let column = last(values);
            values[tree][column].pop();
        });
        refused("a point more", |values| {
            let column = last(values);
            let value = values[tree][column][0];
            values[tree][column].push(value);
        });
        refused("a column less", |values| drop(values[tree].pop()));
        refused("a column more", |values| values[tree].push(vec![]));
    }
}
