//! Why a description is no integer model, and why a step has no result: one variant for each check.

use thiserror::Error;

/// A constant or a range that no proof can have. `operation` is the number of the operation in its description.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RangeError {
    #[error(
        "operation {operation} ({name}) reads operation {input}, which does not come before it"
    )]
    Order {
        operation: usize,
        name: &'static str,
        input: usize,
    },
    #[error("{found} operations, at most {most} are read")]
    Operations { found: usize, most: usize },
    #[error("the last operation, and no other, must be the head")]
    Head,
    #[error(
        "operation {operation} ({name}): a matrix or a table does not fit what it is used with: {found} numbers, not {expected}"
    )]
    Shape {
        operation: usize,
        name: &'static str,
        found: usize,
        expected: usize,
    },
    #[error("operation {operation} ({name}) reads table {table}, which is not there")]
    NoTable {
        operation: usize,
        name: &'static str,
        table: usize,
    },
    #[error(
        "operation {operation} ({name}): {what} can reach {reach}, and must be below {limit}: coarser scales are needed before it"
    )]
    Reach {
        operation: usize,
        name: &'static str,
        what: &'static str,
        reach: i64,
        limit: i64,
    },
    #[error(
        "operation {operation} ({name}): a shift by {shift}, from {least} to {most} are possible"
    )]
    Shift {
        operation: usize,
        name: &'static str,
        shift: u32,
        least: u32,
        most: u32,
    },
    #[error(
        "operation {operation} ({name}): {bits} bits behind a shift by {shift}: there are from {least} to {most}, and 30 with the shift"
    )]
    Form {
        operation: usize,
        name: &'static str,
        bits: u32,
        shift: u32,
        least: u32,
        most: u32,
    },
    #[error(
        "operation {operation} ({name}): the constant {what} is {value}, which is not between {least} and {most}"
    )]
    Constant {
        operation: usize,
        name: &'static str,
        what: &'static str,
        value: i64,
        least: i64,
        most: i64,
    },
}

/// Why a step has no result: a token or a position that the model does not have, or a value that no proof can have.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    #[error("token {token} is not one of {tokens}")]
    Token { token: u32, tokens: usize },
    #[error("position {position} is beyond the context of {context}")]
    Position { position: usize, context: usize },
    #[error(
        "operation {operation}, channel {channel}: {value} has more than {bits} bits: the prompt leads out of the ranges that the model was calibrated for"
    )]
    Bits {
        operation: usize,
        channel: usize,
        value: i64,
        bits: u32,
    },
    #[error("operation {operation}: the norm's sum of squares needs an exponent above {most}")]
    Norm { operation: usize, most: u32 },
}
