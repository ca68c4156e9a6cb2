//! Challenges, messages, and what public data adds to the sum of all lookups.

use std::collections::{BTreeMap, HashMap};

use cairo_air::relations::{MEMORY_ADDRESS_TO_ID_RELATION_ID, MEMORY_ID_TO_BIG_RELATION_ID};
use circuit_cairo_verifier::statement::{CairoStatement, MEMORY_VALUES_LIMBS, public_logup_sum};
use circuits::context::{Context, Var};
use circuits::eval;
use circuits::ivalue::IValue;
use circuits::ops::{Guess, mul};
use circuits::simd::Simd;
use circuits::wrappers::M31Wrapper;
use circuits_stark_verifier::channel::Channel;
use circuits_stark_verifier::logup::logup_use_term;
use circuits_stark_verifier::statement::Statement;
use circuits_stark_verifier::verify::RELATION_USES_NUM_ROWS_SHIFT;
use stwo::core::fields::m31::M31;
use stwo::core::fields::qm31::QM31;

use super::inner::{Inner, Limbs};
use super::rules::Rules;
use crate::air::challenges::Challenges;
use crate::air::uses;

/// Draws the weights, in the order of their places, with the messages, whose sum is the second result.
pub fn weights<V: IValue>(
    context: &mut Context<V>,
    channel: &mut Channel,
    inner: &Inner,
    messages: &[QM31],
) -> (Vec<Var>, Var) {
    let shape = Challenges::without_values(&inner.layout).weights;
    let [beta, rho, theta, sigma, delta] = [0; 5].map(|_| channel.draw_qm31(context));
    let kappa = shape.kappa.map(|_| channel.draw_qm31(context));
    let messages = messages.iter();
    let messages: Vec<Var> = messages
        .map(|message| V::from_qm31(*message).guess(context))
        .collect();
    channel.mix_qm31s(context, messages.iter().copied());
    let tau = channel.draw_qm31(context);
    let mut all = powers(context, beta, shape.beta.len());
    for component in inner
        .layout
        .components
        .iter()
        .map(|placed| placed.component)
    {
        if let Some(start) = component.start() {
            all.push(power(context, beta, start));
        }
    }
    for (of, count) in [
        (rho, shape.rho.len()),
        (theta, shape.theta.len()),
        (sigma, shape.sigma.len()),
        (delta, shape.delta.len()),
    ] {
        all.extend(powers(context, of, count));
    }
    all.extend(kappa);
    all.push(tau);
    let mut sum = context.zero();
    for message in messages.iter().rev() {
        sum = eval!(context, ((sum) + (*message)) * (tau));
    }
    all.extend(messages);
    (all, sum)
}

fn powers(context: &mut Context<impl IValue>, of: Var, count: usize) -> Vec<Var> {
    let mut all = vec![context.one()];
    while all.len() < count {
        let next = mul(context, all[all.len() - 1], of);
        all.push(next);
    }
    all.truncate(count);
    all
}

fn power(context: &mut Context<impl IValue>, of: Var, exponent: u32) -> Var {
    let mut result = context.one();
    for bit in (0..u32::BITS - exponent.leading_zeros()).rev() {
        result = mul(context, result, result);
        if exponent >> bit & 1 == 1 {
            result = mul(context, result, of);
        }
    }
    result
}

/// What the program's words add to the public sum. A word is looked up once, as often as it is there, and without the zeros behind it,
/// which add nothing to the tuple's combination: so all places of a word have one identifier.
fn program_sum(
    context: &mut Context<impl IValue>,
    rules: &mut Rules,
    (start, ids, words): (Var, &[Var], &[Limbs]),
    elements: [Var; 2],
) -> Var {
    let addresses = context.constant(MEMORY_ADDRESS_TO_ID_RELATION_ID.into());
    let values = context.constant(MEMORY_ID_TO_BIG_RELATION_ID.into());
    let (mut sum, mut address) = (context.zero(), start);
    let mut seen: BTreeMap<[u32; MEMORY_VALUES_LIMBS], (Var, u32)> = BTreeMap::new();
    for (i, (&id, word)) in ids.iter().zip(words).enumerate() {
        if i > 0 {
            address = eval!(context, (address) + (1));
        }
        let term = logup_use_term(context, &[addresses, address, id], elements);
        sum = eval!(context, (sum) + (term));
        let (first, count) = seen.entry(word.map(|limb| limb.0)).or_insert((id, 0));
        if *count > 0 {
            rules.equal(context, "one identifier for a word", id, *first);
        }
        *count += 1;
    }
    for (word, (id, count)) in seen {
        let limbs = word.iter().rposition(|&limb| limb != 0);
        let limbs = limbs.map_or(0, |last| last + 1);
        let mut tuple = vec![values, id];
        let limbs = word[..limbs].iter();
        tuple.extend(limbs.map(|&limb| context.constant(M31::from(limb).into())));
        let term = logup_use_term(context, &tuple, elements);
        let count = context.constant(count.into());
        sum = eval!(context, (sum) + ((term) * (count)));
    }
    sum
}

/// What public data adds to the sum of all lookups.
pub fn public_sum<V: IValue>(
    context: &mut Context<V>,
    rules: &mut Rules,
    inner: &Inner,
    statement: &mut CairoStatement<V>,
    elements: [Var; 2],
) -> Var {
    let ids = std::mem::take(&mut statement.public_data.public_memory.program_ids);
    let outputs = Simd::unpack(context, &statement.packed_outputs);
    let outputs: Vec<[M31Wrapper<Var>; MEMORY_VALUES_LIMBS]> = outputs
        .chunks(MEMORY_VALUES_LIMBS)
        .map(|limbs| std::array::from_fn(|i| M31Wrapper::new_unsafe(limbs[i])))
        .collect();
    let others = public_logup_sum(context, &statement.public_data, &[], &outputs, elements);
    let start = statement.public_data.initial_state.pc;
    let words = program_sum(context, rules, (start, &ids, &inner.program), elements);
    statement.public_data.public_memory.program_ids = ids;
    eval!(context, (others) + (words))
}

/// The uses of Cairo's relations, those of the layout's components included, in units of 2^16 and below the field's modulus. `bits` are those of the
/// numbers of rows of all components.
pub fn relation_uses<V: IValue>(
    context: &mut Context<V>,
    rules: &mut Rules,
    inner: &Inner,
    statement: &CairoStatement<V>,
    bits: &[Simd],
) -> HashMap<String, Var> {
    let count = bits[0].len();
    let high = match bits.get(RELATION_USES_NUM_ROWS_SHIFT..) {
        Some(high) if !high.is_empty() => {
            let one = Simd::one(context, count);
            let high = Simd::combine_bits(context, high);
            Simd::add(context, &high, &one)
        }
        _ => Simd::one(context, count),
    };
    Simd::mark_partly_used(context, &high);
    // No sum below can be as large as the modulus, whatever the sizes: a component's factor has as many bits as are left of a size.
    let most = 1 << (bits.len().saturating_sub(RELATION_USES_NUM_ROWS_SHIFT) + 1);
    let each = statement.get_components().values();
    let each = each.flat_map(|component| component.relation_uses_per_row());
    let all: u64 = each.map(|of| of.uses).sum();
    assert!(all * most < 1 << 30, "the count of uses could overflow");
    let mut uses: BTreeMap<&str, Var> = BTreeMap::new();
    for (name, own) in uses::of_cairos_relations(&inner.layout) {
        let units = own.div_ceil(1 << RELATION_USES_NUM_ROWS_SHIFT) as u32;
        uses.insert(name, context.constant(units.into()));
    }
    for (i, component) in statement.get_components().values().enumerate() {
        for of in component.relation_uses_per_row() {
            let rows = Simd::unpack_idx(context, &high, i);
            let each = context.constant((of.uses as u32).into());
            let before = uses.get(of.relation_id).copied().unwrap_or(context.zero());
            let sum = eval!(context, (before) + ((rows) * (each)));
            uses.insert(of.relation_id, sum);
        }
    }
    let all: Vec<_> = uses
        .values()
        .map(|sum| M31Wrapper::new_unsafe(*sum))
        .collect();
    let all = Simd::pack(context, &all);
    let bits = 31 - RELATION_USES_NUM_ROWS_SHIFT as u32;
    rules.below(context, "uses of relations", &all, bits);
    uses.into_iter()
        .map(|(name, sum)| (name.to_string(), sum))
        .collect()
}
