//! The portable target: its program states what the program of tensor operations states, and each function of its library computes what the
//! integer reference computes.

#[path = "portable/calls.rs"]
mod calls;
#[path = "portable/command.rs"]
mod command;
#[path = "support/families.rs"]
mod families;
#[path = "portable/golden.rs"]
mod golden;
#[path = "support/identity.rs"]
mod identity;
#[path = "portable/kernels.rs"]
mod kernels;
#[path = "support/model_dir.rs"]
mod model_dir;
#[path = "integers/models.rs"]
mod models;
#[path = "portable/refused.rs"]
mod refused;
#[path = "portable/statements.rs"]
mod statements;
#[path = "portable/stock.rs"]
mod stock;
#[path = "portable/twins.rs"]
mod twins;
