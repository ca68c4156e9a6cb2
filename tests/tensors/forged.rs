//! What each check of a proof with tensor components is for, and each of a layout from outside: an attack, and what becomes
//! of it when only that check is not looked at.

use std::collections::{BTreeSet, HashMap};

use cairo_air::components::bitwise_builtin;
use cairo_decode::air;
use cairo_decode::air::components::Component;
use cairo_decode::air::components::form;
use cairo_decode::air::layout::{Layouts, Sizes};
use cairo_decode::verify::layout::{MAX_COMPONENTS, layout_checks};
use cairo_decode::verify::params::{FOLDABLE_8, LARGE, pcs_config, variant};
use cairo_decode::verify::proof::{TensorProof, canonical_tensor_checks, encode_tensors};
use cairo_decode::verify::tensors::{TensorPins, tensor_checks};
use cairo_decode::verify::{parameter_set, proof_checks};
use cairo_decode_verdicts::verify_tensors;
use stwo::core::fields::m31::{M31, P};

use crate::pinned::{honest, larger, more_lanes, other_model};
use crate::table::{self, Row};

const STARK: &str = "the STARK";

/// Checks of a tensor proof that a Cairo proof has none of, and the one that it has instead of `preprocessed root`.
const OWN: [&str; 9] = [
    "tensors.messages",
    "tensors.sums",
    "parameters of the model",
    "root of the constants",
    "components that have their fixed columns",
    "allowed sizes",
    "number of the head's messages",
    "number of sums",
    "uses of each relation",
];

/// The names of the checks that a proof fails.
pub fn failed(proof: &TensorProof, pins: &TensorPins) -> Vec<&'static str> {
    let canonical = canonical_tensor_checks(proof);
    let canonical = canonical.iter().filter(|check| check.find().is_err());
    let mut failed: Vec<&str> = canonical.map(|check| check.name()).collect();
    let checks = tensor_checks(proof, pins);
    let others = checks.iter().filter(|check| check.find().is_err());
    failed.extend(others.map(|check| check.name()));
    failed
}

/// Whether sums and STARK are accepted with layouts. The library's panics are refusals.
fn stark(proof: &TensorProof, layouts: &Layouts) -> bool {
    let (cairo, part) = (proof.proof.clone(), &proof.tensors);
    let fixed = parameter_set(&cairo).fixed();
    let verify = || air::verify::verify(cairo, Some((layouts, part)), &fixed).is_ok();
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(verify)).unwrap_or(false)
}

/// The honest proof, changed.
fn changed(change: impl FnOnce(&mut TensorProof)) -> TensorProof {
    let mut proof = honest().proof.clone();
    change(&mut proof);
    proof
}

/// An attack: the check, what it is, the proof, what the manifest pins, and the layouts that the proof was made for.
type Attack = (&'static str, &'static str, TensorProof, TensorPins, Layouts);

/// The attacks on what the honest proofs' manifest pins.
fn attacks_on_the_proof() -> Vec<(&'static str, &'static str, TensorProof, &'static Layouts)> {
    let own = &honest().layouts;
    vec![
        (
            "tensors.messages",
            "a message plus the modulus",
            changed(|p| p.tensors.messages[0].0.0.0 += P),
            own,
        ),
        (
            "tensors.sums",
            "a sum plus the modulus",
            changed(|p| p.tensors.sums[0].0.0.0 += P),
            own,
        ),
        (
            "parameters of the model",
            "a real proof with parameters for which the manifest has no root",
            larger().proof.clone(),
            own,
        ),
        (
            "root of the constants",
            "a real proof of another model of the same shape",
            other_model().proof.clone(),
            own,
        ),
        (
            "root of the constants",
            "a real proof of the same model with 16 lanes",
            more_lanes().proof.clone(),
            &more_lanes().layouts,
        ),
        (
            "allowed sizes",
            "a size that no set of constants has",
            changed(|p| p.tensors.sizes[0] += 2),
            own,
        ),
        (
            "allowed sizes",
            "a size more",
            changed(|p| p.tensors.sizes.push(7)),
            own,
        ),
        (
            "number of the head's messages",
            "a message less",
            changed(|p| p.tensors.messages.truncate(3)),
            own,
        ),
        (
            "number of sums",
            "a sum that no component stands for",
            changed(|p| p.tensors.sums.push(Default::default())),
            own,
        ),
    ]
}

/// All attacks.
fn attacks() -> Vec<Attack> {
    let attacks = attacks_on_the_proof().into_iter();
    let mut attacks: Vec<Attack> = attacks
        .map(|(check, attack, proof, layouts)| {
            (check, attack, proof, honest().pins(), layouts.clone())
        })
        .collect();
    let layouts = largest(LARGE.max_log_rows);
    let mut proof = larger().proof.clone();
    let part = &mut proof.tensors;
    part.sizes.clear();
    part.messages.resize(layouts.messages, Default::default());
    part.sums
        .resize(layouts.components.len(), Default::default());
    let roots = [(LARGE.name.to_string(), larger().root)];
    let pins = TensorPins::new(layouts.clone(), roots).expect("within bounds");
    attacks.push((
        "uses of each relation",
        "layouts in which each component has 2^21 rows: 2^31 uses of ranges",
        proof,
        pins,
        layouts,
    ));
    let own = &honest().layouts;
    let relabelled = changed(|p| {
        p.proof.preprocessed_trace_variant = variant(FOLDABLE_8.params.preprocessed);
        p.proof.stark_proof.0.config = pcs_config(&FOLDABLE_8.params);
        p.proof.claim.bitwise_builtin = Some(bitwise_builtin::Claim {
            log_size: 4,
            bitwise_builtin_segment_start: 1000,
        });
    });
    let root = relabelled.proof.stark_proof.commitments[0].0;
    attacks.push((
        "components that have their fixed columns",
        "a proof relabelled to one for wrapping, with a component that reads a table that those do not have",
        relabelled,
        TensorPins::new(own.clone(), [(FOLDABLE_8.name.to_string(), root)]).expect("within bounds"),
        own.clone(),
    ));
    attacks
}

/// Every check of a tensor part has an attack that fails it. Those of the Cairo proof beside it are the checks of any
/// proof, in their order, whose attacks are in `tests/proof`.
#[test]
fn requirement_24_what_each_check_of_a_tensor_proof_stops() {
    let (proof, pins) = (&honest().proof, honest().pins());
    assert_eq!(failed(proof, &pins), [""; 0]);
    let names: Vec<&str> = tensor_checks(proof, &pins)
        .iter()
        .map(|check| check.name())
        .collect();
    let of_any: Vec<&str> = names
        .iter()
        .copied()
        .filter(|name| !OWN.contains(name))
        .collect();
    let any = proof_checks(&proof.proof);
    let any = any.iter().map(|check| check.name());
    assert!(any.filter(|name| *name != "preprocessed root").eq(of_any));

    let attacks = attacks();
    let mut rows = vec![];
    let mut left = BTreeSet::from(OWN);
    for (check, attack, proof, pins, layouts) in &attacks {
        let failed = failed(proof, pins);
        assert!(failed.contains(check), "{attack}: fails {failed:?}");
        let error = verify_tensors(&encode_tensors(proof), pins).expect_err(attack);
        eprintln!("{check}: {attack}: {error}");
        let others: Vec<&str> = failed.into_iter().filter(|name| name != check).collect();
        let next = match others.first() {
            Some(next) => Some(next.to_string()),
            None => (!stark(proof, layouts)).then(|| STARK.to_string()),
        };
        left.remove(check);
        rows.push(Row {
            check: check.to_string(),
            attack: attack.to_string(),
            next,
        });
    }
    assert!(left.is_empty(), "no attack on {left:?}");
    table::check(
        "necessity of the tensor proof's checks",
        &table::necessity(&rows),
    );
}

/// The honest layouts, changed.
fn with(change: impl FnOnce(&mut Layouts)) -> Layouts {
    let mut layouts = honest().layouts.clone();
    change(&mut layouts);
    layouts
}

/// The honest layouts with another component of a kind.
fn instead(name: &str, component: Component) -> Layouts {
    with(|layout| {
        let mut placed = layout.components.iter_mut();
        let found = placed.find(|placed| placed.component.document_name() == name);
        found.expect("a component").component = component;
    })
}

/// Each check of a layout has an attack that fails it: a manifest that nobody compiled, beside an honest proof.
#[test]
fn requirement_24_what_each_check_of_a_layout_stops() {
    assert!(
        layout_checks(&honest().layouts)
            .iter()
            .all(|check| check.find().is_ok())
    );
    let attacks = [
        ("lanes", "12 lanes", with(|layout| layout.lanes = 12)),
        (
            "number of components",
            "65 components",
            with(|layout| {
                let more = layout.components[0];
                layout.components.resize(MAX_COMPONENTS + 1, more)
            }),
        ),
        (
            "parameters of components",
            "a call with eleven operands, whose word is that of `cells`",
            instead("call", Component::Call { operands: 11 }),
        ),
        (
            "rows of components",
            "a component of 2^22 rows",
            with(|layout| layout.components[0].largest = 22),
        ),
        (
            "sizes of components",
            "two sizes of a component whose columns do not say which",
            with(|layout| {
                let mut components = layout.components.iter_mut();
                let range = components.find(|sizes| sizes.component == Component::Range);
                range.expect("a component").smallest -= 1
            }),
        ),
        (
            "each component once",
            "two components with the same columns",
            with(|layout| layout.components.push(layout.components[0])),
        ),
        (
            "number of messages",
            "a message more than the head has channels",
            with(|layout| layout.messages += 1),
        ),
    ];
    let mut rows = vec![];
    for (check, attack, layout) in &attacks {
        let checks = layout_checks(layout);
        let failed: Vec<&str> = checks
            .iter()
            .filter(|check| check.find().is_err())
            .map(|check| check.name())
            .collect();
        assert!(failed.contains(check), "{attack}: fails {failed:?}");
        let next = failed.into_iter().find(|name| name != check);
        let next = next
            .map(str::to_string)
            .or_else(|| (!stark(&honest().proof, layout)).then(|| STARK.to_string()));
        rows.push(Row {
            check: check.to_string(),
            attack: attack.to_string(),
            next,
        });
    }
    let names: Vec<&str> = attacks.iter().map(|(check, _, _)| *check).collect();
    let checks = layout_checks(&honest().layouts);
    assert!(checks.iter().map(|check| check.name()).eq(names));
    table::check("necessity of the layout's checks", &table::necessity(&rows));
}

/// The layouts with all components, each with as many columns and rows as the checks let pass.
fn largest(log_rows: u32) -> Layouts {
    let placed = |component| Sizes {
        component,
        smallest: log_rows,
        largest: log_rows,
    };
    Layouts {
        lanes: 64,
        components: form::largest().into_iter().map(placed).collect(),
        messages: form::MAX_WIDTH as usize,
    }
}

/// Attack: a proof that is true of the layout that the prover would have liked. Stopped by: the layout is the manifest's.
/// Real proofs: of the same program and constants with a layout of more components, fewer, and other sizes.
#[test]
fn layouts_that_the_prover_did_not_use() {
    let (proof, root) = (&honest().proof, honest().root);
    let refused = |layouts: Layouts, sums: usize| {
        let mut proof = proof.clone();
        proof.tensors.sums.resize(sums, Default::default());
        let pins = crate::pinned::pins(&layouts, root);
        let error = verify_tensors(&encode_tensors(&proof), &pins).expect_err("a lie");
        error.to_string()
    };
    let count = honest().layouts.components.len();
    let sums = "there is not one sum for each component";
    let fewer = with(|layout| {
        layout.components.pop();
    });
    assert!(refused(fewer.clone(), count).ends_with(sums));
    refused(fewer, count - 1);
    let more = with(|layout| {
        layout.components.push(Sizes {
            component: Component::Call { operands: 9 },
            smallest: 4,
            largest: 4,
        })
    });
    assert!(refused(more.clone(), count).ends_with(sums));
    refused(more, count + 1);
    refused(with(|layout| layout.components[0].largest += 1), count);
    refused(with(|layout| grow(&mut layout.components[1])), count);
    refused(with(|layout| layout.components.swap(0, 1)), count);
    refused(with(|layout| layout.lanes = 16), count);
}

fn grow(sizes: &mut Sizes) {
    sizes.smallest += 1;
    sizes.largest += 1;
}

/// Attack: the other size that the manifest allows, of which the tree has constants too. Stopped by: the size is in the
/// transcript, and says how many rows the columns have.
#[test]
fn another_allowed_size() {
    let size = honest().proof.tensors.sizes[0];
    let Sizes {
        smallest, largest, ..
    } = honest().layouts.components[0];
    assert_eq!((size, size + 1), (smallest, largest));
    let other = changed(|proof| proof.tensors.sizes[0] += 1);
    assert_eq!(failed(&other, &honest().pins()), [""; 0]);
    verify_tensors(&encode_tensors(&other), &honest().pins()).expect_err("a lie");
}

/// Attack: values that are not the proof's. Stopped by: the transcript, and sums that are not zero.
#[test]
fn values_of_the_tensor_part() {
    let pins = honest().pins();
    let refused = |change: &dyn Fn(&mut TensorProof)| {
        let proof = changed(change);
        assert_eq!(failed(&proof, &pins), [""; 0]);
        verify_tensors(&encode_tensors(&proof), &pins)
            .expect_err("a lie")
            .to_string()
    };
    let one = M31::from(1);
    let not_zero = "proof does not verify: the sums of the components do not add up to zero";
    assert_eq!(refused(&|proof| proof.tensors.messages[3] += one), not_zero);
    assert_eq!(refused(&|proof| proof.tensors.sums[0] += one), not_zero);
    // Sums that still add up to zero are others in the transcript and in the constraints.
    refused(&|proof| proof.tensors.sums.swap(0, 1));
    refused(&|proof| {
        proof.tensors.sums[0] += one;
        proof.tensors.sums[1] -= one;
    });
}

/// Names in a table are told apart.
#[test]
fn checks_have_different_names() {
    let (proof, pins) = (&honest().proof, honest().pins());
    let mut counts = HashMap::<&str, usize>::new();
    let canonical = canonical_tensor_checks(proof);
    for name in canonical.iter().map(|check| check.name()) {
        *counts.entry(name).or_default() += 1;
    }
    for name in tensor_checks(proof, &pins).iter().map(|check| check.name()) {
        *counts.entry(name).or_default() += 1;
    }
    assert!(counts.values().all(|count| *count == 1), "{counts:?}");
}
