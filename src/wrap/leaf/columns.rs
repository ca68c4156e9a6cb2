//! The library's statement with another list of fixed columns: those that are in a model's tree 0.

use std::collections::HashMap;

use circuit_cairo_verifier::statement::CairoStatement;
use circuits::blake::HashValue;
use circuits::context::{Context, Var};
use circuits::ivalue::IValue;
use circuits::simd::Simd;
use circuits_stark_verifier::constraint_eval::CircuitEval;
use circuits_stark_verifier::statement::Statement;
use indexmap::IndexMap;
use stwo_constraint_framework::preprocessed_columns::PreProcessedColumnId;

/// The library's statement with the columns of a model's tree 0. Its own list has the names of tables that are not there, whose samples
/// would have to be made up.
pub struct Columns<'a, V: IValue> {
    pub statement: &'a CairoStatement<V>,
    pub constants: &'a [PreProcessedColumnId],
}

impl<V: IValue> Statement<V> for Columns<'_, V> {
    fn get_preprocessed_column_ids(&self) -> Vec<PreProcessedColumnId> {
        self.constants.to_vec()
    }

    fn get_components(&self) -> &IndexMap<&'static str, Box<dyn CircuitEval<V>>> {
        self.statement.get_components()
    }

    fn public_params(&self, context: &mut Context<V>) -> HashMap<String, Var> {
        self.statement.public_params(context)
    }

    fn get_component_log_sizes(&self) -> &Simd {
        self.statement.get_component_log_sizes()
    }

    fn get_preprocessed_root(&self, context: &mut Context<V>) -> HashValue<Var> {
        self.statement.get_preprocessed_root(context)
    }

    fn claims_to_mix(&self, context: &mut Context<V>) -> Vec<Vec<Var>> {
        self.statement.claims_to_mix(context)
    }

    fn public_logup_sum(&self, context: &mut Context<V>, elements: [Var; 2]) -> Var {
        self.statement.public_logup_sum(context, elements)
    }
}
