//! Multiplicities: how often the rows of a witness use each tuple of the tables.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::{Add, Mul, Range, Sub};

use stwo::core::fields::m31::M31;

use super::{Constants, Table, Witness};
use crate::air::components::lanes::CHANNELS;
use crate::air::components::relations::{
    ANGLES, EMBEDDING, FUNCTION, LANES, POSITIONS, RANGE, TENSOR,
};
use crate::air::components::{Component, head, range};
use crate::air::record::{Expression, Lookup, Node, record};

/// Rows whose expressions are computed together: what a processor keeps near it.
const ROWS_AT_ONCE: usize = 1 << 12;

/// A hash of one number or two. They come from the prover's own rows, so nobody chooses them to collide.
#[derive(Default)]
struct Mixer(u64);

impl Hasher for Mixer {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u32(byte.into()));
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = (self.0.rotate_left(32) ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

/// How often something is used.
type Counts<K> = HashMap<K, u32, BuildHasherDefault<Mixer>>;

/// Uses by what tells a tuple from the others of its relation.
#[derive(Default)]
struct Tally {
    /// By address.
    tensor: Counts<u32>,
    /// By row of the table.
    range: Vec<u32>,
    /// By address and lane.
    lanes: Counts<(u32, u32)>,
    /// By part and token.
    embedding: Counts<(u32, u32)>,
    /// By table and argument.
    function: Counts<(u32, u32)>,
    /// By part and position.
    angles: Counts<(u32, u32)>,
    /// By part and position.
    positions: Counts<(u32, u32)>,
}

impl Tally {
    /// Counts the uses of a tuple by the rows of a component. What tells the tuple from the others of its relation are its
    /// first two elements behind the relation.
    fn count(&mut self, lookup: &Lookup, constants: &Table, trace: &Table) {
        let (Some(relation), [_, first, second, ..]) = (lookup.relation(), &lookup.tuple[..])
        else {
            return;
        };
        let counted = [TENSOR, RANGE, LANES, EMBEDDING, FUNCTION, ANGLES, POSITIONS];
        if !counted.contains(&relation) {
            return;
        }
        let rows = trace.first().map_or(0, Vec::len);
        for start in (0..rows).step_by(ROWS_AT_ONCE) {
            let rows = start..rows.min(start + ROWS_AT_ONCE);
            let of = |expression| Numbers::of(expression, constants, trace, &rows);
            let [on, first, second] = [&lookup.on, first, second].map(of);
            for row in 0..rows.len() {
                if on.at(row) == M31::from(1) {
                    self.add(relation, (first.at(row).0, second.at(row).0));
                }
            }
        }
    }

    fn add(&mut self, relation: M31, key: (u32, u32)) {
        match relation {
            TENSOR => *self.tensor.entry(key.0).or_default() += 1,
            RANGE => self.range[range::row_of(key.0, key.1)] += 1,
            LANES => *self.lanes.entry(key).or_default() += 1,
            ANGLES => *self.angles.entry(key).or_default() += 1,
            POSITIONS => *self.positions.entry(key).or_default() += 1,
            EMBEDDING => *self.embedding.entry(key).or_default() += 1,
            _ => *self.function.entry(key).or_default() += 1,
        }
    }
}

/// What an expression without powers and weights, which count as 0, is in some rows.
enum Numbers<'a> {
    Same(M31),
    Each(Cow<'a, [M31]>),
}

impl<'a> Numbers<'a> {
    fn of(
        expression: &Expression,
        constants: &'a Table,
        trace: &'a Table,
        rows: &Range<usize>,
    ) -> Numbers<'a> {
        let column = |column: &'a Vec<M31>| Numbers::Each(Cow::Borrowed(&column[rows.clone()]));
        let of = |expression| Numbers::of(expression, constants, trace, rows);
        match expression.node() {
            Node::Number(number) => Numbers::Same(*number),
            Node::Constant(i) => column(&constants[*i]),
            Node::Value(i) => column(&trace[*i]),
            Node::Weight(_) | Node::Power { .. } => Numbers::Same(M31::from(0)),
            Node::Sum(a, b) => of(a).with(of(b), M31::add),
            Node::Difference(a, b) => of(a).with(of(b), M31::sub),
            Node::Product(a, b) => of(a).with(of(b), M31::mul),
        }
    }

    fn with(self, other: Numbers<'_>, both: impl Fn(M31, M31) -> M31) -> Numbers<'a> {
        let each = match (&self, &other) {
            (Numbers::Same(a), Numbers::Same(b)) => return Numbers::Same(both(*a, *b)),
            (Numbers::Same(a), Numbers::Each(b)) => b.iter().map(|b| both(*a, *b)).collect(),
            (Numbers::Each(a), Numbers::Same(b)) => a.iter().map(|a| both(*a, *b)).collect(),
            (Numbers::Each(a), Numbers::Each(b)) => {
                a.iter().zip(&**b).map(|(a, b)| both(*a, *b)).collect()
            }
        };
        Numbers::Each(Cow::Owned(each))
    }

    fn at(&self, row: usize) -> M31 {
        match self {
            Numbers::Same(number) => *number,
            Numbers::Each(numbers) => numbers[row],
        }
    }
}

/// Writes the multiplicities of all tables, from the uses of all rows.
pub fn write(constants: &Constants, witness: &mut Witness) {
    let layout = &constants.layout;
    let mut tally = Tally {
        range: vec![0; 1 << range::LOG_ROWS],
        ..Tally::default()
    };
    for (i, placed) in layout.components.iter().enumerate() {
        // These use nothing.
        if matches!(
            placed.component,
            Component::Tensor
                | Component::Range
                | Component::Table
                | Component::AngleTable
                | Component::PositionTable { .. }
                | Component::EmbeddingTable { .. }
        ) {
            continue;
        }
        for lookup in &record(placed.component, layout).lookups {
            tally.count(lookup, &constants.tables[i], &witness.tables[i]);
        }
    }
    for (i, placed) in layout.components.iter().enumerate() {
        let own = (&*constants.tables[i], &mut witness.tables[i]);
        fill(placed.component, layout.lanes, own, &tally);
    }
}

/// Writes the multiplicities of one component.
fn fill(
    component: Component,
    lanes: usize,
    (constants, trace): (&Table, &mut Table),
    tally: &Tally,
) {
    let of = |count: Option<&u32>| M31::from(count.copied().unwrap_or(0));
    match component {
        Component::Tensor => {
            for (row, address) in constants[0].iter().enumerate() {
                trace[lanes][row] = of(tally.tensor.get(&address.0));
            }
        }
        Component::Range => {
            trace[0] = tally.range.iter().map(|&count| M31::from(count)).collect();
        }
        Component::Table => {
            // Padding repeats a row: only the first of both counts.
            let mut left = tally.function.clone();
            let arguments = constants[0].iter().zip(&constants[1]);
            for (row, (table, argument)) in arguments.enumerate() {
                trace[0][row] = of(left.remove(&(table.0, argument.0)).as_ref());
            }
        }
        Component::Lanes => {
            let [on, address] = [&constants[0], &constants[1]];
            for row in (0..on.len()).filter(|&row| on[row] == M31::from(1)) {
                for lane in 0..lanes {
                    let count = tally.lanes.get(&(address[row].0, lane as u32));
                    trace[CHANNELS * lanes + lane][row] = of(count);
                }
            }
        }
        Component::CarriedLanes { .. } => {
            for row in 0..trace[0].len() {
                if trace[0][row] != M31::from(1) {
                    continue;
                }
                for lane in 0..lanes {
                    let count = tally.lanes.get(&(constants[0][row].0, lane as u32));
                    trace[1 + CHANNELS * lanes + lane][row] = of(count);
                }
            }
        }
        Component::Head { width, tied: true } => {
            // The token's constant is behind those of the place, the multiplicities are behind three operands.
            let [on, token] = [&constants[0], &constants[4]];
            for row in (0..on.len()).filter(|&row| on[row] == M31::from(1)) {
                for part in 0..width / head::part(width) {
                    let count = tally.embedding.get(&(part as u32, token[row].0));
                    trace[3 + part][row] = of(count);
                }
            }
        }
        Component::AngleTable => fill_vectors(constants, trace, &tally.angles),
        Component::PositionTable { .. } => fill_vectors(constants, trace, &tally.positions),
        Component::EmbeddingTable { .. } => fill_vectors(constants, trace, &tally.embedding),
        _ => {}
    }
}

/// Writes the multiplicities of a table of vectors, from the uses by part and position.
fn fill_vectors(constants: &Table, trace: &mut Table, uses: &Counts<(u32, u32)>) {
    let [on, part, position] = [&constants[0], &constants[1], &constants[2]];
    for row in (0..on.len()).filter(|&row| on[row] == M31::from(1)) {
        let count = uses.get(&(part[row].0, position[row].0)).copied();
        trace[0][row] = M31::from(count.unwrap_or(0));
    }
}
