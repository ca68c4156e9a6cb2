//! The leaf circuit: it verifies one chunk's proof of one program.
//!
//! Built into it, so that its root stands for them: the program's words, the parameters
//! [`WRAPPABLE`], the root of Cairo's fixed tables, the set of components, the number of outputs.
//! Its public value is the hash of the program's output, [`output_of`].

use std::sync::Arc;

use cairo_air::flat_claims::FlatClaim;
use circuit_cairo_verifier::statement::{CairoStatement, MEMORY_VALUES_LIMBS, PUBLIC_DATA_LEN};
use circuit_cairo_verifier::verify::{
    enabled_components, prepare_cairo_proof_for_circuit_verifier,
};
use circuit_common::N_RESERVED;
use circuits::blake::HashValue;
use circuits::context::{Context, FinalizedContext};
use circuits::ivalue::{IValue, NoValue};
use circuits::ops::{Guess, eq};
use circuits_stark_verifier::proof::{Proof as ProofValues, ProofConfig, empty_proof};
use circuits_stark_verifier::verify::verify;
use starknet_types_core::felt::Felt;
use stwo::core::fields::m31::M31;
use stwo::core::fields::qm31::QM31;
use stwo::core::vcs::blake2_hash::Blake2sHash;

use super::WrapError;
use super::circuit::{CircuitProver, Proof, pcs_config};
use super::shape::{LEAF, pad};
use super::span::{digest, limbs};
use crate::air::cairo::Component;
use crate::prove::ExtendedProof;
use crate::verify::params::{self, WRAPPABLE};
use crate::verify::statement::OUTPUT_LEN;

/// Root of the fixed tables of the proofs.
const PREPROCESSED_ROOT: [u8; 32] = match WRAPPABLE.preprocessed_root {
    Some(root) => root,
    None => panic!("proofs without tensor components have it"),
};

type Limbs = [M31; MEMORY_VALUES_LIMBS];

/// What a leaf circuit is built from.
struct Config {
    proof: ProofConfig,
    enabled: Vec<bool>,
    program: Arc<[Limbs]>,
}

impl Config {
    fn new(words: &[Felt]) -> Config {
        // Of the places for tables of large values, the parameters allow the first one.
        let places = Component::ALL.iter().flat_map(|component| {
            let places = 0..component.places();
            places.map(|place| component.is_in_leaf() && place < WRAPPABLE.value_tables)
        });
        let enabled: Vec<bool> = places.collect();
        let variant = params::variant(WRAPPABLE.params.preprocessed);
        let proof = ProofConfig::new(
            &enabled_components::<NoValue>(&enabled),
            variant.n_columns(),
            &params::pcs_config(&WRAPPABLE.params),
            WRAPPABLE.params.interaction_pow_bits,
        );
        Config {
            proof,
            enabled,
            program: words.iter().map(limbs).collect(),
        }
    }

    /// Length of the public claim before the component sizes.
    fn public_len(&self) -> usize {
        PUBLIC_DATA_LEN + OUTPUT_LEN + self.program.len()
    }

    /// The circuit's gates, with values or without.
    fn build<Value: IValue>(
        &self,
        proof: &ProofValues<Value>,
        claim: Vec<M31>,
        output: Vec<Limbs>,
    ) -> FinalizedContext<Value> {
        let mut context = Context::new(N_RESERVED);
        let statement = CairoStatement::new(
            &mut context,
            claim,
            output,
            self.program.clone(),
            self.enabled.clone(),
            HashValue::from(Blake2sHash(PREPROCESSED_ROOT)),
            params::variant(WRAPPABLE.params.preprocessed),
        );
        // The library's circuit leaves open where execution starts; ours starts right behind the
        // program and the two cells of the safe call, as `verify::public_memory` requires of a proof
        // that is not wrapped.
        let start = M31::from(1 + self.program.len() + 2);
        let start = context.constant(start.into());
        eq(&mut context, statement.public_data.initial_state.ap, start);
        let proof = proof.guess(&mut context);
        verify(&mut context, &proof, &self.proof, &statement);
        context.finalize(false)
    }
}

/// The leaf circuit of one program, ready to prove.
pub struct Leaf {
    config: Config,
    prover: CircuitProver,
}

impl Leaf {
    /// Builds the circuit of the program with these words.
    ///
    /// # Errors
    /// [`WrapError::CircuitTooLarge`] if the program has too many words.
    pub fn new(words: &[Felt]) -> Result<Leaf, WrapError> {
        let config = Config::new(words);
        let components = config.enabled.iter().filter(|&&enabled| enabled).count();
        let claim = vec![M31::default(); config.public_len() + components];
        let output = vec![[M31::default(); MEMORY_VALUES_LIMBS]; OUTPUT_LEN];
        let topology = config.build::<NoValue>(&empty_proof(&config.proof), claim, output);
        let prover = CircuitProver::new(topology, &LEAF, pcs_config(&LEAF))?;
        Ok(Leaf { config, prover })
    }

    /// The circuit's root.
    pub fn root(&self) -> [u8; 32] {
        self.prover.root()
    }

    /// Wraps the proof of a chunk.
    ///
    /// # Errors
    /// [`WrapError::Components`] or [`WrapError::Inner`] for a proof that the circuit does not accept,
    /// and what the prover gives.
    pub fn prove(&self, proof: &ExtendedProof) -> Result<Proof, WrapError> {
        let FlatClaim {
            component_enable_bits,
            component_log_sizes,
            ..
        } = proof.claim.flatten_claim();
        if component_enable_bits != self.config.enabled {
            return Err(WrapError::Components);
        }
        let (values, public) = prepare_cairo_proof_for_circuit_verifier(
            proof,
            &self.config.proof,
            &self.config.enabled,
        );
        let (mut claim, output, program) = public.pack_into_u32s();
        claim.extend(component_log_sizes);
        let as_limbs = |flat: &[u32]| -> Vec<Limbs> {
            let chunks = flat.chunks_exact(MEMORY_VALUES_LIMBS);
            chunks
                .map(|limbs| std::array::from_fn(|i| M31::from_u32_unchecked(limbs[i])))
                .collect()
        };
        if as_limbs(&program)[..] != self.config.program[..]
            || output.len() != OUTPUT_LEN * MEMORY_VALUES_LIMBS
        {
            return Err(WrapError::OtherProgram);
        }
        let claim = claim.into_iter().map(M31::from_u32_unchecked).collect();
        let mut circuit = self.config.build(&values, claim, as_limbs(&output));
        if !circuit.is_circuit_valid() {
            return Err(WrapError::Inner);
        }
        pad(&mut circuit, &LEAF)?;
        // The gates are in the prover already; a gigabyte less while it works.
        let values = circuit.values().to_vec();
        drop(circuit);
        self.prover.prove(&values)
    }
}

/// The leaf circuit's public value for a program's output: the digest of it.
pub fn output_of(output: &[Felt]) -> [QM31; 2] {
    let HashValue(a, b) = digest(output);
    [a, b]
}
