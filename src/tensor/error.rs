//! Why there is no plan, one variant for each check; and why a chunk has no proof.

use thiserror::Error;

use crate::air::components::lanes::CHANNELS;

/// Why there is no plan.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PlanError {
    #[error("embed: a shift by {shift}, at most {limit}")]
    EmbedShift { shift: u32, limit: u32 },
    #[error("embed: the plan has vectors of positions already; add both tables into one")]
    PositionTables,
    #[error("angles: the table has no positions or no frequencies")]
    NoAngles,
    #[error(
        "angles: position {position} has {found} frequencies, and the first position {expected}"
    )]
    Frequencies {
        position: usize,
        found: usize,
        expected: usize,
    },
    #[error(
        "angles: a cosine or sine of {value}; magnitudes are at most {limit}, which stands for 1"
    )]
    Angle { value: i64, limit: i64 },
    #[error(
        "rotary: outputs of {bits} bits, sign included; at most {limit}, so that rotated sums can be proven: take a larger shift"
    )]
    RotatedBits { bits: u32, limit: u32 },
    #[error(
        "rotary: heads of {found} channels, and the plan has heads of {expected}: all have one size"
    )]
    HeadSize { found: usize, expected: usize },
    #[error("a plan has 8, 16, 32 or 64 lanes, not {0}")]
    Lanes(usize),
    #[error("a block of {0} outputs: the number must be even, and at least 2")]
    Block(usize),
    #[error("an embedding's channels come in eights: {0}")]
    Width(usize),
    #[error("{operation}: the matrix has {found} inputs, the tensor {expected} channels")]
    Inputs {
        operation: &'static str,
        found: usize,
        expected: usize,
    },
    #[error("{operation}: the matrix has no inputs; add a bias to another operation instead")]
    NoInputs { operation: &'static str },
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
    #[error(
        "residual: {bits} bits behind a shift by {shift}; there are at least {least}, and with the shift at most {most}"
    )]
    StreamBits {
        bits: u32,
        shift: u32,
        least: u32,
        most: u32,
    },
    #[error("residual: the stream can reach {reach}, and must be below {limit}")]
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
    #[error("head: its matrix has rows for {found} tokens, the embedding has {expected}")]
    OutputTokens { found: usize, expected: usize },
    #[error("the table of {what} has {found} positions, the context has {expected}")]
    Positions {
        what: &'static str,
        found: usize,
        expected: usize,
    },
    #[error("{name} reads operation {input}, which does not come before it")]
    Late { name: &'static str, input: usize },
    #[error("norm: {channels} channels; there must be some, and at most {limit}")]
    NormChannels { channels: usize, limit: usize },
    #[error("norm: {channels} channels are not {parts} equal parts")]
    NormParts { channels: usize, parts: usize },
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
    #[error("{operation}: no operation has chosen tokens yet; add the head before")]
    NoHead { operation: &'static str },
    #[error("records: the plan has one already; two would have rows of the same numbers")]
    Recorded,
    #[error(
        "records: the tensor at address {address} has {channels} channels; they come in eights"
    )]
    RecordChannels { address: u32, channels: usize },
    #[error(
        "records: a value can reach {magnitude}, at most {limit} fits an element; round keys and values to fewer bits"
    )]
    RecordValue { magnitude: i64, limit: i64 },
    #[error(
        "records: the plan carries keys and values that its record has not, or has in another order: nothing would bind them; give the record all of them, in the order in which attention was added"
    )]
    Unrecorded,
    #[error("records: a record of {blocks} blocks; at least one and at most {limit}")]
    RecordBlocks { blocks: usize, limit: usize },
    #[error(
        "attention: heads of {0} channels; tensor components take a multiple of {CHANNELS}, and at least {CHANNELS}"
    )]
    HeadChannels(usize),
    #[error(
        "attention: {found} channels of a head; the plan's other heads have {expected}, and all must have as many"
    )]
    HeadDim { found: usize, expected: usize },
    #[error("attention: {heads} heads of queries cannot share {kv_heads} heads of keys evenly")]
    SharedHeads { heads: usize, kv_heads: usize },
    #[error("attention: the {tensor} have {found} channels, not {expected}")]
    HeadsChannels {
        tensor: &'static str,
        found: usize,
        expected: usize,
    },
    #[error(
        "{operation}: a carried number has {bits} bits, at most {limit} can be hashed: round it to fewer"
    )]
    CarriedBits {
        operation: &'static str,
        bits: u32,
        limit: u32,
    },
    #[error(
        "attention: {0} carried blocks after attention has been added; say them before, as its ranges depend on them"
    )]
    CarriedLate(u32),
    #[error("attention: a lane can see {keys} keys, at most {limit}: carry fewer blocks")]
    Keys { keys: usize, limit: usize },
    #[error(
        "attention: a score can be {reach}; less than {limit} can be proven: round queries or keys to fewer bits"
    )]
    Score { reach: i64, limit: i64 },
    #[error("attention: distances of units of 2^{shift}, at most 2^{limit}")]
    Distance { shift: u32, limit: u32 },
    #[error("attention: the table of weights has {found} distances, the scores need {needed}")]
    Distances { found: usize, needed: usize },
    #[error(
        "attention: the table of weights begins at the argument {found}; distance 0 is {expected}"
    )]
    Nearest { found: i64, expected: i64 },
    #[error(
        "attention: the weight of distance {distance} is {value}, not at least 0 and below {limit}"
    )]
    Weight {
        distance: usize,
        value: i32,
        limit: i32,
    },
    #[error("attention: the weight of distance 0 is {value}, at least {least} is needed")]
    NearestWeight { value: i32, least: i32 },
}

/// A value that no proof can have: its range is checked, not proven.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "operation {operation}, channel {channel}, lane {lane}: {value} has more than {bits} bits: the prompt leads out of the ranges that the model was calibrated for"
)]
pub struct BitsError {
    pub operation: usize,
    pub channel: usize,
    pub lane: usize,
    pub value: i64,
    pub bits: u32,
}
