//! Embeds Cairo's core library (prepared by `scripts/setup`), the library of generated programs `cairo/tensors/` and the
//! contracts, so that the binary compiles generated programs and contracts on its own.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("set by cargo"));
    let corelib = root.join(".deps/corelib/src");
    if !corelib.join("lib.cairo").exists() {
        panic!("Cairo's core library is missing: run scripts/setup first");
    }
    let out = PathBuf::from(env::var("OUT_DIR").expect("set by cargo"));
    let folders = [
        ("CORELIB", corelib),
        ("TENSORS", root.join("cairo/tensors/src")),
        ("PORTABLE", root.join("cairo/portable/src")),
        ("CONTRACTS", root.join("contracts/src")),
    ];
    let text = folders.map(|(name, dir)| embed(name, &dir)).concat();
    fs::write(out.join("embedded.rs"), text).expect("OUT_DIR is writable");
    println!("cargo::rerun-if-changed=.deps/stamp");
    println!("cargo::rerun-if-changed=cairo/tensors/src");
    println!("cargo::rerun-if-changed=cairo/portable/src");
    println!("cargo::rerun-if-changed=contracts/src");
}

/// A static array of (path relative to `dir`, contents) of every `.cairo` file below `dir`.
fn embed(name: &str, dir: &Path) -> String {
    let mut files = Vec::new();
    collect(dir, &mut files);
    files.sort();
    let mut text = format!("pub(super) static {name}: &[(&str, &str)] = &[\n");
    for file in files {
        let relative = file
            .strip_prefix(dir)
            .expect("below dir")
            .to_str()
            .expect("UTF-8 path");
        let _ = writeln!(text, "    ({relative:?}, include_str!({file:?})),");
    }
    text + "];\n"
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|e| e == "cairo") {
            files.push(path);
        }
    }
}
