//! Rows of a norm for one lane, written step by step from claims that need not be true: what follows from a lie is as the lie says.

use cairo_decode::air::components::Component;
use cairo_decode::prove::tensor::{Witness, tally};
use cairo_decode::tensor::constants::signed;
use cairo_decode::tensor::norm::Normed;
use cairo_decode::tensor::{NormKind, Operation};
use stwo::core::fields::m31::M31;

use crate::balance::{Honest, Misfit};
use crate::{Chunk, LANES};

/// The field's modulus.
pub const P: i64 = (1 << 31) - 1;

/// What `h N` is nearly.
pub const PRODUCT: i64 = (1 << 29) - (1 << 19);

/// Numbers of a row of `norm_root`, behind its view: see the component.
#[derive(Clone, Copy, Debug)]
pub enum At {
    W,
    L0,
    L1,
    U,
    Top,
    A,
    R,
    Q0,
    Q1,
    G0,
    G1,
    Y0,
    K,
    Least,
    N0,
    N1,
    J,
    T0,
    T1,
    TLeft,
    H1,
    I0,
    I1,
    X0,
    X1,
    XLeft,
    M1,
    Values,
    Missing,
}

/// A lane of a norm.
pub struct Lane<'a> {
    pub chunk: &'a Chunk,
    pub norm: &'a Normed,
    pub lane: usize,
    /// `2^g x` of each channel, as the row of `norm` says it.
    pub wholes: Vec<i64>,
    pub exponent: i64,
    pub scale: i64,
    pub mean: i64,
    pub mantissa: i64,
    /// `u, w, a, r, z, q` of each channel.
    pub channels: Vec<[i64; 6]>,
    /// What stands for eps.
    pub floor: i64,
    row: Vec<i64>,
}

/// `u, w, a, r` in a unit.
pub fn scaled(whole: i64, scale: i64) -> [i64; 4] {
    let value = whole.div_euclid(scale);
    split(value, whole - scale * value)
}

/// The same of `v` and `r`.
pub fn split(value: i64, rest: i64) -> [i64; 4] {
    let half = value.div_euclid(2);
    [
        half,
        (half * half + half).div_euclid(1 << 15),
        value - 2 * half,
        rest,
    ]
}

fn square([u, ..]: &[i64; 6]) -> i64 {
    u * u + u
}

fn step([u, _, a, ..]: &[i64; 6]) -> i64 {
    a * (2 * u + 1) - u
}

/// The number of least magnitude that is congruent.
pub fn reduced(number: i64) -> i64 {
    let number = number.rem_euclid(P);
    if number > P / 2 { number - P } else { number }
}

/// `⌊√number⌋`.
fn root(number: i64) -> i64 {
    number.isqrt()
}

impl<'a> Lane<'a> {
    /// The lane as it is.
    pub fn new(chunk: &'a Chunk, number: usize, lane: usize) -> Lane<'a> {
        let norms = chunk
            .plan
            .operations
            .iter()
            .filter_map(|operation| match operation {
                Operation::Norm(norm) => Some(norm),
                _ => None,
            });
        let norm = norms.into_iter().nth(number).expect("a norm");
        let of = |address: u32| chunk.values.rows[address as usize][lane];
        let addresses = norm.input.addresses();
        let statistic = |number: u32| of(norm.statistics.address + number);
        let mean = if norm.of.kind == NormKind::Layer {
            statistic(3)
        } else {
            0
        };
        let mut own = Lane {
            chunk,
            norm,
            lane,
            wholes: addresses
                .map(|address| of(address) << norm.of.grain)
                .collect(),
            exponent: statistic(0),
            scale: statistic(1),
            mean,
            mantissa: statistic(2),
            channels: vec![],
            floor: norm.of.floor,
            row: vec![0; At::Missing as usize + 1],
        };
        own.units();
        own.follow();
        own
    }

    pub fn get(&self, at: At) -> i64 {
        self.row[at as usize]
    }

    pub fn set(&mut self, at: At, value: i64) {
        self.row[at as usize] = value;
    }

    pub fn add(&mut self, at: At, value: i64) {
        self.row[at as usize] += value;
    }

    fn set_all<const N: usize>(&mut self, first: At, values: [i64; N]) {
        self.row[first as usize..][..N].copy_from_slice(&values);
    }

    fn limbs(&mut self, first: At, bits: u32, value: i64) {
        self.set_all(first, [value.rem_euclid(1 << bits), value >> bits]);
    }

    /// The channels and eps in the unit.
    pub fn units(&mut self) {
        let of = |whole: &i64| {
            let [u, w, a, r] = scaled(whole - self.mean, self.scale);
            [u, w, a, r, 0, 0]
        };
        self.channels = self.wholes.iter().map(of).collect();
        self.set_all(At::U, scaled(self.floor, self.scale));
    }

    /// What follows from the channels: the sums, and all else.
    pub fn follow(&mut self) {
        self.sums();
        self.lengths();
        self.divide();
        self.results();
    }

    /// The claims of sums.
    pub fn sums(&mut self) {
        let sum = |of: &dyn Fn(&[i64; 6]) -> i64| -> i64 { self.channels.iter().map(of).sum() };
        let [tops, squares, steps] = [sum(&|c| c[1]), sum(&square), sum(&step)];
        let values = sum(&|c| 2 * c[0] + c[2]);
        let rests = sum(&|c| c[3]);
        self.set(At::W, tops);
        self.limbs(At::L0, 15, squares - (tops << 15));
        self.limbs(At::G0, 15, steps + (1 << 27));
        self.set(At::M1, (self.mean + (1 << 28)) >> 15);
        self.set(At::Values, -values);
        self.set(At::Missing, -self.scale * values - rests);
    }

    /// `u² + u` of the eps.
    fn eps_square(&self) -> i64 {
        let u = self.get(At::U);
        u * u + u
    }

    /// What follows from the claims: `q`, `Y` and the least of it.
    pub fn lengths(&mut self) {
        let squares = (self.get(At::W) << 15) + self.get(At::L0) + (self.get(At::L1) << 15);
        let all = squares + self.eps_square();
        // A sum that is congruent to one below 2^30 is as good.
        let all = if (0..1 << 30).contains(&reduced(all)) {
            reduced(all)
        } else {
            all
        };
        self.limbs(At::Q0, 15, all);
        self.doubles();
        self.set(At::Least, if self.exponent == 0 { 0 } else { 1 << 13 });
    }

    /// `Y` from `q` and `G`.
    pub fn doubles(&mut self) {
        let [u, a] = [self.get(At::U), self.get(At::A)];
        let steps = self.get(At::G0) + (self.get(At::G1) << 15) - (1 << 27);
        let steps = steps + a * (2 * u + 1) - u;
        let doubled = 2 * self.get(At::Q0) + steps;
        self.limbs(At::Y0, 16, doubled);
    }

    pub fn top(&self) -> i64 {
        self.get(At::Q1) + self.get(At::K)
    }

    /// `Σ (2 v + 1)²` as the row says it.
    pub fn length(&self) -> i64 {
        8 * self.get(At::Y0) + (self.top() << 19) + self.wholes.len() as i64 + 1
    }

    /// The root and the mantissa, from the length.
    pub fn divide(&mut self) {
        self.rooted(root(self.length()));
        self.mantissa = (2 * PRODUCT + self.root()) / (2 * self.root());
        self.reciprocal();
    }

    pub fn root(&self) -> i64 {
        self.get(At::N0) + (self.get(At::N1) << 9)
    }

    /// The numbers about a root, right or wrong.
    pub fn rooted(&mut self, root: i64) {
        self.limbs(At::N0, 9, root);
        self.carry();
        self.remains(At::T0, self.length() - root * root, 2 * root);
    }

    /// `j`.
    pub fn carry(&mut self) {
        let high = self.get(At::N1);
        self.set(At::J, high * high - 2 * self.top());
    }

    /// A number up to `most`.
    pub fn remains(&mut self, first: At, value: i64, most: i64) {
        self.limbs(first, 16, value);
        let left = (most - value) >> 16;
        self.row[first as usize + 2] = left;
    }

    /// The numbers about the mantissa.
    pub fn reciprocal(&mut self) {
        self.set(At::H1, self.mantissa >> 10);
        let carry = (PRODUCT >> 9) - self.mantissa * self.get(At::N1);
        self.limbs(At::I0, 16, carry + (1 << 8));
        let root = self.root();
        let rest = 2 * PRODUCT + root - 2 * self.mantissa * root;
        self.remains(At::X0, rest, 2 * root - 1);
    }

    /// The results of all channels.
    pub fn results(&mut self) {
        let (shift, mantissa) = (self.norm.of.shift(), self.mantissa);
        for channel in &mut self.channels {
            let odd = 2 * (2 * channel[0] + channel[2]) + 1;
            let shifted = reduced(odd * mantissa) + (1 << (shift - 1));
            channel[4] = shifted >> shift;
            channel[5] = shifted.rem_euclid(1 << shift);
        }
    }

    fn centred(&self) -> bool {
        self.norm.of.kind == NormKind::Layer
    }

    /// Place of the norm's components: `norm_root`, `norm`.
    pub fn components(&self) -> [usize; 2] {
        let centred = self.centred();
        let components = [Component::NormRoot { centred }, Component::Norm { centred }];
        components.map(|component| {
            let mut placed = self.chunk.constants.layout.components.iter();
            placed
                .position(|placed| placed.component == component)
                .expect("placed")
        })
    }

    /// The lane's column in `norm`: its input, its statistics `e, s, h, M`, and from 5 on the channel's `u, w, a, r, z, q`.
    pub fn column(&self, number: usize) -> usize {
        let rows = 4 + usize::from(self.centred());
        match number {
            0..=4 => 3 + number * LANES + self.lane,
            _ => 3 + rows * LANES + 6 * self.lane + number - 5,
        }
    }

    /// Writes the lane into a witness: rows, statistics, results and what the next operation reads.
    pub fn write(&self, witness: &mut Witness) {
        let [roots, channels] = self.components();
        let statistics = [self.exponent, self.scale, self.mantissa, self.mean];
        let statistics = &statistics[..self.norm.statistics.channels];
        let count = if self.centred() { 29 } else { 26 };
        for (i, &value) in statistics.iter().enumerate() {
            witness.tables[roots][3 + i][self.lane] = signed(value);
        }
        for (i, &value) in self.row[..count].iter().enumerate() {
            witness.tables[roots][3 + 8 + i][self.lane] = signed(value);
        }
        for (row, own) in self.channels.iter().enumerate() {
            let whole = self.wholes[row] >> self.norm.of.grain;
            let common = [&[whole], statistics].concat();
            for (number, value) in common.into_iter().enumerate() {
                witness.tables[channels][self.column(number)][row] = signed(value);
            }
            for (number, &value) in own.iter().enumerate() {
                witness.tables[channels][self.column(5 + number)][row] = signed(value);
            }
        }
        self.write_memory(statistics, witness);
    }

    fn write_memory(&self, statistics: &[i64], witness: &mut Witness) {
        let named = |name: &str| self.chunk.index(name);
        let [memory, views, products] = ["tensor", "lanes", "product"].map(named);
        let address = self.norm.statistics.address;
        let constants = &self.chunk.constants.tables[views][1];
        let view = constants.iter().position(|&of| of == M31::from(address));
        let view = view.expect("a view of the statistics");
        for (i, &value) in statistics.iter().enumerate() {
            witness.tables[memory][self.lane][address as usize + i] = signed(value);
            witness.tables[views][i * LANES + self.lane][view] = signed(value);
        }
        let input = &self.chunk.constants.tables[products][4];
        for (channel, own) in self.channels.iter().enumerate() {
            let output = self.norm.output.address as usize + channel;
            witness.tables[memory][self.lane][output] = signed(own[4]);
            let reads = |row: usize| {
                let address = witness.tables[products][0][row].0 + input[row].0;
                address as usize == output
            };
            let rows: Vec<usize> = (0..input.len()).filter(|&row| reads(row)).collect();
            for row in rows {
                witness.tables[products][3 + self.lane][row] = signed(own[4]);
            }
        }
    }

    /// The witness with this lane.
    pub fn witness(&self) -> Witness {
        let mut witness = self.chunk.witness.clone();
        self.write(&mut witness);
        witness
    }

    /// What does not fit in it.
    pub fn misfit(&self) -> Misfit {
        misfit(self.chunk, self.witness())
    }
}

/// What does not fit in a witness of a chunk, with multiplicities of its own.
pub fn misfit(chunk: &Chunk, mut witness: Witness) -> Misfit {
    tally::write(&chunk.constants, &mut witness);
    let checked = Honest::check(&chunk.constants, &witness, 1);
    checked.err().unwrap_or_default()
}
