//! The `use` lines of generated Cairo.

use std::collections::BTreeMap;
use std::fmt::Write;

/// A line for each file of a library that `items` are of: pairs of file and item, in the order of the lines.
pub fn uses<'a>(library: &str, items: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut files: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (file, item) in items {
        files.entry(file).or_default().push(item);
    }
    let mut lines = String::new();
    for (file, items) in files {
        let items = match items[..] {
            [item] => item.to_string(),
            _ => format!("{{{}}}", items.join(", ")),
        };
        let _ = writeln!(lines, "use {library}::{file}::{items};");
    }
    lines
}
