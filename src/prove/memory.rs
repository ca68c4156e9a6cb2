//! What a proof needs of the machine's memory.

use std::fs;

use crate::verify::params::{PLAIN, ParamSet};

/// Bytes that a proof takes at its peak for each cell that it commits to, the cell itself included: measured, with
/// a tenth added (`cairo-decode bench` prints cells and peak memory), with [`PLAIN`]. Most of them are of columns on
/// their whole domain, which grows with the blow-up.
const BYTES_PER_CELL: u64 = 17;
/// Bytes that any proof takes: tables, twiddles, program, VM.
const BASE: u64 = 1_200_000_000;

fn bytes_per_cell(set: &ParamSet) -> u64 {
    let more = set
        .params
        .log_blowup
        .saturating_sub(PLAIN.params.log_blowup);
    BYTES_PER_CELL << more.min(32)
}

/// Bytes that proving a trace with so many cells takes.
pub fn needed(cells: u64, set: &ParamSet) -> u64 {
    BASE + bytes_per_cell(set).saturating_mul(cells)
}

/// Bytes that this process may have in all: what it has, and what the system could still give it. `None` where the
/// system does not say it (it does on Linux).
pub fn available() -> Option<u64> {
    let own = field("/proc/self/status", "VmRSS:")?;
    Some(own + field("/proc/meminfo", "MemAvailable:")?)
}

/// Cells of the largest trace that [`available`] memory does for.
pub fn max_cells(set: &ParamSet) -> u64 {
    let cells = |available: u64| available.saturating_sub(BASE) / bytes_per_cell(set);
    available().map_or(u64::MAX, cells)
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
