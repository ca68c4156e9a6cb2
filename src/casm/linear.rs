//! `products` and the splitting of lanes; see `docs/spec.md`, weight lanes.

use num_bigint::BigInt;

use super::asm::{Asm, Cell, Next};

/// Columns per turn.
const COLUMNS: [i16; 3] = [16, 4, 1];

/// `products(w: Span, x: Span, bias, ref out: Array)`: appends `bias + Σ_j w[j]·x[j]` for each block of
/// as many words of `w` as `x` has elements. Two blocks at once, so that an element is read once for both.
pub(super) fn products(asm: &mut Asm) {
    let [w, w_end, x, x_end, bias, out_start, out] = params();
    let cols = asm.sub(x_end, x);
    let words = asm.sub(w_end, w);
    let blocks = blocks(asm, words, cols);
    let [(_, pairs), (_, single)] = asm.split_count(blocks, [2, 1]);
    let columns = asm.split_count(cols, COLUMNS);

    let [w, out] = asm.repeat(pairs, [w, out], |asm, [w, out]| {
        let second = asm.add(w, cols);
        let state = [x, w, second, bias, bias, out];
        let [_, _, end, a, b, out] = asm.batches(&columns, state, |asm, state, size| {
            let [x, w, v, mut a, mut b, out] = state;
            for j in 0..size {
                let element = asm.load(x, j);
                a = multiply_add(asm, a, w, j, element);
                b = multiply_add(asm, b, v, j, element);
            }
            let [x, w, v] = [x, w, v].map(|pointer| Next::Plus(pointer, size));
            [x, w, v, Next::Same(a), Next::Same(b), Next::Same(out)]
        });
        asm.store(a, out, 0);
        asm.store(b, out, 1);
        [Next::Same(end), Next::Plus(out, 2)]
    });
    let [_, out] = asm.repeat(single, [w, out], |asm, [w, out]| {
        let [_, end, a, out] = asm.batches(&columns, [x, w, bias, out], |asm, state, size| {
            let [x, w, mut a, out] = state;
            for j in 0..size {
                let element = asm.load(x, j);
                a = multiply_add(asm, a, w, j, element);
            }
            let [x, w] = [x, w].map(|pointer| Next::Plus(pointer, size));
            [x, w, Next::Same(a), Next::Same(out)]
        });
        asm.store(a, out, 0);
        [Next::Same(end), Next::Plus(out, 1)]
    });
    asm.ret(&[out_start, out]);
}

/// `words / cols`, which must be whole.
pub(super) fn blocks(asm: &mut Asm, words: Cell, cols: Cell) -> Cell {
    let (blocks, rest) = (asm.reserve(), asm.reserve());
    asm.hint_div_rem(words, cols, blocks, rest);
    asm.assert_product(words, cols, blocks);
    asm.assert_number(rest, 0);
    blocks
}

fn multiply_add(asm: &mut Asm, sum: Cell, w: Cell, j: i16, x: Cell) -> Cell {
    let word = asm.load(w, j);
    let product = asm.mul(word, x);
    asm.add(sum, product)
}

/// `split(words: Span, ref out: Array)`: appends the `2·per_half` digits of `bits` bits of each word,
/// lowest first, each minus `zero`. Panics unless each half of a word is below `2^(bits·per_half)`.
pub(super) fn split(asm: &mut Asm, bits: u32, per_half: usize, zero: i64) {
    let [rc, words, end, out_start, out] = params();
    let count = asm.sub(end, words);
    let largest = asm.number(power(bits) - 1);
    let zero = asm.number(zero);
    let [rc, _, out] = asm.repeat(count, [rc, words, out], |asm, [rc, words, out]| {
        let word = asm.load(words, 0);
        let mut tree = Tree::default();
        let (low, high) = tree.cut(asm, word, 128);
        tree.digits(asm, low, bits, per_half);
        tree.digits(asm, high, bits, per_half);
        for (i, &digit) in (0..).zip(&tree.leaves) {
            // 0 ≤ digit < 2^bits
            asm.check(digit, rc, 2 * i);
            let room = asm.sub(largest, digit);
            asm.check(room, rc, 2 * i + 1);
            let value = asm.sub(digit, zero);
            asm.store(value, out, i);
        }
        tree.check(asm);
        let digits = tree.leaves.len() as i16;
        [
            Next::Plus(rc, 2 * digits),
            Next::Plus(words, 1),
            Next::Plus(out, digits),
        ]
    });
    asm.ret(&[rc, out_start, out]);
}

fn power(bits: u32) -> BigInt {
    BigInt::from(1) << bits
}

/// A number's digits, as the leaves of a tree of divisions by powers of two.
#[derive(Default)]
struct Tree {
    /// Value, low part, high part, and the bits of the low part.
    cuts: Vec<(Cell, Cell, Cell, u32)>,
    leaves: Vec<Cell>,
}

impl Tree {
    /// Both parts of `value`, hinted.
    fn cut(&mut self, asm: &mut Asm, value: Cell, bits: u32) -> (Cell, Cell) {
        let (low, high) = (asm.reserve(), asm.reserve());
        asm.hint_div_rem(value, power(bits), high, low);
        self.cuts.push((value, low, high, bits));
        (low, high)
    }

    /// The `count` digits of `value`. Groups of up to 40 bits are cut off first: products of a number
    /// below 2^36 and a power of two below 2^36 are cheap.
    fn digits(&mut self, asm: &mut Asm, value: Cell, bits: u32, count: usize) {
        if count == 1 {
            return self.leaves.push(value);
        }
        let mut group = 1;
        while 2 * group < count && 2 * group as u32 * bits <= 40 {
            group *= 2;
        }
        let (low, high) = self.cut(asm, value, group as u32 * bits);
        self.digits(asm, low, bits, group);
        self.digits(asm, high, bits, count - group);
    }

    /// Every value is `high · 2^bits + low`.
    fn check(&self, asm: &mut Asm) {
        for &(value, low, high, bits) in self.cuts.iter().rev() {
            let high = asm.mul(high, power(bits));
            asm.assert_sum(value, high, low);
        }
    }
}

/// The parameters' cells, all of them in order.
pub(super) fn params<const N: usize>() -> [Cell; N] {
    std::array::from_fn(|i| Cell::Frame(i as i16 - 2 - N as i16))
}
