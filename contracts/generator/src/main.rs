//! Writes the generated modules of the contract, or checks that they are what it would write.
//!
//! `cargo run --release -p verifier-generator` writes `contracts/src/constraints.cairo`, `layout.cairo` and the
//! tests' `constraints_vectors.cairo`; with `--check` it compares, and fails if the prover's crates have moved on.

mod air;
mod emit;
mod layout;
mod native;
mod record;
mod vectors;

use std::path::Path;

use anyhow::{Context, bail};

fn main() -> anyhow::Result<()> {
    let check = match std::env::args().nth(1).as_deref() {
        None => false,
        Some("--check") => true,
        Some(other) => bail!("unknown argument {other:?}; the only one is --check"),
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src");
    let air = air::record();
    let files = [
        ("constraints.cairo", emit::constraints(&air)),
        ("layout.cairo", layout::layout(&air)),
        ("constraints_vectors.cairo", vectors::vectors(&air)),
    ];
    for (name, text) in files {
        let file = folder.join(name);
        if !check {
            std::fs::write(&file, text).with_context(|| file.display().to_string())?;
            continue;
        }
        let found = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        if found != text {
            bail!(
                "{}: is not what the prover's crates give; run: cargo run --release -p verifier-generator",
                file.display()
            );
        }
    }
    Ok(())
}
