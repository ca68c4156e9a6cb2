//! The worked vectors of `docs/spec.md` are those of the files.
//!
//! An operation's vectors stand between `<!-- vectors NAME -->` and `<!-- end vectors NAME -->`, as a table.
//! `UPDATE_EXPECT=1 cargo test --release --test vectors` writes them anew.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::file::{Case, Fields, File, OPERATIONS, file};

/// The vectors of an operation as the document shows them.
fn table(file: &File) -> String {
    let between = file.cases.iter().any(|case| !case.between.is_empty());
    let heads = ["case", "constants", "inputs", "on the way", "output"];
    let columns: Vec<usize> = (0..5).filter(|&i| i != 3 || between).collect();
    let row = |cells: Vec<String>| {
        let cells: Vec<&str> = columns.iter().map(|&i| cells[i].as_str()).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let mut text = row(heads.map(String::from).to_vec());
    text += &row(vec!["---".to_string(); 5]);
    for case in &file.cases {
        text += &row(cells(case));
    }
    text
}

fn cells(case: &Case) -> Vec<String> {
    vec![
        case.name.clone(),
        fields(case.parameters()),
        fields(case.inputs()),
        fields(&case.between),
        code(&case.output),
    ]
}

fn fields(fields: &Fields) -> String {
    let field = |(name, value): (&String, &Value)| format!("`{name}` {}", code(value));
    fields.iter().map(field).collect::<Vec<_>>().join(", ")
}

/// A value as JSON, with spaces so that a browser can break the line.
fn code(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string().replace(',', ", "),
    };
    format!("`{text}`")
}

#[test]
fn the_document_shows_the_vectors() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/spec.md");
    let mut document = fs::read_to_string(&path).expect("docs/spec.md");
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    for operation in OPERATIONS {
        let start = format!("<!-- vectors {operation} -->\n");
        let end = format!("<!-- end vectors {operation} -->");
        let section = document.find(&format!("# {operation}\n"));
        let section = section.unwrap_or_else(|| panic!("docs/spec.md has no section {operation}"));
        let found = |mark: &str| {
            let at = document[section..].find(mark).map(|at| section + at);
            at.unwrap_or_else(|| panic!("docs/spec.md, {operation}: no {mark}"))
        };
        let (from, to) = (found(&start) + start.len(), found(&end));
        let table = table(&file(operation));
        if update {
            document.replace_range(from..to, &table);
            continue;
        }
        let mut lines = document[from..to].lines().zip(table.lines());
        assert!(
            document[from..to] == table,
            "docs/spec.md, {operation}: the vectors differ from tests/vectors/{operation}.json at {:?}. If the file is \
             right, run this test with UPDATE_EXPECT=1.",
            lines.find(|(document, file)| document != file)
        );
    }
    if update {
        fs::write(&path, document).expect("a writable file");
    }
}
