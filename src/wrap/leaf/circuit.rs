//! The leaf circuit's gates: it verifies one proof with tensor components, in the order of the proof's transcript.
//!
//! What the circuit library has is called; what it has not is written here and in the modules beside. `docs/wrapping.md` lists every check of
//! [`verify_tensors`](crate::verify::tensors::verify_tensors) with its place in the circuit.

use std::collections::HashMap;

use circuit_cairo_verifier::statement::CairoStatement;
use circuit_common::N_RESERVED;
use circuits::EXTENSION_DEGREE;
use circuits::blake::{HashValue, blake};
use circuits::context::{Context, FinalizedContext, Var};
use circuits::eval;
use circuits::extract_bits::extract_bits;
use circuits::ivalue::{IValue, qm31_from_u32s};
use circuits::ops::{Guess, div};
use circuits::simd::Simd;
use circuits::wrappers::M31Wrapper;
use circuits_stark_verifier::channel::Channel;
use circuits_stark_verifier::circle::coset_vanishing_poly;
use circuits_stark_verifier::constraint_eval::compute_composition_polynomial;
use circuits_stark_verifier::fri::{fri_commit, fri_decommit};
use circuits_stark_verifier::oods::{collect_oods_responses, extract_expected_composition_eval};
use circuits_stark_verifier::proof::{N_TRACES, Proof};
use circuits_stark_verifier::proof_from_stark_proof::{pack_enable_bits, pack_into_qm31s};
use circuits_stark_verifier::select_queries::{
    get_query_selection_input_from_channel, select_queries,
};
use circuits_stark_verifier::statement::{EvaluateArgs, OodsSamples, Statement};
use circuits_stark_verifier::verify::{LOG_SIZE_BITS, validate_logup_sum};
use stwo::core::circle::CirclePoint;
use stwo::core::fields::m31::M31;
use stwo::core::vcs::blake2_hash::Blake2sHash;
use stwo::core::verifier::COMPOSITION_LOG_SPLIT;

use super::super::components::{Samples, Shared, accumulate};
use super::super::span::{COMMON, FIRST, LAST, LIMBS, Span};
use super::columns::Columns;
use super::inner::Inner;
use super::public::{public_sum, relation_uses, weights};
use super::rows::{fri_input, open, order};
use super::rules::Rules;
use super::values::Values;
use crate::air::record::record;
use crate::verify::params;

/// Pointers that a run's stack has room for beside its frame: of each public segment its start and its end.
const POINTERS: u32 = 22;

/// Bits of the difference between two addresses.
const ADDRESS_BITS: u32 = 29;

/// How many rows of the two largest tables of gates a part of the circuit has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    pub name: &'static str,
    pub qm31_ops: usize,
    pub blake_g: usize,
}

struct Building<'a, V: IValue> {
    context: Context<V>,
    inner: &'a Inner,
    rules: Rules,
    parts: Vec<Part>,
    before: [usize; 2],
}

/// A leaf circuit.
pub struct Built<V: IValue> {
    /// All gates, with values or without.
    pub gates: FinalizedContext<V>,
    /// What this project's own gates require.
    pub rules: Rules,
    /// The rows of the circuit's parts.
    pub parts: Vec<Part>,
}

impl<V: IValue> Building<'_, V> {
    /// Notes the rows since the part before.
    fn part(&mut self, name: &'static str) {
        let guesses = self.context.guessed_vars.as_ref().map_or(0, Vec::len);
        let circuit = &self.context.circuit;
        let now = [
            circuit.n_qm31_ops_rows() + guesses,
            circuit.blake_g_gate.len(),
        ];
        self.parts.push(Part {
            name,
            qm31_ops: now[0] - self.before[0],
            blake_g: now[1] - self.before[1],
        });
        self.before = now;
    }
}

/// The sizes of all components as wires: as powers of two, and the numbers of rows with their bits.
struct Sizes {
    log: Vec<Var>,
    rows: Vec<Var>,
    bits: Vec<Simd>,
}

/// The circuit, with values or without.
pub fn build<V: IValue>(inner: &Inner, values: &Values<V>) -> Built<V> {
    let mut b = Building {
        context: Context::new(N_RESERVED),
        inner,
        rules: Rules::default(),
        parts: vec![],
        before: [0; 2],
    };
    let config = &inner.config;
    let variant = params::variant(inner.set.params.preprocessed);
    let mut statement = CairoStatement::<V>::new(
        &mut b.context,
        values.claim.clone(),
        values.output.clone(),
        inner.program.clone(),
        super::inner::enabled(),
        HashValue::from(Blake2sHash(inner.constants_root)),
        variant,
    );
    let proof = values.proof.guess(&mut b.context);
    proof.fri.validate_structure(&config.fri);
    let height = config.log_evaluation_domain_size();
    let paths = &proof.eval_domain_auth_paths;
    paths.validate_structure(&[height; N_TRACES], config.n_queries());
    for (name, values) in [
        ("filling of the public data", &statement.packed_public_data),
        ("filling of the sizes", &statement.component_log_sizes),
    ] {
        b.rules.filled_with_zeros(&mut b.context, name, values);
    }
    b.part("claim and proof");

    let context = &mut b.context;
    let mut channel = Channel::new(context);
    let none = context.zero();
    b.rules.equal(context, "salt", proof.channel_salt, none);
    channel.mix_qm31s(context, [proof.channel_salt]);
    config.mix_pcs_config(context, &mut channel);
    let constants_root = statement.get_preprocessed_root(context);
    channel.mix_commitment(context, constants_root);
    let words = inner.layout.words();
    let words: Vec<Var> = words.into_iter().map(|w| context.constant(w)).collect();
    channel.mix_qm31s(context, words);
    let sizes = b.sizes(&statement);
    b.mix_claim(&statement, &mut channel);
    b.part("sizes, claim in the transcript");

    let context = &mut b.context;
    channel.mix_commitment(context, proof.trace_root);
    channel.pow(
        context,
        config.n_interaction_pow_bits,
        proof.interaction_pow_nonce,
    );
    let elements = channel.draw_two_qm31s(context);
    let (weights, messages) = weights(context, &mut channel, inner, &values.messages);
    b.part("challenges, messages");

    let context = &mut b.context;
    let public = public_sum(context, &mut b.rules, inner, &mut statement, elements);
    let public = eval!(context, (public) - (messages));
    validate_logup_sum(context, public, &proof.claimed_sums);
    let (cairo_sums, own_sums) = proof.claimed_sums.split_at(inner.cairo_components());
    channel.mix_qm31s(context, cairo_sums.iter().copied());
    channel.mix_qm31s(context, own_sums.iter().copied());
    b.part("public sum");

    let context = &mut b.context;
    channel.mix_commitment(context, proof.interaction_root);
    let coefficient = channel.draw_qm31(context);
    channel.mix_commitment(context, proof.composition_polynomial_root);
    let point = channel.draw_point(context);
    b.check_claim(&statement, &sizes);
    b.part("checks of the claim");

    let context = &mut b.context;
    channel.mix_qm31s(context, samples(&proof));
    b.part("samples in the transcript");

    let shared = Shared {
        elements,
        weights: &weights,
        coefficient,
    };
    let found = b.composition(&statement, &proof, &sizes, &shared, point);
    let context = &mut b.context;
    let log_bound = config.log_trace_size() + COMPOSITION_LOG_SPLIT as usize;
    let expected = extract_expected_composition_eval(
        context,
        &proof.composition_eval_at_oods,
        point,
        log_bound,
    );
    b.rules.equal(context, "constraints", found, expected);
    b.part("constraints of ours");

    let context = &mut b.context;
    let quotients = channel.draw_qm31(context);
    let alphas = fri_commit(context, &mut channel, &proof.fri.commit);
    channel.pow(context, config.n_pow_bits, proof.pow_nonce);
    let input = get_query_selection_input_from_channel(context, &mut channel, config.n_queries());
    let queries = select_queries(context, &input, config.log_evaluation_domain_size());
    let bits = queries.bits.iter();
    let bits: Vec<Vec<Var>> = bits.map(|simd| Simd::unpack(context, simd)).collect();
    let [trace, interaction, composition] = proof.merkle_roots();
    let roots = [constants_root, trace, interaction, composition];
    let mut opened = vec![];
    for (tree, root) in roots.into_iter().enumerate() {
        let order = order(inner, tree, &sizes.log);
        let paths = (tree, &proof.eval_domain_auth_paths);
        let rows = &values.rows[tree];
        opened.push(open(&mut b.context, &order, rows, paths, &bits, root));
    }
    b.part("openings");

    let context = &mut b.context;
    let responses = collect_oods_responses(context, config, point, &sizes.bits, &proof);
    let layers = fri_input(
        context,
        &mut b.rules,
        &responses,
        &queries,
        &opened,
        quotients,
    );
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
    b.set_outputs(&statement);
    b.part("public value");
    let Building {
        context,
        rules,
        mut parts,
        before,
        ..
    } = b;
    let gates = context.finalize(false);
    parts.push(Part {
        name: "constants of the circuit",
        qm31_ops: gates.circuit().n_qm31_ops_rows() - before[0],
        blake_g: 0,
    });
    Built {
        gates,
        rules,
        parts,
    }
}

impl<V: IValue> Building<'_, V> {
    /// The sizes of all components, each at most the trace's. The library's function for it is private.
    fn sizes(&mut self, statement: &CairoStatement<V>) -> Sizes {
        let context = &mut self.context;
        let log_trace_size = self.inner.config.log_trace_size();
        let mut log = Simd::unpack(context, &statement.component_log_sizes);
        for placed in &self.inner.layout.components {
            log.push(context.constant(placed.log_rows.into()));
        }
        let wrapped: Vec<_> = log.iter().map(|s| M31Wrapper::new_unsafe(*s)).collect();
        let packed = Simd::pack(context, &wrapped);
        let size_bits = extract_bits(context, &packed, LOG_SIZE_BITS);
        let most = Simd::repeat(context, M31::from(log_trace_size as u32), packed.len());
        let room = Simd::sub(context, &most, &packed);
        let name = "sizes within the trace";
        self.rules.below(context, name, &room, LOG_SIZE_BITS);
        let rows = Simd::pow2(context, &size_bits);
        let bits = extract_bits(context, &rows, log_trace_size as u32 + 1);
        let rows = Simd::unpack(context, &rows);
        Sizes { log, rows, bits }
    }

    /// Mixes in the claim: what the library's statement mixes in, which makes the output's digest the circuit's public value besides.
    fn mix_claim(&mut self, statement: &CairoStatement<V>, channel: &mut Channel) {
        let context = &mut self.context;
        let number = |number: usize| qm31_from_u32s(number as u32, 0, 0, 0);
        let places = context.constant(number(statement.enabled_bits.len()));
        channel.mix_qm31s(context, [places]);
        let enabled = pack_enable_bits(&statement.enabled_bits).into_iter();
        let enabled: Vec<Var> = enabled.map(|bits| context.constant(bits)).collect();
        channel.mix_qm31s(context, enabled);
        let sizes = statement.component_log_sizes.get_packed().to_vec();
        channel.mix_qm31s(context, sizes);
        let length = context.constant(number(statement.program.len()));
        channel.mix_qm31s(context, [length]);
        let public = statement.packed_public_data.get_packed().to_vec();
        channel.mix_qm31s(context, public);
        let output = &statement.packed_outputs;
        let output = blake(context, output.get_packed(), 4 * output.len());
        channel.mix_qm31s(context, [output.0, output.1]);
        let program = pack_into_qm31s(statement.program.iter().flatten().copied());
        let bytes = 4 * EXTENSION_DEGREE * program.len();
        let program = circuits::blake::blake_qm31(&program, bytes);
        let program = [program.0, program.1].map(|half| context.constant(half));
        channel.mix_qm31s(context, program);
    }

    /// The checks of what the proof claims.
    fn check_claim(&mut self, statement: &CairoStatement<V>, sizes: &Sizes) {
        let (context, rules) = (&mut self.context, &mut self.rules);
        let uses = relation_uses(context, rules, self.inner, statement, &sizes.bits);
        let cairo = &sizes.rows[..self.inner.cairo_components()];
        statement.verify_claim(context, cairo, &uses);
        // The library leaves open where the run's stack starts: right behind the program and the two cells of the safe call.
        let (first, last) = (
            &statement.public_data.initial_state,
            &statement.public_data.final_state,
        );
        let start = context.constant((1 + self.inner.program.len() as u32 + 2).into());
        rules.equal(context, "start of the stack", first.ap, start);
        // The output is looked up where its segment starts: where the run's stack ends.
        let output = &statement.public_data.public_memory.segment_ranges[0];
        rules.equal(context, "start of the output", output.start.value, last.ap);
        let pointers = context.constant(POINTERS.into());
        let room = eval!(context, ((last.ap) - (first.ap)) - (pointers));
        let room = Simd::from_packed(vec![room], 1);
        rules.below(context, "length of the stack", &room, ADDRESS_BITS);
    }

    /// The composition polynomial at the point, from the samples: Cairo's constraints first, then the layout's, as the native verifier
    /// combines them.
    fn composition(
        &mut self,
        statement: &CairoStatement<V>,
        proof: &Proof<Var>,
        sizes: &Sizes,
        shared: &Shared<'_>,
        point: CirclePoint<Var>,
    ) -> Var {
        let inner = self.inner;
        let (config, cairo) = (&inner.config, inner.cairo_components());
        let names = inner.constants.iter().map(|id| id.id.as_str());
        let at: HashMap<&str, Var> = names
            .zip(proof.preprocessed_columns_at_oods.iter().copied())
            .collect();
        let (cairo_trace, mut own_trace) = proof
            .trace_at_oods
            .split_at(inner.cairo_config.n_trace_columns);
        let interaction = &proof.interaction_at_oods;
        let (cairo_interaction, mut own_interaction) =
            interaction.split_at(inner.cairo_config.n_interaction_columns);
        let context = &mut self.context;
        let divided = compute_composition_polynomial(
            context,
            &inner.cairo_config,
            &Columns {
                statement,
                constants: &inner.constants,
            },
            EvaluateArgs {
                oods_samples: OodsSamples {
                    preprocessed_columns: &proof.preprocessed_columns_at_oods,
                    trace: cairo_trace,
                    interaction: cairo_interaction,
                },
                pt: point,
                log_domain_size: config.log_trace_size(),
                composition_polynomial_coeff: shared.coefficient,
                interaction_elements: shared.elements,
                claimed_sums: &proof.claimed_sums[..cairo],
                component_sizes: &sizes.rows[..cairo],
                n_instances_bits: &sizes.bits,
            },
        );
        self.part("constraints of Cairo");
        // What is added comes under the division by the vanishing polynomial, which the library has done.
        let context = &mut self.context;
        let vanishing = coset_vanishing_poly(context, point.x, config.log_trace_size());
        let mut combined = eval!(context, (divided) * (vanishing));
        for (i, placed) in inner.layout.components.iter().enumerate() {
            let recorded = record(placed.component, &inner.layout);
            let constants = recorded.constants.iter();
            let constants: Vec<Var> = constants.map(|name| at[name.as_str()]).collect();
            let shape = &config.component_shapes[cairo + i];
            let (values, rest) = own_trace.split_at(shape.trace_columns);
            own_trace = rest;
            let (interaction, rest) = own_interaction.split_at(shape.interaction_columns);
            own_interaction = rest;
            let samples = Samples {
                constants: &constants,
                values,
                interaction,
                rows: sizes.rows[cairo + i],
                claimed_sum: proof.claimed_sums[cairo + i],
            };
            combined = accumulate(context, &recorded, &samples, shared, combined);
        }
        div(context, combined, vanishing)
    }

    /// The circuit's public value: the digest of what the program's output says.
    fn set_outputs(&mut self, statement: &CairoStatement<V>) {
        let context = &mut self.context;
        let felt = LIMBS / EXTENSION_DEGREE;
        let output = statement.packed_outputs.get_packed().to_vec();
        let [common, first, last] = [COMMON, FIRST, LAST].map(|felts| {
            let part = &output[felt * felts.start..felt * felts.end];
            blake(context, part, 4 * EXTENSION_DEGREE * part.len())
        });
        let span = Span {
            common,
            first,
            last,
        };
        let preimage = span.of_leaf();
        let bytes = 4 * EXTENSION_DEGREE * preimage.len();
        let HashValue(low, high) = blake(context, &preimage, bytes);
        context.set_outputs(&[low, high]);
    }
}

/// All samples, in the order of the transcript.
fn samples(proof: &Proof<Var>) -> Vec<Var> {
    let constants_and_trace = proof.preprocessed_columns_at_oods.iter();
    let constants_and_trace = constants_and_trace.chain(&proof.trace_at_oods).copied();
    let interaction = proof.interaction_at_oods.iter();
    let interaction = interaction.flat_map(|i| i.at_prev.into_iter().chain([i.at_oods]));
    let all = constants_and_trace.chain(interaction);
    all.chain(proof.composition_eval_at_oods).collect()
}
