//! The prover's part of tensor components: their columns, their multiplicities, their interaction columns.
//!
//! A witness has the columns of each component of the layout in the order of rows. What follows from other
//! columns, multiplicities and powers, is written here.

pub mod calls;
pub mod interaction;
pub mod tally;

use std::sync::Arc;

use stwo::core::fields::m31::{BaseField, M31};
use stwo::core::fields::qm31::SecureField;
use stwo::core::poly::circle::CanonicCoset;
use stwo::prover::backend::simd::SimdBackend;
use stwo::prover::backend::simd::column::BaseColumn;
use stwo::prover::backend::simd::m31::PackedM31;
use stwo::prover::poly::BitReversedOrder;
use stwo::prover::poly::circle::CircleEvaluation;
use stwo_cairo_common::preprocessed_columns::preprocessed_trace::PreProcessedTrace;
use stwo_cairo_prover::witness::cairo_claim_generator::CairoClaimGenerator;

use crate::air::challenges::Challenges;
use crate::air::components::relations::{ADDRESS, VALUE};
use crate::air::components::{Component, head_input};
use crate::air::layout::{self, Layout, Layouts, SizeError, Source};
use crate::air::record::{Expression, record};
use crate::air::row::weighted;
use interaction::{places, stored};

/// Columns as the library takes them.
pub type Columns = Vec<CircleEvaluation<SimdBackend, BaseField, BitReversedOrder>>;

/// Columns of one component in the order of rows.
pub type Table = Vec<Vec<M31>>;

/// The constants of a layout's components.
pub struct Constants {
    pub layout: Layout,
    /// Of each component.
    pub tables: Vec<Arc<Table>>,
}

/// The constants of all layouts of a build.
pub struct Sets {
    pub layouts: Layouts,
    /// Of each component, from its smallest size to its largest.
    pub tables: Vec<Vec<Arc<Table>>>,
}

impl Sets {
    /// The constants of the layout with these sizes.
    ///
    /// # Errors
    /// A size that is not allowed, or more or fewer sizes.
    pub fn at(&self, sizes: &[u32]) -> Result<Constants, SizeError> {
        let layout = self.layouts.at(sizes)?;
        let all = self.layouts.components.iter().zip(&layout.components);
        let tables = all
            .zip(&self.tables)
            .map(|((sizes, placed), tables)| {
                tables[(placed.log_rows - sizes.smallest) as usize].clone()
            })
            .collect();
        Ok(Constants { layout, tables })
    }

    /// The columns of the constants' tree, Cairo's fixed tables included.
    pub(super) fn columns(&self, tables: &PreProcessedTrace) -> Columns {
        let mut own: Vec<Vec<Columns>> = self
            .tables
            .iter()
            .map(|sets| sets.iter().map(|table| stored_columns(table)).collect())
            .collect();
        let columns = layout::constants(tables, &self.layouts).into_iter();
        let column = |column: layout::Constant| match column.source {
            Source::Cairo(i) => tables.columns[i].gen_column_simd(),
            // Sorting by size has kept the order of a component's columns.
            Source::Component(i, log_rows, _) => {
                let set = log_rows - self.layouts.components[i].smallest;
                own[i][set as usize].remove(0)
            }
        };
        columns.map(column).collect()
    }
}

impl From<Constants> for Sets {
    /// The constants of one layout and no other.
    fn from(constants: Constants) -> Sets {
        Sets {
            layouts: Layouts::from(&constants.layout),
            tables: constants.tables.into_iter().map(|t| vec![t]).collect(),
        }
    }
}

/// The trace of a layout's components, with all multiplicities.
#[derive(Clone)]
pub struct Witness {
    /// Of each component.
    pub tables: Vec<Table>,
}

impl Witness {
    /// The sizes of its components, those that the layouts leave open.
    pub fn sizes(&self, layouts: &Layouts) -> Vec<u32> {
        let both = layouts.components.iter().zip(&self.tables);
        let open = both.filter(|(sizes, _)| sizes.differ());
        open.map(|(_, table)| table.first().map_or(0, |column| column.len().ilog2()))
            .collect()
    }
}

/// A column from its values as they are stored.
fn column(
    values: impl Iterator<Item = M31>,
) -> CircleEvaluation<SimdBackend, BaseField, BitReversedOrder> {
    of_column(values.collect())
}

/// The same of values that are packed already.
fn evaluation(
    values: Vec<PackedM31>,
) -> CircleEvaluation<SimdBackend, BaseField, BitReversedOrder> {
    of_column(BaseColumn::from_simd(values))
}

fn of_column(values: BaseColumn) -> CircleEvaluation<SimdBackend, BaseField, BitReversedOrder> {
    let log_rows = values.length.ilog2();
    CircleEvaluation::new(CanonicCoset::new(log_rows).circle_domain(), values)
}

/// The columns of a component from its values in the order of rows.
pub(super) fn stored_columns(table: &[Vec<M31>]) -> Columns {
    let places = places(table.first().map_or(1, Vec::len).ilog2());
    let columns = table.iter();
    columns
        .map(|rows| column(stored(rows, &places).into_iter()))
        .collect()
}

/// Tells the memory of Cairo's trace which of its cells calls look up.
pub(super) fn register(constants: &Constants, witness: &Witness, generator: &CairoClaimGenerator) {
    let layout = &constants.layout;
    let (Some(addresses), Some(values)) =
        (&generator.memory_address_to_id, &generator.memory_id_to_big)
    else {
        return;
    };
    for (i, placed) in constants.layout.components.iter().enumerate() {
        if !matches!(placed.component, Component::Call { .. } | Component::Cells) {
            continue;
        }
        let (constants, trace) = (&constants.tables[i], &witness.tables[i]);
        for lookup in &record(placed.component, layout).lookups {
            let read = |key: &M31| match lookup.relation() {
                Some(ADDRESS) => addresses.add_input(key),
                Some(VALUE) => values.add_input(key),
                _ => {}
            };
            for row in 0..1 << placed.log_rows {
                let of = |x: &Expression| x.in_row(&|i| constants[i][row], &|i| trace[i][row]);
                if of(&lookup.on) == M31::from(1) {
                    read(&of(&lookup.tuple[1]));
                }
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
        let own = (&constants.tables[i][..], &witness.tables[i][..]);
        let (written, sum) = interaction::write(*placed, &constants.layout, challenges, own);
        columns.extend(written);
        sums.push(sum);
    }
    (columns, sums)
}
