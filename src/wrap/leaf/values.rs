//! The values of a leaf circuit's wires: an inner proof with all that a circuit needs beyond its file, or zeros of the same form.

use cairo_air::flat_claims::FlatClaim;
use circuit_cairo_verifier::statement::{MEMORY_VALUES_LIMBS, PUBLIC_DATA_LEN};
use circuits::ivalue::{IValue, NoValue};
use circuits_stark_verifier::oods::{EvalDomainSamples, empty_eval_domain_samples};
use circuits_stark_verifier::proof::{N_TRACES, Proof, empty_proof};
use circuits_stark_verifier::proof_from_stark_proof::proof_from_stark_proof;
use stwo::core::fields::m31::M31;
use stwo::core::fields::qm31::QM31;

use super::super::WrapError;
use super::inner::{Inner, Limbs, enabled};
use crate::prove::TensorWitness;
use crate::verify::statement::OUTPUT_LEN;

/// Rows of a tree at the queries: by query and column.
pub type Rows = Vec<Vec<M31>>;

/// What the circuit guesses.
pub struct Values<V: IValue> {
    /// Without the rows at the queries, which the circuit guesses in another order than the library's.
    pub proof: Proof<V>,
    /// Public data and sizes of the Cairo AIR's components, as the library's statement takes them.
    pub claim: Vec<M31>,
    pub output: Vec<Limbs>,
    pub messages: Vec<QM31>,
    /// By tree.
    pub rows: [Rows; N_TRACES],
}

impl Values<NoValue> {
    /// Of a circuit that is built for its gates.
    pub fn none(inner: &Inner) -> Values<NoValue> {
        let queries = inner.config.n_queries();
        let claim = PUBLIC_DATA_LEN + OUTPUT_LEN + inner.program.len() + inner.cairo_components();
        let mut proof = empty_proof(&inner.config);
        proof.eval_domain_samples = empty_eval_domain_samples(&[0; N_TRACES], queries);
        Values {
            proof,
            claim: vec![M31::default(); claim],
            output: vec![[M31::default(); MEMORY_VALUES_LIMBS]; OUTPUT_LEN],
            messages: vec![QM31::default(); inner.layout.messages],
            rows: inner
                .config
                .n_columns_per_trace()
                .map(|columns| vec![vec![M31::default(); columns]; queries]),
        }
    }
}

impl Values<QM31> {
    /// Of a proof.
    ///
    /// # Errors
    /// [`WrapError::Components`], [`WrapError::OtherProgram`] for a proof that the circuit has no wires for.
    pub fn of(inner: &Inner, witness: &TensorWitness) -> Result<Values<QM31>, WrapError> {
        let (proof, part) = (&witness.proof, &witness.tensors);
        let FlatClaim {
            component_enable_bits,
            component_log_sizes,
            public_data,
        } = proof.claim.flatten_claim();
        let mut sums = proof.interaction_claim.flatten_interaction_claim();
        sums.extend(&part.sums);
        if component_enable_bits != enabled()
            || sums.len() != inner.config.n_components()
            || part.messages.len() != inner.layout.messages
            || !part.sizes.is_empty()
        {
            return Err(WrapError::Components);
        }
        let (mut claim, output, program) = public_data.pack_into_u32s();
        claim.extend(component_log_sizes);
        let as_limbs = |flat: &[u32]| -> Vec<Limbs> {
            let words = flat.chunks_exact(MEMORY_VALUES_LIMBS);
            words
                .map(|limbs| std::array::from_fn(|i| M31::from_u32_unchecked(limbs[i])))
                .collect()
        };
        if as_limbs(&program)[..] != inner.program[..]
            || output.len() != OUTPUT_LEN * MEMORY_VALUES_LIMBS
        {
            return Err(WrapError::OtherProgram);
        }
        let stark = &proof.extended_stark_proof;
        let mut values = proof_from_stark_proof(
            stark,
            &inner.config,
            sums,
            proof.interaction_pow,
            proof.channel_salt,
        );
        values.eval_domain_samples = EvalDomainSamples::from_m31s(vec![vec![]; N_TRACES]);
        let queries = &stark.aux.unsorted_query_locations;
        let mut sorted = queries.clone();
        sorted.sort_unstable();
        sorted.dedup();
        let row = |tree: usize, query: &usize| -> Vec<M31> {
            let place = sorted.partition_point(|known| known < query);
            let columns = stark.proof.queried_values[tree].iter();
            columns.map(|column| column[place]).collect()
        };
        Ok(Values {
            proof: values,
            claim: claim.into_iter().map(M31::from_u32_unchecked).collect(),
            output: as_limbs(&output),
            messages: part.messages.clone(),
            rows: std::array::from_fn(|tree| queries.iter().map(|q| row(tree, q)).collect()),
        })
    }
}
