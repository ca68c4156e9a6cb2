//! A Starknet contract that verifies transformer decode steps.
//!
//! `registry` keeps models and sessions, `verifier` is the class that it asks. Below them: `span` and `limbs`
//! compute from a statement what a wrapped proof must say; `circuit` verifies that proof, with `calldata`,
//! `channel`, `merkle`, `quotients`, `fri` and `lookup` for its parts; `blake`, `circle` and `fields` are
//! arithmetic. `constraints` and `layout` are generated from the prover's crates.

pub mod account;
pub mod blake;
pub mod calldata;
pub mod channel;
pub mod circle;
pub mod circuit;
pub mod constraints;
pub mod fields;
pub mod fri;
pub mod interfaces;
pub mod layout;
pub mod limbs;
pub mod lookup;
pub mod merkle;
pub mod quotients;
pub mod registry;
pub mod span;
pub mod verifier;

#[cfg(test)]
mod blake_test;
#[cfg(test)]
mod calldata_test;
#[cfg(test)]
mod channel_test;
#[cfg(test)]
mod constraints_test;
#[cfg(test)]
mod constraints_vectors;
#[cfg(test)]
mod merkle_test;
#[cfg(test)]
mod quotients_test;
#[cfg(test)]
mod registry_continue_test;
#[cfg(test)]
mod registry_order_test;
#[cfg(test)]
mod registry_setup;
#[cfg(test)]
mod registry_test;
#[cfg(test)]
mod span_test;
#[cfg(test)]
mod vectors;
