//! The links of the documents lead to files that are there, and to headings that they have.

use std::fs;
use std::path::Path;

use crate::{files, root};

/// The documents of the repository, as (path relative to the root, text).
fn documents() -> Vec<(String, String)> {
    let mut documents = files("docs", &["md"]);
    for entry in fs::read_dir(root()).expect("the root") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "md") {
            let name = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            documents.push((name, fs::read_to_string(path).expect("UTF-8")));
        }
    }
    documents
}

/// The anchor that a heading gets: its letters and digits in lower case, with hyphens for spaces.
fn anchor(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || [' ', '-', '_'].contains(c);
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    text.chars()
        .filter(kept)
        .collect::<String>()
        .replace(' ', "-")
}

/// Targets of the links in a text that do not lead out of the repository.
fn targets(text: &str) -> Vec<&str> {
    let mut targets = vec![];
    for (at, mark) in text.match_indices("](") {
        let rest = &text[at + mark.len()..];
        let target = rest.split(')').next().unwrap_or(rest);
        if !target.contains("://") {
            targets.push(target);
        }
    }
    targets
}

#[test]
fn links_lead_somewhere() {
    let (documents, mut problems, mut found) = (documents(), vec![], 0);
    for (path, text) in &documents {
        for target in targets(text) {
            found += 1;
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let folder = Path::new(path).parent().unwrap_or(Path::new(""));
            let file = match file {
                "" => root().join(path),
                file => root().join(folder).join(file),
            };
            if !file.exists() {
                problems.push(format!("{path}: {target}: no such file"));
                continue;
            }
            let has = |text: String| {
                text.lines()
                    .any(|l| l.starts_with('#') && anchor(l) == heading)
            };
            if !heading.is_empty() && !fs::read_to_string(&file).is_ok_and(has) {
                problems.push(format!("{path}: {target}: no such heading"));
            }
        }
    }
    assert!(found > 20, "{found} links");
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
