//! What a leaf circuit verifies, as its builder has to know it: layout, tree 0, program, components of the Cairo AIR, parameters.

use std::collections::BTreeSet;
use std::sync::Arc;

use cairo_decode::air::cairo::{Component, Kind};
use cairo_decode::air::layout::{Layout, Layouts, Placed, constants};
use circuit_cairo_verifier::statement::MEMORY_VALUES_LIMBS;
use circuit_cairo_verifier::verify::enabled_components;
use circuits::ivalue::NoValue;
use circuits_stark_verifier::proof::{ComponentShape, ProofConfig};
use starknet_types_core::felt::Felt;
use stwo::core::fields::m31::M31;
use stwo::core::fields::qm31::SECURE_EXTENSION_DEGREE;
use stwo::core::fri::FriConfig;
use stwo::core::pcs::PcsConfig;
use stwo_cairo_common::preprocessed_columns::preprocessed_trace::{
    PreProcessedTrace, PreProcessedTraceVariant,
};
use stwo_cairo_common::prover_types::felt::split_f252;
use stwo_cairo_prover::witness::cairo_claim_generator::get_sub_components;
use stwo_constraint_framework::preprocessed_columns::PreProcessedColumnId;

pub type Limbs = [M31; MEMORY_VALUES_LIMBS];

/// Bits of work before the lookup elements of a Cairo proof.
const INTERACTION_POW_BITS: u32 = 24;

/// The instructions and builtins that a program of tensor operations runs, whatever the model.
const RUN: [&str; 12] = [
    "add_opcode",
    "add_opcode_small",
    "add_ap_opcode",
    "assert_eq_opcode",
    "assert_eq_opcode_imm",
    "assert_eq_opcode_double_deref",
    "call_opcode_rel_imm",
    "jnz_opcode_non_taken",
    "jnz_opcode_taken",
    "jump_opcode_rel_imm",
    "ret_opcode",
    "range_check_builtin",
];

/// The places of the library's list of components that a proof with tensor components fills.
pub fn enabled() -> Vec<bool> {
    let brought = RUN.iter().flat_map(|name| get_sub_components(name));
    // The table of small values stands beside that of large ones, which the library names.
    let brought: BTreeSet<&str> = brought.chain(["memory_id_to_small"]).collect();
    let places = Component::ALL.iter().flat_map(|component| {
        (0..component.places()).map(|place| place == 0 && brought.contains(component.name()))
    });
    places.collect()
}

/// The Cairo AIR's components of such a proof, in their order.
fn cairo() -> Vec<Component> {
    let all = Component::ALL.iter();
    let all = all.flat_map(|component| vec![*component; component.places()]);
    let there = all.zip(enabled()).filter(|(_, enabled)| *enabled);
    there.map(|(component, _)| component).collect()
}

/// Parameters of the inner proof.
#[derive(Clone, Copy)]
pub struct Parameters {
    pub log_blowup: u32,
    pub queries: usize,
    pub pow_bits: u32,
}

/// A proof that a leaf verifies.
pub struct Inner {
    pub layout: Layout,
    /// Names of the columns of tree 0, in its order.
    pub constants: Vec<PreProcessedColumnId>,
    pub numbers_in_constants: u64,
    pub program: Arc<[Limbs]>,
    pub pcs: PcsConfig,
    /// Of each component of the Cairo AIR the size, if it is a table.
    pub cairo_sizes: Vec<Option<u32>>,
    pub log_rows: u32,
    pub cairo_config: ProofConfig,
    pub config: ProofConfig,
}

impl Inner {
    /// With sizes of at least `smallest`; with all fixed tables of Cairo as today, or those only that the components read.
    pub fn new(
        layouts: &Layouts,
        words: &[Felt],
        parameters: Parameters,
        smallest: u32,
        all_tables: bool,
    ) -> Inner {
        let largest = layouts.largest();
        let placed = largest.components.iter().map(|placed| Placed {
            component: placed.component,
            log_rows: placed.log_rows.max(smallest),
        });
        let layout = Layout {
            components: placed.collect(),
            ..largest
        };
        let cairo_sizes: Vec<Option<u32>> = cairo()
            .into_iter()
            .map(|component| match component.kind() {
                Kind::Table { log_rows, .. } => Some(log_rows),
                _ => None,
            })
            .collect();
        let fixed = cairo_sizes.iter().flatten().copied();
        let own = layout.components.iter().map(|placed| placed.log_rows);
        let needed = fixed.chain(own).max().unwrap_or(0);
        let log_rows = if all_tables { 20 } else { needed };
        let mut tables = PreProcessedTraceVariant::CanonicalSmall.to_preprocessed_trace();
        if !all_tables {
            keep_read(&mut tables, log_rows);
        }
        let columns = constants(&tables, Some(&Layouts::from(&layout)));
        let numbers_in_constants = columns.iter().map(|column| 1u64 << column.log_rows);
        let numbers_in_constants = numbers_in_constants.sum();
        let pcs = PcsConfig {
            pow_bits: parameters.pow_bits,
            fri_config: FriConfig::new(0, parameters.log_blowup, parameters.queries, 4),
            lifting_log_size: Some(log_rows + parameters.log_blowup),
        };
        let config = || {
            let components = enabled_components::<NoValue>(&enabled());
            ProofConfig::new(&components, columns.len(), &pcs, INTERACTION_POW_BITS)
        };
        let cairo_config = config();
        let mut with_own = config();
        extend(&mut with_own, &layout);
        Inner {
            constants: columns.into_iter().map(|column| column.id).collect(),
            numbers_in_constants,
            program: words.iter().map(limbs).collect(),
            pcs,
            cairo_sizes,
            log_rows,
            cairo_config,
            config: with_own,
            layout,
        }
    }

    /// Cells of the layout's components.
    pub fn cells(&self) -> u64 {
        let columns = self.layout.columns();
        let both = self.layout.components.iter().zip(columns);
        both.map(|(placed, own)| ((own.trace + own.interaction) as u64) << placed.log_rows)
            .sum()
    }
}

/// Adds the layout's components, with the columns that are opened in the row before: powers, and the last sum.
fn extend(config: &mut ProofConfig, layout: &Layout) {
    for (placed, columns) in layout.components.iter().zip(layout.columns()) {
        let recorded = cairo_decode::air::record::record(placed.component, layout);
        let powers = SECURE_EXTENSION_DEGREE * recorded.powers.len();
        config.n_trace_columns += columns.trace;
        config.n_interaction_columns += columns.interaction;
        config.component_shapes.push(ComponentShape {
            trace_columns: columns.trace,
            interaction_columns: columns.interaction,
        });
        let last = columns.interaction - SECURE_EXTENSION_DEGREE;
        let before = (0..columns.interaction).map(|column| column < powers || column >= last);
        config.cumulative_sum_columns.extend(before);
    }
}

/// Leaves out the fixed columns that no component of such a proof reads.
fn keep_read(tables: &mut PreProcessedTrace, log_rows: u32) {
    let names: Vec<String> = cairo()
        .iter()
        .map(|component| format!("{}_column", component.name()))
        .collect();
    tables.columns.retain(|column| {
        let id = column.id().id;
        let sequence = id.starts_with("seq_") && column.log_size() <= log_rows;
        sequence || names.iter().any(|name| id.starts_with(name))
    });
}

/// The 28 limbs of 9 bits of a memory word.
fn limbs(word: &Felt) -> Limbs {
    let bytes = word.to_bytes_le();
    split_f252(std::array::from_fn(|i| {
        u32::from_le_bytes(std::array::from_fn(|j| bytes[4 * i + j]))
    }))
}
