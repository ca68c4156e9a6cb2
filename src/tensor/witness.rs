//! The rows of a chunk: the trace of each component of the layout.

use std::collections::BTreeMap;

use stwo::core::fields::m31::M31;
use stwo_cairo_adapter::ProverInput;

use super::constants::columns;
use super::digests;
use super::operation::Part;
use super::plan::Plan;
use super::values::Values;
use crate::air::components::lanes::CHANNELS;
use crate::air::components::{Component, call, product};
use crate::prove::tensor::{Constants, Table, Witness, calls, tally};
use crate::spec::poseidon2::Digest;

/// The trace of all components, from the memory's values and the run, whose calls are taken out of it.
///
/// # Errors
/// A run in which calls are not what the plan says.
pub fn witness(
    plan: &Plan,
    constants: &Constants,
    values: &Values,
    input: &mut ProverInput,
) -> Result<Witness, calls::CallError> {
    let mut operations = operations(plan, values);
    let mut tables = vec![];
    let layout = &constants.layout;
    let placed = layout.components.iter().zip(layout.columns());
    for ((placed, width), fixed) in placed.zip(&constants.tables) {
        let log = placed.log_rows;
        let rows = match placed.component {
            Component::Tensor => memory(values, log),
            Component::Range
            | Component::Table
            | Component::AngleTable
            | Component::PositionTable { .. }
            | Component::EmbeddingTable { .. } => vec![vec![M31::from(0)]; 1 << log],
            Component::Lanes => views(plan, values, fixed, log),
            Component::CarriedLanes { .. } => plan.carried_rows(values),
            Component::Call { operands } => {
                let steps = calls::take(input, call::word(operands));
                calls::rows(input, &steps, &vec![call::OPERAND_LIMBS; operands])?
            }
            Component::Cells => calls::cells(input)?,
            Component::Compress => {
                let mut rows = operations.remove(&placed.component).unwrap_or_default();
                rows.resize(
                    1 << log,
                    digests::row(&Digest::default(), &Default::default(), 0).0,
                );
                rows
            }
            component => operations.remove(&component).unwrap_or_default(),
        };
        tables.push(columns(&rows, width.trace, log));
    }
    let mut witness = Witness { tables };
    tally::write(constants, &mut witness);
    Ok(witness)
}

/// The rows of all operations by component, with their operands.
fn operations(plan: &Plan, values: &Values) -> BTreeMap<Component, Vec<Vec<M31>>> {
    let mut all = BTreeMap::<Component, Vec<Vec<M31>>>::new();
    for place in plan.order() {
        let operation = plan.operations[place].work();
        let operands: Vec<M31> = operation
            .operands(plan)
            .iter()
            .map(|operand| M31::from(operand.of(plan.lanes, &values.chunk)))
            .collect();
        for Part { component, rows } in operation.witness(plan, values) {
            if component.grows() {
                all.entry(component).or_default().extend(rows);
                continue;
            }
            let mut operands = operands.clone();
            if matches!(component, Component::Product { .. }) {
                operands.resize(product::OPERANDS, M31::from(0));
            }
            let own = rows.into_iter().map(|row| [&operands[..], &row].concat());
            let table = all.entry(component).or_default();
            table.extend(own);
            switch_off(table, plan.rows_off(component, operation));
        }
    }
    all
}

/// Adds rows of zeros.
pub(super) fn switch_off(rows: &mut Vec<Vec<M31>>, count: usize) {
    let off = vec![M31::from(0); rows.first().map_or(0, Vec::len)];
    rows.resize(rows.len() + count, off);
}

/// Values, and room for the multiplicity.
fn memory(values: &Values, log_rows: u32) -> Vec<Vec<M31>> {
    let row = |address| [values.lanes(address), vec![M31::from(0)]].concat();
    (0..1 << log_rows).map(row).collect()
}

/// The rows that the constants say, and room for multiplicities.
fn views(plan: &Plan, values: &Values, constants: &Table, log_rows: u32) -> Vec<Vec<M31>> {
    let [on, address] = [&constants[0], &constants[1]];
    let row = |i: usize| {
        let mut row = vec![M31::from(0); (CHANNELS + 1) * plan.lanes];
        if on[i] == M31::from(1) {
            for k in 0..CHANNELS {
                let lanes = values.lanes(address[i].0 + k as u32);
                row[k * plan.lanes..][..plan.lanes].copy_from_slice(&lanes);
            }
        }
        row
    };
    (0..1 << log_rows).map(row).collect()
}
