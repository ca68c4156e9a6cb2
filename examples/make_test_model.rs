//! Writes the tests' second model directory: `cargo run --release --example make_test_model -- DIR`; or one of a
//! given shape, with random weights: `… -- DIR HIDDEN MLP LAYERS HEADS VOCAB`.

#[path = "../tests/support/model_dir.rs"]
mod model_dir;
#[path = "../tests/support/second_model.rs"]
mod second_model;

use std::path::Path;
use std::process::ExitCode;
use std::{fs, io};

use cairo_decode::model::random::{self, Shape};

/// A model of a shape, with calibration and held-out text beside it.
fn shaped(dir: &Path, sizes: &[usize]) -> io::Result<()> {
    let &[hidden, mlp, layers, heads, vocab] = sizes else {
        let problem = "the shape is HIDDEN MLP LAYERS HEADS VOCAB, all numbers";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, problem));
    };
    let shape = Shape {
        hidden,
        mlp,
        layers,
        heads,
        kv_heads: heads,
        head_dim: hidden.checked_div(heads).unwrap_or(0),
        vocab,
        tied: true,
    };
    fs::create_dir_all(dir)?;
    random::write_model_dir(dir, &shape, 1)?;
    fs::write(dir.join("calibration.txt"), random::text(8, 2))?;
    fs::write(dir.join("heldout.txt"), random::text(8, 3))
}

fn main() -> ExitCode {
    let Some(dir) = std::env::args().nth(1) else {
        eprintln!("usage: make_test_model DIR [HIDDEN MLP LAYERS HEADS VOCAB]");
        return ExitCode::from(2);
    };
    let shape: Vec<String> = std::env::args().skip(2).collect();
    let sizes: Vec<usize> = shape.iter().filter_map(|size| size.parse().ok()).collect();
    let path = Path::new(&dir);
    let written = match shape.is_empty() {
        true => second_model::write_second_model(path, 7),
        false => shaped(path, &sizes),
    };
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{dir}: {error}");
            ExitCode::from(2)
        }
    }
}
