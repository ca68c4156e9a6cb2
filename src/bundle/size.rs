//! How large files of a build folder may be, known before they are read.

use crate::verify::MAX_PROGRAM_WORDS;

/// Largest `program.json`, in bytes: a word is a felt in hexadecimal, of up to 68 characters, and what the file says
/// besides of a program (hints, names of operations) is less than that.
pub(super) const MAX_PROGRAM_BYTES: u64 = 128 * MAX_PROGRAM_WORDS as u64 + (1 << 20);

/// Largest `integers.bin`, in bytes.
pub(super) const MAX_INTEGERS_BYTES: u64 = 2 << 30;
