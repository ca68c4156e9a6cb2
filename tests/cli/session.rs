//! The session that most of the tests share, and what they do with copies of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::OnceLock;

use crate::command::{accept, code, compiling, path, run, text};
use crate::second_model;

pub struct World {
    // Keeps the folder alive.
    _temp: tempfile::TempDir,
    pub root: PathBuf,
    /// What `prove` said of the session.
    pub proven: serde_json::Value,
}

pub const PROMPT: &str = "abc";

pub fn prove(world: &World, prompt: &str, session: &str) -> String {
    let build = world.root.join("build");
    let out = world.root.join(session);
    accept(&[
        "prove",
        path(&build),
        "-p",
        prompt,
        "-n",
        "3",
        "--chunk",
        "3",
        "-o",
        path(&out),
        "--json",
    ])
}

/// The compiled second model, and one proven session of two chunks.
pub fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let temp = tempfile::tempdir().expect("a folder");
        let root = temp.path().to_path_buf();
        second_model::write_second_model(&root.join("second"), 7).expect("written");
        let mut world = World {
            _temp: temp,
            root,
            proven: serde_json::Value::Null,
        };
        let (model, build) = (world.root.join("second"), world.root.join("build"));
        let report = accept(&[&compiling(&model, &build)[..], &["--json"]].concat());
        assert!(report.contains("top1_agreement"));
        let proven = prove(&world, PROMPT, "session");
        world.proven = serde_json::from_str(&proven).expect("JSON");
        world
    })
}

pub fn manifest(world: &World) -> PathBuf {
    world.root.join("build/model.json")
}

pub fn verify(world: &World, session: &Path) -> Output {
    run(&[
        "verify",
        path(session),
        "--model",
        path(&manifest(world)),
        "--json",
    ])
}

/// A copy of the proven session that a test may damage.
pub fn copy(world: &World, name: &str) -> PathBuf {
    let to = world.root.join(name);
    let _ = fs::remove_dir_all(&to);
    fs::create_dir(&to).expect("a folder");
    for entry in fs::read_dir(world.root.join("session")).expect("the session") {
        let entry = entry.expect("an entry");
        fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
    }
    to
}

pub fn assert_rejected(world: &World, session: &Path, names: &str) {
    let output = verify(world, session);
    let stderr = text(&output.stderr);
    assert_eq!(code(&output), 1, "{names}: {stderr}");
    assert!(stderr.contains(names), "{stderr:?} does not name {names:?}");
    assert!(!stderr.contains("panicked"), "{stderr}");
}
