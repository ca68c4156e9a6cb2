//! Interaction columns of a component: its powers, and the running sums of its fractions.

use num_traits::{One, Zero};
use rayon::prelude::*;
use stwo::core::Fraction;
use stwo::core::fields::batch_inverse;
use stwo::core::fields::m31::M31;
use stwo::core::fields::qm31::QM31;
use stwo::core::utils::{bit_reverse_index, coset_index_to_circle_domain_index};
use stwo::prover::backend::simd::m31::{N_LANES, PackedM31};
use stwo::prover::backend::simd::qm31::PackedQM31;
use stwo_constraint_framework::{LogupTraceGenerator, Relation};

use super::{Columns, column, evaluation};
use crate::air::challenges::Challenges;
use crate::air::components::Component;
use crate::air::layout::{Layout, Placed};
use crate::air::record::{Expression, Recorded, record};
use crate::air::row::{Row, batches};

/// Place in storage, bit-reversed circle order, of each row of a column.
pub fn places(log_rows: u32) -> Vec<u32> {
    let place =
        |row| bit_reverse_index(coset_index_to_circle_domain_index(row, log_rows), log_rows);
    (0..1usize << log_rows)
        .map(|row| place(row) as u32)
        .collect()
}

/// A column's values as they are stored, from the order of rows.
pub fn stored<T: Copy + Default>(rows: &[T], places: &[u32]) -> Vec<T> {
    let mut out = vec![T::default(); rows.len()];
    for (value, place) in rows.iter().zip(places) {
        out[*place as usize] = *value;
    }
    out
}

/// Rows, 16 at once, whose sums a thread writes together.
const ROWS_AT_ONCE: usize = 16;

/// A component's columns as they are stored, 16 values at once.
struct Packed {
    constants: Vec<Vec<PackedM31>>,
    trace: Vec<Vec<PackedM31>>,
    powers: Vec<Vec<PackedQM31>>,
}

/// 16 rows of a component.
struct PackedRow<'a> {
    columns: &'a Packed,
    challenges: &'a Challenges,
    row: usize,
    at: [usize; 3],
    lookups: Vec<Fraction<PackedQM31, PackedQM31>>,
    term: Option<PackedQM31>,
}

impl PackedRow<'_> {
    fn next(&mut self, tree: usize) -> usize {
        let at = self.at[tree];
        self.at[tree] += 1;
        at
    }
}

impl Row for PackedRow<'_> {
    type F = PackedM31;
    type C = QM31;
    type EF = PackedQM31;

    fn numbered_constant(&mut self, _: &'static str, _: usize) -> PackedM31 {
        let at = self.next(0);
        self.columns.constants[at][self.row]
    }

    fn value(&mut self) -> PackedM31 {
        let at = self.next(1);
        self.columns.trace[at][self.row]
    }

    fn power(&mut self, _: PackedM31, _: PackedQM31) -> PackedQM31 {
        let at = self.next(2);
        self.columns.powers[at][self.row]
    }

    fn zero(&mut self, _: PackedM31) {}

    fn uses(&mut self, on: PackedM31, tuple: &[PackedM31]) {
        let denominator: PackedQM31 = self.challenges.elements.combine(tuple);
        self.lookups
            .push(Fraction::new(PackedQM31::from(on), denominator));
    }

    fn sums(&mut self, term: PackedQM31) {
        self.term = Some(self.term.map_or(term, |sum| sum + term));
    }
}

/// The powers of all rows, in order: they follow from constants and weights, and in `attend` from a column of the trace. The
/// first row's previous one does not count, as its factor is 0.
fn powers(
    recorded: &Recorded,
    challenges: &Challenges,
    (constants, trace): (&[Vec<M31>], &[Vec<M31>]),
    rows: usize,
) -> Vec<Vec<QM31>> {
    let mut weights = vec![];
    challenges.weights.map(&mut |weight| weights.push(*weight));
    let of = |[first, factor]: &[Expression; 2]| {
        let mut previous = QM31::zero();
        let power = |row: usize| {
            let (constant, value) = (|i: usize| constants[i][row], |i: usize| trace[i][row]);
            let [first, factor] = [first, factor].map(|x| x.weighed(&constant, &value, &weights));
            previous = previous * factor + first;
            previous
        };
        (0..rows).map(power).collect()
    };
    recorded.powers.iter().map(of).collect()
}

fn pack(values: &[M31]) -> Vec<PackedM31> {
    let (chunks, _) = values.as_chunks::<N_LANES>();
    chunks
        .iter()
        .map(|chunk| PackedM31::from_array(*chunk))
        .collect()
}

fn pack_secure(values: &[QM31]) -> Vec<PackedQM31> {
    let (chunks, _) = values.as_chunks::<N_LANES>();
    chunks
        .iter()
        .map(|chunk| PackedQM31::from_array(*chunk))
        .collect()
}

/// The interaction columns of a component and their sum.
pub fn write(
    Placed {
        component,
        log_rows,
    }: Placed,
    layout: &Layout,
    challenges: &Challenges,
    (constants, trace): (&[Vec<M31>], &[Vec<M31>]),
) -> (Columns, QM31) {
    let lanes = layout.lanes;
    let places = places(log_rows);
    let powers = powers(
        &record(component, layout),
        challenges,
        (constants, trace),
        1 << log_rows,
    );
    let powers: Vec<Vec<QM31>> = powers
        .iter()
        .map(|column| stored(column, &places))
        .collect();
    let packed_columns = |columns: &[Vec<M31>]| {
        let columns = columns.iter();
        columns.map(|c| pack(&stored(c, &places))).collect()
    };
    let packed = Packed {
        constants: packed_columns(constants),
        trace: packed_columns(trace),
        powers: powers.iter().map(|column| pack_secure(column)).collect(),
    };
    let mut out: Columns = powers
        .iter()
        .flat_map(|column| secure_columns(column))
        .collect();
    let mut sums = running_sums(component, lanes, challenges, &packed, log_rows);
    let last = sums.pop().unwrap_or_default();
    out.extend(sums.into_iter().flat_map(|sum| sum.map(evaluation)));
    // The library sums the last column over rows.
    let mut generator = LogupTraceGenerator::new(log_rows);
    let mut column = generator.new_col();
    for (row, value) in secure(&last).enumerate() {
        column.write_frac(row, value, PackedQM31::one());
    }
    column.finalize_col();
    let (columns, sum) = generator.finalize_last();
    out.extend(columns);
    (out, sum)
}

/// A column over the field of the challenges, 16 values at once, by its four coordinates.
type Secure = [Vec<PackedM31>; 4];

/// The sums of each row's fractions up to that of each interaction column, in the row.
fn running_sums(
    component: Component,
    lanes: usize,
    challenges: &Challenges,
    packed: &Packed,
    log_rows: u32,
) -> Vec<Secure> {
    let of_row = |row| fractions(component, lanes, challenges, packed, row);
    let rows = (1usize << log_rows) / N_LANES;
    let column = || [0; 4].map(|_| vec![PackedM31::zero(); rows]);
    let mut columns: Vec<Secure> = of_row(0).iter().map(|_| column()).collect();
    // What a thread writes: some rows of all columns.
    let mut blocks: Vec<Vec<[&mut [PackedM31]; 4]>> = vec![];
    blocks.resize_with(rows.div_ceil(ROWS_AT_ONCE), Vec::new);
    for column in &mut columns {
        let [a, b, c, d] = column.each_mut().map(|c| c.chunks_mut(ROWS_AT_ONCE));
        let parts = a.zip(b).zip(c.zip(d));
        for (block, ((a, b), (c, d))) in blocks.iter_mut().zip(parts) {
            block.push([a, b, c, d]);
        }
    }
    let blocks = blocks.into_par_iter().enumerate();
    blocks.for_each(|(number, mut block)| {
        let first = number * ROWS_AT_ONCE;
        for row in first..rows.min(first + ROWS_AT_ONCE) {
            let fractions = of_row(row);
            let denominators: Vec<PackedQM31> = fractions.iter().map(|f| f.denominator).collect();
            let inverses = batch_inverse(&denominators);
            let mut sum = PackedQM31::zero();
            for ((column, fraction), inverse) in block.iter_mut().zip(&fractions).zip(inverses) {
                sum += fraction.numerator * inverse;
                let coordinates = column.iter_mut().zip(sum.into_packed_m31s());
                coordinates.for_each(|(coordinate, value)| coordinate[row - first] = value);
            }
        }
    });
    columns
}

/// The values of a column.
fn secure([a, b, c, d]: &Secure) -> impl Iterator<Item = PackedQM31> {
    let coordinates = a.iter().zip(b).zip(c.iter().zip(d));
    coordinates.map(|((a, b), (c, d))| PackedQM31::from_packed_m31s([*a, *b, *c, *d]))
}

/// The fractions of 16 rows, added up by interaction column.
fn fractions(
    component: Component,
    lanes: usize,
    challenges: &Challenges,
    columns: &Packed,
    row: usize,
) -> Vec<Fraction<PackedQM31, PackedQM31>> {
    let mut packed = PackedRow {
        columns,
        challenges,
        row,
        at: [0; 3],
        lookups: vec![],
        term: None,
    };
    component.evaluate(lanes, &challenges.weights, &mut packed);
    let batches = batches(packed.lookups.len(), packed.term.is_some());
    let term = packed
        .term
        .map(|term| Fraction::new(term, PackedQM31::one()));
    let mut sums: Vec<Fraction<PackedQM31, PackedQM31>> = vec![];
    for (fraction, batch) in packed.lookups.into_iter().chain(term).zip(batches) {
        match sums.get_mut(batch) {
            Some(sum) => *sum = *sum + fraction,
            None => sums.push(fraction),
        }
    }
    sums
}

/// The four coordinates of a column over the field of the challenges.
fn secure_columns(values: &[QM31]) -> Columns {
    (0..4)
        .map(|i| column(values.iter().map(|value| value.to_m31_array()[i])))
        .collect()
}
