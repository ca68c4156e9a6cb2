//! Records of positions and chains of tokens: what their digests are, by plain integers that know no component.

use cairo_decode::spec::poseidon2::{CONSTANTS, Digest};
use cairo_decode::tensor::chains::Chains;
use cairo_decode::tensor::records::Records;
use cairo_decode::tensor::values::compute;
use cairo_decode::tensor::{self, Plan, Tensor};

use crate::balance::Honest;
use crate::{Chunk, Numbers, chunk_with};

/// Channels of the embedding.
const WIDTH: usize = 16;

/// Tokens of the vocabulary.
const TOKENS: usize = 40;

const P: i128 = (1 << 31) - 1;

/// A plan with a root and chains, whose records have tensors of so many channels, with values of 10 bits after a shift by 10 and of
/// more after smaller ones.
pub fn digested(
    lanes: usize,
    channels: &[usize],
    shift: u32,
    blocks: u32,
) -> (Plan, Records, Chains) {
    digested_of_bits(lanes, channels, shift, blocks, 15)
}

/// The same with values that are checked to have at most so many bits.
pub fn digested_of_bits(
    lanes: usize,
    channels: &[usize],
    shift: u32,
    blocks: u32,
    bits: u32,
) -> (Plan, Records, Chains) {
    let mut numbers = Numbers(7);
    let mut plan = Plan::new(lanes, 12, numbers.matrix(WIDTH, TOKENS, 127)).expect("a plan");
    plan.carried.blocks = blocks;
    let x = plan.embed();
    let tensors: Vec<Tensor> = channels
        .iter()
        .map(|&channels| {
            let of = numbers.product(WIDTH, channels, 250, shift);
            plan.linear(x, of, bits).expect("in range")
        })
        .collect();
    let records = plan.records(&tensors).expect("in range");
    plan.head(x).expect("in range");
    let chains = plan.chains().expect("a head");
    (plan, records, chains)
}

/// Tokens, and carried keys and values up to a position, the largest and the smallest among them.
pub fn carried(plan: &Plan, position: u32, numbers: &mut Numbers) -> tensor::Chunk {
    let records = plan.recorded().expect("records");
    let rows = position.div_ceil(plan.lanes as u32) as usize * records.channels();
    let tensors = plan.carried.tensors.iter();
    let bits: Vec<u32> = tensors
        .flat_map(|tensor| vec![tensor.bits; tensor.own.channels])
        .collect();
    let mut value = |row: usize| {
        let half = 1i32 << (bits[row % bits.len()] - 1);
        match numbers.next() % 8 {
            0 => i64::from(half - 1),
            1 => i64::from(-half),
            _ => i64::from(numbers.signed(half - 1)),
        }
    };
    let carried = (0..rows)
        .map(|row| (0..plan.lanes).map(|_| value(row)).collect())
        .collect();
    let digest =
        |numbers: &mut Numbers| std::array::from_fn(|_| numbers.next() as u32 & 0x3fff_ffff);
    tensor::Chunk {
        tokens: (0..plan.lanes)
            .map(|_| (numbers.next() % TOKENS as u64) as u32)
            .collect(),
        position,
        forced: 0,
        carried,
        chains: [digest(numbers), digest(numbers)],
    }
}

/// A plan's chunk.
pub fn chunk_from(plan: Plan, chunk: &tensor::Chunk) -> Chunk {
    let values = compute(&plan, chunk).expect("no stream");
    chunk_with(plan, values)
}

/// A digest in the memory.
pub fn digest(chunk: &Chunk, address: u32, lane: usize) -> Digest {
    std::array::from_fn(|i| chunk.values.rows[address as usize + i][lane] as u32)
}

/// A permutation of Poseidon2 by matrices that are written out.
fn permuted(state: &[i128]) -> Vec<i128> {
    let four = [[2, 3, 1, 1], [1, 2, 3, 1], [1, 1, 2, 3], [3, 1, 1, 2]];
    let full = |i: usize, j: usize| four[i % 4][j % 4] * if i / 4 == j / 4 { 2 } else { 1 };
    let partial = |i: usize, j: usize| match (i == j, i) {
        (false, _) => 1,
        (true, 0) => -1,
        (true, _) => 1 + (1 << (i - 1)),
    };
    let apply = |matrix: &dyn Fn(usize, usize) -> i128, state: &[i128]| -> Vec<i128> {
        let row = |i| {
            state
                .iter()
                .enumerate()
                .map(|(j, x)| matrix(i, j) * x)
                .sum::<i128>()
                .rem_euclid(P)
        };
        (0..24).map(row).collect()
    };
    let fifth = |x: i128| (0..4).fold(x % P, |power, _| power * x % P);
    let rounds = |state: Vec<i128>, constants: &[[u32; 24]; 4]| {
        constants.iter().fold(state, |state, constants| {
            let powers: Vec<i128> = state
                .iter()
                .zip(constants)
                .map(|(x, &c)| fifth((x + i128::from(c)) % P))
                .collect();
            apply(&full, &powers)
        })
    };
    let state = rounds(apply(&full, state), &CONSTANTS.full[0]);
    let state = CONSTANTS
        .partial
        .iter()
        .fold(state, |mut state, &constant| {
            state[0] = fifth((state[0] + i128::from(constant)) % P);
            apply(&partial, &state)
        });
    rounds(state, &CONSTANTS.full[1])
}

/// The digest behind a block of 16 elements.
fn behind(digest: &[i128], block: &[i128]) -> Vec<i128> {
    let out = permuted(&[digest, block].concat());
    out.iter()
        .zip(digest)
        .map(|(new, old)| (new + old) % P)
        .collect()
}

/// The root behind a position, with values of so many bits, so many in an element.
fn behind_position(root: &[i128], values: &[i64], bits: u32) -> Vec<i128> {
    let of_element = 30 / bits as usize;
    let mut all: Vec<i128> = values.iter().map(|&v| i128::from(v)).collect();
    let length = all.len();
    while !all.len().is_multiple_of(16 * of_element) {
        all.push(all[all.len() % length]);
    }
    let element = |values: &[i128]| -> i128 {
        let shifted = values.iter().map(|v| v + (1 << (bits - 1)));
        (0..).zip(shifted).map(|(k, v)| v << (bits * k)).sum()
    };
    let elements: Vec<i128> = all.chunks(of_element).map(element).collect();
    elements
        .chunks(16)
        .fold(root.to_vec(), |root, block| behind(&root, block))
}

fn numbers_of(digest: Digest) -> Vec<i128> {
    digest.iter().map(|&x| x.into()).collect()
}

/// The record of a lane, with the first tensor's first row at an address.
fn record(chunk: &Chunk, addresses: impl Iterator<Item = u32>, lane: usize) -> Vec<i64> {
    addresses
        .map(|a| chunk.values.rows[a as usize][lane])
        .collect()
}

/// Random records and positions: their witnesses fit, and the roots and chains behind all lanes are what integers written out in
/// another way say.
#[test]
fn digests_are_what_integers_say() {
    let cases = [
        (8, vec![16, 16], 10, 0, 0),
        (8, vec![16, 16], 10, 2, 0),
        (8, vec![8, 24], 10, 2, 16),
        (8, vec![24], 7, 2, 11),
        (8, vec![8, 32], 7, 3, 17),
        (16, vec![16, 40], 7, 1, 3),
        (16, vec![48, 8], 10, 2, 31),
    ];
    let mut packings = vec![];
    for (seed, (lanes, channels, shift, blocks, position)) in (0..).zip(cases) {
        let (plan, records, chains) = digested(lanes, &channels, shift, blocks);
        let came = carried(&plan, position, &mut Numbers(100 + seed));
        let chunk = chunk_from(plan, &came);
        Honest::new(&chunk.constants, &chunk.witness);
        let bits = records.packing.bits();
        packings.push(bits);
        let (address, step) = (chunk.plan.addresses, records.channels() as u32);
        let mut root = vec![0; 8];
        for position in 0..position {
            let (block, lane) = (position / lanes as u32, position as usize % lanes);
            let first = address + block * step;
            let values = record(&chunk, first..first + step, lane);
            root = behind_position(&root, &values, bits);
        }
        assert_eq!(
            numbers_of(digest(&chunk, records.incoming.address, 0)),
            root,
            "seed {seed}"
        );
        let mut chain = came.chains.map(numbers_of);
        for lane in 0..lanes {
            let own = records.tensors.iter().flat_map(Tensor::addresses);
            root = behind_position(&root, &record(&chunk, own, lane), bits);
            let found = digest(&chunk, records.behind.address, lane);
            assert_eq!(numbers_of(found), root, "seed {seed}, lane {lane}");
            for (c, chain) in chain.iter_mut().enumerate() {
                let token = chunk.values.rows[c][lane];
                let mut block = vec![i128::from(token), (1 << 30) + 1];
                block.resize(16, 0);
                *chain = behind(chain, &block);
                assert_eq!(
                    numbers_of(digest(&chunk, chains.behind()[c], lane)),
                    *chain,
                    "seed {seed}, lane {lane}"
                );
            }
        }
    }
    packings.sort();
    packings.dedup();
    assert_eq!(packings, [10, 15]);
}

/// The root and the chains behind a step do not depend on how steps are cut into chunks.
#[test]
fn digests_do_not_depend_on_how_steps_are_cut() {
    let (plan, records, chains) = digested(8, &[16, 24], 7, 1);
    let tokens = [3, 1, 4, 1, 5, 9, 2, 6];
    let whole = chunk_from(plan.clone(), &tensor::Chunk::first(&tokens));
    for cut in 1..8 {
        let own = records.tensors.iter().flat_map(Tensor::addresses);
        let rest: Vec<u32> = tokens[cut..]
            .iter()
            .copied()
            .chain([0; 8])
            .take(8)
            .collect();
        let behind = chains.behind();
        let came = tensor::Chunk {
            tokens: rest,
            position: cut as u32,
            forced: 0,
            // What lanes from the cut on have does not count.
            carried: own
                .map(|a| {
                    whole.values.rows[a as usize]
                        .iter()
                        .enumerate()
                        .map(|(t, &v)| if t < cut { v } else { 7 })
                        .collect()
                })
                .collect(),
            chains: behind.map(|address| digest(&whole, address, cut - 1)),
        };
        let second = chunk_from(plan.clone(), &came);
        assert_eq!(
            digest(&second, records.incoming.address, 0),
            digest(&whole, records.behind.address, cut - 1)
        );
        for address in [records.behind.address, behind[0], behind[1]] {
            assert_eq!(
                digest(&second, address, 7 - cut),
                digest(&whole, address, 7),
                "cut {cut}"
            );
        }
    }
}
