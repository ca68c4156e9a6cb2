//! The registry of Cairo's components is what the library says, for the verifier and for the circuits that verify proofs. No
//! proofs.

use std::collections::{BTreeMap, BTreeSet};

use cairo_air::air::{PublicData, RelationUsesDict};
use cairo_air::cairo_components::CairoComponents;
use cairo_air::claims::{CairoClaim, CairoInteractionClaim};
use cairo_air::relations::CommonLookupElements;
use circuit_cairo_verifier::all_components::all_components;
use circuits::ivalue::NoValue;
use serde_json::{Map, Value, json};
use stwo::core::fields::qm31::SecureField;
use stwo_cairo_common::builtins::{
    ADD_MOD_BUILTIN_MEMORY_CELLS, BITWISE_BUILTIN_MEMORY_CELLS, EC_OP_BUILTIN_MEMORY_CELLS,
    MUL_MOD_BUILTIN_MEMORY_CELLS, PEDERSEN_BUILTIN_MEMORY_CELLS,
    PEDERSEN_BUILTIN_NARROW_WINDOWS_MEMORY_CELLS, POSEIDON_BUILTIN_MEMORY_CELLS,
    RANGE_CHECK_96_BUILTIN_MEMORY_CELLS, RANGE_CHECK_BUILTIN_MEMORY_CELLS,
};
use stwo_cairo_common::preprocessed_columns::preprocessed_trace::PreProcessedTrace;
use stwo_constraint_framework::preprocessed_columns::PreProcessedColumnId;

use cairo_decode::air::cairo::{Component, Kind, LOG_TABLE_ROWS, ROUNDS};

mod relations;

/// Rows of the components whose size a claim says, as a power of two.
const LOG_ROWS: u32 = 5;

/// The components that the library's functions ask every claim for.
const MEMORY: [Component; 2] = [Component::MemoryAddressToId, Component::MemoryIdToBig];

/// What is written in a claim for each of these components, by name. `fields`: those that any component has; the library
/// takes what it knows.
fn by_name(components: &[Component], fields: impl Fn(Component) -> Value) -> Map<String, Value> {
    let entries = components
        .iter()
        .map(|c| (c.name().to_string(), fields(*c)));
    entries.collect()
}

/// The library's claim of a proof with these components.
fn claim(components: &[Component]) -> CairoClaim {
    let mut claim = by_name(components, |component| {
        let segment = component.name().replace("_narrow_windows", "");
        json!({
            "log_size": LOG_ROWS,
            "big_log_sizes": [LOG_ROWS],
            (format!("{segment}_segment_start")): 0,
        })
    });
    let public = serde_json::to_value(PublicData::default()).expect("JSON");
    claim.insert("public_data".to_string(), public);
    serde_json::from_value(Value::Object(claim)).expect("a claim")
}

/// The library's components of a proof that has all.
fn library() -> (CairoComponents, Vec<(String, u32)>) {
    let sum = SecureField::default();
    let sums = by_name(
        Component::ALL,
        |_| json!({"claimed_sum": sum, "big_claimed_sums": [sum]}),
    );
    let sums: CairoInteractionClaim = serde_json::from_value(Value::Object(sums)).expect("sums");
    // No set of fixed tables has both kinds of Pedersen's points.
    let traces = [
        PreProcessedTrace::canonical(),
        PreProcessedTrace::canonical_small(),
    ];
    let columns: BTreeMap<_, _> = traces
        .iter()
        .flat_map(|trace| trace.ids().into_iter().zip(trace.log_sizes()))
        .map(|(id, log)| (id.id, log))
        .collect();
    let ids: Vec<_> = columns
        .keys()
        .map(|id| PreProcessedColumnId { id: id.clone() })
        .collect();
    let components = CairoComponents::new(
        &claim(Component::ALL),
        &CommonLookupElements::dummy(),
        &sums,
        &ids,
    );
    (components, columns.into_iter().collect())
}

#[test]
fn names_and_order_are_those_of_the_claim() {
    let names = Component::ALL.iter().flat_map(|component| {
        let name = component.name();
        let further = (1..component.places()).map(move |place| format!("{name}_{place}"));
        std::iter::once(name.to_string()).chain(further)
    });
    let library = all_components::<NoValue>();
    assert_eq!(
        names.collect::<Vec<_>>(),
        library.keys().copied().collect::<Vec<_>>()
    );
    for (index, &component) in Component::ALL.iter().enumerate() {
        assert_eq!(component as usize, index);
        assert_eq!(Component::named(component.name()), Ok(component));
        let enabled = claim(&[&MEMORY[..], &[component]].concat())
            .flatten_claim()
            .component_enable_bits;
        let expected = Component::ALL.iter().flat_map(|c| {
            let first = *c == component || MEMORY.contains(c);
            (0..c.places()).map(move |place| first && place == 0)
        });
        assert_eq!(enabled, expected.collect::<Vec<_>>(), "{component}");
    }
    let unknown = Component::named("add_opcodes").expect_err("no component");
    assert_eq!(
        unknown.to_string(),
        "\"add_opcodes\" is no component of the Cairo AIR"
    );
}

#[test]
fn columns_and_tables_are_those_of_the_claim() {
    let circuits = all_components::<NoValue>();
    for &component in Component::ALL {
        let sizes = claim(&[component]).log_sizes();
        let columns: Vec<u64> = sizes.iter().map(|tree| tree.len() as u64).collect();
        assert_eq!(columns, component.columns(), "{component}");
        let circuit = &circuits[component.name()];
        let columns = [circuit.trace_columns(), circuit.interaction_columns()];
        assert_eq!(
            columns.map(|n| n as u64),
            component.columns(),
            "{component}"
        );
        let rows = match component.kind() {
            Kind::Table { log_rows, .. } => log_rows,
            _ => LOG_ROWS,
        };
        let found: BTreeSet<u32> = sizes.iter().flatten().copied().collect();
        assert_eq!(found, BTreeSet::from([rows]), "{component}");
    }
}

/// The rows of a fixed table are those of the fixed columns that it reads; and a component has no more rows than the
/// longest column that counts them if it reads such a column.
#[test]
fn fixed_columns_are_those_that_the_library_reads() {
    let (library, columns) = library();
    let library = library.components();
    assert_eq!(library.len(), Component::ALL.len());
    let counter = format!("seq_{LOG_ROWS}");
    for (component, own) in Component::ALL.iter().zip(library) {
        let read = own.preprocessed_column_indices();
        let read: Vec<&(String, u32)> = read.iter().map(|&i| &columns[i]).collect();
        match component.kind() {
            Kind::Table { log_rows, .. } => {
                assert!(!read.is_empty(), "{component}");
                assert!(
                    read.iter().all(|(_, log)| *log == log_rows),
                    "{component}: {read:?}"
                );
            }
            _ => {
                let counts = read.iter().any(|(id, _)| *id == counter);
                assert_eq!(component.reads_counter(), counts, "{component}: {read:?}");
            }
        }
    }
    let longest = PreProcessedTrace::canonical_small()
        .log_sizes()
        .into_iter()
        .max();
    assert_eq!(longest, Some(LOG_TABLE_ROWS));
}

#[test]
fn instances_of_builtins_have_their_cells() {
    let library = [
        (Component::AddModBuiltin, ADD_MOD_BUILTIN_MEMORY_CELLS),
        (Component::BitwiseBuiltin, BITWISE_BUILTIN_MEMORY_CELLS),
        (Component::MulModBuiltin, MUL_MOD_BUILTIN_MEMORY_CELLS),
        (Component::PedersenBuiltin, PEDERSEN_BUILTIN_MEMORY_CELLS),
        (
            Component::PedersenBuiltinNarrowWindows,
            PEDERSEN_BUILTIN_NARROW_WINDOWS_MEMORY_CELLS,
        ),
        (Component::PoseidonBuiltin, POSEIDON_BUILTIN_MEMORY_CELLS),
        (
            Component::RangeCheck96Builtin,
            RANGE_CHECK_96_BUILTIN_MEMORY_CELLS,
        ),
        (
            Component::RangeCheckBuiltin,
            RANGE_CHECK_BUILTIN_MEMORY_CELLS,
        ),
        (Component::EcOpBuiltin, EC_OP_BUILTIN_MEMORY_CELLS),
    ];
    let registry = Component::ALL
        .iter()
        .filter_map(|component| match component.kind() {
            Kind::Builtin { cells, .. } => Some((*component, cells as usize)),
            _ => None,
        });
    assert_eq!(registry.collect::<Vec<_>>(), library);
}

/// A permutation's rows follow from what its rounds call.
#[test]
fn rounds_call_what_the_library_says() {
    for (place, round) in ROUNDS.into_iter().enumerate() {
        let mut found = RelationUsesDict::new();
        claim(&[&MEMORY[..], &[round]].concat()).accumulate_relation_uses(&mut found);
        for (called, relation) in [
            (Component::Cube252, "Cube252"),
            (Component::RangeCheck252Width27, "RangeCheck252Width27"),
        ] {
            let Kind::Called { uses } = called.kind() else {
                panic!("{called} is called by rounds");
            };
            let found = found.get(relation).copied().unwrap_or(0);
            assert_eq!(uses[place] << LOG_ROWS, found, "{round} calls {called}");
        }
    }
    let rows = Component::ALL
        .iter()
        .filter_map(|c| Some((c.name(), c.rows_per_permutation()?)));
    let expected = [
        ("poseidon_aggregator", 1),
        ("poseidon_3_partial_rounds_chain", 27),
        ("poseidon_full_round_chain", 8),
        ("cube_252", 107),
        ("range_check_252_width_27", 83),
    ];
    assert_eq!(rows.collect::<Vec<_>>(), expected);
}

#[test]
fn rows_are_padded() {
    let big = Component::MemoryIdToBig;
    for (values, rows) in [(0, 16), (1, 16), (17, 32), (1 << 20, 1 << 20)] {
        assert_eq!(big.padded(values, 0), rows);
    }
    assert_eq!(big.padded((1 << 20) + 1, 0), (1 << 20) + 16);
    assert_eq!(big.padded((2 << 20) + 300_000, 0), (2 << 20) + (1 << 19));
    let addresses = Component::MemoryAddressToId;
    for (used, padded) in [(1, 256), (256, 256), (257, 512), (5000, 8192)] {
        assert_eq!(addresses.padded(used, 0), padded);
    }
    assert_eq!(Component::AddOpcode.padded(1025, 0), 2048);
    assert_eq!(Component::RangeCheck99.padded(0, 0), 1 << 18);
    // 20 permutations are padded to 32, these to 256 full rounds, these and 1024 partial ones call 3904 cubes.
    assert_eq!(Component::PoseidonFullRoundChain.padded(160, 20), 256);
    assert_eq!(Component::Poseidon3PartialRoundsChain.padded(540, 20), 1024);
    assert_eq!(Component::Cube252.padded(2140, 20), 4096);
}

#[test]
fn rows_have_limits() {
    let most = |component: Component| component.max_rows(21, 3);
    assert_eq!(most(Component::AddOpcode), 1 << 21);
    assert_eq!(most(Component::PoseidonBuiltin), 1 << 20);
    assert_eq!(most(Component::PoseidonAggregator), 1 << 20);
    assert_eq!(most(Component::Cube252), 1 << 21);
    assert_eq!(most(Component::MemoryAddressToId), 16 << 20);
    assert_eq!(most(Component::MemoryIdToBig), 3 << 20);
    assert_eq!(most(Component::MemoryIdToSmall), 1 << 20);
    assert_eq!(most(Component::RangeCheck6), 1 << 6);
}

/// Documents list components by name.
#[test]
fn components_are_sorted_and_written_by_name() {
    let mut sorted = Component::ALL.to_vec();
    sorted.sort();
    assert!(sorted.is_sorted_by_key(|c| c.name()));
    let counts = BTreeMap::from([(Component::MulOpcode, 2), (Component::Cube252, 1)]);
    let text = serde_json::to_string(&counts).expect("JSON");
    assert_eq!(text, r#"{"cube_252":1,"mul_opcode":2}"#);
}
