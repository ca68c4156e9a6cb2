//! Real proofs with tensor components, and what a verifier's manifest pins of them.

use std::sync::OnceLock;

use cairo_decode::air::layout::Layouts;
use cairo_decode::prove::Prover;
use cairo_decode::prove::tensor::Sets;
use cairo_decode::tensor::{Matrix, Plan, constants};
use cairo_decode::verify::params::{COMPACT, PLAIN, ParamSet, pcs_config};
use cairo_decode::verify::proof::{TensorProof, encode_tensors};
use cairo_decode::verify::tensors::{TensorPins, tensor_checks};
use cairo_decode_verdicts::verify_tensors;

use crate::{Chunk, GIVEN, chunk_of};

/// A proof with the layouts and the root that it was made with.
pub struct Pinned {
    pub proof: TensorProof,
    pub layouts: Layouts,
    pub root: [u8; 32],
}

impl Pinned {
    fn of(plan: Plan, tokens: &[u32], set: &'static ParamSet) -> Pinned {
        Pinned::by(|sets| Prover::with_constants(set, sets), plan, tokens)
    }

    /// A proof by this prover.
    fn by(prover: impl Fn(Sets) -> Prover, plan: Plan, tokens: &[u32]) -> Pinned {
        let sets = constants::constants(&plan, plan.lanes).expect("one writer each");
        let Chunk { witness, input, .. } = chunk_of(plan, tokens);
        let layouts = sets.layouts.clone();
        let prover = prover(sets);
        let root = prover.preprocessed_root();
        let proof = prover.prove_tensors(input, &witness).expect("proves");
        Pinned {
            proof,
            layouts,
            root,
        }
    }

    /// What a manifest says of these proofs.
    pub fn pins(&self) -> TensorPins {
        pins(&self.layouts, self.root)
    }
}

/// The tests' plan, with a memory of two sizes.
pub fn plan() -> Plan {
    let mut plan = crate::plan();
    let step = plan.addresses.next_power_of_two();
    (plan.carried.blocks, plan.carried.step) = (1, step);
    plan
}

/// Layouts with a root for the usual parameters.
pub fn pins(layouts: &Layouts, root: [u8; 32]) -> TensorPins {
    TensorPins::new(layouts.clone(), [(PLAIN.name.to_string(), root)]).expect("pins")
}

/// The chunk of the tests.
pub fn honest() -> &'static Pinned {
    static PINNED: OnceLock<Pinned> = OnceLock::new();
    PINNED.get_or_init(|| Pinned::of(plan(), &GIVEN, &PLAIN))
}

/// The same with one other weight: a model of the same shape, and of the same layouts.
pub fn other_model() -> &'static Pinned {
    static PINNED: OnceLock<Pinned> = OnceLock::new();
    PINNED.get_or_init(|| {
        let mut plan = plan();
        let rows = plan.embedding.rows().iter();
        let mut rows: Vec<Vec<i32>> = rows.map(|row| row.numbers()).collect();
        rows[3][5] += 1;
        plan.embedding = Matrix::new(plan.embedding.inputs, rows);
        Pinned::of(plan, &GIVEN, &PLAIN)
    })
}

/// The names of the checks that a proof in canonical form fails.
fn failed(proof: &TensorProof, pins: &TensorPins) -> Vec<&'static str> {
    let checks = tensor_checks(proof, pins);
    let failed = checks.iter().filter(|check| check.find().is_err());
    failed.map(|check| check.name()).collect()
}

/// With the parameters for short proofs a proof is as secure, and has half the queries. A manifest of one set refuses a proof of the other by
/// a check of that name, whatever root it has; and a proof that is relabelled is refused by the STARK.
#[test]
fn a_compact_proof_verifies() {
    let compact = Pinned::of(plan(), &GIVEN, &COMPACT);
    let bytes = encode_tensors(&compact.proof);
    let pins = |set: &ParamSet, root: [u8; 32]| {
        let roots = [(set.name.to_string(), root)];
        TensorPins::new(compact.layouts.clone(), roots).expect("pins")
    };
    let own = pins(&COMPACT, compact.root);
    let facts = verify_tensors(&bytes, &own).expect("verifies");
    assert_eq!(facts.facts.params, COMPACT.params);
    assert_eq!(facts.facts.security_bits, 96);
    let plain = honest();
    assert!(10 * bytes.len() < 7 * encode_tensors(&plain.proof).len());
    for (of, manifest) in [(&compact, &PLAIN), (plain, &COMPACT)] {
        let pins = pins(manifest, of.root);
        assert_eq!(failed(&of.proof, &pins), ["parameters of the model"]);
        let refused = verify_tensors(&encode_tensors(&of.proof), &pins);
        let refused = refused.expect_err("no root for it").to_string();
        assert!(refused.contains("set of parameters"), "{refused}");
        let mut relabelled = of.proof.clone();
        relabelled.proof.stark_proof.0.config = pcs_config(&manifest.params);
        assert_eq!(failed(&relabelled, &pins), [""; 0]);
        let refused = verify_tensors(&encode_tensors(&relabelled), &pins);
        refused.expect_err("another domain");
    }
}

/// A large model's prover keeps no coefficients: its proofs have the same constants and are accepted by the same pins.
#[test]
fn a_proof_without_coefficients_verifies() {
    let without = |sets| Prover::without_coefficients(&PLAIN, sets);
    let Pinned { proof, root, .. } = Pinned::by(without, plan(), &GIVEN);
    assert_eq!(root, honest().root);
    verify_tensors(&encode_tensors(&proof), &honest().pins()).expect("verifies");
}

/// The proof is accepted, and the facts are those of its program, its layouts and its root.
#[test]
fn a_pinned_proof_verifies() {
    let honest = honest();
    let facts = verify_tensors(&encode_tensors(&honest.proof), &honest.pins()).expect("verifies");
    let memory = &honest.proof.proof.claim.public_data.public_memory;
    assert_eq!(facts.facts.output.len(), memory.output.len());
    assert_eq!(facts.facts.output, [777.into()]);
    assert_eq!(facts.facts.params, PLAIN.params);
    assert!(facts.facts.security_bits >= 96);
    assert_eq!(facts.layout_digest, honest.layouts.digest());
    assert_eq!(facts.constants_root, honest.root);
    let other = other_model();
    assert_eq!(other.layouts, honest.layouts);
    let facts = verify_tensors(&encode_tensors(&other.proof), &other.pins()).expect("verifies");
    assert_ne!(facts.constants_root, honest.root);
}
