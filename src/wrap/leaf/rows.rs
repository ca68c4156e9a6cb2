//! A tree's rows at the queries with the order of its columns known beforehand: rows are guessed packed, in the order in which they are
//! hashed, and taken apart once, for the hash and for the quotients.

use std::collections::BTreeMap;

use circuits::blake::{BLAKE2S_IV, HashValue, blake_g_gate, m31_to_u32, triple_xor};
use circuits::context::{Context, Var};
use circuits::eval;
use circuits::ivalue::{IValue, qm31_from_u32s};
use circuits::ops::{Guess, div, from_partial_evals, mul, pointwise_mul};
use circuits::simd::Simd;
use circuits::wrappers::M31Wrapper;
use circuits_stark_verifier::merkle::{AuthPaths, verify_merkle_path};
use circuits_stark_verifier::oods::{N_COMPOSITION_COLUMNS, OodsPointAuxiliary, OodsResponse};
use circuits_stark_verifier::proof::N_TRACES;
use circuits_stark_verifier::select_queries::Queries;
use circuits_stark_verifier::sort_queries::QuerySorter;
use stwo::core::fields::m31::M31;
use stwo::core::fields::qm31::QM31;
use stwo_cairo_common::preprocessed_columns::blake::BLAKE_SIGMA;

use super::inner::Inner;
use super::rules::Rules;
use super::values::Rows;

/// Which columns of the state each quarter round takes.
const QUARTERS: [[usize; 4]; 8] = [
    [0, 4, 8, 12],
    [1, 5, 9, 13],
    [2, 6, 10, 14],
    [3, 7, 11, 15],
    [0, 5, 10, 15],
    [1, 6, 11, 12],
    [2, 7, 8, 13],
    [3, 4, 9, 14],
];

/// Blake2s of numbers of the base field, four bytes each.
fn hash(context: &mut Context<impl IValue>, numbers: &[Var]) -> HashValue<Var> {
    let mut words: Vec<Var> = numbers.iter().map(|&n| m31_to_u32(context, n)).collect();
    let none = context.constant(QM31::pack_u32(0));
    words.resize(words.len().next_multiple_of(16).max(16), none);
    let mut state = BLAKE2S_IV;
    state[0] ^= 0x0101_0020;
    let mut state = state.map(|word| context.constant(QM31::pack_u32(word)));
    let blocks = words.len() / 16;
    for (i, block) in words.chunks(16).enumerate() {
        let length = numbers.len().min(16 * (i + 1)) as u32 * 4;
        let mut constants = BLAKE2S_IV;
        constants[4] ^= length;
        constants[6] ^= if i + 1 == blocks { u32::MAX } else { 0 };
        let mut v = state.to_vec();
        v.extend(constants.map(|word| context.constant(QM31::pack_u32(word))));
        for round in BLAKE_SIGMA.iter() {
            for (i, [a, b, c, d]) in QUARTERS.into_iter().enumerate() {
                let [first, second] = [round[2 * i], round[2 * i + 1]].map(|at| block[at as usize]);
                let new = blake_g_gate(context, v[a], v[b], v[c], v[d], first, second);
                (v[a], v[b], v[c], v[d]) = new;
            }
        }
        state = std::array::from_fn(|i| triple_xor(context, state[i], v[i], v[i + 8]));
    }
    let shift = context.constant(M31::from(1u32 << 16).into());
    let reduced = state.map(|word| {
        let halves = Simd::from_packed(vec![word], 2);
        let [low, high] = [0, 1].map(|i| Simd::unpack_idx(context, &halves, i));
        eval!(context, (low) + ((high) * (shift)))
    });
    let [a, b, c, d, e, f, g, h] = reduced;
    let [low, high] = [[a, b, c, d], [e, f, g, h]].map(|four| from_partial_evals(context, four));
    HashValue(low, high)
}

/// The columns of a tree in the order in which they are hashed.
pub struct Order {
    /// Columns whose places the proof's sizes decide, with their sizes: they are hashed first.
    pub open: Vec<(usize, Var)>,
    /// The others, in their order.
    pub fixed: Vec<usize>,
}

/// Of each column of tree 1 or 2 the component.
fn components(inner: &Inner, tree: usize) -> Vec<usize> {
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
pub fn order(inner: &Inner, tree: usize, sizes: &[Var]) -> Order {
    let count = match tree {
        0 => inner.constants.len(),
        3 => N_COMPOSITION_COLUMNS,
        _ => 0,
    };
    const _: () = assert!(N_TRACES == 4);
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
    for (column, component) in components(inner, tree).into_iter().enumerate() {
        match size(component) {
            Some(size) => fixed.push((size, column)),
            None => open.push((column, sizes[component])),
        }
    }
    fixed.sort();
    let fixed = fixed.into_iter().map(|(_, column)| column).collect();
    Order { open, fixed }
}

/// A guessed number of the base field.
pub fn one<V: IValue>(context: &mut Context<V>, value: QM31) -> M31Wrapper<Var> {
    let value = V::from_qm31(value).guess(context);
    // The coordinates behind the first are masked away.
    M31Wrapper::new_unsafe(pointwise_mul(context, value, context.one()))
}

/// Opens a tree at all queries, whose rows have the values `rows`. Of each query the value of each column.
pub fn open<V: IValue>(
    context: &mut Context<V>,
    order: &Order,
    rows: &Rows,
    (tree, paths): (usize, &AuthPaths<Var>),
    bits: &[Vec<Var>],
    root: HashValue<Var>,
) -> Vec<Vec<Var>> {
    let sizes: Vec<Var> = order.open.iter().map(|(_, size)| *size).collect();
    let mut sorter = if sizes.is_empty() {
        QuerySorter::skip_sorting()
    } else {
        QuerySorter::new(context, &sizes)
    };
    // What fills the last packed number of the sorted columns is guessed alone.
    let alone = sizes
        .len()
        .next_multiple_of(4)
        .min(sizes.len() + order.fixed.len())
        - sizes.len();
    let (alone, packed) = order.fixed.split_at(alone);
    let columns = sizes.len() + order.fixed.len();
    let mut all = vec![];
    for (query, given) in rows.iter().enumerate() {
        let mut values = vec![context.zero(); columns];
        let open = order.open.iter();
        let open: Vec<M31Wrapper<Var>> = open
            .map(|(column, _)| {
                let value = one(context, given[*column].into());
                values[*column] = *value.get();
                value
            })
            .collect();
        let sorted = sorter.sort(context, open);
        let mut row: Vec<Var> = sorted.iter().map(|v| *v.get()).collect();
        for column in alone {
            let value = *one(context, given[*column].into()).get();
            values[*column] = value;
            row.push(value);
        }
        for four in packed.chunks(4) {
            let number = std::array::from_fn(|i| four.get(i).map_or(M31::default(), |c| given[*c]));
            let number = V::from_qm31(QM31::from_m31_array(number)).guess(context);
            let number = Simd::from_packed(vec![number], four.len());
            for (column, value) in four.iter().zip(Simd::unpack(context, &number)) {
                values[*column] = value;
                row.push(value);
            }
        }
        let leaf = hash(context, &row);
        let bits: Vec<Var> = bits.iter().map(|bit| bit[query]).collect();
        verify_merkle_path(context, leaf, &bits, root, paths.at(tree, query));
        all.push(values);
    }
    all
}

/// What FRI starts from, of values by tree, query and column.
pub fn fri_input(
    context: &mut Context<impl IValue>,
    rules: &mut Rules,
    responses: &[OodsResponse],
    queries: &Queries,
    values: &[Vec<Vec<Var>>],
    coefficient: Var,
) -> Vec<Var> {
    let (points, product) = points(context, responses, coefficient);
    // At a point whose `d` is zero no value of a column would count, and a quotient could have the denominator zero.
    rules.nonzero(context, "samples' points", product);
    quotients(context, &points, queries, values)
}

/// The points at which columns are sampled, with all that is sampled there; and the product of their `d`.
pub fn points(
    context: &mut Context<impl IValue>,
    responses: &[OodsResponse],
    coefficient: Var,
) -> (Vec<OodsPointAuxiliary>, Var) {
    let mut points = BTreeMap::<(usize, usize), OodsPointAuxiliary>::new();
    let mut power = context.constant(-qm31_from_u32s(0, 0, 2, 0));
    for (i, response) in responses.iter().enumerate() {
        if i > 0 {
            power = eval!(context, (power) * (coefficient));
        }
        let (x, y) = (response.pt.x, response.pt.y);
        let point = points.entry((x.idx, y.idx));
        let point = point.or_insert_with(|| OodsPointAuxiliary::new(context, x, y));
        point.accumulate(context, power, response);
    }
    let mut product = context.one();
    for point in points.values_mut() {
        point.finalize(context);
        product = mul(context, product, point.d);
    }
    (points.into_values().collect(), product)
}

/// The sum of all columns' quotients at each query.
pub fn quotients(
    context: &mut Context<impl IValue>,
    points: &[OodsPointAuxiliary],
    queries: &Queries,
    values: &[Vec<Vec<Var>>],
) -> Vec<Var> {
    let [x, y] = [&queries.points.x, &queries.points.y].map(|all| Simd::unpack(context, all));
    let mut answers = vec![];
    for (query, (x, y)) in x.into_iter().zip(y).enumerate() {
        let mut sum = context.zero();
        for point in points {
            let mut numerator = eval!(context, ((point.a_sum) * (y)) + (point.b_sum));
            for (factor, tree, column) in &point.c_vec {
                let value = values[*tree][query][*column];
                numerator = eval!(context, (numerator) - ((*factor) * (value)));
            }
            let line = eval!(context, ((point.d) * (x)) - (((point.e) * (y)) + (point.f)));
            let quotient = div(context, numerator, line);
            sum = eval!(context, (sum) + (quotient));
        }
        answers.push(sum);
    }
    answers
}
