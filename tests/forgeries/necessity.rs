//! What each check of a proof is for: an attack, and what becomes of it when only that check is not
//! looked at. The STARK comes after all of them.

use std::collections::{BTreeSet, HashMap};

use cairo_air::air::PublicData;
use cairo_air::claims::CairoClaim;
use cairo_air::components::bitwise_builtin;
use cairo_decode::air;
use cairo_decode::air::cairo::Component;
use cairo_decode::air::layout::Layouts;
use cairo_decode::verify::parameter_set;
use cairo_decode::verify::params::{FOLDABLE_8, LARGE, LOG_TABLE_ROWS, pcs_config, variant};
use cairo_decode::verify::proof::{
    TensorProof, canonical_checks, canonical_tensor_checks, encode_tensors,
};
use cairo_decode::verify::tensors::{TensorPins, tensor_checks};
use cairo_decode_verdicts::verify_tensors;
use serde_json::{Map, Value, json};
use stwo::core::fields::m31::P;
use stwo::core::fields::qm31::SecureField;

use crate::attacks::relabelled;
use crate::layouts::largest;
use crate::others::{larger, more_lanes, other_model};
use crate::parameters::{forged, with_a_felt_beyond_the_modulus, with_another_table};
use crate::sums::hidden;
use crate::table::{self, Row};
use crate::world::{pins, proofs};

pub const STARK: &str = "the STARK";

/// The names of the checks that a proof fails, in the order in which they are asked.
pub fn failed(proof: &TensorProof, pins: &TensorPins) -> Vec<&'static str> {
    let canonical = canonical_checks(&proof.proof);
    let canonical = canonical.iter().filter(|check| check.find().is_err());
    let mut failed: Vec<&str> = canonical.map(|check| check.name()).collect();
    let of_part = canonical_tensor_checks(proof);
    let of_part = of_part.iter().filter(|check| check.find().is_err());
    failed.extend(of_part.map(|check| check.name()));
    let checks = tensor_checks(proof, pins);
    let others = checks.iter().filter(|check| check.find().is_err());
    failed.extend(others.map(|check| check.name()));
    failed
}

/// The names of all checks of a proof.
fn names(proof: &TensorProof, pins: &TensorPins) -> Vec<&'static str> {
    let canonical = canonical_checks(&proof.proof);
    let mut names: Vec<&str> = canonical.iter().map(|check| check.name()).collect();
    names.extend(canonical_tensor_checks(proof).map(|check| check.name()));
    let checks = tensor_checks(proof, pins);
    names.extend(checks.iter().map(|check| check.name()));
    names
}

/// Whether sums and STARK are accepted with layouts. The library's panics are refusals.
pub fn stark(proof: &TensorProof, layouts: &Layouts) -> bool {
    let (cairo, part) = (proof.proof.clone(), &proof.tensors);
    let fixed = parameter_set(&cairo).fixed();
    let verify = || air::verify::verify(cairo, (layouts, part), &fixed).is_ok();
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(verify)).unwrap_or(false)
}

/// An attack: the check, what it is, the proof, what the manifest pins, and the layouts that the proof was made for.
struct Attack {
    check: &'static str,
    name: &'static str,
    proof: TensorProof,
    pins: TensorPins,
    layouts: Layouts,
}

impl Attack {
    /// An attack on the model's manifest, with its layouts.
    fn new(check: &'static str, name: &'static str, proof: TensorProof) -> Attack {
        Attack {
            check,
            name,
            proof,
            pins: pins().clone(),
            layouts: pins().layouts().clone(),
        }
    }

    /// The session's first proof, changed.
    fn changed(
        check: &'static str,
        name: &'static str,
        change: impl FnOnce(&mut TensorProof),
    ) -> Attack {
        let mut proof = proofs().session[0].proof.clone();
        change(&mut proof);
        Attack::new(check, name, proof)
    }
}

/// Attacks that change the tensor part of a finished proof.
fn on_the_part() -> Vec<Attack> {
    vec![
        Attack::changed("tensors.messages", "a message plus the modulus", |p| {
            p.tensors.messages[0].0.0.0 += P
        }),
        Attack::changed("tensors.sums", "a sum plus the modulus", |p| {
            p.tensors.sums[0].0.0.0 += P
        }),
        Attack::changed(
            "allowed sizes",
            "a size that no set of constants has",
            |p| p.tensors.sizes[0] += 20,
        ),
        Attack::changed("allowed sizes", "a size more", |p| p.tensors.sizes.push(7)),
        Attack::changed("number of the head's messages", "a message less", |p| {
            p.tensors.messages.pop();
        }),
        Attack::changed(
            "number of sums",
            "a sum that no component stands for",
            |p| p.tensors.sums.push(Default::default()),
        ),
    ]
}

/// Real proofs that are not about this model.
fn of_others() -> Vec<Attack> {
    let mut lanes = Attack::new(
        "root of the constants",
        "a real proof of the same model with 16 lanes",
        more_lanes().proof.clone(),
    );
    lanes.layouts = more_lanes().pins.layouts().clone();
    vec![
        Attack::new(
            "parameters of the model",
            "a real proof with parameters for which the manifest has no root",
            larger().proof.clone(),
        ),
        Attack::new(
            "root of the constants",
            "a real proof of the model's program with one other weight",
            other_model().proof.clone(),
        ),
        Attack::new(
            "root of the constants",
            "a proof with a forged fixed table",
            with_another_table().clone(),
        ),
        lanes,
    ]
}

/// Manifests of other layouts, or of other parameters, beside a proof.
fn of_other_manifests() -> Vec<Attack> {
    let layouts = largest(LARGE.max_log_rows);
    let mut proof = larger().proof.clone();
    let part = &mut proof.tensors;
    part.sizes.clear();
    part.messages.resize(layouts.messages, Default::default());
    part.sums
        .resize(layouts.components.len(), Default::default());
    let root = larger().proof.proof.stark_proof.commitments[0].0;
    let roots = [(LARGE.name.to_string(), root)];
    let uses = Attack {
        check: "uses of each relation",
        name: "layouts in which each component has 2^21 rows: 2^31 uses of ranges",
        pins: TensorPins::new(layouts.clone(), roots).expect("within bounds"),
        proof,
        layouts,
    };
    let mut columns = Attack::changed(
        "components that have their fixed columns",
        "a proof relabelled to one for wrapping, with a component that reads a table that those do not have",
        |p| {
            p.proof.preprocessed_trace_variant = variant(FOLDABLE_8.params.preprocessed);
            p.proof.stark_proof.0.config = pcs_config(&FOLDABLE_8.params);
            let segments = &mut p.proof.claim.public_data.public_memory.public_segments;
            let segment = segments.bitwise.as_mut().expect("a segment");
            segment.stop_ptr.value = segment.start_ptr.value + 5;
            p.proof.claim.bitwise_builtin = Some(bitwise_builtin::Claim {
                log_size: 4,
                bitwise_builtin_segment_start: segment.start_ptr.value,
            });
            let sum = SecureField::default();
            p.proof.interaction_claim.bitwise_builtin =
                Some(bitwise_builtin::InteractionClaim { claimed_sum: sum });
        },
    );
    let root = columns.proof.proof.stark_proof.commitments[0].0;
    let roots = [(FOLDABLE_8.name.to_string(), root)];
    let one_size = pins().layouts().clone();
    columns.pins = TensorPins::new(one_size, roots).expect("within bounds");
    vec![uses, columns]
}

/// All attacks, in the order of the checks.
fn attacks(names: &[&str]) -> Vec<Attack> {
    let mut attacks = vec![];
    for (check, name, change) in relabelled() {
        attacks.push(Attack::changed(check, name, |p| change(&mut p.proof)));
    }
    for (check, name, proof) in forged() {
        attacks.push(Attack::new(check, name, proof.clone()));
    }
    let [large, component] = hidden();
    attacks.push(Attack::new(
        "sum of large values",
        "another output, what is missing in the sum of all large values",
        large.clone(),
    ));
    attacks.push(Attack::new(
        "one sum for each component",
        "another output, what is missing in a sum without a component",
        component.clone(),
    ));
    attacks.push(Attack::new(
        "canonical program and output",
        "a proof in which the session's id is written plus the modulus",
        with_a_felt_beyond_the_modulus(),
    ));
    attacks.extend(on_the_part());
    attacks.extend(of_others());
    attacks.extend(of_other_manifests());
    attacks.sort_by_key(|attack| names.iter().position(|name| *name == attack.check));
    attacks
}

/// Every check of a proof has an attack that fails that check; what comes next is in the table. A proof that
/// is accepted without the check is one that the library would have let through.
#[test]
fn requirement_24_what_each_check_of_a_proof_stops() {
    let honest = &proofs().session[0].proof;
    assert_eq!(failed(honest, pins()), [""; 0]);
    let names = names(honest, pins());
    let different: BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(different.len(), names.len(), "names are told apart");
    let attacks = attacks(&names);
    let attacked: BTreeSet<&str> = attacks.iter().map(|attack| attack.check).collect();
    assert_eq!(attacked, different);

    let mut rows = vec![];
    for attack in attacks {
        let Attack {
            check,
            name,
            proof,
            pins,
            layouts,
        } = attack;
        let error = verify_tensors(&encode_tensors(&proof), &pins).expect_err(name);
        let mut failed = failed(&proof, &pins);
        let before = failed.len();
        failed.retain(|name| *name != check);
        assert!(failed.len() < before, "{check} does not see: {name}");
        let next = failed.first().copied();
        let next = next.or_else(|| (!stark(&proof, &layouts)).then_some(STARK));
        eprintln!("{check}: {name}: {next:?} ({error})");
        rows.push(Row {
            check: check.to_string(),
            attack: name.to_string(),
            next: next.map(str::to_string),
        });
    }
    let name = "necessity of the proof's checks";
    table::check(name, &table::necessity(&rows));
}

/// No relation of Cairo's components can have as many uses as the field has numbers: not even with all components that the library knows,
/// each with the largest number of rows, has one a quarter of them. (With tensor components it is a check: `uses of each relation`.)
#[test]
fn uses_of_a_relation_stay_below_the_modulus() {
    let most = LARGE.max_log_rows;
    let sizes = |component: &Component| {
        let segment = component.name().replace("_narrow_windows", "");
        let size = json!({
            "log_size": most,
            "big_log_sizes": vec![LOG_TABLE_ROWS; LARGE.value_tables],
            (format!("{segment}_segment_start")): 0,
        });
        (component.name().to_string(), size)
    };
    let mut claim: Map<String, Value> = Component::ALL.iter().map(sizes).collect();
    let public = serde_json::to_value(PublicData::default()).expect("JSON");
    claim.insert("public_data".to_string(), public);
    let claim: CairoClaim = serde_json::from_value(Value::Object(claim)).expect("a claim");
    let mut uses = HashMap::new();
    claim.accumulate_relation_uses(&mut uses);
    let most = uses.values().max().expect("relations");
    assert!((1 << 24..1 << 29).contains(most), "{uses:?}");
}
