//! The generated package of one small model.

use std::fmt::Write;
use std::path::Path;

use cairo_decode::portable::package;
use expect_test::expect_file;
use starknet_types_core::felt::Felt;

use crate::models::everything;

/// Every operation once: the package's files, one behind the other.
#[test]
fn the_package_of_every_operation() {
    let of = everything();
    let made = package(&of, Felt::from(0xabcd), 8).expect("a package");
    assert_eq!(
        package(&of, Felt::from(0xabcd), 8).expect("a package"),
        made
    );
    let mut text = String::new();
    for (path, file) in &made.files {
        // Tables are long, and one line of numbers is like another.
        let lines = file.lines().scan(0, |numbers, line| {
            let number = line
                .trim_start()
                .starts_with(|c: char| c == '-' || c.is_ascii_digit());
            *numbers = if number { *numbers + 1 } else { 0 };
            Some((*numbers, line))
        });
        let _ = writeln!(text, "=== {path}");
        for (numbers, line) in lines {
            match numbers {
                0 | 1 => text.push_str(line),
                2 => text.push_str("    …"),
                _ => continue,
            }
            text.push('\n');
        }
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/portable_package.txt");
    expect_file![golden].assert_eq(&text);
}
