//! Rows of products, and of the components that take their outputs.

use stwo::core::fields::m31::M31;

use super::constants::signed;
use super::gated::Gated;
use super::numbers::{Matmul, Taker};
use super::plan::{Operation, Tensor};
use super::product::Product;
use super::witness::Rows;
use crate::air::components::product::OPERANDS;
use crate::air::components::residual::{BOUND, LOW_BITS};

/// What a rounding has in a row, for all lanes.
struct Rounded {
    results: Vec<i64>,
    rests: Vec<i64>,
}

impl Rows<'_> {
    pub(super) fn products(&self) -> Vec<Vec<M31>> {
        let mut rows = vec![];
        for matmul in self.plan.matmuls() {
            let mut operands = self.operands(matmul.operation);
            operands.resize(OPERANDS, M31::from(0));
            for _ in 0..matmul.weights.rows.len().div_ceil(self.plan.block) {
                for j in 0..matmul.weights.inputs {
                    let values = self.lanes(matmul.input.address + j as u32);
                    rows.push([&operands[..], &values].concat());
                }
            }
        }
        rows
    }

    /// The rows of a component that takes outputs; those between two matrices are 0.
    pub(super) fn taken(&self, taker: Taker) -> Vec<Vec<M31>> {
        let mut rows: Vec<Vec<M31>> = vec![];
        let matmuls = self.plan.matmuls().into_iter();
        for matmul in matmuls.filter(|matmul| matmul.taker == taker) {
            rows.extend(self.outputs(&matmul));
            let off = vec![M31::from(0); rows.first().map_or(0, Vec::len)];
            rows.resize(
                rows.len()
                    .next_multiple_of(self.plan.block / taker.outputs_of_row()),
                off,
            );
        }
        rows
    }

    fn outputs(&self, matmul: &Matmul<'_>) -> Vec<Vec<M31>> {
        let operands = self.operands(matmul.operation);
        let operation = &self.plan.operations[matmul.operation];
        let row =
            |own: Vec<i64>| [operands.clone(), own.into_iter().map(signed).collect()].concat();
        match operation {
            Operation::Linear { of, input, .. } => (0..of.outputs())
                .map(|i| {
                    let Rounded { results, rests } = self.rounded(of, i, *input);
                    row([results, rests].concat())
                })
                .collect(),
            Operation::Function {
                of, table, input, ..
            } => (0..of.outputs())
                .map(|i| {
                    let Rounded { results, rests } = self.rounded(of, i, *input);
                    let function = &self.plan.tables[*table];
                    let values = results.iter().map(|&z| function.at(z)).collect();
                    row([results, rests, values].concat())
                })
                .collect(),
            Operation::Residual {
                of,
                input,
                stream,
                output,
            } => (0..of.outputs())
                .map(|i| {
                    let Rounded { rests, .. } = self.rounded(of, i, *input);
                    let [old, new] = [stream, output].map(|t| self.values.channel(*t, i));
                    let mut own = old.to_vec();
                    for (sum, rest) in new.iter().zip(rests) {
                        let limbs = sum + i64::from(BOUND);
                        own.extend([limbs & ((1 << LOW_BITS) - 1), limbs >> LOW_BITS, rest]);
                    }
                    row(own)
                })
                .collect(),
            Operation::Gated { of, input, .. } => (0..of.gate.outputs())
                .map(|i| row(self.gated(of, i, *input)))
                .collect(),
            Operation::Embed { .. } | Operation::Head { .. } => vec![],
        }
    }

    /// The values of a gated pair of outputs, lane by lane.
    fn gated(&self, of: &Gated, output: usize, input: Tensor) -> Vec<i64> {
        let lane = |lane| {
            let [[z, r], [u, rest]] =
                [&of.gate, &of.up].map(|of| self.values.rounded(of, output, input, lane));
            let value = self.plan.tables[of.table].at(z);
            let [o, q] = of.round(value, u);
            [z, r, value, u, rest, o, q]
        };
        (0..self.plan.lanes).flat_map(lane).collect()
    }

    fn rounded(&self, of: &Product, output: usize, input: Tensor) -> Rounded {
        let lanes = 0..self.plan.lanes;
        let both = lanes.map(|lane| self.values.rounded(of, output, input, lane));
        let (results, rests) = both.map(|[result, rest]| (result, rest)).unzip();
        Rounded { results, rests }
    }
}
