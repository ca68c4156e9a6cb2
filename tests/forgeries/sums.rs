//! Attacks on the sum that all lookups must come to: proofs of traces whose lookups do not balance, made with this
//! project's own exchange. Every constraint of such a proof holds; only the sum tells that its output is a lie.

use std::sync::OnceLock;

use cairo_decode::verify::ProofError;
use cairo_decode::verify::proof::{TensorProof, encode_tensors};

use crate::liar::{HONEST, Hide, Lies, lie};
use crate::world::{PROMPT, decoded, pins, proofs};
use crate::{library, refuses};

/// A proof of the session's first chunk with another output.
pub fn another_output(hide: Hide) -> TensorProof {
    let [first, _] = decoded(&PROMPT);
    let lies = Lies {
        output: Some(hide),
        ..HONEST
    };
    lie(&first, lies)
}

/// What is missing in the sum of all large values; what is missing in a sum without a component.
pub fn hidden() -> &'static [TensorProof; 2] {
    static HIDDEN: OnceLock<[TensorProof; 2]> = OnceLock::new();
    HIDDEN.get_or_init(|| [Hide::LargeValues, Hide::Component].map(another_output))
}

fn refused(proof: &TensorProof) -> ProofError {
    refuses("a lie", &encode_tensors(proof))
}

/// What the tests' liar makes without a lie is the honest proof, byte for byte: it goes through the same transcript.
#[test]
fn a_liar_without_a_lie_makes_the_same_proof() {
    let [first, _] = decoded(&PROMPT);
    let proof = lie(&first, HONEST);
    assert!(encode_tensors(&proof) == proofs().session[0].bytes);
    assert_eq!(library::verify(&proof, pins().layouts()), Ok(()));
}

/// Attack: a proof of a run with another output, whose lookups do not balance by just that output; and with what is missing in the sum of a
/// tensor component. Stopped by: the sum of all lookups; the component's constraints.
#[test]
fn a_sum_that_is_not_zero() {
    let proof = another_output(Hide::Nowhere);
    assert!(matches!(refused(&proof), ProofError::Invalid(text) if text.contains("zero")));
    let library = library::verify(&proof, pins().layouts());
    assert_eq!(library, Err("sums".to_string()));
    let proof = another_output(Hide::Tensors);
    assert!(matches!(refused(&proof), ProofError::Invalid(text) if !text.contains("zero")));
}

/// Attack: the same, with what is missing put into the sum of all tables of large values, which the library's verifier
/// adds, and which neither its transcript nor any of its constraints has. A verifier that adds as the library's does accepts the lie.
/// Stopped by: the sum of large values is that of the tables' sums; and only sums of components are added.
#[test]
fn what_is_missing_in_the_sum_of_large_values() {
    let [proof, _] = hidden();
    let last = |proof: &TensorProof| {
        proof
            .proof
            .claim
            .public_data
            .public_memory
            .output
            .last()
            .copied()
    };
    assert_ne!(last(proof), last(&proofs().session[0].proof));
    assert_eq!(library::verify(proof, pins().layouts()), Ok(()));
    assert!(matches!(refused(proof), ProofError::Claim(_)));
}

/// Attack: the same, with what is missing put into a sum of a component that the claim does not have. A verifier that adds as the
/// library's does accepts the lie. Stopped by: as many sums as components.
#[test]
fn what_is_missing_in_a_sum_without_a_component() {
    let [_, proof] = hidden();
    assert_eq!(library::verify(proof, pins().layouts()), Ok(()));
    assert!(matches!(refused(proof), ProofError::Claim(_)));
}
