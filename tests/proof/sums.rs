//! Attacks on the sum that all lookups must come to: proofs of traces whose lookups do not balance, made with this
//! prover's own exchange. Every constraint of such a proof holds; only the sum tells that its output is a lie.

use std::mem::take;
use std::sync::Arc;

use cairo_air::CairoProof as ProvenCairo;
use cairo_air::cairo_components::CairoComponents;
use cairo_air::claims::{CairoClaim, lookup_sum};
use cairo_air::components::ec_op_builtin;
use cairo_air::verifier::{INTERACTION_POW_BITS, verify_cairo_ex};
use cairo_decode::air::challenges::Challenges;
use cairo_decode::air::transcript::{Channel, MerkleChannel, Party, Sums, exchange};
use cairo_decode::verify::ProofError;
use cairo_decode::verify::params::{CHANNEL_SALT, LOG_TABLE_ROWS, PLAIN, pcs_config, variant};
use cairo_decode::verify::proof::{CairoProof, encode};
use cairo_decode_verdicts::verify_proof;
use stwo::core::fields::m31::BaseField;
use stwo::core::fields::qm31::SecureField;
use stwo::core::poly::circle::CanonicCoset;
use stwo::core::proof_of_work::GrindOps;
use stwo::core::utils::MaybeOwned;
use stwo::prover::backend::simd::SimdBackend;
use stwo::prover::mempool::BaseColumnPool;
use stwo::prover::poly::BitReversedOrder;
use stwo::prover::poly::circle::{CircleEvaluation, PolyOps};
use stwo::prover::{CommitmentSchemeProver, CommitmentTreeProver, prove_ex};
use stwo_cairo_prover::utils::cairo_provers;
use stwo_cairo_prover::witness::cairo::create_cairo_claim_generator;
use stwo_cairo_prover::witness::cairo_claim_generator::CairoInteractionClaimGenerator;
use stwo_cairo_prover::witness::preprocessed_trace::gen_trace;

use crate::forge::run;
use crate::proofs;

/// What a liar does with what is missing to zero.
#[derive(Clone, Copy, PartialEq)]
pub enum Hide {
    /// Nothing: the sums are what they are.
    Nowhere,
    /// In the number that the library adds for the tables of large values, which is in no transcript and no constraint.
    LargeValues,
    /// In a sum of a component that the claim does not have.
    Component,
}

struct Liar<'a> {
    scheme: CommitmentSchemeProver<'a, SimdBackend, MerkleChannel>,
    constants: &'a CommitmentTreeProver<SimdBackend, MerkleChannel>,
    claim: CairoClaim,
    columns: Vec<CircleEvaluation<SimdBackend, BaseField, BitReversedOrder>>,
    witness: Option<CairoInteractionClaimGenerator>,
    hide: Hide,
    missing: SecureField,
}

impl Liar<'_> {
    fn commit(&mut self, channel: &mut Channel) {
        let mut builder = self.scheme.tree_builder();
        builder.extend_evals(take(&mut self.columns));
        builder.commit(channel);
    }
}

impl Party for Liar<'_> {
    type Error = ();

    fn commit_constants(&mut self, channel: &mut Channel) {
        let tree = MaybeOwned::Borrowed(self.constants);
        self.scheme.commit_tree(tree, channel);
    }

    fn claim(&self) -> &CairoClaim {
        &self.claim
    }

    fn commit_trace(&mut self, channel: &mut Channel) {
        self.commit(channel);
    }

    fn work(&mut self, channel: &mut Channel) -> Result<u64, ()> {
        Ok(SimdBackend::grind(channel, INTERACTION_POW_BITS))
    }

    fn messages(&mut self, _: &Challenges) -> Result<Vec<SecureField>, ()> {
        Ok(vec![])
    }

    fn sums(&mut self, challenges: &Challenges) -> Result<Sums, ()> {
        let elements = &challenges.elements;
        let witness = self.witness.take().ok_or(())?;
        let (columns, mut sums) = witness.write_interaction_trace(elements);
        self.columns = columns;
        self.missing = lookup_sum(&self.claim, elements, &sums);
        if self.hide == Hide::Component {
            sums.ec_op_builtin = Some(ec_op_builtin::InteractionClaim {
                claimed_sum: -self.missing,
            });
        }
        Ok(Sums {
            cairo: sums,
            tensors: vec![],
        })
    }

    fn commit_interaction(&mut self, channel: &mut Channel) {
        self.commit(channel);
    }
}

/// A proof of the session's first chunk with another output.
pub fn lie(hide: Hide) -> CairoProof {
    let config = pcs_config(&PLAIN.params);
    let domain = CanonicCoset::new(LOG_TABLE_ROWS + PLAIN.params.log_blowup).circle_domain();
    let twiddles = SimdBackend::precompute_twiddles(domain.half_coset);
    let tables = Arc::new(variant(PLAIN.params.preprocessed).to_preprocessed_trace());
    let polynomials = SimdBackend::interpolate_columns(gen_trace(tables.clone()), &twiddles);
    let pool = BaseColumnPool::new();
    let constants = CommitmentTreeProver::new(
        polynomials,
        PLAIN.params.log_blowup,
        &twiddles,
        true,
        config.lifting_log_size,
        &pool,
    );
    let mut scheme = CommitmentSchemeProver::with_memory_pool(config, &twiddles, &pool);
    scheme.set_store_polynomials_coefficients();
    let generator = create_cairo_claim_generator(run(|_| {}), tables.clone());
    let (columns, mut claim, witness) = generator.write_trace();
    // The lie: the last chosen token's chain is another. The trace has the true one.
    let output = &mut claim.public_data.public_memory.output;
    output.last_mut().expect("a statement").1[0] ^= 1;
    let mut liar = Liar {
        scheme,
        constants: &constants,
        claim,
        columns,
        witness: Some(witness),
        hide,
        missing: SecureField::default(),
    };
    let mut made = exchange(&mut liar, None, CHANNEL_SALT, &config).expect("an exchange");
    let mut sums = made.sums.cairo.clone();
    let cairo = CairoComponents::new(
        &liar.claim,
        &made.challenges.elements,
        &made.sums.cairo,
        &tables.ids(),
    );
    let components = cairo_provers(&cairo);
    let stark = prove_ex(&components, &mut made.channel, liar.scheme, false).expect("proves");
    if hide == Hide::LargeValues {
        let large = sums.memory_id_to_big.as_mut().expect("large values");
        large.claimed_sum -= liar.missing;
    }
    CairoProof::from(ProvenCairo {
        claim: liar.claim,
        interaction_pow: made.work,
        interaction_claim: sums,
        extended_stark_proof: stark,
        channel_salt: CHANNEL_SALT,
        preprocessed_trace_variant: variant(PLAIN.params.preprocessed),
    })
}

fn refused(proof: &CairoProof) -> ProofError {
    verify_proof(&encode(proof)).expect_err("a lie")
}

/// Attack: a proof of a run with another output, whose lookups do not balance by just that output.
/// Stopped by: the sum of all lookups.
#[test]
fn a_sum_that_is_not_zero() {
    let proof = lie(Hide::Nowhere);
    assert!(matches!(refused(&proof), ProofError::Invalid(text) if text.contains("zero")));
}

/// Attack: the same, with what is missing put into the sum of all tables of large values, which the library's verifier
/// adds, and which neither its transcript nor any of its constraints has. The library's verifier accepts the lie.
/// Stopped by: the sum of large values is that of the tables' sums; and only sums of components are added.
#[test]
fn what_is_missing_in_the_sum_of_large_values() {
    let proof = lie(Hide::LargeValues);
    let honest = &proofs().session[0].statement.to_output();
    assert_ne!(
        proof
            .claim
            .public_data
            .public_memory
            .output
            .last()
            .map(|(_, word)| word[0]),
        honest.last().map(|felt| felt.to_le_digits()[0] as u32)
    );
    assert!(verify_cairo_ex::<MerkleChannel>(proof.clone(), false).is_ok());
    assert!(matches!(refused(&proof), ProofError::Claim(_)));
}

/// Attack: the same, with what is missing put into a sum of a component that the claim does not have. The library's
/// verifier accepts the lie. Stopped by: as many sums as components.
#[test]
fn what_is_missing_in_a_sum_without_a_component() {
    let proof = lie(Hide::Component);
    assert!(verify_cairo_ex::<MerkleChannel>(proof.clone(), false).is_ok());
    assert!(matches!(refused(&proof), ProofError::Claim(_)));
}
