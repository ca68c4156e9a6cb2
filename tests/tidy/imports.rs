//! The tables of modules in `docs/architecture.md` say what each module of `src/` and of `verifier/src/` imports, no more and no less.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::{files, root, sources};

/// The document with the tables.
const DOCUMENT: &str = "docs/architecture.md";

/// The folders that have a table each. A name that both have, as `receipt`, is one module in two parts: the main package's adds
/// to the verifier's.
const FOLDERS: [&str; 2] = ["verifier/src", "src"];

/// Modules that each module imports.
type Imports = BTreeMap<String, BTreeSet<String>>;

/// The table of a folder's modules in a document: the row of a module names it first, and in the last column the modules that
/// it imports, or `all`.
fn table(document: &str, folder: &str) -> Imports {
    let title = format!("| `{folder}/` |");
    let rows = document
        .lines()
        .skip_while(|line| !(line.starts_with(&title) && line.ends_with("| imports |")))
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let mut table = Imports::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [module, _, imports] = cells[..] else {
            panic!("{DOCUMENT}: not three columns: {row}")
        };
        let module = module.trim_matches('`').to_string();
        let imports = match imports {
            "nothing" => BTreeSet::new(),
            "all" => BTreeSet::from(["all".to_string()]),
            list => list.split(", ").map(name).collect(),
        };
        assert!(
            table.insert(module, imports).is_none(),
            "{DOCUMENT}: twice: {row}"
        );
    }
    assert!(
        !table.is_empty(),
        "{DOCUMENT} has no table of the modules of {folder}/"
    );
    table
}

/// Both tables of a document in one.
fn whole_table(document: &str) -> Imports {
    let mut whole = Imports::new();
    for folder in FOLDERS {
        for (module, imports) in table(document, folder) {
            whole.entry(module).or_default().extend(imports);
        }
    }
    whole
}

/// The name in backticks.
fn name(quoted: &str) -> String {
    let name = quoted
        .strip_prefix('`')
        .and_then(|rest| rest.strip_suffix('`'));
    name.unwrap_or_else(|| panic!("{DOCUMENT}: {quoted} is not the name of a module in backticks"))
        .to_string()
}

/// What modules import, with the first file that does.
type Found = BTreeMap<String, BTreeMap<String, String>>;

/// What the files below a folder import.
fn found(folder: &str) -> Found {
    let mut sources = sources();
    // A package of two files, in no table.
    sources.retain(|(path, _)| !path.starts_with("web/"));
    let modules: BTreeSet<&str> = sources.iter().map(|(path, _)| module(path)).collect();
    let own = |path: &str| path.starts_with(folder) && module(path) != "lib";
    let mut found = Found::new();
    // The root of the library imports nothing: it lists the modules.
    for (path, text) in sources.iter().filter(|(path, _)| own(path)) {
        let own = found.entry(module(path).to_string()).or_default();
        for import in imports(path, text, &modules) {
            if import != module(path) {
                own.entry(import).or_insert_with(|| path.clone());
            }
        }
    }
    found
}

/// How the table and the imports differ, each line with what to do.
fn differences(table: &Imports, found: &Found) -> Vec<String> {
    let mut problems = vec![];
    for (module, imports) in found {
        let Some(listed) = table.get(module) else {
            problems.push(format!(
                "{DOCUMENT}: the table has no row for the module {module}"
            ));
            continue;
        };
        if listed.contains("all") {
            continue;
        }
        for (import, path) in imports
            .iter()
            .filter(|(import, _)| !listed.contains(*import))
        {
            problems.push(format!(
                "{path}: {module} imports {import}, which {DOCUMENT} does not list"
            ));
        }
        for import in listed
            .iter()
            .filter(|import| !imports.contains_key(*import))
        {
            problems.push(format!(
                "{DOCUMENT}: {module} does not import {import}: take it out of the table"
            ));
        }
    }
    for module in table.keys().filter(|module| !found.contains_key(*module)) {
        problems.push(format!("{DOCUMENT}: there is no module {module}"));
    }
    problems
}

/// The modules that a module imports, those that these import, and so on.
fn reached(table: &Imports, module: &str) -> BTreeSet<String> {
    let (mut reached, mut next) = (BTreeSet::new(), vec![module.to_string()]);
    while let Some(module) = next.pop() {
        for import in table.get(&module).into_iter().flatten() {
            if reached.insert(import.clone()) {
                next.push(import.clone());
            }
        }
    }
    reached
}

/// The document and the sources agree about every import, in both directions.
#[test]
fn the_table_of_imports_is_that_of_the_sources() {
    let document = fs::read_to_string(root().join(DOCUMENT)).expect(DOCUMENT);
    let of = |folder: &str| differences(&table(&document, folder), &found(folder));
    let problems = FOLDERS.map(of).concat();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Data flows one way: no module imports itself through others. `verify` and `receipt` can be shipped without the
/// rest, above all without the prover.
#[test]
fn imports_have_one_direction() {
    let document = fs::read_to_string(root().join(DOCUMENT)).expect(DOCUMENT);
    let table = whole_table(&document);
    for module in table.keys() {
        assert!(
            !reached(&table, module).contains(module),
            "{module} imports itself through others"
        );
    }
    let verifier = BTreeSet::from(["air", "guard", "spec", "verify"].map(str::to_string));
    assert_eq!(reached(&table, "receipt"), verifier);
}

/// What a verifier is built from does not name the prover's crates.
#[test]
fn the_verifier_does_not_know_the_prover() {
    let mut problems = vec![];
    for folder in ["air", "receipt", "spec", "verify"] {
        for (path, text) in files(&format!("verifier/src/{folder}"), &["rs"]) {
            for prover in ["stwo::prover", "stwo_cairo_prover", "stwo_cairo_adapter"] {
                if text.contains(prover) {
                    problems.push(format!("{path} names {prover}"));
                }
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// The package that compiles some of the product's modules by their path.
const BY_PATH: &str = "tests/float-reference/src/lib.rs";

/// The modules that [`BY_PATH`] compiles, by the paths that it names.
fn by_path(text: &str) -> BTreeSet<String> {
    let paths = text.lines().filter_map(|line| {
        line.strip_prefix("#[path = \"../../../")?
            .strip_suffix("\"]")
    });
    paths.map(|path| module(path).to_string()).collect()
}

/// What the modules of a list import that the list lacks.
fn lacking(list: &BTreeSet<String>, found: &Found) -> Vec<String> {
    let mut problems = vec![];
    for module in list {
        let Some(imports) = found.get(module) else {
            problems.push(format!("{BY_PATH}: there is no module {module}"));
            continue;
        };
        for (import, path) in imports.iter().filter(|(import, _)| !list.contains(*import)) {
            problems.push(format!(
                "{BY_PATH} compiles {module} without {import}, which {path} imports: add {import}"
            ));
        }
    }
    problems
}

/// Modules that another package compiles too find there all that they import.
#[test]
fn modules_by_path_come_with_their_imports() {
    let text = fs::read_to_string(root().join(BY_PATH)).expect(BY_PATH);
    let found = FOLDERS.map(found).into_iter().flatten().collect();
    let problems = lacking(&by_path(&text), &found);
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// The list of modules is read, and what it lacks is found.
#[test]
fn lacking_modules_are_found() {
    let text = "#[path = \"../../../src/a.rs\"]\npub mod a;\n#[path = \"../../../src/b/mod.rs\"]\npub mod b;\n";
    let list = by_path(text);
    assert_eq!(list, BTreeSet::from(["a", "b"].map(str::to_string)));
    let of = |imports: &[&str]| {
        let file = |i: &&str| (i.to_string(), "src/f.rs".to_string());
        imports.iter().map(file).collect()
    };
    let mut found = BTreeMap::from([("a".to_string(), of(&[])), ("b".to_string(), of(&["a"]))]);
    assert_eq!(lacking(&list, &found), [""; 0]);
    found.insert("b".to_string(), of(&["a", "guard"]));
    found.remove("a");
    assert_eq!(
        lacking(&list, &found),
        [
            "tests/float-reference/src/lib.rs: there is no module a",
            "tests/float-reference/src/lib.rs compiles b without guard, which src/f.rs imports: add guard",
        ]
    );
}

/// The comparison finds an import that the table lacks, an entry that nothing imports, a module without a row and a row
/// without a module.
#[test]
fn differences_are_found() {
    let document = "\
| `src/` | owns | imports |
|---|---|---|
| `a` | one | nothing |
| `b` | two | `a`, `d` |
| `gone` | three | `a` |
| `top` | four | all |

| `c` | another table | `a` |
";
    let of = |imports: &[&str]| {
        imports
            .iter()
            .map(|i| (i.to_string(), "src/f.rs".to_string()))
            .collect()
    };
    let found = BTreeMap::from([
        ("a".to_string(), of(&["b"])),
        ("b".to_string(), of(&["a"])),
        ("c".to_string(), of(&[])),
        ("top".to_string(), of(&["a", "b"])),
    ]);
    assert_eq!(
        differences(&table(document, "src"), &found),
        [
            "src/f.rs: a imports b, which docs/architecture.md does not list",
            "docs/architecture.md: b does not import d: take it out of the table",
            "docs/architecture.md: the table has no row for the module c",
            "docs/architecture.md: there is no module gone",
        ]
    );
}

/// Top-level module of a path: `src/ir/verify.rs` → `ir`, `src/main.rs` → `main`, `verifier/src/air/row.rs` → `air`.
fn module(path: &str) -> &str {
    let below = path.strip_prefix("verifier/").unwrap_or(path);
    let below = below.strip_prefix("src/").expect("a file of src");
    below
        .split('/')
        .next()
        .expect("a name")
        .trim_end_matches(".rs")
}

/// Modules that a file names through `crate::…`, or through as many `super`s as lead to the root.
fn imports(path: &str, text: &str, modules: &BTreeSet<&str>) -> BTreeSet<String> {
    let below = path.strip_prefix("verifier/").unwrap_or(path);
    let depth = below.matches('/').count() - usize::from(below.ends_with("/mod.rs"));
    let mut prefixes = ["crate::", "cairo_decode::", "cairo_decode_verifier::"]
        .map(str::to_string)
        .to_vec();
    prefixes.push("super::".repeat(depth));
    let mut found = BTreeSet::new();
    let code: Vec<&str> = text
        .lines()
        .map(|l| l.split("//").next().unwrap_or(""))
        .collect();
    let code = code.join("\n");
    for prefix in prefixes.iter().filter(|p| !p.is_empty()) {
        for (at, _) in code.match_indices(prefix.as_str()) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            found.extend(
                names(&code[at + prefix.len()..])
                    .into_iter()
                    .filter(|n| modules.contains(n.as_str())),
            );
        }
    }
    found
}

/// First path segments after a prefix: one name, or each name of a `{…}` list.
fn names(rest: &str) -> Vec<String> {
    let word = |text: &str| -> String {
        text.trim_start()
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    let Some(list) = rest.strip_prefix('{') else {
        return vec![word(rest)];
    };
    let (mut depth, mut start, mut found) = (1, 0, vec![]);
    for (i, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if (depth == 1 && c == ',') || depth == 0 {
            found.push(word(&list[start..i]));
            start = i + 1;
        }
        if depth == 0 {
            break;
        }
    }
    found
}

/// The reader of imports finds them in every form.
#[test]
fn imports_are_found() {
    let modules = BTreeSet::from(["a", "b", "c", "d"]);
    let of = |path: &str, text: &str| {
        imports(path, text, &modules)
            .into_iter()
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(
        of("src/x/y.rs", "use crate::a::T; fn f() { crate::b::g() }"),
        "a b"
    );
    assert_eq!(
        of("src/x/y.rs", "use crate::{a::{self, T}, b, d};"),
        "a b d"
    );
    assert_eq!(
        of("src/x/y.rs", "use super::a::T; use super::super::c::T;"),
        "c"
    );
    assert_eq!(of("src/x/mod.rs", "use super::a::T;"), "a");
    assert_eq!(
        of(
            "src/x/y/z.rs",
            "use super::super::super::d::T; use super::super::a::T;"
        ),
        "d"
    );
    assert_eq!(of("src/main.rs", "use cairo_decode::c::T;"), "c");
    assert_eq!(
        of(
            "verifier/src/x/y.rs",
            "use super::super::c::T; use cairo_decode_verifier::d;"
        ),
        "c d"
    );
    assert_eq!(
        of("src/x.rs", "// crate::a\n/// [`crate::b`]\nuse mycrate::c;"),
        ""
    );
}
