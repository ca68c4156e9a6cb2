//! The limits of ranges and sizes: what a proof has room for, and what is read of a stranger's file.

/// An accumulator is below this in magnitude, its bias included.
pub const ACCUMULATOR: i64 = 1 << 29;

/// An accumulator whose rounded result is checked to have its bits is below this: with a form, which is at most `2^29 + 2^15`, it is shorter than `2^31 - 1`.
pub const CHECKED_ACCUMULATOR: i64 = (3 << 29) - (1 << 16);

/// A logit is below this in magnitude.
pub const LOGIT: i64 = 1 << 28;

/// Most bits of a rounded result, of a rest, and of a table's argument.
pub const MAX_BITS: u32 = 16;

/// Most bits of a result and its rest together.
pub const FORM_BITS: u32 = 30;

/// Fewest bits of what joins the stream.
pub const LEAST_STREAM_BITS: u32 = 14;

/// Most bits of what is rotated, of keys and of values, sign included.
pub const SHORT_BITS: u32 = 15;

/// Most operations.
pub const MAX_OPERATIONS: usize = 1 << 14;

/// Most channels of all operations together, the head's logits left out: a proof has no more rows for them.
pub const MAX_WRITTEN: usize = 1 << 21;

/// Most channels of anything but logits.
pub const MAX_CHANNELS: i64 = 1 << 20;

/// Most tokens.
pub const MAX_TOKENS: i64 = 1 << 24;

/// Most channels of a norm.
pub const NORM_CHANNELS: i64 = 4095;

/// The least channel that keeps a norm's length from 0.
pub const NORM_FLOOR: i64 = 1 << 10;

/// A channel of a norm is below this in magnitude when it is scaled.
pub const NORM_INPUT: i64 = 1 << 28;

/// A channel of a stream is below this in magnitude.
pub const STREAM: i64 = NORM_INPUT;

/// The length of a norm's numbers is below this: then the largest unit is large enough.
pub const NORM_LENGTH: i64 = 1 << 30;

/// Most bits of a shift of an embedding.
pub const EMBEDDING_SHIFT: u32 = 24;

/// A weight of the largest score is at least this and below twice of it.
pub const LEAST_WEIGHT: i64 = 1 << 14;
