//! The carried keys and values, packed as the weights of the two products that read them.
//!
//! Keys are laid out as a linear layer whose rows are positions: a block holds one position per lane
//! and one word per channel. Values are laid out with four channels per word, one lane of 60 bits
//! each, and one array of positions per word.

use crate::linear::{Lanes, Lanes60};

/// Cache of one key/value head of one layer.
#[derive(Drop)]
pub struct HeadCache {
    /// Full blocks of keys.
    pub keys: Array<felt252>,
    /// The block being filled, empty before its first position.
    pub open: Span<felt252>,
    /// Values: for each four channels, one word per position.
    pub values: Array<Array<felt252>>,
}

/// Cache of one layer.
#[derive(Drop)]
pub struct LayerCache {
    /// Its key/value heads.
    pub heads: Array<HeadCache>,
    /// Channels of a head.
    pub head_dim: u32,
    /// Positions held.
    pub positions: u32,
    /// Positions in the open block.
    filled: u32,
    /// The weight of the open block's next lane.
    weight: felt252,
}

/// Channels that share a word of values.
const CHANNELS: u32 = 4;
/// Weight of a word's third lane.
const HIGH: felt252 = 0x100000000000000000000000000000000;

/// Splits `count` elements off the front.
#[inline(never)]
pub fn take(ref xs: Span<felt252>, count: u32) -> Span<felt252> {
    let taken = xs.slice(0, count);
    xs = xs.slice(count, xs.len() - count);
    taken
}

/// An empty cache of `heads` heads of `head_dim` channels.
#[inline(never)]
pub fn empty_cache(heads: u32, head_dim: u32) -> LayerCache {
    let mut cache = array![];
    for _ in 0..heads {
        let mut values = array![];
        for _ in 0..(head_dim + CHANNELS - 1) / CHANNELS {
            values.append(array![]);
        }
        cache.append(HeadCache { keys: array![], open: array![].span(), values });
    }
    LayerCache { heads: cache, head_dim, positions: 0, filled: 0, weight: 1 }
}

/// Appends one position's key row and value row (heads × head_dim each) to a layer's cache, and to
/// `row`, the record of everything this position appends.
#[inline(never)]
pub fn kv_append<impl L: Lanes>(
    ref cache: LayerCache, k: Span<felt252>, v: Span<felt252>, ref row: Array<felt252>,
) {
    append_all(k, ref row);
    append_all(v, ref row);
    append_position::<L>(ref cache, k, v);
}

/// Appends every element.
#[inline(never)]
fn append_all(mut xs: Span<felt252>, ref to: Array<felt252>) {
    while let Some(four) = xs.multi_pop_front::<4>() {
        let [x0, x1, x2, x3] = (*four).unbox();
        to.append(x0);
        to.append(x1);
        to.append(x2);
        to.append(x3);
    }
    for x in xs {
        to.append(*x);
    }
}

/// `kv_append` of a position that is already on record.
#[inline(never)]
pub fn append_position<impl L: Lanes>(
    ref cache: LayerCache, mut k: Span<felt252>, mut v: Span<felt252>,
) {
    let LayerCache { heads: mut old, head_dim, positions, filled, weight } = cache;
    // The lane after this one: the next in its half, the first of the high half, or a new block's.
    let filled = filled + 1;
    let full = filled == 2 * L::PER_HALF;
    let next = if filled == L::PER_HALF {
        HIGH
    } else {
        weight * L::STEP
    };
    let mut heads = array![];
    while let Some(head) = old.pop_front() {
        let HeadCache { mut keys, open, mut values } = head;
        let mut open = add_lane(take(ref k, head_dim), open, weight);
        if full {
            append_all(open, ref keys);
            open = array![].span();
        }
        append_values(take(ref v, head_dim), ref values);
        heads.append(HeadCache { keys, open, values });
    }
    cache =
        if full {
            LayerCache { heads, head_dim, positions: positions + 1, filled: 0, weight: 1 }
        } else {
            LayerCache { heads, head_dim, positions: positions + 1, filled, weight: next }
        };
}

/// `block[i] + weight · k[i]`, where an empty `block` counts as zeros.
#[inline(never)]
fn add_lane(k: Span<felt252>, mut block: Span<felt252>, weight: felt252) -> Span<felt252> {
    let mut out = array![];
    for k in k {
        let lanes = match block.pop_front() {
            Some(lanes) => *lanes,
            None => 0,
        };
        out.append(lanes + *k * weight);
    }
    out.span()
}

/// Appends a head's value row to its arrays, four channels per word.
#[inline(never)]
fn append_values(mut v: Span<felt252>, ref values: Array<Array<felt252>>) {
    let mut appended = array![];
    while let Some(positions) = values.pop_front() {
        let mut positions = positions;
        let word = match v.multi_pop_front::<4>() {
            Some(four) => {
                let [v0, v1, v2, v3] = (*four).unbox();
                v0 + Lanes60::STEP * v1 + HIGH * (v2 + Lanes60::STEP * v3)
            },
            None => last_channels(ref v),
        };
        positions.append(word);
        appended.append(positions);
    }
    values = appended;
}

/// The word of the one to three channels that are left.
fn last_channels(ref v: Span<felt252>) -> felt252 {
    let mut word = *v.pop_front().unwrap();
    if let Some(v1) = v.pop_front() {
        word += Lanes60::STEP * *v1;
    }
    if let Some(v2) = v.pop_front() {
        word += HIGH * *v2;
    }
    word
}
