//! The prover's side of the exchange, and the library's part behind it.

use std::collections::BTreeSet;
use std::sync::Arc;

use cairo_air::CairoProof;
use cairo_air::cairo_components::CairoComponents;
use cairo_air::claims::CairoClaim;
use cairo_air::verifier::INTERACTION_POW_BITS;
use stwo::core::fields::qm31::SecureField;
use stwo::core::proof_of_work::GrindOps;
use stwo::core::utils::MaybeOwned;
use stwo::prover::backend::simd::SimdBackend;
use stwo::prover::mempool::BaseColumnPool;
use stwo::prover::poly::twiddles::TwiddleTree;
use stwo::prover::{CommitmentSchemeProver, CommitmentTreeProver, ComponentProver, prove_ex};
use stwo_cairo_adapter::ProverInput;
use stwo_cairo_common::preprocessed_columns::preprocessed_trace::PreProcessedTrace;
use stwo_cairo_prover::utils::cairo_provers;
use stwo_cairo_prover::witness::builtins::get_builtins;
use stwo_cairo_prover::witness::cairo::create_cairo_claim_generator;
use stwo_cairo_prover::witness::cairo_claim_generator::{
    CairoClaimGenerator, CairoInteractionClaimGenerator, get_sub_components,
};
use stwo_cairo_prover::witness::opcodes::get_opcodes;

use super::tensor::{self, Columns, Constants, Sets, Witness};
use super::{ExtendedProof, ProveError};
use crate::air::cairo;
use crate::air::challenges::Challenges;
use crate::air::layout::constants;
use crate::air::transcript::{Channel, MerkleChannel, Party, Sums, exchange};
use crate::air::verify::TensorPart;
use crate::verify::params::{self, ParamSet};

/// What a prover commits to before it sees a run.
pub(super) struct Committed<'a> {
    pub set: &'static ParamSet,
    pub twiddles: &'a TwiddleTree<SimdBackend>,
    pub tables: &'a Arc<PreProcessedTrace>,
    pub fixed: &'a PreProcessedTrace,
    /// Whether it has kept the coefficients, and those of the other columns are kept.
    pub coefficients: bool,
    pub tree: &'a CommitmentTreeProver<SimdBackend, MerkleChannel>,
}

struct Composer<'a> {
    scheme: CommitmentSchemeProver<'a, SimdBackend, MerkleChannel>,
    constants: &'a CommitmentTreeProver<SimdBackend, MerkleChannel>,
    /// Of tensor components.
    own: &'a Constants,
    witness: &'a Witness,
    claim: CairoClaim,
    /// Columns of the tree that is committed to next.
    columns: Columns,
    /// What is left of the witness once the trace is written.
    interaction: Option<CairoInteractionClaimGenerator>,
}

impl Composer<'_> {
    fn commit(&mut self, channel: &mut Channel) {
        let columns = std::mem::take(&mut self.columns);
        let mut builder = self.scheme.tree_builder();
        builder.extend_evals(columns);
        builder.commit(channel);
    }
}

impl Party for Composer<'_> {
    type Error = ProveError;

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

    fn work(&mut self, channel: &mut Channel) -> Result<u64, ProveError> {
        Ok(SimdBackend::grind(channel, INTERACTION_POW_BITS))
    }

    fn messages(&mut self, challenges: &Challenges) -> Result<Vec<SecureField>, ProveError> {
        Ok(tensor::messages(self.own, self.witness, challenges))
    }

    fn sums(&mut self, challenges: &Challenges) -> Result<Sums, ProveError> {
        let once = || ProveError::Prover("the sums were asked for twice".to_string());
        let generator = self.interaction.take().ok_or_else(once)?;
        let (mut columns, cairo) = generator.write_interaction_trace(&challenges.elements);
        let (own, tensors) = tensor::interaction(self.own, self.witness, challenges);
        columns.extend(own);
        self.columns = columns;
        Ok(Sums { cairo, tensors })
    }

    fn commit_interaction(&mut self, channel: &mut Channel) {
        self.commit(channel);
    }
}

/// The library's names of the components that a run brings: of its instructions and builtins, and of what those read.
fn brought(input: &ProverInput, tables: &Arc<PreProcessedTrace>) -> BTreeSet<&'static str> {
    let mut first = get_opcodes(&input.state_transitions.casm_states_by_opcode);
    first.extend(get_builtins(&input.builtin_segments, tables.clone()));
    all_brought(first)
}

/// The library's names of what instructions and builtins bring, themselves included.
pub(crate) fn brought_by(
    components: impl IntoIterator<Item = cairo::Component>,
) -> BTreeSet<&'static str> {
    let firsts = components.into_iter().filter(|component| {
        matches!(
            component.kind(),
            cairo::Kind::Opcode | cairo::Kind::Builtin { .. }
        )
    });
    all_brought(firsts.map(cairo::Component::name))
}

fn all_brought(firsts: impl IntoIterator<Item = &'static str>) -> BTreeSet<&'static str> {
    firsts.into_iter().flat_map(get_sub_components).collect()
}

/// Leaves out the fixed tables that nothing reads. The library makes all of them, whatever is read; a table that is not there
/// yields nothing, so a use of it would not balance.
fn leave_out(generator: &mut CairoClaimGenerator, brought: &BTreeSet<&str>) {
    macro_rules! keep_if_brought {
        ($($table:ident)*) => {
            $(if !brought.contains(stringify!($table)) {
                generator.$table = None;
            })*
        };
    }
    keep_if_brought! {
        range_check_6 range_check_8 range_check_11 range_check_12 range_check_18 range_check_20 range_check_4_3 range_check_4_4
        range_check_9_9 range_check_7_2_5 range_check_3_6_6_3 range_check_4_4_4_4 range_check_3_3_3_3_3
        verify_bitwise_xor_4 verify_bitwise_xor_7 verify_bitwise_xor_8 verify_bitwise_xor_9
    }
}

/// Proves a trace that has few enough rows.
///
/// # Errors
/// [`ProveError::Prover`].
pub(super) fn prove(
    committed: &Committed<'_>,
    (sets, witness): (&Sets, &Witness),
    input: ProverInput,
) -> Result<(ExtendedProof, TensorPart), ProveError> {
    let sizes = witness.sizes(&sets.layouts);
    let own = sets.at(&sizes);
    let own = &own.map_err(|e| ProveError::Prover(e.to_string()))?;
    let config = params::pcs_config(&committed.set.params);
    // One pool for all proofs would keep the memory of the largest while the next trace is made.
    let pool = BaseColumnPool::new();
    let mut scheme = CommitmentSchemeProver::with_memory_pool(config, committed.twiddles, &pool);
    if committed.coefficients {
        scheme.set_store_polynomials_coefficients();
    }
    let brought = brought(&input, committed.tables);
    let mut generator = create_cairo_claim_generator(input, committed.tables.clone());
    leave_out(&mut generator, &brought);
    tensor::register(own, witness, &generator);
    let (mut columns, claim, interaction) = generator.write_trace();
    let cairo_sizes = claim.log_sizes();
    let cairo_columns = [cairo_sizes[0].len(), cairo_sizes[1].len()];
    let tables = witness.tables.iter();
    columns.extend(tables.flat_map(|table| tensor::stored_columns(table)));
    let layout = &own.layout;
    let mut composer = Composer {
        scheme,
        constants: committed.tree,
        own,
        witness,
        claim,
        columns,
        interaction: Some(interaction),
    };
    let mut made = exchange(&mut composer, layout, params::CHANNEL_SALT, &config)?;
    let ids: Vec<_> = constants(committed.fixed, &sets.layouts)
        .into_iter()
        .map(|column| column.id)
        .collect();
    let elements = &made.challenges.elements;
    let cairo = CairoComponents::new(&composer.claim, elements, &made.sums.cairo, &ids);
    let ours = layout.components(&made.challenges, &made.sums.tensors, cairo_columns, &ids);
    let mut components = cairo_provers(&cairo);
    let ours = ours.iter();
    components.extend(ours.map(|component| component as &dyn ComponentProver<SimdBackend>));
    let all = committed.set.all_preprocessed_columns;
    let stark = prove_ex(&components, &mut made.channel, composer.scheme, all);
    let proof = CairoProof {
        claim: composer.claim,
        interaction_pow: made.work,
        interaction_claim: made.sums.cairo,
        extended_stark_proof: stark.map_err(|e| ProveError::Prover(e.to_string()))?,
        channel_salt: params::CHANNEL_SALT,
        preprocessed_trace_variant: params::variant(committed.set.params.preprocessed),
    };
    let part = TensorPart {
        messages: made.challenges.weights.messages,
        sums: made.sums.tensors,
        sizes,
    };
    Ok((proof, part))
}
