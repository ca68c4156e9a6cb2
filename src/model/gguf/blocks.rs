//! The types of GGUF's tensors: numbers in blocks, and how a block becomes floats.
//!
//! `d` is a block's scale and `m` its offset, halves in most types. In the K types a block has 256 numbers in groups of 16 or 32, whose scales are small
//! integers of a few bits.

use half::{bf16, f16};

/// A type of tensors.
pub(super) struct Kind {
    /// Its number in files.
    pub(super) id: u32,
    pub(super) name: &'static str,
    /// Numbers of a block, and its bytes.
    pub(super) block: usize,
    pub(super) bytes: usize,
    /// A block's numbers; both slices have the sizes above.
    unpack: fn(&[u8], &mut [f32]),
}

impl Kind {
    /// The numbers of whole blocks.
    pub(super) fn unpack(&self, packed: &[u8]) -> Vec<f32> {
        let blocks = packed.chunks_exact(self.bytes);
        let mut values = vec![0.0; blocks.len() * self.block];
        let pairs = blocks.zip(values.chunks_exact_mut(self.block));
        pairs.for_each(|(block, values)| (self.unpack)(block, values));
        values
    }
}

/// Every type that is read.
pub(super) const KINDS: [Kind; 14] = [
    kind(0, "F32", 1, 4, |b, x| {
        x[0] = f32::from_le_bytes([b[0], b[1], b[2], b[3]])
    }),
    kind(1, "F16", 1, 2, |b, x| x[0] = half(b, 0)),
    kind(30, "BF16", 1, 2, |b, x| {
        x[0] = bf16::from_le_bytes([b[0], b[1]]).to_f32()
    }),
    kind(2, "Q4_0", 32, 18, |b, x| {
        nibbles(half(b, 0), -8.0 * half(b, 0), None, &b[2..], x)
    }),
    kind(3, "Q4_1", 32, 20, |b, x| {
        nibbles(half(b, 0), half(b, 2), None, &b[4..], x)
    }),
    kind(6, "Q5_0", 32, 22, |b, x| {
        nibbles(half(b, 0), -16.0 * half(b, 0), Some(&b[2..6]), &b[6..], x)
    }),
    kind(7, "Q5_1", 32, 24, |b, x| {
        nibbles(half(b, 0), half(b, 2), Some(&b[4..8]), &b[8..], x)
    }),
    kind(8, "Q8_0", 32, 34, |b, x| bytes(half(b, 0), &b[2..], x)),
    kind(10, "Q2_K", 256, 84, q2_k),
    kind(11, "Q3_K", 256, 110, q3_k),
    kind(12, "Q4_K", 256, 144, |b, x| q45_k(b, None, &b[16..], x)),
    kind(13, "Q5_K", 256, 176, |b, x| {
        q45_k(b, Some(&b[16..48]), &b[48..], x)
    }),
    kind(14, "Q6_K", 256, 210, q6_k),
    kind(15, "Q8_K", 256, 292, |b, x| {
        bytes(f32::from_le_bytes([b[0], b[1], b[2], b[3]]), &b[4..260], x)
    }),
];

const fn kind(
    id: u32,
    name: &'static str,
    block: usize,
    bytes: usize,
    unpack: fn(&[u8], &mut [f32]),
) -> Kind {
    Kind {
        id,
        name,
        block,
        bytes,
        unpack,
    }
}

fn half(block: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([block[at], block[at + 1]]).to_f32()
}

/// `d q + m`: the low halves of 16 bytes, then the high halves, each with a fifth bit where the type has one.
fn nibbles(d: f32, m: f32, fifth: Option<&[u8]>, packed: &[u8], x: &mut [f32]) {
    for (i, x) in x.iter_mut().enumerate() {
        let high = fifth.map_or(0, |bits| bits[i / 8] >> (i % 8) & 1);
        let low = packed[i % 16] >> (i / 16 * 4) & 15;
        *x = d * f32::from(high << 4 | low) + m;
    }
}

/// `d q` for signed bytes.
fn bytes(d: f32, packed: &[u8], x: &mut [f32]) {
    let pairs = x.iter_mut().zip(packed);
    pairs.for_each(|(x, &q)| *x = d * f32::from(q as i8));
}

/// Two bits each: 16 bytes of scales and offsets of four bits, 64 bytes of numbers, `d`, `m`.
fn q2_k(block: &[u8], x: &mut [f32]) {
    let (scales, packed) = block[..80].split_at(16);
    let [d, m] = [half(block, 80), half(block, 82)];
    for (i, x) in x.iter_mut().enumerate() {
        let scale = scales[i / 16];
        let (d, m) = (d * f32::from(scale & 15), m * f32::from(scale >> 4));
        *x = d * f32::from(two_bits(packed, i)) - m;
    }
}

/// The number `i` of two bits: each 32 bytes have four times 32 of them.
fn two_bits(packed: &[u8], i: usize) -> u8 {
    packed[i / 128 * 32 + i % 32] >> (i % 128 / 32 * 2) & 3
}

/// Three bits each: 32 bytes of third bits, 64 bytes of the others, 12 bytes of scales of six bits, `d`.
fn q3_k(block: &[u8], x: &mut [f32]) {
    let (thirds, rest) = block.split_at(32);
    let (packed, rest) = rest.split_at(64);
    let d = half(rest, 12);
    for (i, x) in x.iter_mut().enumerate() {
        let group = i / 16;
        let low = rest[group % 8] >> (group / 8 * 4) & 15;
        let high = rest[8 + group % 4] >> (group / 4 * 2) & 3;
        let scale = f32::from(high << 4 | low) - 32.0;
        let third = thirds[i % 32] >> (i / 32) & 1;
        *x = d * scale * (f32::from(third << 2 | two_bits(packed, i)) - 4.0);
    }
}

/// Four or five bits each: `d`, `m`, 12 bytes of scales and offsets of six bits, then fifth bits and the others.
fn q45_k(block: &[u8], fifth: Option<&[u8]>, packed: &[u8], x: &mut [f32]) {
    let [d, m] = [half(block, 0), half(block, 2)];
    for (i, x) in x.iter_mut().enumerate() {
        let (scale, offset) = six_bits(&block[4..16], i / 32);
        let low = packed[i / 64 * 32 + i % 32] >> (i / 32 % 2 * 4) & 15;
        let high = fifth.map_or(0, |bits| bits[i % 32] >> (i / 32) & 1);
        *x = d * scale * f32::from(high << 4 | low) - m * offset;
    }
}

/// The scale and the offset of a group: four groups have them in six bits of a byte, the others in four bits of one and two of another.
fn six_bits(packed: &[u8], group: usize) -> (f32, f32) {
    let (scale, offset) = match group < 4 {
        true => (packed[group] & 63, packed[group + 4] & 63),
        false => (
            packed[group + 4] & 15 | packed[group - 4] >> 6 << 4,
            packed[group + 4] >> 4 | packed[group] >> 6 << 4,
        ),
    };
    (f32::from(scale), f32::from(offset))
}

/// Six bits each: 128 bytes of low halves, 64 bytes of two high bits, 16 signed scales, `d`.
fn q6_k(block: &[u8], x: &mut [f32]) {
    let (low, rest) = block.split_at(128);
    let (high, rest) = rest.split_at(64);
    let d = half(rest, 16);
    for (i, x) in x.iter_mut().enumerate() {
        let (part, place) = (i / 128, i % 128);
        let low = low[part * 64 + place % 64] >> (place / 64 * 4) & 15;
        let high = high[part * 32 + place % 32] >> (place / 32 * 2) & 3;
        let scale = f32::from(rest[i / 16] as i8);
        *x = d * scale * (f32::from(high << 4 | low) - 32.0);
    }
}
