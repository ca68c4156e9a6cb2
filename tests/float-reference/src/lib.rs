//! The modules that the float reference needs, compiled from the product's own sources.

#[path = "../../../src/fidelity/mod.rs"]
pub mod fidelity;
#[path = "../../../verifier/src/guard.rs"]
pub mod guard;
#[path = "../../../src/integers/mod.rs"]
pub mod integers;
#[path = "../../../src/model/mod.rs"]
pub mod model;
#[path = "../../../src/quantize/mod.rs"]
pub mod quantize;
