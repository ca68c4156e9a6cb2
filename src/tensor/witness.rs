//! The rows of a chunk: the trace of each component of the layout.

use std::collections::BTreeMap;

use stwo::core::fields::m31::M31;
use stwo_cairo_adapter::ProverInput;

use super::constants::{columns, put};
use super::digests;
use super::operation::Part;
use super::plan::Plan;
use super::values::Values;
use crate::air::components::lanes::CHANNELS;
use crate::air::components::{Component, call, product};
use crate::air::layout::Layout;
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
    let layout = &constants.layout;
    let mut operations = operations(plan, values, layout);
    let mut tables = vec![];
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
            component => {
                let none = || Filling::new(width.trace, log);
                let mut table = operations.remove(&component).unwrap_or_else(none);
                if component == Component::Compress {
                    let (row, _) = digests::row(&Digest::default(), &Default::default(), 0);
                    table.fill(&row);
                }
                tables.push(table.columns);
                continue;
            }
        };
        tables.push(columns(&rows, width.trace, log));
    }
    let mut witness = Witness { tables };
    tally::write(constants, &mut witness);
    Ok(witness)
}

/// A component's trace on its way. Rows that nobody adds are zeros.
struct Filling {
    columns: Table,
    /// Rows so far.
    rows: usize,
}

impl Filling {
    fn new(width: usize, log_rows: u32) -> Filling {
        Filling {
            columns: vec![vec![M31::from(0); 1 << log_rows]; width],
            rows: 0,
        }
    }

    /// Adds rows, each behind the same operands.
    fn add(&mut self, operands: &[M31], rows: &[Vec<M31>]) {
        let (same, own) = self.columns.split_at_mut(operands.len());
        for (column, operand) in same.iter_mut().zip(operands) {
            column[self.rows..][..rows.len()].fill(*operand);
        }
        put(own, self.rows, rows);
        self.rows += rows.len();
    }

    /// The same row to the end.
    fn fill(&mut self, row: &[M31]) {
        for (column, value) in self.columns.iter_mut().zip(row) {
            column[self.rows..].fill(*value);
        }
    }
}

/// The rows of all operations by component, with their operands.
fn operations(plan: &Plan, values: &Values, layout: &Layout) -> BTreeMap<Component, Filling> {
    let placed = layout.components.iter().zip(layout.columns());
    let sizes = placed.map(|(placed, width)| (placed.component, (width.trace, placed.log_rows)));
    let sizes: BTreeMap<Component, (usize, u32)> = sizes.collect();
    let mut all = BTreeMap::<Component, Filling>::new();
    for place in plan.order() {
        let operation = plan.operations[place].work();
        let operands: Vec<M31> = operation
            .operands(plan)
            .iter()
            .map(|operand| M31::from(operand.of(plan.lanes, &values.chunk)))
            .collect();
        for Part { component, rows } in operation.witness(plan, values) {
            let Some(&(width, log_rows)) = sizes.get(&component) else {
                continue;
            };
            let table = all.entry(component);
            let table = table.or_insert_with(|| Filling::new(width, log_rows));
            if component.grows() {
                table.add(&[], &rows);
                continue;
            }
            let mut operands = operands.clone();
            if matches!(component, Component::Product { .. }) {
                operands.resize(product::OPERANDS, M31::from(0));
            }
            table.add(&operands, &rows);
            table.rows += plan.rows_off(component, operation);
        }
    }
    all
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
