//! The leaf circuit of proofs with tensor components: it accepts what the native verifier accepts, and nothing else.
//!
//! Proofs are of the demo model: one with the prompt in it, and a short one behind it. The circuit is built with a proof's values and asked
//! whether all its gates hold; only one proof of a circuit is made.

#[path = "support/identity.rs"]
mod identity;
#[path = "leaf/mutations.rs"]
mod mutations;
#[path = "leaf/rules.rs"]
mod rules;

use std::path::Path;
use std::sync::LazyLock;

use cairo_decode::air::cairo::Component;
use cairo_decode::decode::{Build, Cut, Decoded, Session};
use cairo_decode::model::Model;
use cairo_decode::prove::TensorWitness;
use cairo_decode::quantize::{Options, quantise};
use cairo_decode::verify::params::FOLDABLE_16;
use cairo_decode::verify::proof::encode_tensors;
use cairo_decode::verify::statement::{Domain, SessionId};
use cairo_decode::wrap::WrapError;
use cairo_decode::wrap::circuit::{Proof, decode, encode};
use cairo_decode::wrap::leaf::inner::Inner;
use cairo_decode::wrap::leaf::values::Values;
use cairo_decode::wrap::leaf::{Leaf, circuit};
use cairo_decode::wrap::shape::AGGREGATE;
use cairo_decode::wrap::span::Span;
use cairo_decode::wrap::verify::{CircuitProof, WrappedProofError, verify_circuit};
use cairo_decode_verdicts::verify_tensors;
use expect_test::expect;
use stwo::core::fields::qm31::SecureField;

const ID: SessionId = SessionId(starknet_types_core::felt::Felt::THREE);
const PROMPT: [u32; 5] = [0, 190, 246, 80, 245];
const LANES: usize = 8;
/// Steps of the chunks.
const LENGTHS: [usize; 2] = [8, 3];

pub struct Demo {
    pub build: Build,
    pub inner: Inner,
    pub proofs: Vec<TensorWitness>,
}

/// The demo model, whose sequences end with this token.
fn build(eos: Option<u32>) -> Build {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let model = Model::load(&root.join("models/stories")).expect("a model");
    let text = root.join("models/stories/calibration.txt");
    let text = std::fs::read_to_string(text).expect("a text");
    let quantised = quantise(&model, &text, &Options::default()).expect("scales");
    let identity = identity::identity("stories", &model, eos);
    let cut = Cut {
        lanes: Some(LANES),
        block: None,
        set: Some(&FOLDABLE_16),
    };
    Build::new(&quantised.description, &identity, cut).expect("a build")
}

pub static DEMO: LazyLock<Demo> = LazyLock::new(|| {
    let build = build(Some(1));
    let mut session = Session::new(&build, Domain::local(), ID, PROMPT.to_vec()).expect("a prompt");
    let mut proofs = vec![];
    for length in LENGTHS {
        let decoded = session.decode(length).expect("a chunk");
        let traced = build.trace(&decoded).expect("a run");
        proofs.push(build.prove_traced(traced).expect("a proof"));
        session.advance(&decoded);
    }
    let pins = &build.manifest.tensors;
    let inner = Inner::new(pins, &build.program.words()).expect("foldable");
    Demo {
        build,
        inner,
        proofs,
    }
});

impl Demo {
    /// What the native verifier says of a proof, from its bytes.
    pub fn native(&self, proof: &TensorWitness) -> Result<(), String> {
        let bytes = encode_tensors(&proof.clone().into_proof());
        let verified = verify_tensors(&bytes, &self.build.manifest.tensors);
        verified.map(drop).map_err(|error| error.to_string())
    }

    /// Whether the circuit's gates hold for a proof.
    pub fn is_valid(&self, proof: &TensorWitness) -> bool {
        let valid = || match Values::of(&self.inner, proof) {
            Ok(values) => circuit::build(&self.inner, &values)
                .gates
                .is_circuit_valid(),
            Err(_) => false,
        };
        // A divisor that is zero, and lists of another length.
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(valid)).unwrap_or(false)
    }
}

#[test]
fn honest_proofs_are_valid() {
    for proof in &DEMO.proofs {
        assert_eq!(DEMO.native(proof), Ok(()));
        assert!(DEMO.is_valid(proof));
    }
}

/// Instructions of a run that the leaf has no component for, and its components that the run has no row of.
fn differing(build: &Build, decoded: &Decoded) -> Vec<String> {
    let input = build.trace(decoded).expect("a run").input;
    let states = &input.state_transitions.casm_states_by_opcode;
    let counts = states.counts().into_iter();
    let in_leaf = |name: &str| Component::named(name).is_ok_and(Component::is_with_tensors);
    counts
        .filter(|(name, rows)| in_leaf(name) != (*rows > 0))
        .map(|(name, rows)| format!("{rows} rows of {name}"))
        .collect()
}

/// A leaf is made for one set of Cairo's components: every chunk has them, whatever it has of the prompt, however long it is, and wherever it begins.
#[test]
fn requirement_15_every_chunk_has_the_leafs_components() {
    for eos in [Some(1), None] {
        let build = build(eos);
        for prompt in [&PROMPT[..1], &PROMPT] {
            for lengths in [&[1usize; 8][..], &[8, 8, 8], &[4, 1, 8], &[2, 7]] {
                let session = Session::new(&build, Domain::local(), ID, prompt.to_vec());
                let mut session = session.expect("a prompt");
                for &length in lengths {
                    let decoded = session.decode(length).expect("a chunk");
                    let position = decoded.statement().frontier_in.position;
                    let found = differing(&build, &decoded);
                    let of = (prompt.len(), position, length, eos);
                    assert_eq!(found, [""; 0], "prompt, position, steps, end: {of:?}");
                    session.advance(&decoded);
                }
            }
        }
    }
}

/// Rows of the tables of gates, which a fold's shape has room for.
#[test]
fn the_circuit_fits_a_folds_shape() {
    let built = circuit::build(&DEMO.inner, &Values::none(&DEMO.inner));
    let gates = built.gates.circuit();
    expect![[r#"
        (
            845565,
            20412,
            729680,
            72968,
            145254,
        )
    "#]]
    .assert_debug_eq(&(
        gates.n_qm31_ops_rows(),
        gates.eq.len(),
        gates.blake_g_gate.len(),
        gates.triple_xor.len(),
        gates.m31_to_u32.len(),
    ));
}

#[test]
fn a_leaf_is_proven_and_verified() {
    let Demo { build, proofs, .. } = &*DEMO;
    let pins = &build.manifest.tensors;
    let leaf = Leaf::new(pins, &build.program.words()).expect("fits");
    let facts =
        verify_tensors(&encode_tensors(&proofs[1].clone().into_proof()), pins).expect("verifies");
    let output = facts.facts.output.try_into().expect("22 felts");
    let value = Span::of(&output).leaf_value();
    let proof = leaf.prove(&proofs[1]).expect("a proof");
    let verify = |value| {
        let bare = CircuitProof {
            interaction_pow_nonce: proof.interaction_pow_nonce,
            claimed_sums: proof.interaction_claim.claimed_sums,
            stark: proof.stark_proof.proof.clone(),
        };
        verify_circuit(&AGGREGATE, leaf.root(), value, bare)
    };
    assert_eq!(verify([value.0, value.1]), Ok(()));
    assert!(verify([value.1, value.0]).is_err());
    node_files(&proof, |proof| {
        let bare = CircuitProof::from(proof);
        verify_circuit(&AGGREGATE, leaf.root(), [value.0, value.1], bare)
    });
    // A proof that does not verify is none of a circuit.
    let mut other = proofs[1].clone();
    other.tensors.sums.swap(0, 1);
    assert!(matches!(leaf.prove(&other), Err(WrapError::Inner)));
}

/// Attack: a file in the folder of an unfinished wrap, which is read and verified by the next one, with a column that is opened at no point, at
/// which the library would panic twice; and with a last polynomial whose size field is not its own, after which the library would compute as many
/// doublings as the field says. Stopped by: the number of points of each column, and one spelling of the polynomial.
fn node_files(proof: &Proof, verify: impl Fn(Proof) -> Result<(), WrappedProofError>) {
    let read = |bytes: &[u8]| decode(bytes, &AGGREGATE);
    assert_eq!(verify(read(&encode(proof)).expect("its own file")), Ok(()));
    for tree in 0..4 {
        let mut changed = read(&encode(proof)).expect("its own file");
        changed.stark_proof.proof.0.sampled_values[tree][0].clear();
        let changed = read(&encode(&changed)).expect("a proof's form");
        assert_eq!(verify(changed), Err(WrappedProofError::Openings));
    }
    let mut changed = read(&encode(proof)).expect("its own file");
    let poly = &mut changed.stark_proof.proof.0.fri_proof.last_layer_poly;
    let coefficients: &[SecureField] = poly;
    let bytes = bincode::serialize(&(coefficients.to_vec(), 64u32)).expect("plain data");
    *poly = bincode::deserialize(&bytes).expect("a polynomial");
    assert!(read(&encode(&changed)).is_none());
}
