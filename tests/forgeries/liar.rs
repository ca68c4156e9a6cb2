//! A prover that lies where this project's own cannot be made to: in a fixed table, in the channel's salt, in the output, in the sums.
//!
//! It goes through the same exchange. Every constraint of what it proves holds.

use std::mem::take;
use std::sync::Arc;

use cairo_air::CairoProof as ProvenCairo;
use cairo_air::cairo_components::CairoComponents;
use cairo_air::claims::{CairoClaim, lookup_sum};
use cairo_air::components::ec_op_builtin;
use cairo_air::verifier::INTERACTION_POW_BITS;
use cairo_decode::air::challenges::Challenges;
use cairo_decode::air::components::Component;
use cairo_decode::air::components::relations::{ADDRESS, VALUE};
use cairo_decode::air::layout::{Constant, Source, constants as constant_columns};
use cairo_decode::air::record::{Expression, record};
use cairo_decode::air::transcript::{Channel, MerkleChannel, Party, Sums, exchange};
use cairo_decode::air::verify::TensorPart;
use cairo_decode::decode::Decoded;
use cairo_decode::prove::tensor::interaction::{places, stored, write};
use cairo_decode::prove::tensor::{Columns, Constants, Sets, Table, Witness, messages};
use cairo_decode::verify::params::{CHANNEL_SALT, PLAIN, fixed_columns, pcs_config, variant};
use cairo_decode::verify::proof::{CairoProof, TensorProof};
use stwo::core::fields::m31::BaseField;
use stwo::core::fields::qm31::SecureField;
use stwo::core::poly::circle::CanonicCoset;
use stwo::core::proof_of_work::GrindOps;
use stwo::core::utils::MaybeOwned;
use stwo::prover::backend::Column;
use stwo::prover::backend::simd::SimdBackend;
use stwo::prover::backend::simd::column::BaseColumn;
use stwo::prover::mempool::BaseColumnPool;
use stwo::prover::poly::BitReversedOrder;
use stwo::prover::poly::circle::{CircleEvaluation, PolyOps};
use stwo::prover::{CommitmentSchemeProver, CommitmentTreeProver, ComponentProver, prove_ex};
use stwo_cairo_prover::utils::cairo_provers;
use stwo_cairo_prover::witness::cairo::create_cairo_claim_generator;
use stwo_cairo_prover::witness::cairo_claim_generator::{
    CairoClaimGenerator, CairoInteractionClaimGenerator,
};

use crate::world::{build, proofs, traced};

/// What a liar does with what is missing to zero.
#[derive(Clone, Copy, PartialEq)]
pub enum Hide {
    /// Nothing: the sums are what they are.
    Nowhere,
    /// In the number that the library adds for the tables of large values, which is in no transcript and no constraint.
    LargeValues,
    /// In a sum of a component that the claim does not have.
    Component,
    /// In the sum of the first tensor component, whose constraints have the true one.
    Tensors,
}

/// What a proof lies about.
#[derive(Clone, Copy)]
pub struct Lies {
    pub salt: u32,
    /// One entry of a fixed table that the program never looks up.
    pub table: bool,
    /// Another output, whose sums do not come to zero; what the liar does about it.
    pub output: Option<Hide>,
}

/// No lie.
pub const HONEST: Lies = Lies {
    salt: CHANNEL_SALT,
    table: false,
    output: None,
};

struct Liar<'a> {
    scheme: CommitmentSchemeProver<'a, SimdBackend, MerkleChannel>,
    tree: &'a CommitmentTreeProver<SimdBackend, MerkleChannel>,
    constants: &'a Constants,
    rows: &'a Witness,
    claim: CairoClaim,
    columns: Columns,
    interaction: Option<CairoInteractionClaimGenerator>,
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
        let tree = MaybeOwned::Borrowed(self.tree);
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

    fn messages(&mut self, challenges: &Challenges) -> Result<Vec<SecureField>, ()> {
        Ok(messages(self.constants, self.rows, challenges))
    }

    fn sums(&mut self, challenges: &Challenges) -> Result<Sums, ()> {
        let elements = &challenges.elements;
        let interaction = self.interaction.take().ok_or(())?;
        let (mut columns, mut cairo) = interaction.write_interaction_trace(elements);
        let mut tensors = vec![];
        let layout = &self.constants.layout;
        for (i, placed) in layout.components.iter().enumerate() {
            let own = (&self.constants.tables[i][..], &self.rows.tables[i][..]);
            let (written, sum) = write(*placed, layout, challenges, own);
            columns.extend(written);
            tensors.push(sum);
        }
        self.columns = columns;
        let own = tensors.iter().copied().sum::<SecureField>() - challenges.messages_sum();
        self.missing = lookup_sum(&self.claim, elements, &cairo) + own;
        match self.hide {
            Hide::Component => {
                cairo.ec_op_builtin = Some(ec_op_builtin::InteractionClaim {
                    claimed_sum: -self.missing,
                });
            }
            Hide::Tensors => tensors[0] -= self.missing,
            Hide::Nowhere | Hide::LargeValues => {}
        }
        Ok(Sums { cairo, tensors })
    }

    fn commit_interaction(&mut self, channel: &mut Channel) {
        self.commit(channel);
    }
}

type Evaluation = CircleEvaluation<SimdBackend, BaseField, BitReversedOrder>;

/// Columns as they are committed to.
fn columns(table: &Table) -> Vec<Evaluation> {
    let log_rows = table.first().map_or(1, Vec::len).ilog2();
    let places = places(log_rows);
    let column = |rows: &Vec<BaseField>| {
        let values: BaseColumn = stored(rows, &places).into_iter().collect();
        CircleEvaluation::new(CanonicCoset::new(log_rows).circle_domain(), values)
    };
    table.iter().map(column).collect()
}

/// Constant columns of all sizes, the fixed tables among them; with another entry in one of those, if that is the lie.
pub fn constants_tree(sets: &Sets, lie: bool) -> Vec<Evaluation> {
    let fixed = fixed_columns(&PLAIN);
    let made: Vec<Vec<Vec<Evaluation>>> = sets
        .tables
        .iter()
        .map(|sizes| sizes.iter().map(|table| columns(table)).collect())
        .collect();
    let mut unread = lie;
    let column = |column: Constant| match column.source {
        Source::Cairo(i) => {
            let mut values: Evaluation = fixed.columns[i].gen_column_simd();
            if unread && column.id.id.contains("pedersen") {
                let entry = values.values.at(3);
                values.values.set(3, entry + BaseField::from(1));
                unread = false;
            }
            values
        }
        Source::Component(i, log_rows, n) => {
            let size = log_rows - sets.layouts.components[i].smallest;
            made[i][size as usize][n].clone()
        }
    };
    let all = constant_columns(&fixed, &sets.layouts);
    let all = all.into_iter().map(column).collect();
    assert!(!unread, "a table of another builtin");
    all
}

/// Tells the memory which of its cells calls look up.
fn register(constants: &Constants, rows: &Witness, generator: &CairoClaimGenerator) {
    let addresses = generator.memory_address_to_id.as_ref().expect("addresses");
    let values = generator.memory_id_to_big.as_ref().expect("values");
    for (i, placed) in constants.layout.components.iter().enumerate() {
        if !matches!(placed.component, Component::Call { .. } | Component::Cells) {
            continue;
        }
        let (constant, trace) = (&constants.tables[i], &rows.tables[i]);
        for lookup in &record(placed.component, &constants.layout).lookups {
            for row in 0..1 << placed.log_rows {
                let of = |x: &Expression| x.in_row(&|i| constant[i][row], &|i| trace[i][row]);
                if of(&lookup.on) == BaseField::from(1) {
                    match lookup.relation() {
                        Some(ADDRESS) => addresses.add_input(&of(&lookup.tuple[1])),
                        Some(VALUE) => values.add_input(&of(&lookup.tuple[1])),
                        _ => {}
                    }
                }
            }
        }
    }
}

/// Leaves out the fixed tables that the honest proof has not.
fn leave_out(generator: &mut CairoClaimGenerator, honest: &CairoClaim) {
    macro_rules! keep_if_claimed {
        ($($table:ident)*) => {
            $(if honest.$table.is_none() {
                generator.$table = None;
            })*
        };
    }
    keep_if_claimed! {
        range_check_6 range_check_8 range_check_11 range_check_12 range_check_18 range_check_20 range_check_4_3 range_check_4_4
        range_check_9_9 range_check_7_2_5 range_check_3_6_6_3 range_check_4_4_4_4 range_check_3_3_3_3_3
        verify_bitwise_xor_4 verify_bitwise_xor_7 verify_bitwise_xor_8 verify_bitwise_xor_9
    }
}

/// A proof of the session's first chunk with these lies.
pub fn lie(decoded: &Decoded, lies: Lies) -> TensorProof {
    let build = build();
    let (input, rows) = traced(build, &build.prover, decoded);
    let sets = build.prover.constants();
    let sizes = rows.sizes(&sets.layouts);
    let constants = sets.at(&sizes).expect("its sizes");
    let layout = constants.layout.clone();

    let config = pcs_config(&PLAIN.params);
    let domain = CanonicCoset::new(PLAIN.max_log_rows + PLAIN.params.log_blowup).circle_domain();
    let twiddles = SimdBackend::precompute_twiddles(domain.half_coset);
    let tables = Arc::new(variant(PLAIN.params.preprocessed).to_preprocessed_trace());
    let polynomials = SimdBackend::interpolate_columns(constants_tree(sets, lies.table), &twiddles);
    let pool = BaseColumnPool::new();
    let tree = CommitmentTreeProver::new(
        polynomials,
        PLAIN.params.log_blowup,
        &twiddles,
        true,
        config.lifting_log_size,
        &pool,
    );
    let mut scheme = CommitmentSchemeProver::with_memory_pool(config, &twiddles, &pool);
    scheme.set_store_polynomials_coefficients();
    let mut generator = create_cairo_claim_generator(input, tables);
    leave_out(&mut generator, &proofs().session[0].proof.proof.claim);
    register(&constants, &rows, &generator);
    let (mut trace, mut claim, interaction) = generator.write_trace();
    let cairo_sizes = claim.log_sizes();
    let cairo_columns = [cairo_sizes[0].len(), cairo_sizes[1].len()];
    trace.extend(rows.tables.iter().flat_map(columns));
    if lies.output.is_some() {
        // The root of the choices is another. The trace has the true one.
        let output = &mut claim.public_data.public_memory.output;
        output.last_mut().expect("a statement").1[0] ^= 1;
    }
    let mut liar = Liar {
        scheme,
        tree: &tree,
        constants: &constants,
        rows: &rows,
        claim,
        columns: trace,
        interaction: Some(interaction),
        hide: lies.output.unwrap_or(Hide::Nowhere),
        missing: SecureField::default(),
    };
    let mut made = exchange(&mut liar, &layout, lies.salt, &config).expect("an exchange");
    let mut sums = made.sums.cairo.clone();
    let ids = constant_columns(&fixed_columns(&PLAIN), &sets.layouts);
    let ids: Vec<_> = ids.into_iter().map(|column| column.id).collect();
    let elements = &made.challenges.elements;
    let cairo = CairoComponents::new(&liar.claim, elements, &made.sums.cairo, &ids);
    let mut own_sums = made.sums.tensors.clone();
    if liar.hide == Hide::Tensors {
        // The constraints have the sum of the rows.
        own_sums[0] += liar.missing;
    }
    let ours = layout.components(&made.challenges, &own_sums, cairo_columns, &ids);
    let mut components = cairo_provers(&cairo);
    let own = ours.iter();
    components.extend(own.map(|component| component as &dyn ComponentProver<SimdBackend>));
    let stark = prove_ex(&components, &mut made.channel, liar.scheme, false).expect("proves");
    if liar.hide == Hide::LargeValues {
        let large = sums.memory_id_to_big.as_mut().expect("large values");
        large.claimed_sum -= liar.missing;
    }
    let proof = CairoProof::from(ProvenCairo {
        claim: liar.claim,
        interaction_pow: made.work,
        interaction_claim: sums,
        extended_stark_proof: stark,
        channel_salt: lies.salt,
        preprocessed_trace_variant: variant(PLAIN.params.preprocessed),
    });
    TensorProof {
        proof,
        tensors: TensorPart {
            messages: made.challenges.weights.messages,
            sums: made.sums.tensors,
            sizes,
        },
    }
}
