//! Attention: plans with it, their results against integers written out in another way, and the error of probabilities.

use cairo_decode::tensor::attention::Attention;
use cairo_decode::tensor::query_head::QueryHead;
use cairo_decode::tensor::values::{Values, compute};
use cairo_decode::tensor::{self, Function, Operation, Plan};

use crate::balance::Honest;
use crate::{Chunk, Numbers, chunk_with};

/// Distance 0 as an argument of a table of weights.
pub const NEAREST: i64 = -(1 << 15);

/// A plan with attention, and what it is made of.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    pub lanes: usize,
    pub layers: usize,
    pub heads: usize,
    pub kv_heads: usize,
    pub head_dim: usize,
    /// Carried blocks that the plan has room for.
    pub blocks: u32,
    /// Weights of queries and keys: how large scores are.
    pub weights: i32,
    pub shift: u32,
    /// The exponent of a unit of the score.
    pub unit: f64,
}

/// Two layers of three query heads that share the keys; one limb of distances.
pub const NEAR: Form = Form {
    lanes: 8,
    layers: 2,
    heads: 3,
    kv_heads: 1,
    head_dim: 8,
    blocks: 3,
    weights: 3,
    shift: 6,
    unit: 1.0 / 5000.0,
};

/// Four heads that share keys by two, with distances of two limbs.
pub const FAR: Form = Form {
    lanes: 8,
    layers: 1,
    heads: 4,
    kv_heads: 2,
    head_dim: 16,
    blocks: 2,
    weights: 30,
    shift: 6,
    unit: 1.0 / 200_000.0,
};

/// `exp` as a table of weights.
pub fn exp(unit: f64, distances: usize) -> Function {
    let weight = |distance: usize| (32767.0 * (-unit * distance as f64).exp()).round() as i32;
    Function {
        first: NEAREST,
        values: (0..distances).map(weight).collect(),
    }
}

impl Form {
    pub fn attention(&self, weights: usize) -> Attention {
        Attention {
            heads: self.heads,
            kv_heads: self.kv_heads,
            head_dim: self.head_dim,
            shift: self.shift,
            weights,
            mixed_shift: 12,
            bits: 15,
        }
    }

    /// The exponent of a unit of distance.
    fn step(&self) -> f64 {
        self.unit * f64::from(1 << self.shift)
    }

    pub fn plan(&self, numbers: &mut Numbers) -> Plan {
        let width = 16;
        let embedding = numbers.matrix(width, 20, 127);
        let mut plan = Plan::new(self.lanes, 12, embedding).expect("a plan");
        plan.carry(self.blocks).expect("before attention");
        let weights = plan.table(exp(self.step(), 1 << 16)).expect("a table");
        let mut x = plan.embed();
        for _ in 0..self.layers {
            let [queries, keys, values] = [
                (self.heads, self.weights),
                (self.kv_heads, self.weights),
                (self.kv_heads, 30),
            ]
            .map(|(heads, most)| {
                let of = numbers.product(width, heads * self.head_dim, most, 4);
                plan.linear(x, of, 14).expect("in range")
            });
            let mixed = plan
                .attention(queries, keys, values, self.attention(weights))
                .expect("in range");
            let out = numbers.product(mixed.channels, width, 4, 13);
            x = plan.linear(mixed, out, 14).expect("in range");
        }
        plan.head(x).expect("in range");
        plan
    }
}

/// A chunk behind so many positions, whose keys and values are random and as large as they can be.
pub fn behind(plan: &Plan, position: u32, numbers: &mut Numbers) -> tensor::Chunk {
    let tokens = (0..plan.lanes)
        .map(|_| (numbers.next() % 20) as u32)
        .collect();
    let blocks = (position as usize).div_ceil(plan.lanes);
    let mut carried = vec![];
    for _ in 0..blocks {
        for tensor in &plan.carried.tensors {
            let most = (1 << (tensor.bits - 1)) - 1;
            let rows = tensor.own.channels;
            carried.extend((0..rows).map(|_| -> Vec<i64> {
                let lanes = 0..plan.lanes;
                lanes.map(|_| numbers.signed(most).into()).collect()
            }));
        }
    }
    // The last block is partial.
    let keys = position as usize - blocks.saturating_sub(1) * plan.lanes;
    let step = plan.carried.step as usize;
    for row in carried.iter_mut().rev().take(step) {
        row[keys.min(plan.lanes)..].fill(0);
    }
    tensor::Chunk {
        tokens,
        position,
        carried,
        ..tensor::Chunk::default()
    }
}

/// The chunk of a plan, with all of its rows.
pub fn chunk(plan: Plan, chunk: &tensor::Chunk) -> Chunk {
    let values = compute(&plan, chunk).expect("in range");
    chunk_with(plan, values)
}

/// The query heads of a plan.
pub fn heads(plan: &Plan) -> Vec<QueryHead> {
    let operations = plan.operations.iter();
    let of = operations.filter_map(|operation| match operation {
        Operation::QueryHead(head) => Some(head.clone()),
        _ => None,
    });
    of.collect()
}

/// What a lane of a head sees: for each key its address in the memory and the lane that it is of, block by block.
fn seen(plan: &Plan, head: &QueryHead, position: usize, lane: usize) -> Vec<(usize, usize, usize)> {
    let own = [head.keys.address, head.values.address].map(|a| a as usize);
    let mut keys: Vec<_> = (0..=lane).map(|key| (own[0], own[1], key)).collect();
    let step = plan.carried.step as usize;
    for at in 0..position {
        let block = plan.addresses as usize + at / plan.lanes * step;
        let [key, value] = head.carried.map(|offset| block + offset as usize);
        keys.push((key, value, at % plan.lanes));
    }
    keys
}

/// The scores and the probabilities of a lane, and its results.
struct Expected {
    scores: Vec<i128>,
    shares: Vec<i128>,
    results: Vec<i128>,
}

/// A head's attention for a lane, from its queries, keys and values in memory.
fn attends(plan: &Plan, values: &Values, head: &QueryHead, lane: usize) -> Expected {
    let at = |address: usize, lane: usize| i128::from(values.rows[address][lane]);
    let dim = head.of.head_dim;
    let keys = seen(plan, head, values.chunk.position as usize, lane);
    let query = head.queries.address as usize;
    let scores: Vec<i128> = keys
        .iter()
        .map(|&(key, _, of)| {
            (0..dim)
                .map(|d| at(query + d, lane) * at(key + d, of))
                .sum()
        })
        .collect();
    let maximum = *scores.iter().max().expect("a key");
    let table = &plan.tables[head.of.weights].values;
    let weight = |score: &i128| {
        let distance = (maximum - score) / (1 << head.of.shift);
        let weight = table.get(usize::try_from(distance).expect("a distance"));
        i128::from(weight.copied().unwrap_or(0))
    };
    let weights: Vec<i128> = scores.iter().map(weight).collect();
    let sum: i128 = weights.iter().sum();
    let exponent = (0..).find(|n| sum <= 1 << n).expect("an exponent");
    let reciprocal = (1 << (exponent + 13)) / sum;
    let unit = 1i128 << exponent;
    let share = |weight: &i128| (weight * reciprocal + unit / 2).div_euclid(unit);
    let shares: Vec<i128> = weights.iter().map(share).collect();
    let result = |d: usize| -> i128 {
        let mixed = keys.iter().zip(&shares);
        let mixed: i128 = mixed
            .map(|(&(_, value, of), p)| p * at(value + d, of))
            .sum();
        let unit = 1 << head.of.mixed_shift;
        (mixed + unit / 2).div_euclid(unit)
    };
    Expected {
        results: (0..dim).map(result).collect(),
        scores,
        shares,
    }
}

/// Requires the results of all heads to be those of the other code, and the witness to fit.
fn fits(plan: Plan, of: &tensor::Chunk) {
    let chunk = chunk(plan, of);
    Honest::new(&chunk.constants, &chunk.witness);
    for head in heads(&chunk.plan) {
        for lane in 0..chunk.plan.lanes {
            let expected = attends(&chunk.plan, &chunk.values, &head, lane).results;
            let found = head.output.addresses();
            let found: Vec<i128> = found
                .map(|address| chunk.values.rows[address as usize][lane].into())
                .collect();
            assert_eq!(found, expected, "{:?}, head {}", of.position, head.before);
        }
    }
}

/// Without carried blocks, with a full one, with a partial one, with as many as the plan has.
#[test]
fn results_are_those_of_integers_written_out() {
    for form in [NEAR, FAR] {
        let mut numbers = Numbers(21);
        let plan = form.plan(&mut numbers);
        let most = form.blocks * form.lanes as u32;
        for position in [0, 1, 8, 13, most] {
            let of = behind(&plan, position, &mut numbers);
            fits(plan.clone(), &of);
        }
    }
}

#[test]
fn random_forms_fit_and_compute() {
    let mut far = 0;
    for seed in 0..12 {
        let mut numbers = Numbers(300 + seed);
        let kv_heads = 1 + numbers.next() as usize % 2;
        let form = Form {
            lanes: [8, 8, 16][numbers.next() as usize % 3],
            layers: 1 + numbers.next() as usize % 2,
            heads: kv_heads * (1 + numbers.next() as usize % 3),
            kv_heads,
            head_dim: 8 * (1 + numbers.next() as usize % 3),
            blocks: numbers.next() as u32 % 4,
            weights: [1, 3, 20][seed as usize % 3],
            shift: 4 + (numbers.next() % 3) as u32,
            unit: 1.0 / (2000.0 + (numbers.next() % 10_000) as f64),
        };
        let plan = form.plan(&mut numbers);
        far += usize::from(heads(&plan)[0].far > 0);
        let position = numbers.next() as u32 % (form.blocks * form.lanes as u32 + 1);
        let of = behind(&plan, position, &mut numbers);
        fits(plan, &of);
    }
    assert!((1..12).contains(&far), "{far} of 12 with two limbs");
}

/// The keys and values of a chunk's own lanes, as the next chunk carries them.
fn own_block(plan: &Plan, values: &Values) -> Vec<Vec<i64>> {
    let tensors = plan.carried.tensors.iter();
    let rows = tensors.flat_map(|tensor| tensor.own.addresses());
    rows.map(|address| values.rows[address as usize].clone())
        .collect()
}

/// Sixteen lanes have the results of eight lanes and eight more behind them, which carry the keys and values of the first.
#[test]
fn a_chunk_goes_on_where_the_one_before_ends() {
    for form in [NEAR, FAR] {
        let of = |lanes: usize| Form { lanes, ..form }.plan(&mut Numbers(9));
        let (wide, narrow) = (of(16), of(8));
        let tokens: Vec<u32> = (0..16).map(|lane| lane * 7 % 20).collect();
        let all = compute(&wide, &tensor::Chunk::first(&tokens)).expect("in range");
        let first = compute(&narrow, &tensor::Chunk::first(&tokens[..8])).expect("in range");
        let second = tensor::Chunk {
            tokens: tokens[8..].to_vec(),
            position: 8,
            carried: own_block(&narrow, &first),
            ..tensor::Chunk::default()
        };
        let second = compute(&narrow, &second).expect("in range");
        for (a, b) in heads(&wide).iter().zip(heads(&narrow)) {
            for (a, b) in a.output.addresses().zip(b.output.addresses()) {
                let both = [&first, &second].map(|values| values.rows[b as usize].clone());
                assert_eq!(all.rows[a as usize], both.concat());
            }
        }
    }
}

/// A lane whose token the lane before chooses has the results that it has where the token is given.
#[test]
fn lanes_one_by_one_are_lanes_together() {
    for form in [NEAR, FAR] {
        let mut numbers = Numbers(5);
        let plan = form.plan(&mut numbers);
        let mut of = behind(&plan, 11, &mut numbers);
        of.tokens.truncate(3);
        let decoded = chunk(plan.clone(), &of);
        Honest::new(&decoded.constants, &decoded.witness);
        let given = &decoded.values.rows[plan.tokens.given as usize];
        of.tokens = given.iter().map(|&token| token as u32).collect();
        let together = compute(&plan, &of).expect("in range");
        assert_eq!(decoded.values.rows, together.rows);
    }
}

/// The largest error of probabilities against `exp` of real numbers, and the bound that the documentation of `attention` has for it.
#[test]
fn probabilities_are_near_those_of_real_numbers() {
    for (form, most) in [(NEAR, 1.0 / 100.0), (FAR, 1.0 / 2048.0)] {
        let mut numbers = Numbers(77);
        let plan = form.plan(&mut numbers);
        let position = form.blocks * form.lanes as u32;
        let of = behind(&plan, position, &mut numbers);
        let values = compute(&plan, &of).expect("in range");
        let (mut largest, mut seen) = (0f64, 0);
        for head in heads(&plan) {
            for lane in 0..plan.lanes {
                let found = attends(&plan, &values, &head, lane);
                let maximum = *found.scores.iter().max().expect("a key");
                let weights = found.scores.iter();
                let weights: Vec<f64> = weights
                    .map(|&score| (form.unit * (score - maximum) as f64).exp())
                    .collect();
                let sum: f64 = weights.iter().sum();
                let keys = weights.len() as f64;
                for (weight, share) in weights.iter().zip(&found.shares) {
                    let exact = weight / sum;
                    let error = (*share as f64 / 8192.0 - exact).abs();
                    let rounding = (0.5 + exact * keys / 2.0) / 32768.0;
                    let bound =
                        exact * (form.step().exp() - 1.0 + 1.0 / 8192.0) + rounding + 1.0 / 16384.0;
                    assert!(error <= bound, "{error} for {exact}, at most {bound}");
                    largest = largest.max(error);
                    seen += usize::from(exact > 0.01 && exact < 0.99);
                }
            }
        }
        eprintln!("{seen} probabilities between 1 % and 99 %, largest error {largest:.6}");
        assert!(seen > 20 && largest < most, "{largest}");
    }
}
