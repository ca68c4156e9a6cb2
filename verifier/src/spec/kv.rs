//! Packing of a step's keys and values into field elements, for the KV root.

use starknet_types_core::felt::Felt;

/// Bytes per half of a field element: a half is 128 bits in the program, of which 120 are used.
pub const BYTES_PER_HALF: usize = 15;
/// Bytes per field element.
pub const BYTES_PER_WORD: usize = 2 * BYTES_PER_HALF;

/// Packs int8 values, 30 per field element: value `i` of a word is stored as `v + 128` in byte
/// `i mod 15` (little-endian) of the low half for `i < 15`, of the high half (bit 128 on) after.
/// The last word is filled with zero bytes.
pub fn pack_kv(values: &[i8]) -> Vec<Felt> {
    values
        .chunks(BYTES_PER_WORD)
        .map(|chunk| {
            let mut bytes = [0u8; 32];
            for (i, &v) in chunk.iter().enumerate() {
                bytes[i / BYTES_PER_HALF * 16 + i % BYTES_PER_HALF] = (v as i16 + 128) as u8;
            }
            Felt::from_bytes_le(&bytes)
        })
        .collect()
}

/// Field elements per position for a cache of `values` int8 values per position.
pub fn kv_words(values: usize) -> usize {
    values.div_ceil(BYTES_PER_WORD)
}
