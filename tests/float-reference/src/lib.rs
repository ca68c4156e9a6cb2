//! The modules that the float reference needs, compiled from the product's own sources.

#[path = "../../../verifier/src/guard.rs"]
pub mod guard;
#[path = "../../../src/integers/mod.rs"]
pub mod integers;
#[path = "../../../src/ir/mod.rs"]
pub mod ir;
#[path = "../../../src/model/mod.rs"]
pub mod model;
#[path = "../../../src/quantize/mod.rs"]
pub mod quantize;
#[path = "../../../src/scales/mod.rs"]
pub mod scales;
#[path = "../../../verifier/src/spec/mod.rs"]
pub mod spec;
