//! From a plan of tensor operations to the Cairo program that calls them.
//!
//! | file | owns |
//! |---|---|
//! | `schedule` | the typed steps: calls by layers, what their cells are, where the roots stand |
//! | `text` | the steps as a Cairo package that reads as a list of calls |
//! | `cost` | the steps as words of the program and steps of the VM, before anything is compiled |
//! | `compiled` | the package as a program: its words in the VM and in a proof, its run |
//! | `chunk` | what the program is given for a chunk, and what it must state |
//!
//! Invariants
//! - Each evaluator walks the same steps. What the text imports and what the program costs follow from what is emitted.
//! - An operation is a number and cells. Nothing here knows what it computes, so a new one changes nothing here.
//! - The same plan, names and model root give the same text, and the same words.
//! - Deliberately absent: weights, constants and their layout, which the program does not know; the protocol of a chunk, which is
//!   Cairo that a person has written (`cairo/tensors`).

mod chunk;
mod compiled;
mod cost;
mod schedule;
mod text;

pub use chunk::{Chunk, ChunkError, Pins, chunk, header};
pub use compiled::Compiled;
pub use cost::{Declared, Work, declare};
pub use schedule::{Call, Cell, Name, Roots, Schedule, ScheduleError, Step, Views};
pub use text::{Package, package};
