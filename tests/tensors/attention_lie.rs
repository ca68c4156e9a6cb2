//! What lies about attention are made with.
//!
//! A lie is made in a chunk whose tokens are chosen so that it changes little, and [`Lie::settle`] makes everything consistent that follows from it.

use std::collections::BTreeSet;

use cairo_decode::air::challenges::Kind;
use cairo_decode::air::components::attend::{LANE_VALUES, ROW_VALUES, TENSOR_ROWS};
use cairo_decode::prove::tensor::{Witness, tally};
use cairo_decode::tensor::attention::Attention;
use cairo_decode::tensor::constants::signed;
use cairo_decode::tensor::query_head::QueryHead;
use cairo_decode::tensor::{self, Matrix, Plan, Product};
use stwo::core::fields::m31::M31;

use crate::attention::{self, exp};
use crate::balance::{Honest, Misfit};
use crate::{Chunk, LANES};
use of_lane::*;

/// Channels of a head.
pub const DIM: usize = 8;

/// A unit of distance is `2^SHIFT`.
pub const SHIFT: u32 = 7;

/// Of mixtures.
pub const MIXED_SHIFT: u32 = 12;

/// Values of a lane in `attend`, with the second limb.
pub const LANE: usize = LANE_VALUES + 3;

/// A lane's columns in `attend`, behind the first of them.
pub mod of_lane {
    pub const LOW: usize = 0;
    pub const VISIBLE: usize = 1;
    pub const REST: usize = 2;
    pub const WEIGHT: usize = 3;
    pub const ATTAINED: usize = 4;
    pub const SHARE: usize = 5;
    pub const BELOW: usize = 6;
    pub const ABOVE: usize = 7;
    pub const HIGH: usize = 8;
    pub const FLAG: usize = 9;
    pub const NEAR: usize = 10;
}

/// Columns of a row in `attend`.
pub mod of_row {
    pub const ON: usize = 0;
    pub const OP: usize = 1;
    pub const NEW: usize = 2;
    pub const NEXT: usize = 3;
    pub const OWN: usize = 4;
    pub const CARRIED: usize = 5;
    pub const BLOCK: usize = 7;
    pub const LAST_GROUP: usize = 8;
    pub const PART: usize = 16;
    pub const INVERSE: usize = 17;
    pub const MASK: usize = 18;
}

/// The tensor rows that `attend` reads.
#[derive(Clone, Copy)]
pub enum Read {
    Maximum,
    Reciprocal,
    Exponent,
    Power,
    Mask,
}

/// Tokens: 0 has no queries, keys and values; 1 and 2 are so far from each other that a distance has a second limb; 3 is a little larger than 0
/// for its own queries.
pub const EMBEDDINGS: [[i32; 2]; 4] = [[0, 0], [80, 0], [-80, 0], [0, 10]];

/// Attention of heads that share keys by two, which nothing reads, with room for two carried blocks.
pub fn plan(heads: usize) -> Plan {
    let row = |[a, b]: [i32; 2]| [vec![a, b], vec![0; DIM - 2]].concat();
    let embedding = Matrix::new(DIM, EMBEDDINGS.map(row).to_vec());
    let mut plan = Plan::new(LANES, 12, embedding).expect("a plan");
    plan.carry(2).expect("before attention");
    // Weights are 0 from a distance of about 10,000 on.
    let weights = plan.table(exp(1.0 / 1000.0, 1 << 16)).expect("a table");
    let x = plan.embed();
    let kv_heads = if heads.is_multiple_of(2) {
        heads / 2
    } else {
        1
    };
    let [queries, keys, values] =
        [(heads, 32), (kv_heads, 32), (kv_heads, 1)].map(|(heads, scale)| {
            let row = |output: usize| match output % DIM {
                0 => row([scale, 0]),
                1 => row([0, 1]),
                _ => vec![0; DIM],
            };
            let of = Product {
                weights: Matrix::new(DIM, (0..heads * DIM).map(row)),
                bias: vec![0; heads * DIM],
                shift: 0,
            };
            plan.linear(x, of, 14).expect("in range")
        });
    let of = Attention {
        heads,
        kv_heads,
        head_dim: DIM,
        shift: SHIFT,
        weights,
        mixed_shift: MIXED_SHIFT,
        bits: 16,
    };
    plan.attention(queries, keys, values, of).expect("in range");
    // It has the embeddings.
    plan.head(x).expect("in range");
    plan
}

/// A chunk of these tokens, behind positions of others.
pub fn chunk(heads: usize, tokens: [u32; LANES], before: &[u32]) -> Chunk {
    let plan = plan(heads);
    let blocks = before.len().div_ceil(LANES);
    let mut carried = vec![];
    for block in 0..blocks {
        for (tensor, scale) in plan.carried.tensors.iter().zip([32, 1]) {
            carried.extend((0..tensor.own.channels).map(|channel| -> Vec<i64> {
                let of = |lane: usize| {
                    let token = before.get(LANES * block + lane).copied().unwrap_or(0);
                    let [a, b] = EMBEDDINGS[token as usize];
                    match channel % DIM {
                        0 => i64::from(a * scale),
                        1 => i64::from(b),
                        _ => 0,
                    }
                };
                (0..LANES).map(of).collect()
            }));
        }
    }
    let of = tensor::Chunk {
        tokens: tokens.to_vec(),
        position: before.len() as u32,
        carried,
        ..tensor::Chunk::default()
    };
    attention::chunk(plan, &of)
}

/// Lane 0 sees one key, lane 1 two whose scores differ by less than a unit, lane 2 one that is far from its own, which lane 3 sees from the
/// other side.
pub const MIXED: [u32; LANES] = [0, 3, 1, 2, 0, 0, 0, 0];

/// A witness of a chunk that is changed.
pub struct Lie<'a> {
    pub chunk: &'a Chunk,
    pub heads: Vec<QueryHead>,
    pub witness: Witness,
}

impl Lie<'_> {
    pub fn new(chunk: &Chunk) -> Lie<'_> {
        Lie {
            chunk,
            heads: attention::heads(&chunk.plan),
            witness: chunk.witness.clone(),
        }
    }

    pub fn get(&self, component: &str, column: usize, row: usize) -> i64 {
        let value = i64::from(self.witness.tables[self.chunk.index(component)][column][row].0);
        if value > 1 << 30 {
            value - ((1 << 31) - 1)
        } else {
            value
        }
    }

    pub fn put(&mut self, component: &str, column: usize, row: usize, value: M31) {
        let component = self.chunk.index(component);
        self.witness.tables[component][column][row] = value;
    }

    pub fn set(&mut self, component: &str, column: usize, row: usize, value: i64) {
        self.put(component, column, row, signed(value));
    }

    pub fn add(&mut self, component: &str, column: usize, row: usize, value: i64) {
        let value = self.get(component, column, row) + value;
        self.set(component, column, row, value);
    }

    /// What the memory has.
    pub fn writes(&mut self, address: usize, lane: usize, value: i64) {
        self.set("tensor", lane, address, value);
    }

    /// A lane's value in a row of `attend`.
    pub fn at(&self, row: usize, lane: usize, which: usize) -> i64 {
        self.get("attend", lane_column(lane, which), row)
    }

    pub fn set_at(&mut self, row: usize, lane: usize, which: usize, value: i64) {
        self.set("attend", lane_column(lane, which), row, value);
    }

    /// The first row of a head in `attend`, and how many it has.
    pub fn rows(&self, head: usize) -> std::ops::Range<usize> {
        let groups = self.chunk.values.chunk.position.div_ceil(LANES as u32) as usize + 1;
        head * groups * LANES..(head + 1) * groups * LANES
    }

    /// Makes the statistics, the shares and the results of a lane follow from the weights that its rows claim, and from as much more.
    pub fn settle(&mut self, head: usize, lane: usize, more: i64) {
        let weights: Vec<i64> = self
            .rows(head)
            .map(|row| self.at(row, lane, NEAR) * self.at(row, lane, WEIGHT))
            .collect();
        let sum = weights.iter().sum::<i64>() + more;
        let exponent = (0..).find(|n| sum <= 1 << n).expect("an exponent");
        self.normalises(head, lane, [(1 << (exponent + 13)) / sum, exponent], sum);
    }

    /// The same for a reciprocal and its exponent.
    pub fn normalises(
        &mut self,
        head: usize,
        lane: usize,
        [mantissa, exponent]: [i64; 2],
        sum: i64,
    ) {
        let rest = (1 << (exponent + 13)) - mantissa * sum;
        let gap = sum - 1 - rest;
        let limbs = |x: i64| [x.rem_euclid(1 << 15), x.div_euclid(1 << 15)];
        let ([a, a2], [c, c2]) = (limbs(rest), limbs(gap));
        let carry = (mantissa * (a + c + 1) + a) >> 15;
        let power = 1 << (exponent - 2);
        let own = [mantissa, exponent, power, a, a2, c, c2, carry];
        for (i, value) in own.into_iter().enumerate() {
            self.set("softmax", 9 + 8 * lane + i, head, value);
        }
        let statistics = self.heads[head].statistics.address as usize;
        for (i, value) in (1..).zip([mantissa, exponent, power]) {
            self.writes(statistics + i, lane, value);
        }
        let mut mixture = [0; DIM];
        for row in self.rows(head) {
            let reads = [Read::Reciprocal, Read::Exponent, Read::Power];
            for (read, value) in reads.into_iter().zip([mantissa, exponent, power]) {
                self.set("attend", read_column(read, lane), row, value);
            }
            let (near, weight) = (self.at(row, lane, NEAR), self.at(row, lane, WEIGHT));
            let shifted = near * (weight * mantissa + (1 << (exponent - 1)));
            let share = shifted >> exponent;
            let rest = shifted - (share << exponent);
            self.set_at(row, lane, SHARE, share);
            self.set_at(row, lane, BELOW, rest % (1 << 14));
            self.set_at(row, lane, ABOVE, rest >> 14);
            for (channel, sum) in mixture.iter_mut().enumerate() {
                *sum += share * self.get("attend", ROW_VALUES + channel, row);
            }
        }
        for (channel, sum) in mixture.into_iter().enumerate() {
            self.mixes(head, lane, channel, sum);
        }
    }

    /// The result of a channel is that of this mixture.
    pub fn mixes(&mut self, head: usize, lane: usize, channel: usize, sum: i64) {
        let shifted = sum + (1 << (MIXED_SHIFT - 1));
        let result = shifted >> MIXED_SHIFT;
        let row = head * DIM + channel;
        self.set("mixed", 8 + lane, row, result);
        self.set(
            "mixed",
            8 + LANES + lane,
            row,
            shifted - (result << MIXED_SHIFT),
        );
        let output = self.heads[head].output.address as usize;
        self.writes(output + channel, lane, result);
    }

    /// Another maximum of a lane, with the same scores.
    pub fn attains(&mut self, head: usize, lane: usize, more: i64) {
        let statistics = self.heads[head].statistics.address as usize;
        let maximum = self.get("tensor", lane, statistics) + more;
        self.writes(statistics, lane, maximum);
        for row in self.rows(head) {
            self.set("attend", read_column(Read::Maximum, lane), row, maximum);
            let seen = self.get("attend", read_column(Read::Mask, lane), row);
            if seen == 0 {
                let column = lane_column(lane, LOW);
                let low = self.witness.tables[self.chunk.index("attend")][column][row];
                let unit = M31::from(1 << SHIFT).inverse();
                self.put("attend", column, row, low + signed(more) * unit);
                continue;
            }
            let form = self.form(row, lane) + more;
            let distance = form.div_euclid(1 << SHIFT);
            let high = distance.max(0) >> 16;
            let low = distance - (high << 16);
            self.set_at(row, lane, LOW, low);
            self.set_at(row, lane, VISIBLE, low);
            self.set_at(row, lane, HIGH, high);
            self.set_at(row, lane, REST, form.rem_euclid(1 << SHIFT));
        }
    }

    /// The distance of a key that a lane sees, with its rest.
    pub fn form(&self, row: usize, lane: usize) -> i64 {
        let distance = self.at(row, lane, LOW) + (self.at(row, lane, HIGH) << 16);
        (distance << SHIFT) + self.at(row, lane, REST)
    }

    /// A lane sees a key that it did not see, whose score is so far from the maximum.
    pub fn sees(&mut self, row: usize, lane: usize, form: i64) {
        self.set("attend", read_column(Read::Mask, lane), row, 1);
        let distance = form >> SHIFT;
        let (low, high) = (distance % (1 << 16), distance >> 16);
        let near = i64::from(high == 0);
        let table = &self.chunk.plan.tables[0];
        let weight = i64::from(table.values[low as usize]);
        let own = [
            (LOW, low),
            (VISIBLE, low),
            (REST, form % (1 << SHIFT)),
            (WEIGHT, weight),
            (HIGH, high),
            (FLAG, near),
            (NEAR, near),
        ];
        for (which, value) in own {
            self.set_at(row, lane, which, value);
        }
    }

    /// A lane does not see a key that it saw.
    pub fn overlooks(&mut self, row: usize, lane: usize) {
        let form = self.form(row, lane);
        self.set("attend", read_column(Read::Mask, lane), row, 0);
        let low = signed(form) * M31::from(1 << SHIFT).inverse();
        let nearest = i64::from(self.chunk.plan.tables[0].values[0]);
        self.put("attend", lane_column(lane, LOW), row, low);
        let own = [(VISIBLE, 0), (REST, 0), (WEIGHT, nearest), (ATTAINED, 0)];
        for (which, value) in own.into_iter().chain([(HIGH, 0), (FLAG, 1), (NEAR, 0)]) {
            self.set_at(row, lane, which, value);
        }
    }

    pub fn misfit(&mut self) -> Misfit {
        tally::write(&self.chunk.constants, &mut self.witness);
        let checked = Honest::check(&self.chunk.constants, &self.witness, 1);
        checked.err().unwrap_or_default()
    }

    /// What does not fit where these kinds of sums have one factor.
    pub fn misfit_of_kinds(&mut self, alike: &[Kind]) -> Misfit {
        tally::write(&self.chunk.constants, &mut self.witness);
        let checked = Honest::check_alike(&self.chunk.constants, &self.witness, alike);
        checked.err().unwrap_or_default()
    }

    /// Refused by these relations, and by nothing else.
    pub fn refused_by(mut self, relations: &[M31], what: &str) {
        let misfit = self.misfit();
        let open: BTreeSet<u32> = misfit.open.iter().copied().collect();
        let expected: BTreeSet<u32> = relations.iter().map(|relation| relation.0).collect();
        assert_eq!(open, expected, "{what}: {misfit:?}");
        assert_eq!((misfit.broken, misfit.sum), (vec![], false), "{what}");
    }

    /// Refused by a constraint of these rows, and by nothing else.
    pub fn refused_in(mut self, component: &str, rows: &[usize], what: &str) {
        let broken = rows.iter().map(|&row| (component.to_string(), row));
        let only = Misfit {
            broken: broken.collect(),
            ..Misfit::default()
        };
        assert_eq!(self.misfit(), only, "{what}");
    }

    /// Refused by the zero sum, and by nothing else.
    pub fn refused_by_the_sum(mut self, what: &str) {
        let only = Misfit {
            sum: true,
            ..Misfit::default()
        };
        assert_eq!(self.misfit(), only, "{what}");
    }

    /// Nothing refuses it.
    pub fn accepted(mut self, what: &str) {
        assert_eq!(self.misfit(), Misfit::default(), "{what}");
    }
}

pub fn lane_column(lane: usize, which: usize) -> usize {
    ROW_VALUES + DIM + TENSOR_ROWS * LANES + LANE * lane + which
}

pub fn read_column(read: Read, lane: usize) -> usize {
    ROW_VALUES + DIM + read as usize * LANES + lane
}
