//! The leaf circuit of proofs with tensor components: it accepts what the native verifier accepts, and nothing else.

use std::path::Path;
use std::sync::LazyLock;
use std::time::Instant;

use cairo_decode::decode::{Build, Cut, Identity, Session};
use cairo_decode::model::Model;
use cairo_decode::prove::TensorWitness;
use cairo_decode::scales::{Options, quantise};
use cairo_decode::verify::params::{FOLDABLE_16, ParamSet};
use cairo_decode::verify::proof::encode_tensors;
use cairo_decode::verify::statement::{Domain, SessionId};
use cairo_decode::verify::tensors::verify_tensors;
use cairo_decode::wrap::shape::AGGREGATE;
use cairo_decode::wrap::tensors::inner::Inner;
use cairo_decode::wrap::tensors::values::Values;
use cairo_decode::wrap::tensors::{TensorLeaf, circuit, value_of};
use cairo_decode::wrap::verify::{CircuitProof, verify_circuit};

const ID: SessionId = SessionId(starknet_types_core::felt::Felt::THREE);
const PROMPT: [u32; 5] = [0, 190, 246, 80, 245];

/// The demo model.
fn build(lanes: usize, set: &'static ParamSet) -> Build {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let model = Model::load(&root.join("models/stories")).expect("a model");
    let text = root.join("models/stories/calibration.txt");
    let text = std::fs::read_to_string(text).expect("a text");
    let quantised = quantise(&model, &text, &Options::default()).expect("scales");
    let identity = Identity {
        name: "stories".to_string(),
        source: "a test".to_string(),
        eos: Some(1),
        parameters: model.config.parameters(),
        config: model.config_digest,
        tokenizer: model.tokenizer_digest,
    };
    let cut = Cut {
        lanes: Some(lanes),
        block: None,
        set: Some(set),
    };
    Build::new(&quantised.description, &identity, cut).expect("a build")
}

struct Made {
    build: Build,
    /// Of a chunk with the prompt in it, and of one behind it.
    proofs: Vec<TensorWitness>,
}

fn made(lanes: usize, set: &'static ParamSet, lengths: &[usize]) -> Made {
    let build = build(lanes, set);
    let mut session = Session::new(&build, Domain::local(), ID, PROMPT.to_vec()).expect("a prompt");
    let mut proofs = vec![];
    for &length in lengths {
        let decoded = session.decode(length).expect("a chunk");
        let started = Instant::now();
        let traced = build.trace(&decoded).expect("a run");
        proofs.push(build.prove_in_full(traced).expect("a proof"));
        println!("proof {:.1} s", started.elapsed().as_secs_f64());
        session.advance(&decoded);
    }
    Made { build, proofs }
}

static DEMO: LazyLock<Made> = LazyLock::new(|| made(16, &FOLDABLE_16, &[16, 3]));

#[test]
fn honest_proofs_are_valid() {
    let Made { build, proofs } = &*DEMO;
    let pins = &build.manifest.tensors;
    let inner = Inner::new(pins, &build.program.words()).expect("foldable");
    for proof in proofs {
        let sizes = proof.proof.claim.flatten_claim().component_log_sizes;
        println!("sizes {sizes:?}");
        let bytes = encode_tensors(&proof.proof());
        let facts = verify_tensors(&bytes, pins).expect("verifies");
        let values = Values::of(&inner, proof).expect("of this model");
        let (circuit, parts) = circuit::build(&inner, &values);
        for part in parts {
            println!("{:<34}{:>10}{:>10}", part.name, part.qm31_ops, part.blake_g);
        }
        let gates = circuit.circuit();
        println!(
            "qm31_ops {} eq {} blake_g {} triple_xor {} m31_to_u32 {}",
            gates.n_qm31_ops_rows(),
            gates.eq.len(),
            gates.blake_g_gate.len(),
            gates.triple_xor.len(),
            gates.m31_to_u32.len()
        );
        assert!(circuit.is_circuit_valid());
        let _ = value_of(&facts.facts.output);
    }
}

#[test]
fn a_leaf_is_proven_and_verified() {
    let Made { build, proofs } = &*DEMO;
    let pins = &build.manifest.tensors;
    let started = Instant::now();
    let leaf = TensorLeaf::new(pins, &build.program.words()).expect("fits");
    println!("set-up {:.1} s", started.elapsed().as_secs_f64());
    let started = Instant::now();
    let proof = leaf.prove(&proofs[0]).expect("a proof");
    println!("leaf {:.1} s", started.elapsed().as_secs_f64());
    let facts = verify_tensors(&encode_tensors(&proofs[0].proof()), pins).expect("verifies");
    let value = value_of(&facts.facts.output);
    let circuit_proof = || CircuitProof {
        interaction_pow_nonce: proof.interaction_pow_nonce,
        claimed_sums: proof.interaction_claim.claimed_sums,
        stark: proof.stark_proof.proof.clone(),
    };
    let verified = verify_circuit(&AGGREGATE, leaf.root(), value, circuit_proof());
    assert_eq!(verified, Ok(()));
}
