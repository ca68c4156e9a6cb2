//! What a generated program of tensor operations is made of: calls, and the chunk protocol around them.
//!
//! The program computes no tensor. It says which operations are called, in which order, on which rows of the tensor memory; it
//! reads the tokens and the roots of that memory, and binds them to what it states. Everything that comes from outside
//! (the chunk's input) is checked here, or by an instruction.
//!
//! No function here multiplies felts: one product of large numbers would bring a table of 25 million cells into each proof.

pub mod calls;
pub mod chunk;
pub mod digest;
pub mod lanes;
