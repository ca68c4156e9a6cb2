//! Constant arrays: felts as hexadecimal literals.

use std::fmt::Write;

use starknet_types_core::felt::Felt;

/// The compiler's types have fewer words than 2^15.
pub(super) const MAX_WORDS: usize = 32_000;

/// Name of an array's part: the array's own for the first.
pub(super) fn part_name(name: &str, part: usize) -> String {
    match part {
        0 => name.to_string(),
        _ => format!("{name}_{part}"),
    }
}

/// [`array()`], in parts of `part` words.
pub(super) fn arrays(name: &str, doc: &str, ty: &str, words: &[Felt], part: usize) -> String {
    let parts = words.chunks(part).enumerate();
    parts
        .map(|(i, words)| array(&part_name(name, i), doc, ty, words))
        .collect()
}

/// `pub const NAME: [TYPE; n] = [ … ];`, a few literals per line.
pub(super) fn array(name: &str, doc: &str, ty: &str, words: &[Felt]) -> String {
    let mut out = format!(
        "\n/// {doc}\npub const {name}: [{ty}; {}] = [\n",
        words.len()
    );
    let mut width = 0;
    for word in words {
        let literal = format!("{word:#x}, ");
        if width == 0 {
            out.push_str("    ");
        }
        width += literal.len();
        out.push_str(&literal);
        if width > 90 {
            out.truncate(out.trim_end().len());
            out.push('\n');
            width = 0;
        }
    }
    if width > 0 {
        out.truncate(out.trim_end().len());
        out.push('\n');
    }
    let _ = writeln!(out, "];");
    out
}

/// How entries lie in a felt: `per_half` of them in each 128-bit half, `bits` wide, each `zero` more than
/// the value it stands for.
pub(super) struct Entries {
    pub(super) per_half: usize,
    pub(super) bits: u32,
    pub(super) zero: i64,
}

/// Entries of rotary angles.
pub(super) const ANGLES: Entries = Entries {
    per_half: 8,
    bits: 15,
    zero: 1 << 14,
};

/// Entries of the tables of 2^−x and of the sigmoid, `0..=2^15`.
pub(super) const TABLE: Entries = Entries {
    per_half: 7,
    bits: 16,
    zero: 0,
};

impl Entries {
    /// Packs values, whose entries must lie in `0..2^bits`.
    pub(super) fn pack(&self, values: &[i64]) -> Vec<Felt> {
        let half = |half: &[i64]| {
            let entry = |acc, &x| (acc << self.bits) | (x + self.zero) as u128;
            half.iter().rev().fold(0u128, entry)
        };
        let word = |word: &[i64]| {
            let (low, high) = word.split_at(word.len().min(self.per_half));
            join(half(low), half(high))
        };
        values.chunks(2 * self.per_half).map(word).collect()
    }
}

/// `low + 2^128 · high`.
pub(super) fn join(low: u128, high: u128) -> Felt {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(&low.to_le_bytes());
    bytes[16..].copy_from_slice(&high.to_le_bytes());
    Felt::from_bytes_le(&bytes)
}
