//! The rows of a chunk: the trace of each component of the layout.

use stwo::core::fields::m31::M31;
use stwo_cairo_adapter::ProverInput;

use super::constants::{columns, signed};
use super::numbers::Taker;
use super::plan::{Operation, Plan, Tensor};
use super::values::Values;
use crate::air::components::head::{LIMB_BITS, PART};
use crate::air::components::lanes::CHANNELS;
use crate::air::components::{Component, call};
use crate::prove::tensor::{Constants, Table, Witness, calls, tally};

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
    let rows = Rows { plan, values };
    let mut tables = vec![];
    for (placed, fixed) in constants.layout.components.iter().zip(&constants.tables) {
        let log = placed.log_rows;
        let table = match placed.component {
            Component::Tensor => rows.tensor(log),
            Component::Range | Component::Table => vec![vec![M31::from(0); 1 << log]],
            Component::Lanes => rows.views(fixed, log),
            Component::Embed { .. } => columns(&rows.embed(), log),
            Component::Product { .. } => columns(&rows.products(), log),
            Component::Round => columns(&rows.taken(Taker::Round), log),
            Component::Function { .. } => columns(&rows.taken(Taker::Function), log),
            Component::Residual { .. } => columns(&rows.taken(Taker::Residual), log),
            Component::Gated { .. } => columns(&rows.taken(Taker::Gated), log),
            Component::HeadInput => columns(&rows.head_inputs(), log),
            Component::Head { .. } => columns(&rows.head(), log),
            Component::Answer => columns(&rows.answers(), log),
            Component::Call { operands } => {
                let steps = calls::take(input, call::word(operands));
                columns(
                    &calls::rows(input, &steps, &vec![call::OPERAND_LIMBS; operands])?,
                    log,
                )
            }
            Component::Cells => columns(&calls::cells(input)?, log),
        };
        tables.push(table);
    }
    let mut witness = Witness { tables };
    tally::write(constants, &mut witness);
    Ok(witness)
}

/// What rows are made of.
pub(super) struct Rows<'a> {
    pub plan: &'a Plan,
    pub values: &'a Values,
}

impl Rows<'_> {
    /// The values at an address.
    pub(super) fn lanes(&self, address: u32) -> Vec<M31> {
        let row = self.values.rows.get(address as usize);
        row.map_or(vec![M31::from(0); self.plan.lanes], |row| {
            row.iter().map(|&v| signed(v)).collect()
        })
    }

    /// Values, and room for the multiplicity.
    fn tensor(&self, log_rows: u32) -> Table {
        let row = |address| [self.lanes(address), vec![M31::from(0)]].concat();
        let rows: Vec<Vec<M31>> = (0..1 << log_rows).map(row).collect();
        columns(&rows, log_rows)
    }

    /// The rows that the constants say, and room for multiplicities.
    fn views(&self, constants: &Table, log_rows: u32) -> Table {
        let [on, address] = [&constants[0], &constants[1]];
        let row = |i: usize| {
            let mut row = vec![M31::from(0); (CHANNELS + 1) * self.plan.lanes];
            if on[i] == M31::from(1) {
                for k in 0..CHANNELS {
                    let lanes = self.lanes(address[i].0 + k as u32);
                    row[k * self.plan.lanes..][..self.plan.lanes].copy_from_slice(&lanes);
                }
            }
            row
        };
        columns(&(0..1 << log_rows).map(row).collect::<Vec<_>>(), log_rows)
    }

    /// Operands of an operation, as the program hands them over.
    pub(super) fn operands(&self, operation: usize) -> Vec<M31> {
        let operands = self.plan.operands(&self.plan.operations[operation]);
        operands.into_iter().map(M31::from).collect()
    }

    /// The operations of a kind, with their operands.
    fn each<'b, T: 'b>(
        &'b self,
        pick: impl Fn(&'b Operation) -> Option<T> + 'b,
    ) -> impl Iterator<Item = (Vec<M31>, T)> + 'b {
        let operations = self.plan.operations.iter().enumerate();
        operations.filter_map(move |(i, operation)| {
            pick(operation).map(|picked| (self.operands(i), picked))
        })
    }

    fn embed(&self) -> Vec<Vec<M31>> {
        let mut rows = vec![];
        for (operands, output) in self.each(|operation| match operation {
            Operation::Embed { output } => Some(*output),
            _ => None,
        }) {
            for lane in 0..self.plan.lanes {
                let at = |address: u32| signed(self.values.rows[address as usize][lane]);
                let mut row = operands.clone();
                row.extend((0..CHANNELS as u32).map(|k| at(self.plan.tokens.given + k)));
                row.extend((0..output.channels as u32).map(|j| at(output.address + j)));
                rows.push(row);
            }
        }
        rows
    }

    fn heads(&self) -> impl Iterator<Item = (Vec<M31>, Tensor)> {
        self.each(|operation| match operation {
            Operation::Head { input } => Some(*input),
            _ => None,
        })
    }

    fn head_inputs(&self) -> Vec<Vec<M31>> {
        let rows = self.heads().flat_map(|(operands, input)| {
            let row = move |j| [operands.clone(), self.lanes(input.address + j)].concat();
            (0..input.channels as u32).map(row)
        });
        rows.collect()
    }

    fn answers(&self) -> Vec<Vec<M31>> {
        let chosen = self.lanes(self.plan.tokens.chosen);
        self.heads()
            .map(|(operands, _)| [operands, chosen.clone()].concat())
            .collect()
    }

    fn head(&self) -> Vec<Vec<M31>> {
        let parts = self.plan.embedding.inputs.div_ceil(PART);
        let mut rows = vec![];
        for (operands, input) in self.heads() {
            for (token, weights) in self.plan.embedding.rows.iter().enumerate() {
                let mut row = operands.clone();
                row.extend(vec![M31::from(0); parts]);
                row.extend(self.lanes(self.plan.maxima));
                for lane in 0..self.plan.lanes {
                    let logit = self.values.dot(weights, input.address, lane);
                    let largest = self.values.rows[self.plan.maxima as usize][lane];
                    let chosen = self.values.rows[self.plan.tokens.chosen as usize][lane];
                    let token = token as i64;
                    let distance = largest - logit - i64::from(token < chosen);
                    let limb = |i: u32| (distance >> (LIMB_BITS * i)) & ((1 << LIMB_BITS) - 1);
                    let flags = [token >= chosen, token > chosen].map(i64::from);
                    row.extend([flags[0], flags[1], limb(0), limb(1)].map(signed));
                }
                rows.push(row);
            }
        }
        rows
    }
}
