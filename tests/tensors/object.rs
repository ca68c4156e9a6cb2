//! Arithmetic and tables are one object: all lookups of tensor components are terms of one sum, in one proof.

use std::collections::BTreeMap;

use cairo_decode::air::components::relations::{
    CHAIN, EMBEDDING, FLAGS, FUNCTION, LANES, RANGE, TENSOR,
};
use cairo_decode::air::record::{Expression, record};
use cairo_decode::verify::proof::encode_tensors;
use cairo_decode_verdicts::verify_tensors;
use stwo::core::fields::m31::P;

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
