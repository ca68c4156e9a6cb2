//! The parameters that this verifier accepts.
//!
//! Chosen here, on the verifier's side; nothing is taken from a proof. The prover reads them too.

use stwo::core::fri::FriConfig;
use stwo::core::pcs::PcsConfig;
use stwo_cairo_common::preprocessed_columns::preprocessed_trace::{
    PreProcessedTrace, PreProcessedTraceVariant,
};

pub use crate::air::cairo::LOG_TABLE_ROWS;

use super::statement::{Channel, Preprocessed, ProofParams};
use crate::air::cairo::{Component, MAX_VALUE_TABLES};
use crate::air::verify::Fixed;

/// Mixed in before anything else. The library lets a prover choose it, to draw again where a challenge happens to make
/// a denominator zero; here it is fixed.
pub const CHANNEL_SALT: u32 = 0;

pub use crate::air::transcript::MerkleChannel;

/// What the names of the fixed columns that count rows begin with.
const COUNTER: &str = "seq_";

/// A set of parameters that this verifier accepts, with what belongs to it.
#[derive(Debug, PartialEq, Eq)]
pub struct ParamSet {
    /// Its name in documents.
    pub name: &'static str,
    pub params: ProofParams,
    /// Whether a proof opens every fixed column, used or not. Circuits need it: their shape must not
    /// depend on what a program uses.
    pub all_preprocessed_columns: bool,
    /// Largest number of rows of a component, as a power of two.
    pub max_log_rows: u32,
    /// Largest number of tables that the large values of memory are cut into.
    pub value_tables: usize,
}

/// For receipts that are verified as they are: 76 queries at blow-up 2 and 20 bits of proof of work,
/// 96 bits. Fast to prove.
pub const PLAIN: ParamSet = ParamSet {
    name: "plain",
    params: ProofParams {
        channel: Channel::Blake2sM31,
        log_blowup: 1,
        queries: 76,
        pow_bits: 20,
        interaction_pow_bits: cairo_air::verifier::INTERACTION_POW_BITS,
        fold_step: 3,
        log_last_layer_degree_bound: 0,
        lifting_log_size: Some(LOG_TABLE_ROWS + 1),
        preprocessed: Preprocessed::CanonicalSmall,
    },
    all_preprocessed_columns: false,
    max_log_rows: LOG_TABLE_ROWS,
    value_tables: MAX_VALUE_TABLES,
};

/// [`PLAIN`] with twice the rows, for models of which not even eight lanes fit the other: the same queries, blow-up
/// and proof of work, on a domain twice as large.
pub const LARGE: ParamSet = ParamSet {
    name: "large",
    params: ProofParams {
        lifting_log_size: Some(LOG_TABLE_ROWS + 2),
        ..PLAIN.params
    },
    max_log_rows: LOG_TABLE_ROWS + 1,
    ..PLAIN
};

/// For shorter proofs that are verified as they are: 38 queries at blow-up 4 and 20 bits of proof of work, 96 bits. Against
/// [`PLAIN`], proofs are about half as long, and proving takes more time and memory.
pub const COMPACT: ParamSet = ParamSet {
    name: "compact",
    params: ProofParams {
        log_blowup: 2,
        queries: 38,
        lifting_log_size: Some(LOG_TABLE_ROWS + 2),
        ..PLAIN.params
    },
    ..PLAIN
};

/// Rows of the largest component of a proof with tensor components that is to be wrapped, as a power of two: those of Cairo's largest table
/// that it reads.
pub const LOG_FOLDABLE_ROWS: u32 = 18;

/// For receipts with tensor components that will be wrapped: 24 queries at blow-up 8 and 25 bits of proof of work, 97 bits. Their trace
/// has the rows of its largest component, and their constants' tree the fixed columns that are read.
pub const FOLDABLE_8: ParamSet = ParamSet {
    name: "foldable-8",
    params: ProofParams {
        log_blowup: 3,
        queries: 24,
        pow_bits: 25,
        fold_step: 4,
        lifting_log_size: Some(LOG_FOLDABLE_ROWS + 3),
        preprocessed: Preprocessed::CanonicalTensors,
        ..PLAIN.params
    },
    all_preprocessed_columns: true,
    max_log_rows: LOG_FOLDABLE_ROWS,
    // A circuit is made for one set of components.
    value_tables: 1,
};

/// The same with 18 queries at blow-up 16: for the circuit fewer queries of more expensive proofs.
pub const FOLDABLE_16: ParamSet = ParamSet {
    name: "foldable-16",
    params: ProofParams {
        log_blowup: 4,
        queries: 18,
        lifting_log_size: Some(LOG_FOLDABLE_ROWS + 4),
        ..FOLDABLE_8.params
    },
    ..FOLDABLE_8
};

/// The same with 14 queries at blow-up 32 and 27 bits of proof of work.
pub const FOLDABLE_32: ParamSet = ParamSet {
    name: "foldable-32",
    params: ProofParams {
        log_blowup: 5,
        queries: 14,
        pow_bits: 27,
        lifting_log_size: Some(LOG_FOLDABLE_ROWS + 5),
        ..FOLDABLE_8.params
    },
    ..FOLDABLE_8
};

/// The same for models of more rows: 22 queries at blow-up 8 and 30 bits of proof of work, 96 bits, on a domain four times as large.
pub const FOLDABLE_LARGE: ParamSet = ParamSet {
    name: "foldable-large",
    params: ProofParams {
        queries: 22,
        pow_bits: 30,
        lifting_log_size: Some(LOG_TABLE_ROWS + 3),
        ..FOLDABLE_8.params
    },
    max_log_rows: LOG_TABLE_ROWS,
    ..FOLDABLE_8
};

/// What [`super::tensors::verify_tensors`] accepts, where the manifest has a root for it.
pub const ACCEPTED: [&ParamSet; 7] = [
    &PLAIN,
    &LARGE,
    &COMPACT,
    &FOLDABLE_8,
    &FOLDABLE_16,
    &FOLDABLE_32,
    &FOLDABLE_LARGE,
];

impl ParamSet {
    /// Rows that a component may have, as the prover's side counts them: an address is a row, and the tables of large
    /// values are one component.
    pub fn max_rows(&self, component: Component) -> u64 {
        component.max_rows(self.max_log_rows, self.value_tables)
    }

    /// The fixed columns of its proofs, and which of them a proof opens.
    pub fn fixed(&self) -> Fixed {
        Fixed {
            columns: fixed_columns(self),
            all_opened: self.all_preprocessed_columns,
        }
    }

    /// Whether its proofs are made to be wrapped: with tensor components, each of one size.
    pub fn is_foldable(&self) -> bool {
        self.params.preprocessed == Preprocessed::CanonicalTensors
    }

    /// The accepted set that a proof with these parameters can only be meant for: the one of its blow-up and lifting
    /// size, else the one of its blow-up, else [`PLAIN`]. Whether it has the set's other parameters is not looked at.
    pub fn meant(found: &PcsConfig) -> &'static ParamSet {
        let blowup = |set: &&ParamSet| set.params.log_blowup == found.fri_config.log_blowup_factor;
        let same = ACCEPTED.into_iter().filter(blowup);
        let lifting = |set: &&ParamSet| set.params.lifting_log_size == found.lifting_log_size;
        let exact = same.clone().find(lifting);
        exact.or(same.clone().next()).unwrap_or(&PLAIN)
    }
}

/// The prover library's form of parameters.
pub fn pcs_config(params: &ProofParams) -> PcsConfig {
    PcsConfig {
        pow_bits: params.pow_bits,
        fri_config: FriConfig {
            log_blowup_factor: params.log_blowup,
            log_last_layer_degree_bound: params.log_last_layer_degree_bound,
            n_queries: params.queries as usize,
            fold_step: params.fold_step,
        },
        lifting_log_size: params.lifting_log_size,
    }
}

/// The library's name of a set of fixed tables.
pub fn variant(preprocessed: Preprocessed) -> PreProcessedTraceVariant {
    match preprocessed {
        Preprocessed::Canonical => PreProcessedTraceVariant::Canonical,
        Preprocessed::CanonicalWithoutPedersen => {
            PreProcessedTraceVariant::CanonicalWithoutPedersen
        }
        Preprocessed::CanonicalSmall | Preprocessed::CanonicalTensors => {
            PreProcessedTraceVariant::CanonicalSmall
        }
    }
}

/// The fixed columns of the constants' tree of proofs with these parameters.
pub fn fixed_columns(set: &ParamSet) -> PreProcessedTrace {
    let mut all = variant(set.params.preprocessed).to_preprocessed_trace();
    if set.is_foldable() {
        let is_read = |component: &&Component| component.is_with_tensors() && component.is_table();
        let tables = Component::ALL.iter().filter(is_read);
        let names: Vec<String> = tables.map(|table| format!("{table}_column_")).collect();
        all.columns.retain(|column| {
            let id = column.id().id;
            let counts = id.starts_with(COUNTER) && column.log_size() <= set.max_log_rows;
            counts || names.iter().any(|name| id.starts_with(name))
        });
    }
    all
}
