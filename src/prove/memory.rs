//! What a proof needs of the machine's memory.

use std::fs;

use crate::verify::params::ParamSet;

/// Bytes that a proof takes at its peak for each cell that it commits to, besides the cell's column at the blow-up; and for each number in its constant columns, besides the number's column at the blow-up.
/// Measured, with a tenth added: `cargo run --release --example shapes -- gpt2 64`, `gpt2 64 512`; and `cairo-decode bench E` and `E512`, whose plan,
/// with a weight for most constants, stays in memory. At blow-up 4: `shapes -- a 8 compact`, `demo 64 compact`, `gpt2 64 compact`.
const BYTES_PER_CELL: u64 = 11;
const BYTES_PER_CONSTANT: u64 = 11;
/// Of these, the column's coefficients.
const COEFFICIENT: u64 = 4;
/// Numbers in constant columns up to which coefficients are kept. With them a column is evaluated outside its domain as fast as it has numbers; without
/// them the weights of all points of the domain are computed first, which takes 0.6 core-seconds at blow-up 2 and 1.5 at 4, and saves more for large models, in time and memory.
/// Measured: `cargo run --release --example shapes -- gpt2 64`, `demo 64`, `a 8`, each with `compact` and without.
const KEPT_CONSTANTS: u64 = 1 << 26;
/// Bytes for each row of the lifted domain: tables, twiddles, folding.
const BYTES_PER_ROW: u64 = 400;
/// Bytes that any proof takes: program, VM.
const BASE: u64 = 500_000_000;

/// Bytes of a number's column at the blow-up.
fn committed(set: &ParamSet) -> u64 {
    4 << set.params.log_blowup
}

/// Bytes of any proof with these parameters.
fn base(set: &ParamSet) -> u64 {
    BASE + BYTES_PER_ROW * (1 << (set.max_log_rows + set.params.log_blowup))
}

/// Whether proofs with so many numbers in constant columns keep the coefficients of their columns.
pub(super) fn keeps_coefficients(constants: u64) -> bool {
    constants <= KEPT_CONSTANTS
}

/// Bytes that proving a trace with so many cells takes with these parameters, whose constant columns hold so many numbers.
pub fn needed(set: &ParamSet, cells: u64, constants: u64) -> u64 {
    let coefficient = if keeps_coefficients(constants) {
        0
    } else {
        COEFFICIENT
    };
    let [cell, constant] =
        [BYTES_PER_CELL, BYTES_PER_CONSTANT].map(|own| own - coefficient + committed(set));
    base(set) + cell * cells + constant * constants
}

/// Bytes that this process may have in all: what it has, and what the system could still give it. `None` where the
/// system does not say it (it does on Linux).
pub fn available() -> Option<u64> {
    let own = field("/proc/self/status", "VmRSS:")?;
    Some(own + field("/proc/meminfo", "MemAvailable:")?)
}

/// Largest memory this process has held so far, in bytes; `None` where the system does not say it.
pub fn peak() -> Option<u64> {
    field("/proc/self/status", "VmHWM:")
}

/// A line `NAME: n kB`, in bytes.
fn field(file: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}
