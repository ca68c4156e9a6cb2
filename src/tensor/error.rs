//! Why there is no plan, one variant for each check; and why a chunk has no proof.

use thiserror::Error;

/// Why there is no plan.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PlanError {
    #[error("a plan has 8, 16, 32 or 64 lanes, not {0}")]
    Lanes(usize),
    #[error("a block has an even number of outputs, and some: {0}")]
    Block(usize),
    #[error("an embedding's channels come in eights: {0}")]
    Width(usize),
    #[error("{operation}: the matrix has {found} inputs, the tensor {expected} channels")]
    Inputs {
        operation: &'static str,
        found: usize,
        expected: usize,
    },
    #[error("{operation}: output {output} can reach {reach}, at most {limit} can be proven")]
    Range {
        operation: &'static str,
        output: usize,
        reach: i64,
        limit: i64,
    },
    #[error("{operation}: {bits} bits after a shift by {shift}; at most 16 each, and 30 together")]
    Bits {
        operation: &'static str,
        bits: u32,
        shift: u32,
    },
    #[error(
        "{operation}: output {output} can be {reach} after rounding, which {bits} bits do not hold"
    )]
    Result {
        operation: &'static str,
        output: usize,
        reach: i64,
        bits: u32,
    },
    #[error("{operation}: {found} biases for {expected} outputs")]
    Biases {
        operation: &'static str,
        found: usize,
        expected: usize,
    },
    #[error("a table of {arguments} arguments from {first} on: at least one, all of 16 bits")]
    Arguments { first: i64, arguments: usize },
    #[error("a table has the value {value}; magnitudes are below {limit}")]
    Value { value: i64, limit: i64 },
    #[error("residual: a shift by {shift}, at most {limit}")]
    StreamShift { shift: u32, limit: u32 },
    #[error("residual: the stream can reach {reach}, at most {limit}")]
    Stream { reach: i64, limit: i64 },
    #[error("{operation}: {found} outputs, not {expected}")]
    Outputs {
        operation: &'static str,
        found: usize,
        expected: usize,
    },
    #[error("address {address} is read, and {writers} operations write it: there must be one")]
    Writers { address: u32, writers: usize },
    #[error(
        "head: the plan has one already; two would have the same powers of β and τ, so the errors of one could cancel those of the other"
    )]
    Heads,
    #[error(
        "{operation}: no operation writes {channels} channels of at most {magnitude} to address {address}; what is read there would be the prover's choice"
    )]
    Unwritten {
        operation: &'static str,
        address: u32,
        channels: usize,
        magnitude: i64,
    },
    #[error("{operation}: the plan has no table {table}")]
    NoTable {
        operation: &'static str,
        table: usize,
    },
    #[error(
        "{operation}: output {output} can be {reach} after rounding; the table goes from {lowest} to {highest}"
    )]
    Argument {
        operation: &'static str,
        output: usize,
        reach: i64,
        lowest: i64,
        highest: i64,
    },
    #[error("norm: {channels} channels; there must be some, and at most {limit}")]
    NormChannels { channels: usize, limit: usize },
    #[error("norm: results of {bits} bits; choose {least} to {most}")]
    NormBits { bits: u32, least: u32, most: u32 },
    #[error(
        "norm: {floor} stands for eps; raise it to {least}, or choose a grain with which it is below {limit}"
    )]
    NormFloor { floor: i64, least: i64, limit: i64 },
    #[error(
        "norm: {channels} channels of at most {magnitude} can be too long for the largest unit with a grain of {grain} bits; choose a smaller grain, or a stream with a coarser unit"
    )]
    NormLength {
        channels: usize,
        magnitude: i64,
        grain: u32,
    },
    #[error(
        "norm: the plan has norms of the other kind; both would have the same powers of θ, so the errors of one could cancel those of the other"
    )]
    NormKinds,
}

/// A residual stream that no proof can have: its range is checked, not proven.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "operation {operation}, channel {channel}, lane {lane}: the stream is {value}; a proof has values from -{bound} to below {bound}"
)]
pub struct StreamError {
    pub operation: usize,
    pub channel: usize,
    pub lane: usize,
    pub value: i64,
    pub bound: i64,
}
