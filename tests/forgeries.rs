//! Forged proofs with tensor components: everything that a verifier looks at beside the components' own constraints, attacked with
//! real proofs, and what becomes of each attack without the check that it is about.
//!
//! The proofs are made once and shared by all tests of this binary.

#[path = "forgeries/attacks.rs"]
mod attacks;
#[path = "forgeries/bound.rs"]
mod bound;
#[path = "forgeries/bytes.rs"]
mod bytes;
#[path = "forgeries/claim.rs"]
mod claim;
#[path = "forgeries/fields.rs"]
mod fields;
#[path = "support/identity.rs"]
mod identity;
#[path = "forgeries/layouts.rs"]
mod layouts;
#[path = "forgeries/liar.rs"]
mod liar;
#[path = "forgeries/library.rs"]
mod library;
#[path = "support/model_dir.rs"]
mod model_dir;
#[path = "forgeries/necessity.rs"]
mod necessity;
#[path = "forgeries/others.rs"]
mod others;
#[path = "forgeries/parameters.rs"]
mod parameters;
#[path = "forgeries/public.rs"]
mod public;
#[path = "support/second_model.rs"]
mod second_model;
#[path = "forgeries/splice.rs"]
mod splice;
#[path = "forgeries/sums.rs"]
mod sums;
#[path = "support/table.rs"]
mod table;
#[path = "forgeries/world.rs"]
mod world;

use cairo_decode::verify::ProofError;
use cairo_decode::verify::params::PLAIN;
use cairo_decode::verify::statement::PublicFacts;
use cairo_decode_verdicts::verify_tensors;
use world::{Proven, STEPS, pins, proofs};

/// What the verifier says of a proof with the model's pins.
fn accepts(bytes: &[u8]) -> PublicFacts {
    verify_tensors(bytes, pins())
        .expect("the proof verifies")
        .facts
}

fn refuses(attack: &str, bytes: &[u8]) -> ProofError {
    match verify_tensors(bytes, pins()) {
        Ok(_) => panic!("{attack}: accepted"),
        Err(error) => error,
    }
}

/// The verifier recomputes from each proof exactly what its chunk states.
#[test]
fn proofs_verify() {
    let proofs = proofs();
    let others = [
        &proofs.other_session,
        &proofs.other_rows,
        &proofs.other_tokens,
        &proofs.other_choices,
    ];
    for proven in proofs.session.iter().chain(others) {
        let facts = accepts(&proven.bytes);
        assert_eq!(facts.output, proven.statement.to_output());
        assert_eq!(facts.program_hash, proven.statement.program_hash.0);
        assert_eq!(facts.params, PLAIN.params);
        assert!(facts.security_bits >= 96, "{} bits", facts.security_bits);
        assert_eq!(
            proven.statement.compare(&facts.output, facts.program_hash),
            Ok(())
        );
        assert_eq!(proven.statement.steps as usize, STEPS);
    }
    let [first, second] = &proofs.session;
    assert_eq!((first.forced.len(), first.emitted.len()), (2, 1));
    assert_eq!(second.statement.frontier_in, first.statement.frontier_out);
}

/// A chunk with a prompt in it and one that only chooses, of several sessions: one program, whose hash the
/// verifier computes from each proof alike.
#[test]
fn requirement_15_one_program_hash() {
    let [first, second] = &proofs().session;
    let hash = |proven: &Proven| accepts(&proven.bytes).program_hash;
    assert!(!first.forced.is_empty() && second.forced.is_empty());
    assert_eq!(hash(first), hash(second));
    assert_eq!(hash(first), hash(&proofs().other_session));
}
