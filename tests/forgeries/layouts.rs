//! Layouts from outside: what each check of one is for, and what becomes of a proof under a layout that is not its own.

use cairo_decode::air::components::{Component, form};
use cairo_decode::air::layout::{Layouts, Sizes};
use cairo_decode::verify::layout::{MAX_COMPONENTS, layout_checks};
use cairo_decode::verify::params::PLAIN;
use cairo_decode::verify::proof::{TensorProof, encode_tensors};
use cairo_decode::verify::tensors::TensorPins;
use cairo_decode_verdicts::verify_tensors;

use crate::necessity::{STARK, failed, stark};
use crate::refuses;
use crate::table::{self, Row};
use crate::world::{build, pins, proofs};

fn honest() -> &'static TensorProof {
    &proofs().session[0].proof
}

/// The honest layouts, changed.
fn with(change: impl FnOnce(&mut Layouts)) -> Layouts {
    let mut layouts = pins().layouts().clone();
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
        layout_checks(pins().layouts())
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
            .or_else(|| (!stark(honest(), layout)).then(|| STARK.to_string()));
        rows.push(Row {
            check: check.to_string(),
            attack: attack.to_string(),
            next,
        });
    }
    let names: Vec<&str> = attacks.iter().map(|(check, _, _)| *check).collect();
    let checks = layout_checks(pins().layouts());
    assert!(checks.iter().map(|check| check.name()).eq(names));
    table::check("necessity of the layout's checks", &table::necessity(&rows));
}

/// The layouts with all components, each with as many columns and rows as the checks let pass.
pub fn largest(log_rows: u32) -> Layouts {
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
    let root = build().prover.preprocessed_root();
    let refused = |layouts: Layouts, sums: usize| {
        let mut proof = honest().clone();
        proof.tensors.sums.resize(sums, Default::default());
        let roots = [(PLAIN.name.to_string(), root)];
        let pins = TensorPins::new(layouts, roots).expect("pins");
        let error = verify_tensors(&encode_tensors(&proof), &pins).expect_err("a lie");
        error.to_string()
    };
    let count = pins().layouts().components.len();
    let sums = "there is not one sum for each component";
    let fewer = with(|layout| {
        layout.components.pop();
    });
    assert!(refused(fewer.clone(), count).ends_with(sums));
    refused(fewer, count - 1);
    let is_used = |operands: &u32| {
        let call = Component::Call {
            operands: *operands as usize,
        };
        let components = &pins().layouts().components;
        components.iter().any(|sizes| sizes.component == call)
    };
    let unused = (1..=10u32).find(|operands| !is_used(operands));
    let operands = unused.expect("a number of operands") as usize;
    let more = with(|layout| {
        layout.components.push(Sizes {
            component: Component::Call { operands },
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

/// Attack: the other sizes that the manifest allows, of which the tree has constants too. Stopped by: the sizes are in the
/// transcript, and say how many rows the columns have.
#[test]
fn another_allowed_size() {
    let own = &honest().tensors.sizes;
    let open: Vec<&Sizes> = pins()
        .layouts()
        .components
        .iter()
        .filter(|of| of.differ())
        .collect();
    assert_eq!(own.len(), open.len());
    let mut count = 0;
    for (place, sizes) in open.into_iter().enumerate() {
        for size in (sizes.smallest..=sizes.largest).filter(|size| *size != own[place]) {
            let mut proof = honest().clone();
            proof.tensors.sizes[place] = size;
            assert_eq!(failed(&proof, pins()), [""; 0], "{}", sizes.component);
            refuses("another size", &encode_tensors(&proof));
            count += 1;
        }
    }
    assert!(count >= own.len(), "{count}");
}
