//! The second model, compiled once for all tests of a file: its directory, its build, and a folder for what tests make.

use std::path::PathBuf;
use std::sync::OnceLock;

use super::command::{accept, compiling};
use super::second_model;

pub struct World {
    // Keeps the folder alive.
    _temp: tempfile::TempDir,
    pub root: PathBuf,
    pub model: PathBuf,
    pub build: PathBuf,
}

pub fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let temp = tempfile::tempdir().expect("a folder");
        let root = temp.path().to_path_buf();
        let (model, build) = (root.join("model"), root.join("build"));
        second_model::write_second_model(&model, 7).expect("written");
        accept(&compiling(&model, &build));
        World {
            _temp: temp,
            root,
            model,
            build,
        }
    })
}
