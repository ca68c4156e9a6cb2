//! Matrices at half the words: two blocks of rows in one word, taken apart once per chunk.
//!
//! A weight has 8 bits, a lane at least 20. A compact word holds, in every lane, the weight of one block in
//! the lower half and that of the next block in the upper half, both plus 128 and so never negative. One
//! bitwise `and` per half of the felt gives the first block's word; the second's follows by subtraction.
//! Both are functions of the constant: there is nothing to check.

use crate::linear::Lanes;
use crate::shift::halves;

/// The words of a matrix of `blocks` blocks of rows and `cols` columns, block after block, as
/// `linear` reads them.
#[inline(never)]
pub fn expand<impl L: Lanes>(
    mut packed: Span<felt252>, cols: u32, mut blocks: u32,
) -> Span<felt252> {
    let mut words = array![];
    while blocks != 0 {
        let pair = packed.slice(0, cols);
        packed = packed.slice(cols, packed.len() - cols);
        let mut second = array![];
        expand_pair::<L>(pair, ref words, ref second);
        if blocks == 1 {
            break;
        }
        words.append_span(second.span());
        blocks -= 2;
    }
    words.span()
}

/// Splits the words of a pair of blocks.
#[inline(never)]
fn expand_pair<impl L: Lanes>(
    mut pair: Span<felt252>, ref first: Array<felt252>, ref second: Array<felt252>,
) {
    while let Some(word) = pair.pop_front() {
        let (low, high) = halves(*word);
        let low: felt252 = (low & L::LOWER).into();
        let high: felt252 = (high & L::LOWER).into();
        let lower = low + high * 0x100000000000000000000000000000000;
        first.append(lower - L::WEIGHT_BIAS);
        second.append((*word - lower) * L::UPPER_UNIT - L::WEIGHT_BIAS);
    }
}
