//! Circuits above the leaves, which verify two circuit proofs each: how full their shapes are.

use circuit_multiverifier::verify::{
    MultiverifierInput, SharedConfig, build_multiverifier_circuit,
};
use circuit_verifier::statement::{INTERACTION_POW_BITS, all_circuit_components};
use circuits::blake::HashValue;
use circuits::ivalue::NoValue;
use circuits_stark_verifier::proof::{ProofConfig, empty_proof};
use stwo::core::fields::qm31::QM31;

use cairo_decode::wrap::circuit::{OUTPUTS, pcs_config};
use cairo_decode::wrap::shape::Shape;

use crate::circuit::Rows;

/// Rows of the library's circuit that verifies two proofs of circuits of this shape.
pub fn rows(shape: &Shape) -> Rows {
    let columns = shape.column_log_sizes();
    let pcs = pcs_config(shape);
    let components = all_circuit_components::<NoValue>();
    let shared = SharedConfig {
        pcs_config: pcs,
        proof_config: ProofConfig::new(&components, columns.len(), &pcs, INTERACTION_POW_BITS),
        preprocessed_column_log_sizes: columns,
    };
    let input = || MultiverifierInput::<NoValue> {
        proof: empty_proof(&shared.proof_config),
        preprocessed_root: HashValue(QM31::default(), QM31::default()),
        output_values: [QM31::default(); OUTPUTS],
    };
    let built = build_multiverifier_circuit(input(), input(), &shared);
    Rows::of(built.circuit(), 0)
}
