//! SiLU through a sigmoid table; the product is kept exact and rounded by the next `mul`.

/// Fractional bits of the sigmoid table's entries.
pub const SIGMOID_BITS: u32 = 15;
/// Entries of the sigmoid table; entry `i` is `round(2^15 · σ((i − 128) / 16))`.
pub const SIGMOID_ENTRIES: usize = 256;

/// `y = x · table[clamp(round(x / 2^index_shift), −128, 127) + 128]`: 15 more fractional bits than `x`.
///
/// `index_shift` leaves 4 fractional bits: the table covers −8 to 8 in steps of 1/16.
pub fn silu(x: i64, table: &[i64], index_shift: u32) -> i64 {
    let index = super::requantize::round_shift(x, index_shift).clamp(-128, 127) + 128;
    x * table[index as usize]
}
