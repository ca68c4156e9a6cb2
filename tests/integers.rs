//! Specification 2: the meaning of its operations, the ranges that follow from constants, and the quantiser's scales.

#[path = "support/families.rs"]
mod families;
#[path = "integers/families.rs"]
mod family_models;
#[path = "integers/fidelity.rs"]
mod fidelity;
#[path = "integers/heads.rs"]
mod heads;
#[path = "support/model_dir.rs"]
mod model_dir;
#[path = "integers/models.rs"]
mod models;
#[path = "integers/plans.rs"]
mod plans;
#[path = "integers/ranges.rs"]
mod ranges;
#[path = "integers/scales.rs"]
mod scales;
#[path = "integers/semantics.rs"]
mod semantics;
