//! Arithmetic and tables are one object: all lookups of tensor components are terms of one sum, in one proof.

use std::collections::BTreeMap;

use cairo_decode::air::components::relations::{
    CHAIN, EMBEDDING, FLAGS, FUNCTION, LANES, RANGE, TENSOR,
};
use cairo_decode::air::components::{Columns, Component};
use cairo_decode::air::layout::{Layout, Placed};
use cairo_decode::air::record::{Expression, record};
use cairo_decode::tensor::rows::owned;
use cairo_decode::verify::proof::encode_tensors;
use cairo_decode_verdicts::verify_tensors;
use stwo::core::fields::m31::{M31, P};

use crate::pinned::{honest, pins};
use crate::{Chunk, GIVEN, chunk};

/// Attack: a component left out of the object, its sum with it: the arithmetic without a table, or a table without what
/// uses it. Stopped by: the object is accepted whole.
#[test]
fn requirement_29_tensor_components_are_one_accepted_object() {
    let honest = honest();
    for left_out in 0..honest.layouts.components.len() {
        let name = honest.layouts.components[left_out].component.to_string();
        let mut layouts = honest.layouts.clone();
        let mut proof = honest.proof.clone();
        let sizes = layouts.components.remove(left_out);
        if sizes.differ() {
            proof.tensors.sizes.clear();
        }
        proof.tensors.sums.remove(left_out);
        if name == "head" {
            layouts.messages = 0;
            proof.tensors.messages.clear();
        }
        let pins = pins(&layouts, honest.root);
        let found = verify_tensors(&encode_tensors(&proof), &pins);
        let error = found.expect_err(&name).to_string();
        eprintln!("without {name}: {error}");
    }
}

/// Uses and yields of the relations that are of this project, by relation.
fn counts(chunk: &Chunk) -> BTreeMap<u32, [u64; 2]> {
    let layout = &chunk.constants.layout;
    let mut counts = BTreeMap::<u32, [u64; 2]>::new();
    for (i, placed) in layout.components.iter().enumerate() {
        let (constants, trace) = (&chunk.constants.tables[i], &chunk.witness.tables[i]);
        for lookup in &record(placed.component, layout).lookups {
            let relation = lookup.relation().expect("a relation").0;
            for row in 0..1 << placed.log_rows {
                let of = |x: &Expression| x.in_row(&|i| constants[i][row], &|i| trace[i][row]);
                // A yield is a use of so many times less.
                let times = of(&lookup.on).0;
                let counts = counts.entry(relation).or_default();
                match times > P / 2 {
                    false => counts[0] += u64::from(times),
                    true => counts[1] += u64::from(P - times),
                }
            }
        }
    }
    counts
}

/// The relations that are between arithmetic and tables: a range, and a function with its argument and its value.
const CLAIMED: [(M31, u64); 2] = [(RANGE, 2), (FUNCTION, 3)];

/// Elements that a row of `compress` takes in.
const ELEMENTS: u64 = 16;

/// If arithmetic and tables were two objects, the arithmetic would claim what it looks up, and both would hash the claims to be bound to each other. The
/// rows of `compress` for that are more cells than all rows in use that the one object has, so two objects would cost more than twice as much before
/// there is a second proof. (Two objects that were built for programs of the first kind: `docs/proof-boundary.md`.)
#[test]
fn requirement_30_binding_two_objects_costs_more_than_one() {
    // A chunk that has every component of a decode step but records.
    let chunk = chunk(&GIVEN);
    let counts = counts(&chunk);
    let elements: u64 = CLAIMED
        .iter()
        .map(|(of, size)| counts[&of.0][0] * size)
        .sum();
    let layout = &chunk.constants.layout;
    let compress = Layout {
        components: vec![Placed {
            component: Component::Compress,
            log_rows: 4,
        }],
        ..layout.clone()
    };
    let cells = |columns: &Columns| (columns.trace + columns.interaction) as u64;
    let both = 2 * elements.div_ceil(ELEMENTS) * cells(&compress.columns()[0]);
    let owned = owned(&chunk.plan, &chunk.values);
    let of = |component: Component| {
        let operations = owned.operations.iter().chain(owned.around.values());
        operations
            .filter_map(|counts| counts.get(&component))
            .sum::<u64>()
    };
    let columns = layout.columns();
    let used: u64 = (layout.components.iter().zip(&columns))
        .map(|(placed, columns)| of(placed.component) * cells(columns))
        .sum();
    let claims: Vec<u64> = CLAIMED.iter().map(|(of, _)| counts[&of.0][0]).collect();
    eprintln!("{claims:?} claims, {both} cells to bind them, {used} cells of rows in use");
    assert!(both > used, "{both} cells to bind, {used} in use");
}

/// What the arithmetic looks up is as often as the tables say that it is: ranges, functions, embeddings, the memory and its
/// views, the rows of calls and of flags.
#[test]
fn requirement_31_tensor_lookups_are_as_many_as_tables_yield() {
    let counts = counts(&chunk(&GIVEN));
    for relation in [TENSOR, RANGE, LANES, CHAIN, EMBEDDING, FUNCTION, FLAGS] {
        let [uses, yields] = counts[&relation.0];
        eprintln!("{}: {uses} uses, {yields} yields", relation.0);
        assert!(uses > 0);
        assert_eq!(uses, yields, "{}", relation.0);
    }
}
