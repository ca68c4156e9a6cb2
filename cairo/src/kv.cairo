//! The carried keys and values, packed as the weights of the two products that read them.
//!
//! Keys are laid out as a linear layer whose rows are positions: a block holds one position per
//! lane and one word per channel. Values are laid out with four channels per word, one lane of 60
//! bits each, and one array of positions per word.

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

/// Cache of one layer, boxed because programs pass it around a lot.
pub type LayerCache = Box<Cache>;

/// Cache of one layer.
#[derive(Drop)]
pub struct Cache {
    /// Its key/value heads.
    pub heads: Array<HeadCache>,
    /// Channels of a head.
    pub head_dim: u32,
    /// Positions held.
    pub positions: u32,
    /// Positions in the open block.
    filled: felt252,
    /// The weight of the open block's next lane.
    weight: felt252,
}

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
pub fn empty_cache(heads: felt252, head_dim: u32) -> LayerCache {
    let mut cache = array![];
    let mut left = heads;
    while left != 0 {
        left -= 1;
        cache.append(HeadCache { keys: array![], open: array![].span(), values: array![] });
    }
    BoxTrait::new(Cache { heads: cache, head_dim, positions: 0, filled: 0, weight: 1 })
}

/// Appends one position's key row and value row (heads × head_dim each) to a layer's cache, and to
/// `row`, the record of everything this position appends.
#[inline(never)]
pub fn kv_append<impl L: Lanes>(
    ref cache: LayerCache, k: Span<felt252>, v: Span<felt252>, ref row: Array<felt252>,
) {
    row.append_span(k);
    row.append_span(v);
    append_position::<L>(ref cache, k, v);
}

/// `kv_append` of a position that is already on record.
#[inline(never)]
pub fn append_position<impl L: Lanes>(
    ref cache: LayerCache, mut k: Span<felt252>, mut v: Span<felt252>,
) {
    let Cache { heads: mut old, head_dim, positions, filled, weight } = cache.unbox();
    // The lane after this one: the next in its half, the first of the high half, or a new block's.
    let filled = filled + 1;
    let (full, filled, next) = if filled == L::PER_HALF {
        (false, filled, HIGH)
    } else if filled == 2 * L::PER_HALF {
        (true, 0, 1)
    } else {
        (false, filled, weight * L::STEP)
    };
    let mut heads = array![];
    while let Some(head) = old.pop_front() {
        let HeadCache { mut keys, open, mut values } = head;
        let mut open = add_lane(take(ref k, head_dim), open, weight);
        if full {
            keys.append_span(open);
            open = array![].span();
        }
        append_values(take(ref v, head_dim), ref values);
        heads.append(HeadCache { keys, open, values });
    }
    let positions = positions + 1;
    cache = BoxTrait::new(Cache { heads, head_dim, positions, filled, weight: next });
}

/// `block[i] + weight · k[i]`; an empty block's first lane has weight 1.
#[inline(never)]
fn add_lane(mut k: Span<felt252>, mut block: Span<felt252>, weight: felt252) -> Span<felt252> {
    if block.is_empty() {
        return k;
    }
    let mut out = array![];
    while let Some(k) = k.pop_front() {
        out.append(*block.pop_front().unwrap() + weight * *k);
    }
    out.span()
}

/// Appends a head's value row to its arrays, four channels per word.
#[inline(never)]
fn append_values(mut v: Span<felt252>, ref values: Array<Array<felt252>>) {
    let mut appended = array![];
    while let Some(four) = v.multi_pop_front::<4>() {
        let [v0, v1, v2, v3] = (*four).unbox();
        let word = v0 + Lanes60::STEP * v1 + HIGH * (v2 + Lanes60::STEP * v3);
        append_word(word, ref values, ref appended);
    }
    // A head has an even number of channels.
    if let Some(two) = v.multi_pop_front::<2>() {
        let [v0, v1] = (*two).unbox();
        append_word(v0 + Lanes60::STEP * v1, ref values, ref appended);
    }
    values = appended;
}

/// Moves the first array from `old` to `new`, with a word more.
fn append_word(word: felt252, ref old: Array<Array<felt252>>, ref new: Array<Array<felt252>>) {
    let mut positions = old.pop_front().unwrap_or_default();
    positions.append(word);
    new.append(positions);
}
