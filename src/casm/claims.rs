//! Claimed products: the prover's felts, taken as they are.

use super::asm::Asm;
use super::linear::{blocks, params};

/// Cells of the parameters of [`claims`].
pub const PARAMS: usize = 7;

/// `append_claims(w: Span, x: Span, bias, ref sums: Array)`: lets the array grow by one element for each
/// block of `w`, which the hint [`SUMS`](super::SUMS) writes. Nothing is checked here but the number.
pub(super) fn claims(asm: &mut Asm) {
    let [w, w_end, x, x_end, _, out_start, out] = params::<PARAMS>();
    asm.hint_named(super::SUMS, out);
    let cols = asm.sub(x_end, x);
    let words = asm.sub(w_end, w);
    let blocks = blocks(asm, words, cols);
    let end = asm.add(out, blocks);
    asm.ret(&[out_start, end]);
}
