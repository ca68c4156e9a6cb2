//! Writes the tests' second model directory: `cargo run --release --example make_test_model -- DIR`.

#[path = "../tests/support/model_dir.rs"]
mod model_dir;
#[path = "../tests/support/second_model.rs"]
mod second_model;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(dir) = std::env::args().nth(1) else {
        eprintln!("usage: make_test_model DIR");
        return ExitCode::from(2);
    };
    match second_model::write_second_model(Path::new(&dir), 7) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{dir}: {error}");
            ExitCode::from(2)
        }
    }
}
