//! The prover's part of tensor components: their columns, their multiplicities, their interaction columns.
//!
//! A witness has the columns of each component of the layout in the order of rows. What follows from other
//! columns, multiplicities and powers, is written here.

pub mod calls;
pub mod interaction;
pub mod scalar;
pub mod tally;

use stwo::core::fields::m31::{BaseField, M31};
use stwo::core::fields::qm31::{QM31, SecureField};
use stwo::core::poly::circle::CanonicCoset;
use stwo::prover::backend::simd::SimdBackend;
use stwo::prover::backend::simd::column::BaseColumn;
use stwo::prover::poly::BitReversedOrder;
use stwo::prover::poly::circle::CircleEvaluation;
use stwo_cairo_common::preprocessed_columns::preprocessed_trace::PreProcessedTrace;
use stwo_cairo_prover::witness::cairo_claim_generator::CairoClaimGenerator;

use crate::air::challenges::Challenges;
use crate::air::components::relations::{ADDRESS, VALUE};
use crate::air::components::{Component, head_input};
use crate::air::layout::{self, Layout, Source};
use crate::air::row::weighted;
use interaction::{places, stored};
use scalar::{ScalarColumns, ScalarRow, Sink};

/// Columns as the library takes them.
pub type Columns = Vec<CircleEvaluation<SimdBackend, BaseField, BitReversedOrder>>;

/// Columns of one component in the order of rows.
pub type Table = Vec<Vec<M31>>;

/// The constants of a layout's components.
pub struct Constants {
    pub layout: Layout,
    /// Of each component.
    pub tables: Vec<Table>,
}

impl Constants {
    /// The columns of the constants' tree, Cairo's fixed tables included.
    pub(super) fn columns(&self, tables: &PreProcessedTrace) -> Columns {
        let columns = layout::constants(tables, Some(&self.layout)).into_iter();
        let column = |column: layout::Constant| match column.source {
            Source::Cairo(i) => tables.columns[i].gen_column_simd(),
            Source::Component(i, n) => from_rows(&self.tables[i][n]),
        };
        columns.map(column).collect()
    }
}

/// The trace of a layout's components, with all multiplicities.
#[derive(Clone)]
pub struct Witness {
    /// Of each component.
    pub tables: Vec<Table>,
}

/// A column from its values as they are stored.
fn column(
    values: impl Iterator<Item = M31>,
) -> CircleEvaluation<SimdBackend, BaseField, BitReversedOrder> {
    let values: BaseColumn = values.collect();
    let log_rows = values.length.ilog2();
    CircleEvaluation::new(CanonicCoset::new(log_rows).circle_domain(), values)
}

/// A column from its values in the order of rows.
pub(super) fn from_rows(
    rows: &[M31],
) -> CircleEvaluation<SimdBackend, BaseField, BitReversedOrder> {
    column(stored(rows, &places(rows.len().ilog2())).into_iter())
}

/// Tells the memory of Cairo's trace which of its cells calls look up.
pub(super) fn register(constants: &Constants, witness: &Witness, generator: &CairoClaimGenerator) {
    let (Some(addresses), Some(values)) =
        (&generator.memory_address_to_id, &generator.memory_id_to_big)
    else {
        return;
    };
    struct Reads<A, V> {
        address: A,
        value: V,
    }
    impl<A: Fn(&M31), V: Fn(&M31)> Sink for Reads<A, V> {
        fn power(&mut self, _: usize, _: M31, _: QM31) -> QM31 {
            QM31::default()
        }
        fn uses(&mut self, on: M31, tuple: &[M31]) {
            if on != M31::from(1) {
                return;
            }
            match tuple {
                [ADDRESS, address, ..] => (self.address)(address),
                [VALUE, id, ..] => (self.value)(id),
                _ => {}
            }
        }
    }
    let challenges = Challenges::without_values(&constants.layout);
    let mut reads = Reads {
        address: |address: &M31| addresses.add_input(address),
        value: |id: &M31| values.add_input(id),
    };
    for (i, placed) in constants.layout.components.iter().enumerate() {
        if matches!(placed.component, Component::Call { .. } | Component::Cells) {
            let columns = ScalarColumns {
                constants: &constants.tables[i],
                trace: &witness.tables[i],
            };
            for row in 0..1 << placed.log_rows {
                let mut row = ScalarRow::new(&columns, row, &mut reads);
                placed
                    .component
                    .evaluate(constants.layout.lanes, &challenges.weights, &mut row);
            }
        }
    }
}

/// The head's messages: `Σ_t ρ^t x_jt` for each of its inputs.
pub fn messages(
    constants: &Constants,
    witness: &Witness,
    challenges: &Challenges,
) -> Vec<SecureField> {
    let layout = &constants.layout;
    let inputs = layout
        .components
        .iter()
        .position(|placed| placed.component == Component::HeadInput);
    let Some(inputs) = inputs else {
        return vec![];
    };
    let values = &witness.tables[inputs][head_input::OPERANDS..];
    let message = |row: usize| {
        let lanes: Vec<M31> = values.iter().map(|column| column[row]).collect();
        weighted(&lanes, &challenges.weights.rho)
    };
    (0..layout.messages).map(message).collect()
}

/// The interaction columns of all components, and their sums.
pub(super) fn interaction(
    constants: &Constants,
    witness: &Witness,
    challenges: &Challenges,
) -> (Columns, Vec<SecureField>) {
    let mut columns = vec![];
    let mut sums = vec![];
    for (i, placed) in constants.layout.components.iter().enumerate() {
        let own = ScalarColumns {
            constants: &constants.tables[i],
            trace: &witness.tables[i],
        };
        let (written, sum) = interaction::write(
            placed.component,
            &constants.layout,
            placed.log_rows,
            challenges,
            &own,
        );
        columns.extend(written);
        sums.push(sum);
    }
    (columns, sums)
}
