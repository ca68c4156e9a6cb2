//! Tables in `docs/security.md` that tests generate.
//!
//! A table stands between `<!-- NAME -->` and `<!-- end NAME -->`. A test computes it and compares; `scripts/bless`
//! writes it instead.

#![allow(dead_code)]

use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use expect_test::expect_file;

/// A row of a table of necessity: a check, the attack, and what becomes of the attack without the check.
pub struct Row {
    pub check: String,
    pub attack: String,
    /// The first check that refuses the attack when this one is not looked at; `None`: it passes.
    pub next: Option<String>,
}

/// The table, with how many checks alone stop an attack.
pub fn necessity(rows: &[Row]) -> String {
    let needed = rows.iter().filter(|row| row.next.is_none()).count();
    let mut text = format!(
        "{needed} of {} checks alone stop their attack.\n\n| check | attack | without the check |\n|---|---|---|\n",
        rows.len()
    );
    for Row {
        check,
        attack,
        next,
    } in rows
    {
        let without = match next {
            None => "**accepted**".to_string(),
            Some(next) => format!("refused by: {next}"),
        };
        text += &format!("| {check} | {attack} | {without} |\n");
    }
    text
}

/// Tests of one process renew tables of one document: one after the other.
static DOCUMENT: Mutex<()> = Mutex::new(());

/// Compares a table with the document's, or writes it there.
pub fn check(name: &str, table: &str) {
    let _alone = DOCUMENT.lock().unwrap_or_else(PoisonError::into_inner);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/security.md");
    let document = fs::read_to_string(&path).expect("docs/security.md");
    let (start, end) = (format!("<!-- {name} -->\n"), format!("<!-- end {name} -->"));
    let from = document.find(&start).expect("the table's start") + start.len();
    let to = document.find(&end).expect("the table's end");
    let computed = [&document[..from], table, &document[to..]].concat();
    expect_file![path].assert_eq(&computed);
}
