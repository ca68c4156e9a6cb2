//! What a leaf circuit is built from: everything about its inner proofs that is the same for all of them.

use std::sync::Arc;

use circuit_cairo_verifier::statement::MEMORY_VALUES_LIMBS;
use circuit_cairo_verifier::verify::enabled_components;
use circuits::ivalue::NoValue;
use circuits_stark_verifier::proof::{ComponentShape, ProofConfig};
use starknet_types_core::felt::Felt;
use stwo::core::fields::m31::M31;
use stwo::core::fields::qm31::SECURE_EXTENSION_DEGREE;
use stwo_constraint_framework::preprocessed_columns::PreProcessedColumnId;

use super::super::WrapError;
use super::super::span::limbs;
use crate::air::cairo::{Component, Kind};
use crate::air::layout::{Layout, constants};
use crate::air::record::record;
use crate::air::uses;
use crate::verify::params::{self, ParamSet};
use crate::verify::tensors::TensorPins;

/// A memory word: 28 limbs of 9 bits.
pub type Limbs = [M31; MEMORY_VALUES_LIMBS];

/// What all inner proofs of a leaf have in common.
pub struct Inner {
    /// The one layout that they have.
    pub layout: Layout,
    /// Their parameters.
    pub set: &'static ParamSet,
    /// Root of tree 0.
    pub constants_root: [u8; 32],
    /// Names of the columns of tree 0, in its order.
    pub constants: Vec<PreProcessedColumnId>,
    /// The program's words.
    pub program: Arc<[Limbs]>,
    /// Of each component of the Cairo AIR the size as a power of two, if it is a table.
    pub cairo_sizes: Vec<Option<u32>>,
    /// Of the Cairo AIR alone, as the library's composition takes it.
    pub cairo_config: ProofConfig,
    /// Of all components, Cairo's first.
    pub config: ProofConfig,
}

/// The places of the library's list of components that inner proofs fill.
pub fn enabled() -> Vec<bool> {
    let places = Component::ALL.iter().flat_map(|component| {
        (0..component.places()).map(|place| place == 0 && component.is_with_tensors())
    });
    places.collect()
}

impl Inner {
    /// Of the proofs of a program with these words that have these pins.
    ///
    /// # Errors
    /// [`WrapError::NotFoldable`] or [`WrapError::Sizes`] for pins of proofs that are not made to be wrapped, [`WrapError::Uses`] for a layout whose components use a
    /// relation as often as the field has numbers.
    pub fn new(pins: &TensorPins, words: &[Felt]) -> Result<Inner, WrapError> {
        let set = pins.set();
        let layouts = pins.layouts();
        let differ = layouts.components.iter().any(|sizes| sizes.differ());
        if !set.is_foldable() {
            return Err(WrapError::NotFoldable { set: set.name });
        }
        if differ {
            return Err(WrapError::Sizes);
        }
        let layout = layouts.largest();
        if !uses::of_own_are_few(&layout) {
            return Err(WrapError::Uses);
        }
        let columns = constants(&params::fixed_columns(set), layouts);
        let pcs = params::pcs_config(&set.params);
        let config = || {
            let components = enabled_components::<NoValue>(&enabled());
            ProofConfig::new(
                &components,
                columns.len(),
                &pcs,
                set.params.interaction_pow_bits,
            )
        };
        let cairo_config = config();
        let mut with_own = config();
        extend(&mut with_own, &layout);
        let components = Component::ALL.iter();
        let components = components.filter(|component| component.is_with_tensors());
        let size = |component: &Component| match component.kind() {
            Kind::Table { log_rows, .. } => Some(log_rows),
            _ => None,
        };
        Ok(Inner {
            set,
            constants_root: pins.root(set).unwrap_or_default(),
            program: words.iter().map(limbs).collect(),
            cairo_sizes: components.map(size).collect(),
            cairo_config,
            config: with_own,
            constants: columns.into_iter().map(|column| column.id).collect(),
            layout,
        })
    }

    /// How many components of the Cairo AIR inner proofs have.
    pub fn cairo_components(&self) -> usize {
        self.cairo_config.n_components()
    }
}

/// Adds the layout's components, with the columns that are opened in the row before: powers, and the last sum.
fn extend(config: &mut ProofConfig, layout: &Layout) {
    for (placed, columns) in layout.components.iter().zip(layout.columns()) {
        let recorded = record(placed.component, layout);
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
