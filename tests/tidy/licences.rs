//! The licences of the crates that the binary is made of, and of those that build it.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use spdx::{Expression, ParseMode};

use crate::root;

/// Licences that ask for a notice at most, or, as MPL, for the source of the licensed files alone.
const ALLOWED: [&str; 11] = [
    "Apache-2.0",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MPL-2.0",
    "Unicode-3.0",
    "Zlib",
    "bzip2-1.0.6",
];

/// Crates that name no licence and carry a file instead; it is the text of Apache 2.0.
const BY_FILE: &str = "cairo-lang-";

/// The dependencies on this platform, each with its licence, by what cargo knows without the network.
fn licences() -> BTreeMap<String, String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "--package", "cairo-decode"])
        .args([
            "--edges",
            "normal,build",
            "--prefix",
            "none",
            "--format",
            "{p}\t{l}\t",
        ])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let mut licences = BTreeMap::new();
    for line in text.lines() {
        let mut cells = line.split('\t');
        let (Some(package), Some(licence)) = (cells.next(), cells.next()) else {
            panic!("not a package and its licence: {line:?}")
        };
        licences.insert(package.to_string(), licence.to_string());
    }
    licences
}

/// Whether a licence may be taken; notes the allowed ones that it names.
fn is_allowed(licence: &str, used: &mut BTreeSet<String>) -> bool {
    let Ok(expression) = Expression::parse_mode(licence, ParseMode::LAX) else {
        return false;
    };
    expression.evaluate(|required| {
        let name = required.license.to_string();
        let allowed = ALLOWED.contains(&name.as_str());
        if allowed {
            used.insert(name);
        }
        allowed
    })
}

/// Every dependency may be used under one of the allowed licences, and each of those is somebody's.
#[test]
fn licences_of_dependencies_are_allowed() {
    let (mut problems, mut used) = (vec![], BTreeSet::new());
    let licences = licences();
    assert!(licences.len() > 100, "{licences:?}");
    for (package, licence) in licences {
        let by_file = licence.is_empty() && package.starts_with(BY_FILE);
        if !by_file && !is_allowed(&licence, &mut used) {
            problems.push(format!(
                "{package}: its licence is {licence:?}; if it may be used, allow it here"
            ));
        }
    }
    for licence in ALLOWED.iter().filter(|licence| !used.contains(**licence)) {
        problems.push(format!("no dependency has the licence {licence}"));
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Of two licences one is enough where there is a choice, and both are needed where there is none.
#[test]
fn licences_are_read() {
    let allowed = |licence| is_allowed(licence, &mut BTreeSet::new());
    for licence in [
        "MIT",
        "MIT/Apache-2.0",
        "GPL-3.0-only OR MIT",
        "(GPL-2.0-only OR MIT) AND ISC",
    ] {
        assert!(allowed(licence), "{licence}");
    }
    for licence in [
        "",
        "GPL-3.0-only",
        "MIT AND GPL-3.0-only",
        "Nobody-1.0",
        "MIT OR",
    ] {
        assert!(!allowed(licence), "{licence}");
    }
}
