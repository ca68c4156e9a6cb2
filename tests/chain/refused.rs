//! What must revert: sent as real transactions, each with its reason.

use std::path::Path;

use cairo_decode::chain::deployment::Deployment;
use cairo_decode::chain::{ChainError, Sending, claim};
use cairo_decode::receipt::{Document, Manifest, Wrapped};
use cairo_decode::verify::statement::CircuitRoot;
use cairo_decode::wrap::calldata;
use starknet_types_core::felt::Felt;

use super::Registry;
use super::refusals::{FORM, flip, reason_of};

/// Places in the calldata of `submit`.
const MODEL: usize = 0;
const SESSION: usize = 1;
const PROMPT_ROOT: usize = 2;
const PROMPT_LENGTH: usize = 3;
const FIRST_TOKEN: usize = 4;
const START: usize = 5;
const END: usize = 10;
const PROOF: usize = 16;

/// The reason of a proof of other statements or parameters: all of them are in the transcript from its start, so
/// the first check on it fails.
const NOT_OF_THESE: &[&str] = &["proof: interaction work"];

/// Another registered model.
pub struct Other {
    pub manifest: Manifest,
    pub leaf_root: Felt,
}

/// Out of order: the second chunk first; its proof for the first one's place.
pub fn order(registry: &Registry<'_>, calls: &[Vec<Felt>]) {
    registry.reverts("gap", &calls[1], &["claim: gap"]);
    let mut reordered = calls[1].clone();
    reordered[START..END].copy_from_slice(&calls[0][START..END]);
    registry.reverts("reorder", &reordered, NOT_OF_THESE);
}

/// Proofs that are none, or not of this claim.
pub fn proofs(registry: &Registry<'_>, calls: &[Vec<Felt>]) {
    let honest = &calls[0];
    let with = |proof: &[Felt]| {
        let mut call = honest[..PROOF - 1].to_vec();
        call.push(proof.len().into());
        call.extend(proof);
        call
    };
    registry.reverts("no proof", &with(&[]), &["proof: too short"]);
    let garbage: Vec<Felt> = (1..3_900u32).map(Felt::from).collect();
    registry.reverts("garbage", &with(&garbage), &["proof: "]);
    registry.reverts(
        "another chunk's proof",
        &with(&calls[1][PROOF..]),
        NOT_OF_THESE,
    );
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/wrapped-session");
    let fixture = Wrapped::read(&fixture.join("wrapped-0000.json")).expect("the fixture");
    let fixture: Vec<Felt> = fixture.proof.iter().map(|felt| felt.0).collect();
    registry.reverts("another session's proof", &with(&fixture), NOT_OF_THESE);
    let sections = calldata::sections(&honest[PROOF..]).expect("a packed proof");
    for (i, (name, range)) in sections.iter().enumerate() {
        if range.is_empty() {
            continue;
        }
        let mut call = honest.clone();
        flip(
            &mut call[PROOF + (range.start + range.end) / 2],
            (29 * i + 3) % 240,
        );
        let mut reasons = FORM.to_vec();
        match reason_of(name) {
            Some(reason) => reasons.push(reason),
            None => reasons.extend(["proof: ", "fri: "]),
        }
        registry.reverts(&format!("{name}: a flipped bit"), &call, &reasons);
    }
}

/// Claims that the honest proof does not prove. Returns the id of a model with this model's root and the other
/// model's circuit.
pub fn claims(
    registry: &Registry<'_>,
    honest: &[Felt],
    manifest: &Manifest,
    other: &Other,
    deployment: &Deployment,
) -> Felt {
    let change = |place: usize, value: Felt| {
        let mut call = honest.to_vec();
        call[place] = value;
        call
    };
    registry.reverts(
        "unknown model",
        &change(MODEL, Felt::ONE),
        &["model: unknown"],
    );
    for (name, place) in [
        ("session id", SESSION),
        ("prompt root", PROMPT_ROOT),
        ("prompt length", PROMPT_LENGTH),
        ("position of the end", END),
        ("last token", END + 1),
        ("KV root", END + 2),
        ("tokens root", END + 3),
        ("chosen root", END + 4),
    ] {
        let call = change(place, honest[place] + Felt::ONE);
        registry.reverts(&format!("another {name}"), &call, NOT_OF_THESE);
    }
    // A start that is not the session's.
    for (name, place) in [
        ("first token", FIRST_TOKEN),
        ("position of the start", START),
        ("last token of the start", START + 1),
        ("KV root of the start", START + 2),
        ("tokens root of the start", START + 3),
        ("chosen root of the start", START + 4),
    ] {
        let call = change(place, honest[place] + Felt::ONE);
        registry.reverts(&format!("another {name}"), &call, &["claim: gap"]);
    }
    registry.reverts("no steps", &change(END, Felt::ZERO), &["claim: steps"]);
    let far = Felt::from((1u32 << 20) + 1);
    registry.reverts("too far", &change(END, far), &["claim: position"]);

    // Another model; this model's root with the other model's program; weaker proofs.
    let root = CircuitRoot(other.leaf_root);
    registry.reverts(
        "another model",
        &change(MODEL, claim::model_id(&other.manifest, root)),
        NOT_OF_THESE,
    );
    let mixed = claim::model_id(manifest, root);
    registry
        .send("register_model", claim::model(manifest, root))
        .expect("another circuit is another model");
    registry.reverts(
        "another program's circuit under this model's root",
        &change(MODEL, mixed),
        NOT_OF_THESE,
    );
    let model = registry.view("model", vec![honest[MODEL]]);
    for (place, value, expected) in [
        (8, 95u32, "model: security"),
        (6, 1, "model: policy"),
        (5, 2, "model: versions"),
        (4, 0, "model: versions"),
    ] {
        let mut weaker = model.clone();
        weaker[place] = value.into();
        match registry.send("register_model", weaker) {
            Err(ChainError::Reverted { reason }) => assert_eq!(reason, expected),
            found => panic!("{expected}: {found:?}"),
        }
    }

    // The same claim in another registry on the same chain.
    let mut sending = Sending {
        estimate: true,
        announce: &mut |_| {},
    };
    let class = deployment.registry_class.0;
    let arguments = vec![deployment.verifier_class.0];
    let (address, _) = registry
        .chain
        .deploy(registry.account, class, arguments, Felt::ONE, &mut sending)
        .expect("a second registry");
    let second = Registry {
        address,
        ..*registry
    };
    second.reverts("not registered there", honest, &["model: unknown"]);
    second
        .send("register_model", model)
        .expect("registered there");
    second.reverts("another contract", honest, NOT_OF_THESE);
    mixed
}
