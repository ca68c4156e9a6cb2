//! Constant arrays: felts as hexadecimal literals.

use std::fmt::Write;

use starknet_types_core::felt::Felt;

/// `pub const NAME: [felt252; n] = [ … ];`, a few literals per line.
pub(super) fn array(name: &str, doc: &str, words: &[Felt]) -> String {
    let mut out = format!(
        "\n/// {doc}\npub const {name}: [felt252; {}] = [\n",
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

/// Entries of 15 bits (value + 2^14), 16 per felt, 8 in each 128-bit half; each chunk of `row`
/// entries starts a new felt.
pub(super) fn pack_int15(entries: impl Iterator<Item = i64>) -> Vec<Felt> {
    let entries: Vec<i64> = entries.collect();
    entries
        .chunks(16)
        .map(|chunk| {
            let half = |half: &[i64]| {
                half.iter()
                    .rev()
                    .fold(0u128, |acc, &x| (acc << 15) | (x + (1 << 14)) as u128)
            };
            let (low, high) = chunk.split_at(chunk.len().min(8));
            join(half(low), half(high))
        })
        .collect()
}

/// `low + 2^128 · high`.
pub(super) fn join(low: u128, high: u128) -> Felt {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(&low.to_le_bytes());
    bytes[16..].copy_from_slice(&high.to_le_bytes());
    Felt::from_bytes_le(&bytes)
}
