//! The map from every operation of a plan to the components whose rows check it, and from every component to what it says of a row. It is computed
//! from plans and definitions, and kept for machines to read in `tests/golden/operations.json`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cairo_decode::air::components::form::NAMES;
use cairo_decode::air::components::relations::{
    ADDRESS, ANGLES, CHAIN, COMPRESS, EMBEDDING, FLAGS, FUNCTION, GROUPS, LANES as VIEWS, OPCODES,
    POSITIONS, RANGE, RECORDS, SCORES, TENSOR, VALUE,
};
use cairo_decode::air::record::record;
use cairo_decode::tensor::rows::{Counts, owned};
use cairo_decode::tensor::{NormKind, Operation};
use expect_test::expect_file;
use serde_json::{Value, json};
use stwo::core::fields::m31::{M31, P};

use crate::claims::misfit;
use crate::{Chunk, GIVEN, attention_lie, chunk, digest_liar, norm_lies, own_head, rotary};

/// Components that are no operation's: instructions of the program, and tables, which say nothing but what they yield.
const PROGRAM: [&str; 2] = ["call", "cells"];
const TABLES: [&str; 5] = [
    "range",
    "table",
    "angle_table",
    "position_table",
    "embedding_table",
];

/// The relations, as the map names them.
const RELATIONS: [(&str, M31); 16] = [
    ("tensor", TENSOR),
    ("range", RANGE),
    ("lanes", VIEWS),
    ("chain", CHAIN),
    ("embedding", EMBEDDING),
    ("function", FUNCTION),
    ("flags", FLAGS),
    ("angles", ANGLES),
    ("positions", POSITIONS),
    ("compress", COMPRESS),
    ("records", RECORDS),
    ("scores", SCORES),
    ("groups", GROUPS),
    ("memory addresses", ADDRESS),
    ("memory values", VALUE),
    ("instructions", OPCODES),
];

/// Every operation's name; the match makes a new operation ask for a chunk below that has it.
fn name(operation: &Operation) -> &'static str {
    match operation {
        Operation::Embed(_)
        | Operation::Linear(_)
        | Operation::Function(_)
        | Operation::Residual(_)
        | Operation::Gated(_)
        | Operation::Positions(_)
        | Operation::Angles(_)
        | Operation::Rotary(_)
        | Operation::Norm(_)
        | Operation::Masks(_)
        | Operation::QueryHead(_)
        | Operation::Head(_)
        | Operation::Records(_)
        | Operation::Chains(_) => operation.name(),
    }
}

/// The number of kinds of operations, which is that of the match's lines.
const KINDS: usize = 14;

/// Chunks that have every operation and every component.
pub fn chunks() -> Vec<Chunk> {
    vec![
        chunk(&GIVEN),
        own_head::chunk(),
        rotary::chunk(),
        norm_lies::chunk(NormKind::Rms),
        norm_lies::chunk(NormKind::Layer),
        digest_liar::honest().0,
        // Behind a block and a part of one, with distances of two limbs.
        attention_lie::chunk(2, attention_lie::MIXED, &[1; 9]),
    ]
}

fn names(counts: &Counts) -> impl Iterator<Item = &'static str> {
    let in_use = counts.iter().filter(|(_, rows)| **rows > 0);
    in_use.map(|(component, _)| component.document_name())
}

/// What a component says of a row: how many constraints, how often it uses or yields tuples of each relation, whether it adds to the zero sum.
fn says(chunk: &Chunk, place: usize) -> Value {
    let layout = &chunk.constants.layout;
    let recorded = record(layout.components[place].component, layout);
    let mut lookups = BTreeMap::<&str, usize>::new();
    for lookup in &recorded.lookups {
        let relation = lookup.relation().expect("a relation");
        let found = RELATIONS.iter().find(|(_, of)| *of == relation);
        let (name, _) = found.unwrap_or_else(|| panic!("relation {relation}"));
        *lookups.entry(name).or_default() += 1;
    }
    json!({
        "constraints": recorded.constraints.len() - recorded.powers.len(),
        "powers": recorded.powers.len(),
        "lookups": lookups,
        "zero_sum": recorded.term.is_some(),
    })
}

/// Every operation has components whose rows are its own, and every component is an operation's, an instruction's or a table. What each component
/// says is shown to be needed, place by place, by `requirement_24_every_constraint_is_needed`.
#[test]
fn requirement_06_every_operation_has_its_components() {
    let mut operations = BTreeMap::<&str, BTreeSet<&str>>::new();
    let mut protocol = BTreeMap::<&str, BTreeSet<&str>>::new();
    let mut components = BTreeMap::<String, Value>::new();
    let mut named = BTreeSet::new();
    for chunk in chunks() {
        let owned = owned(&chunk.plan, &chunk.values);
        assert_eq!(owned.operations.len(), chunk.plan.operations.len());
        for (operation, counts) in chunk.plan.operations.iter().zip(&owned.operations) {
            operations
                .entry(name(operation))
                .or_default()
                .extend(names(counts));
        }
        for (part, counts) in &owned.around {
            protocol.entry(part).or_default().extend(names(counts));
        }
        for (place, placed) in chunk.constants.layout.components.iter().enumerate() {
            named.insert(placed.component.document_name());
            components
                .entry(placed.component.to_string())
                .or_insert_with(|| says(&chunk, place));
        }
    }
    assert_eq!(operations.len(), KINDS, "{:?}", operations.keys());
    for (operation, own) in &operations {
        let checks = own.iter().any(|name| !["tensor", "lanes"].contains(name));
        assert!(checks, "{operation} has no rows but those of the memory");
    }
    let all: BTreeSet<&str> = NAMES.iter().map(|(name, _)| *name).collect();
    assert_eq!(named, all, "a component that no chunk here has");
    let owned: BTreeSet<&str> = operations
        .values()
        .chain(protocol.values())
        .flatten()
        .copied()
        .chain(PROGRAM)
        .chain(TABLES)
        .collect();
    assert_eq!(owned, all, "a component that is nobody's");
    let map = json!({
        "operations": operations,
        "protocol": protocol,
        "program": PROGRAM,
        "tables": TABLES,
        "components": components,
    });
    let text = serde_json::to_string_pretty(&map).expect("JSON") + "\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/operations.json");
    expect_file![path].assert_eq(&text);
}

/// Attack: another number in the place of one that an operation writes: of every operation, in every row that it writes, for one lane after the other.
/// Stopped by: the operation's rows, whose results the memory does not have.
#[test]
fn requirement_11_every_result_of_every_operation() {
    let mut attacked = BTreeMap::<&str, usize>::new();
    for mut chunk in chunks() {
        let operations = chunk.plan.operations.clone();
        for (place, operation) in operations.iter().enumerate() {
            let addresses = operation.writes().into_iter().flat_map(|t| t.addresses());
            // A few rows of each operation, the first and the last among them.
            let addresses: Vec<u32> = addresses.collect();
            let step = addresses.len().div_ceil(5).max(1);
            let last = addresses.last().into_iter();
            for (number, &address) in addresses.iter().step_by(step).chain(last).enumerate() {
                let lane = (place + number) % chunk.plan.lanes;
                let honest = *chunk.cell("tensor", lane, address as usize);
                let lie = M31::from((honest.0 + 1) % P);
                *chunk.cell("tensor", lane, address as usize) = lie;
                let misfit = misfit(&chunk);
                let what = format!(
                    "{} {place}, address {address}, lane {lane}",
                    name(operation)
                );
                assert!(misfit.open.contains(&TENSOR.0), "{what}: {misfit:?}");
                *chunk.cell("tensor", lane, address as usize) = honest;
                *attacked.entry(name(operation)).or_default() += 1;
            }
        }
    }
    eprintln!("{attacked:?}");
    assert_eq!(attacked.len(), KINDS, "an operation without an attack");
}
