//! The leaf circuit without values, in the order of the transcript: what the library has is called, what it has not is written here.

use std::collections::HashMap;

use cairo_decode::air::record::record;
use cairo_decode::wrap::components::{Samples, Shared, accumulate};
use circuit_cairo_verifier::statement::{CairoStatement, MEMORY_VALUES_LIMBS, PUBLIC_DATA_LEN};
use circuit_common::N_RESERVED;
use circuits::blake::HashValue;
use circuits::circuit::Circuit;
use circuits::context::{Context, Var};
use circuits::eval;
use circuits::extract_bits::extract_bits;
use circuits::ivalue::NoValue;
use circuits::ops::{Guess, eq};
use circuits::simd::Simd;
use circuits::wrappers::M31Wrapper;
use circuits_stark_verifier::channel::Channel;
use circuits_stark_verifier::circle::coset_vanishing_poly;
use circuits_stark_verifier::constraint_eval::compute_composition_polynomial;
use circuits_stark_verifier::fri::{fri_commit, fri_decommit};
use circuits_stark_verifier::merkle::decommit_eval_domain_samples;
use circuits_stark_verifier::oods::{
    collect_oods_responses, compute_fri_input, empty_eval_domain_samples,
    extract_expected_composition_eval,
};
use circuits_stark_verifier::proof::{Proof, empty_proof};
use circuits_stark_verifier::select_queries::{
    get_query_selection_input_from_channel, select_queries,
};
use circuits_stark_verifier::statement::{EvaluateArgs, OodsSamples, Statement};
use circuits_stark_verifier::verify::{LOG_SIZE_BITS, validate_logup_sum};
use stwo::core::fields::m31::M31;
use stwo::core::fields::qm31::QM31;
use stwo::core::verifier::COMPOSITION_LOG_SPLIT;
use stwo_cairo_common::preprocessed_columns::preprocessed_trace::PreProcessedTraceVariant;

use crate::inner::{Inner, enabled};
use crate::public::{public_sum, relation_uses, weights};
use crate::rows::{Order, fri_input, open};

/// Felts of statement 3.
const OUTPUTS: usize = 22;

/// How the circuit does what can be done in several ways.
#[derive(Clone, Copy)]
pub struct How {
    /// Columns of the components lie in a known order; otherwise the library sorts them.
    pub ordered: bool,
    /// Each value of the program is looked up once, without the zeros behind it.
    pub short_words: bool,
}

/// Rows of the tables of gates.
#[derive(Clone, Copy, Default)]
pub struct Rows {
    pub qm31_ops: usize,
    pub eq: usize,
    pub blake_g: usize,
    pub triple_xor: usize,
    pub m31_to_u32: usize,
}

impl Rows {
    /// Of a circuit in which so many guesses have no row yet.
    pub fn of(circuit: &Circuit, guesses: usize) -> Rows {
        Rows {
            qm31_ops: circuit.n_qm31_ops_rows() + guesses,
            eq: circuit.eq.len(),
            blake_g: circuit.blake_g_gate.len(),
            triple_xor: circuit.triple_xor.len(),
            m31_to_u32: circuit.m31_to_u32.len(),
        }
    }
}

/// The circuit's rows, and how many rows of its largest tables each part has.
pub struct Built {
    pub rows: Rows,
    pub parts: Vec<(&'static str, usize, usize)>,
}

struct Building {
    context: Context<NoValue>,
    parts: Vec<(&'static str, usize, usize)>,
    before: [usize; 2],
}

impl Building {
    fn part(&mut self, name: &'static str) {
        let guesses = self.context.guessed_vars.as_ref().map_or(0, Vec::len);
        let rows = Rows::of(&self.context.circuit, guesses);
        let now = [rows.qm31_ops, rows.blake_g];
        self.parts
            .push((name, now[0] - self.before[0], now[1] - self.before[1]));
        self.before = now;
    }
}

fn proof(inner: &Inner, how: How) -> Proof<NoValue> {
    let mut proof = empty_proof(&inner.config);
    if how.ordered {
        proof.eval_domain_samples = empty_eval_domain_samples(&[0; 4], inner.config.n_queries());
    }
    proof
}

/// Builds the circuit.
pub fn build(inner: &Inner, how: How) -> Built {
    let config = &inner.config;
    let mut b = Building {
        context: Context::new(N_RESERVED),
        parts: vec![],
        before: [0; 2],
    };
    let own = inner.layout.components.len();
    let cairo = inner.cairo_config.n_components();
    let claim = PUBLIC_DATA_LEN + OUTPUTS + inner.program.len() + cairo;
    let mut statement = CairoStatement::<NoValue>::new(
        &mut b.context,
        vec![M31::default(); claim],
        vec![[M31::default(); MEMORY_VALUES_LIMBS]; OUTPUTS],
        inner.program.clone(),
        enabled(),
        HashValue(QM31::default(), QM31::default()),
        PreProcessedTraceVariant::CanonicalSmall,
    );
    b.part("claim");
    let proof = proof(inner, how).guess(&mut b.context);
    b.part("guesses");

    let context = &mut b.context;
    let mut channel = Channel::new(context);
    channel.mix_qm31s(context, [proof.channel_salt]);
    config.mix_pcs_config(context, &mut channel);
    let constants_root = statement.get_preprocessed_root(context);
    channel.mix_commitment(context, constants_root);
    let words: Vec<Var> = (0..(3 + 4 * own).div_ceil(4) as u32)
        .map(|i| context.constant((1000 + i).into()))
        .collect();
    channel.mix_qm31s(context, words);
    let mut sizes = Simd::unpack(context, &statement.component_log_sizes);
    for placed in &inner.layout.components {
        sizes.push(context.constant(placed.log_rows.into()));
    }
    let wrapped: Vec<_> = sizes
        .iter()
        .map(|size| M31Wrapper::new_unsafe(*size))
        .collect();
    let packed = Simd::pack(context, &wrapped);
    let size_bits = extract_bits(context, &packed, LOG_SIZE_BITS);
    let most = Simd::repeat(context, M31::from(inner.log_rows), packed.len());
    let room = Simd::sub(context, &most, &packed);
    extract_bits(context, &room, LOG_SIZE_BITS);
    let rows = Simd::pow2(context, &size_bits);
    let row_bits = extract_bits(context, &rows, inner.log_rows + 1);
    let rows = Simd::unpack(context, &rows);
    for claim in statement.claims_to_mix(context) {
        channel.mix_qm31s(context, claim);
    }
    b.part("sizes, claim in the transcript");

    let context = &mut b.context;
    channel.mix_commitment(context, proof.trace_root);
    channel.pow(
        context,
        config.n_interaction_pow_bits,
        proof.interaction_pow_nonce,
    );
    let elements = channel.draw_two_qm31s(context);
    let (weights, messages) = weights(context, &mut channel, inner);
    b.part("challenges, messages");

    let context = &mut b.context;
    let public = public_sum(context, inner, &mut statement, elements, how);
    let public = eval!(context, (public) - (messages));
    validate_logup_sum(context, public, &proof.claimed_sums);
    let (cairo_sums, own_sums) = proof.claimed_sums.split_at(cairo);
    channel.mix_qm31s(context, cairo_sums.iter().copied());
    channel.mix_qm31s(context, own_sums.iter().copied());
    b.part("public sum");

    let context = &mut b.context;
    channel.mix_commitment(context, proof.interaction_root);
    let coefficient = channel.draw_qm31(context);
    channel.mix_commitment(context, proof.composition_polynomial_root);
    let point = channel.draw_point(context);
    let uses = relation_uses(context, &statement, &row_bits);
    statement.verify_claim(context, &rows[..cairo], &uses);
    b.part("checks of the claim");

    let context = &mut b.context;
    let interaction = proof.interaction_at_oods.iter();
    let interaction: Vec<Var> = interaction
        .flat_map(|i| i.at_prev.into_iter().chain([i.at_oods]))
        .collect();
    let samples = proof
        .preprocessed_columns_at_oods
        .iter()
        .chain(&proof.trace_at_oods);
    let samples: Vec<Var> = samples
        .chain(&interaction)
        .chain(&proof.composition_eval_at_oods)
        .copied()
        .collect();
    channel.mix_qm31s(context, samples);
    b.part("samples in the transcript");

    let at: HashMap<&str, Var> = inner
        .constants
        .iter()
        .map(|id| id.id.as_str())
        .zip(proof.preprocessed_columns_at_oods.iter().copied())
        .collect();
    let (cairo_trace, mut own_trace) = proof
        .trace_at_oods
        .split_at(inner.cairo_config.n_trace_columns);
    let interaction = &proof.interaction_at_oods;
    let (cairo_interaction, mut own_interaction) =
        interaction.split_at(inner.cairo_config.n_interaction_columns);
    let context = &mut b.context;
    let ids = statement.get_preprocessed_column_ids();
    let tables: Vec<Var> = ids
        .iter()
        .map(|id| at.get(id.id.as_str()).copied().unwrap_or(context.zero()))
        .collect();
    let composition = compute_composition_polynomial(
        context,
        &inner.cairo_config,
        &statement,
        EvaluateArgs {
            oods_samples: OodsSamples {
                preprocessed_columns: &tables,
                trace: cairo_trace,
                interaction: cairo_interaction,
            },
            pt: point,
            log_domain_size: config.log_trace_size(),
            composition_polynomial_coeff: coefficient,
            interaction_elements: elements,
            claimed_sums: cairo_sums,
            component_sizes: &rows[..cairo],
            n_instances_bits: &row_bits,
        },
    );
    b.part("constraints of Cairo");

    // The library's result is divided by the vanishing polynomial already: what is added comes below the same division.
    let context = &mut b.context;
    let vanishing = coset_vanishing_poly(context, point.x, config.log_trace_size());
    let mut accumulation = eval!(context, (composition) * (vanishing));
    let shared = Shared {
        elements,
        weights: &weights,
        coefficient,
    };
    for (i, placed) in inner.layout.components.iter().enumerate() {
        let recorded = record(placed.component, &inner.layout);
        let constants: Vec<Var> = recorded
            .constants
            .iter()
            .map(|name| at[name.as_str()])
            .collect();
        let shape = &config.component_shapes[cairo + i];
        let (values, rest) = own_trace.split_at(shape.trace_columns);
        own_trace = rest;
        let (interaction, rest) = own_interaction.split_at(shape.interaction_columns);
        own_interaction = rest;
        let samples = Samples {
            constants: &constants,
            values,
            interaction,
            rows: rows[cairo + i],
            claimed_sum: own_sums[i],
        };
        accumulation = accumulate(context, &recorded, &samples, &shared, accumulation);
    }
    let found = circuits::ops::div(context, accumulation, vanishing);
    let log_bound = config.log_trace_size() + COMPOSITION_LOG_SPLIT as usize;
    let expected = extract_expected_composition_eval(
        context,
        &proof.composition_eval_at_oods,
        point,
        log_bound,
    );
    eq(context, found, expected);
    b.part("constraints of ours");

    let context = &mut b.context;
    let quotients = channel.draw_qm31(context);
    let alphas = fri_commit(context, &mut channel, &proof.fri.commit);
    channel.pow(context, config.n_pow_bits, proof.pow_nonce);
    let input = get_query_selection_input_from_channel(context, &mut channel, config.n_queries());
    let queries = select_queries(context, &input, config.log_evaluation_domain_size());
    let bits: Vec<Vec<Var>> = queries
        .bits
        .iter()
        .map(|bit| Simd::unpack(context, bit))
        .collect();
    let responses = collect_oods_responses(context, config, point, &row_bits, &proof);
    let [trace, interaction, composition] = proof.merkle_roots();
    let roots = [constants_root, trace, interaction, composition];
    b.part("queries, points");

    let context = &mut b.context;
    let layers = if how.ordered {
        let values: Vec<Vec<Vec<Var>>> = roots
            .iter()
            .enumerate()
            .map(|(tree, root)| {
                let order = order(inner, tree, &sizes);
                let paths = (tree, &proof.eval_domain_auth_paths);
                open(context, &order, paths, &bits, *root, config.n_queries())
            })
            .collect();
        b.part("openings");
        fri_input(&mut b.context, &responses, &queries, &values, quotients)
    } else {
        let by_tree: [Vec<Var>; 2] =
            [1, 2].map(|tree| columns(inner, tree).into_iter().map(|i| sizes[i]).collect());
        let samples = &proof.eval_domain_samples;
        let paths = &proof.eval_domain_auth_paths;
        decommit_eval_domain_samples(
            context,
            config.n_queries(),
            &by_tree,
            samples,
            paths,
            &bits,
            &roots,
        );
        b.part("openings");
        compute_fri_input(&mut b.context, &responses, &queries, samples, quotients)
    };
    b.part("quotients");
    fri_decommit(
        &mut b.context,
        &proof.fri,
        &config.fri,
        layers,
        &bits,
        queries,
        &alphas,
    );
    b.part("folding");
    let Building {
        context,
        mut parts,
        before,
    } = b;
    let finished = context.finalize(false);
    let rows = Rows::of(finished.circuit(), 0);
    parts.push(("constants of the circuit", rows.qm31_ops - before[0], 0));
    Built { rows, parts }
}

/// Of each column of tree 1 or 2 the component.
fn columns(inner: &Inner, tree: usize) -> Vec<usize> {
    let shapes = inner.config.component_shapes.iter().enumerate();
    shapes
        .flat_map(|(i, shape)| {
            let count = if tree == 1 {
                shape.trace_columns
            } else {
                shape.interaction_columns
            };
            vec![i; count]
        })
        .collect()
}

/// The order of a tree's columns: first those of Cairo's components without a size of their own and of tables that are no larger than
/// ours, then the others by size.
fn order(inner: &Inner, tree: usize, sizes: &[Var]) -> Order {
    let count = match tree {
        0 => inner.constants.len(),
        3 => 8,
        _ => 0,
    };
    if count > 0 {
        let fixed = (0..count).collect();
        return Order {
            open: vec![],
            fixed,
        };
    }
    let smallest = inner.layout.components.iter().map(|placed| placed.log_rows);
    let smallest = smallest.min().unwrap_or(0);
    let size = |component: usize| match inner.cairo_sizes.get(component) {
        Some(size) => size.filter(|size| *size > smallest),
        None => Some(inner.layout.components[component - inner.cairo_sizes.len()].log_rows),
    };
    let (mut open, mut fixed) = (vec![], vec![]);
    for (column, component) in columns(inner, tree).into_iter().enumerate() {
        match size(component) {
            Some(size) => fixed.push((size, column)),
            None => open.push((column, sizes[component])),
        }
    }
    fixed.sort();
    let fixed = fixed.into_iter().map(|(_, column)| column).collect();
    Order { open, fixed }
}
