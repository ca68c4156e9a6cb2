//! Softmax numerators in base 2; the division happens once per channel, in `mix`.

/// Fractional bits of the exponent after rounding; the table has `2^FRAC_BITS` entries. Scores are
/// base-2 exponents (log₂e and 1/√head_dim are folded into the query projection).
pub const FRAC_BITS: u32 = 7;
/// Largest whole exponent that still counts; beyond it a weight is zero.
pub const MAX_EXPONENT: i64 = 15;
/// Fractional bits of the table's entries.
pub const EXP2_BITS: u32 = 15;
/// Largest weight: the entry for 0 shifted by the largest exponent.
pub const MAX_WEIGHT: i64 = 1 << (EXP2_BITS as i64 + MAX_EXPONENT);
/// Entries of the table of 2^−x.
pub const EXP2_ENTRIES: usize = 1 << FRAC_BITS;

/// Weights of one head: `e[t] = table[z mod 2^7] · 2^(15 − z div 2^7)`, or 0 once `z div 2^7 > 15`,
/// with `z = round((max s − s[t]) / 2^shift)`; `shift` leaves 7 fractional bits.
///
/// `table[j] = round(2^15 · 2^(−j / 2^7))`, so the largest weight is exactly `2^30`.
pub fn softmax(scores: &[i64], table: &[i64], shift: u32) -> Vec<i64> {
    let max = scores.iter().copied().max().unwrap_or(0);
    scores
        .iter()
        .map(|&s| weight(max - s, table, shift))
        .collect()
}

fn weight(distance: i64, table: &[i64], shift: u32) -> i64 {
    if vanishes(distance, shift) {
        return 0;
    }
    let z = super::requantize::round_shift(distance, shift);
    let (whole, frac) = (z >> FRAC_BITS, z & ((1 << FRAC_BITS) - 1));
    table[frac as usize] << (MAX_EXPONENT - whole)
}

/// Whether a score that far below the largest has no weight.
pub fn vanishes(distance: i64, shift: u32) -> bool {
    super::requantize::round_shift(distance, shift) >> FRAC_BITS > MAX_EXPONENT
}
