//! Real proofs with tensor components, and what a verifier's manifest pins of them.

use std::sync::OnceLock;

use cairo_decode::air::layout::Layouts;
use cairo_decode::prove::Prover;
use cairo_decode::tensor::{Plan, constants};
use cairo_decode::verify::params::{COMPACT, LARGE, PLAIN, ParamSet};
use cairo_decode::verify::proof::{TensorProof, encode_tensors};
use cairo_decode::verify::tensors::{TensorPins, verify_tensors};

use crate::{Chunk, GIVEN, LANES, chunk_of};

/// A proof with the layouts and the root that it was made with.
pub struct Pinned {
    pub proof: TensorProof,
    pub layouts: Layouts,
    pub root: [u8; 32],
}

impl Pinned {
    fn of(plan: Plan, tokens: &[u32], set: &'static ParamSet) -> Pinned {
        let sets = constants::constants(&plan, plan.lanes).expect("one writer each");
        let Chunk { witness, input, .. } = chunk_of(plan, tokens);
        let layouts = sets.layouts.clone();
        let prover = Prover::with_constants(set, sets);
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
        plan.embedding.rows[3][5] += 1;
        Pinned::of(plan, &GIVEN, &PLAIN)
    })
}

/// The same model with twice as many lanes.
pub fn more_lanes() -> &'static Pinned {
    static PINNED: OnceLock<Pinned> = OnceLock::new();
    PINNED.get_or_init(|| {
        let mut plan = plan();
        plan.lanes = 2 * LANES;
        Pinned::of(plan, &[GIVEN, GIVEN].concat(), &PLAIN)
    })
}

/// The same model with the larger parameters.
pub fn larger() -> &'static Pinned {
    static PINNED: OnceLock<Pinned> = OnceLock::new();
    PINNED.get_or_init(|| Pinned::of(plan(), &GIVEN, &LARGE))
}

/// With the parameters for short proofs a proof is as secure, has half the queries, and needs a root of its own in the manifest.
#[test]
fn a_compact_proof_verifies() {
    let compact = Pinned::of(plan(), &GIVEN, &COMPACT);
    let bytes = encode_tensors(&compact.proof);
    let named = |name: &str| {
        let roots = [(name.to_string(), compact.root)];
        TensorPins::new(compact.layouts.clone(), roots).expect("pins")
    };
    let facts = verify_tensors(&bytes, &named(COMPACT.name)).expect("verifies");
    assert_eq!(facts.facts.params, COMPACT.params);
    assert_eq!(facts.facts.security_bits, 96);
    let refused = verify_tensors(&bytes, &named(PLAIN.name)).expect_err("no root for it");
    assert!(
        refused.to_string().contains("set of parameters"),
        "{refused}"
    );
    let plain = encode_tensors(&honest().proof);
    assert!(10 * bytes.len() < 7 * plain.len());
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
