//! Profiles of chunks: sums, operations, growth.

use std::collections::{BTreeMap, BTreeSet};

use cairo_decode::air::components::Component;
use cairo_decode::profile::{AnyComponent, Profile};
use cairo_decode::prove::tensor::{Constants, Witness};
use cairo_decode::tensor::{constants, witness};
use cairo_decode::trace;
use cairo_decode::verify::proof::decode_tensors;

use crate::{BUILD, REPORT, chunks, measure};

/// Steps, rows and cells by owner add up to those of components, these with padding and tables to the proof's.
fn adds_up(found: &Profile) {
    let steps: u64 = found.work.iter().map(|w| w.steps).sum();
    assert_eq!(found.steps, steps);
    let mut owned: BTreeMap<AnyComponent, (u64, u64)> = BTreeMap::new();
    for work in &found.work {
        for (&component, share) in &work.components {
            let sum = owned.entry(component).or_default();
            sum.0 += share.rows;
            sum.1 += share.cells;
        }
        let rows: u64 = work.components.values().map(|share| share.rows).sum();
        assert_eq!(work.rows, rows, "{}", work.label);
        let cells: u64 = work.components.values().map(|share| share.cells).sum();
        assert_eq!(work.cells, cells, "{}", work.label);
    }
    let (mut used, mut padding, mut fixed) = (0, 0, 0);
    for c in &found.components {
        assert_eq!(c.cells, c.padded * c.cells_per_row, "{}", c.name);
        assert!(c.padded >= c.rows && c.padded.is_power_of_two(), "{c:?}");
        if c.fixed {
            fixed += c.cells;
            assert!(!owned.contains_key(&c.component), "{}", c.name);
            continue;
        }
        let (rows, cells) = owned.remove(&c.component).unwrap_or_default();
        assert_eq!((rows, cells), (c.rows, c.rows * c.cells_per_row), "{c:?}");
        used += cells;
        padding += c.cells - cells;
    }
    assert_eq!(owned, BTreeMap::new());
    assert_eq!(
        (found.used, found.padding, found.fixed),
        (used, padding, fixed)
    );
    assert_eq!(found.cells, used + padding + fixed);
}

/// Rows that are on, of the components in which a column says so.
fn rows_on(constants: &Constants, witness: &Witness) -> BTreeMap<Component, u64> {
    let mut found = BTreeMap::new();
    let placed = constants.layout.components.iter();
    for ((placed, constants), trace) in placed.zip(&constants.tables).zip(&witness.tables) {
        let column = match placed.component {
            Component::Tensor
            | Component::Compress
            | Component::Range
            | Component::Table
            | Component::AngleTable
            | Component::PositionTable { .. }
            | Component::EmbeddingTable { .. } => continue,
            Component::Call { .. } | Component::Cells => &trace[0],
            component if component.grows() => &trace[0],
            _ => &constants[0],
        };
        let on = column.iter().filter(|flag| flag.0 == 1).count() as u64;
        found.insert(placed.component, on);
    }
    found
}

/// Rows in use are those that the library counts, once the calls of components are taken out of the run.
#[test]
fn requirement_16_sums_are_those_of_the_library() {
    let decoded = chunks(&[8, 3]).pop().expect("a chunk");
    let found = measure(&decoded);
    let trace = BUILD.program.run(&decoded.chunk.input).expect("runs");
    let steps = trace.steps() as u64;
    assert_eq!(found.steps, steps);
    adds_up(&found);
    let calling = BUILD.program.instructions();
    let called = trace.registers().map(|at| at.pc);
    let called: BTreeSet<usize> = called.filter(|pc| calling.contains_key(pc)).collect();
    let mut input = trace.into_prover_input().expect("adapts");
    let sets = BUILD.prover.constants();
    let constants = constants::of_chunk(&BUILD.plan, sets, &decoded.values.chunk).expect("sizes");
    let witness = witness::witness(&BUILD.plan, &constants, &decoded.values, &mut input);
    let calls: usize = calls(&constants, &witness.expect("calls"));
    let resources = trace::resources(&input);

    // Rows in use, by the library's own count.
    let rows = |name: &str| {
        let c = found.components.iter().find(|c| c.name == name);
        c.map_or(0, |c| c.rows as usize)
    };
    for (name, count) in &resources.opcodes_instance_counter {
        assert_eq!(rows(name), *count, "{name}");
    }
    let opcodes: usize = resources.opcodes_instance_counter.values().sum();
    // The last step, which stays where it is, has no row.
    assert_eq!((opcodes + calls) as u64 + 1, steps);
    let tables = &resources.memory_tables_sizes;
    assert_eq!(rows("memory_id_to_big"), tables.memory_id_to_big);
    assert_eq!(rows("memory_id_to_small"), tables.memory_id_to_small);
    // Nor has an instruction that calls a component.
    assert!(!called.is_empty());
    let instructions = resources.verify_instruction - called.len();
    assert_eq!(rows("verify_instruction"), instructions);
    // The library counts a builtin's padding among its instances and addresses, and an address 0.
    let mut unused = 1;
    for (name, cells) in [
        ("range_check_builtin", 1),
        ("bitwise_builtin", 5),
        ("poseidon_builtin", 6),
    ] {
        let instances = resources
            .builtin_instance_counter
            .get(name)
            .copied()
            .unwrap_or(0);
        let c = found.components.iter().find(|c| c.name == name);
        let [padded, used] = c.map_or([0; 2], |c| [c.padded, c.rows]);
        assert_eq!(padded, instances as u64, "{name}");
        unused += (padded - used) as usize * cells;
    }
    assert_eq!(
        rows("memory_address_to_id") + unused,
        tables.memory_address_to_id
    );
}

/// Rows of the program's calls of components and of its reads of tensors.
fn calls(constants: &Constants, witness: &Witness) -> usize {
    let rows = rows_on(constants, witness).into_iter();
    let calls = rows
        .filter(|(component, _)| matches!(component, Component::Call { .. } | Component::Cells));
    calls.map(|(_, rows)| rows as usize).sum()
}

/// A chunk behind carried positions, one block of them and a part of another: cells are those of its proof, rows in use those that are on.
#[test]
fn requirement_16_sums_are_those_of_a_proof_with_tensors() {
    let decoded = chunks(&[8, 3, 8]).pop().expect("a chunk");
    let found = measure(&decoded);
    adds_up(&found);

    let (bytes, _) = BUILD.prove(&decoded).expect("a proof");
    let proof = decode_tensors(&bytes).expect("a proof");
    let cells = |sizes: &[Vec<u32>]| -> u64 { sizes.iter().flatten().map(|&log| 1 << log).sum() };
    let claimed = proof.proof.claim.log_sizes();
    let cairo = cells(&[claimed[0].clone(), claimed[1].clone()]);
    let layout = BUILD.manifest.tensors.layouts().at(&proof.tensors.sizes);
    let layout = layout.expect("sizes");
    let placed = layout.components.iter().zip(layout.columns());
    let own = placed.map(|(placed, columns)| {
        let cells = ((columns.trace + columns.interaction) as u64) << placed.log_rows;
        let of = AnyComponent::Tensor(placed.component);
        let of = found.components.iter().find(|c| c.component == of);
        assert_eq!(of.expect("measured").cells, cells, "{}", placed.component);
        cells
    });
    assert_eq!(found.cells, cairo + own.sum::<u64>());

    let trace = BUILD.program.run(&decoded.chunk.input).expect("runs");
    assert_eq!(found.steps, trace.steps() as u64);
    let mut input = trace.into_prover_input().expect("adapts");
    let sets = BUILD.prover.constants();
    let constants = constants::of_chunk(&BUILD.plan, sets, &decoded.values.chunk).expect("sizes");
    let witness = witness::witness(&BUILD.plan, &constants, &decoded.values, &mut input);
    for (component, on) in rows_on(&constants, &witness.expect("calls")) {
        let of = AnyComponent::Tensor(component);
        let of = found.components.iter().find(|c| c.component == of);
        assert_eq!(of.expect("measured").rows, on, "{component}");
    }
    // A compression for each block of a record, and for each token and chain.
    let rows = |component: Component| {
        let of = AnyComponent::Tensor(component);
        let of = found.components.iter().find(|c| c.component == of);
        of.expect("measured").rows
    };
    let records = BUILD.plan.recorded().expect("records");
    let blocks = records.blocks() as u64;
    assert_eq!(rows(Component::Compress), blocks * (11 + 8) + 2 * 8);
}

/// Each operation of the plan has steps of the program, one call, and rows of tensor components; what is around them has a name.
#[test]
fn requirement_16_every_operation_has_work() {
    let found = measure(&chunks(&[8]).pop().expect("a chunk"));
    adds_up(&found);
    let calls = BUILD.schedule.calls();
    for ((call, operation), work) in calls.iter().zip(&BUILD.plan.operations).zip(&found.work) {
        assert_eq!(work.label, call.label());
        assert_eq!(work.operation, operation.name());
        let layer = call.name.layer;
        let section = layer.map_or("model".to_string(), |layer| format!("layer_{layer}"));
        assert_eq!(work.section, section);
        assert!(work.steps > 0, "{}", work.label);
        let of = |is: &dyn Fn(Component) -> bool| -> u64 {
            let tensors = work.components.iter().filter(|(c, _)| match c {
                AnyComponent::Tensor(component) => is(*component),
                AnyComponent::Cairo(_) => false,
            });
            tensors.map(|(_, share)| share.rows).sum()
        };
        let is_call = |component| matches!(component, Component::Call { .. });
        assert_eq!(of(&is_call), 1, "{}", work.label);
        assert!(of(&|component| !is_call(component)) > 1, "{}", work.label);
    }
    let around = &found.work[calls.len()..];
    assert!(around.iter().all(|work| work.section == "protocol"));
    for part in ["program", "chunk", "tokens", "carried"] {
        let part = format!("protocol.{part}");
        assert!(around.iter().any(|work| work.label == part), "{part}");
    }
}

/// Attention, records and the carried keys and values grow with what is carried; nothing else does but with values.
#[test]
fn requirement_32_growth_with_carried_positions() {
    let report = &*REPORT;
    let rows = |name: &str| {
        let line = report.operations.iter().find(|line| line.name == name);
        let at = &line.expect("the operation").at;
        [at[0].rows, at[1].rows, at[2].rows]
    };
    for name in ["attention", "records", "protocol.carried"] {
        let [first, second, third] = rows(name);
        assert!(first < second, "{name}");
        // Rows of the program's memory may differ by a few.
        let (before, behind) = (second - first, third - second);
        assert!(before.abs_diff(behind) < 4, "{name}: {before} {behind}");
    }
    for name in ["embed", "norm", "rotary", "gated", "residual", "head"] {
        let [first, second, third] = rows(name);
        let most = first.max(second).max(third) - first.min(second).min(third);
        assert!(most < 4, "{name}: {first} {second} {third}");
    }
    // Labels are unique, so lines of nodes are operations.
    let nodes = report.nodes.iter().filter(|line| line.operation.is_some());
    assert!(nodes.count() > BUILD.plan.operations.len());
}
