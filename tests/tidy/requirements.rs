//! `docs/requirements.md` lists the requirements on a receipt and their tests; `scripts/requirements` counts from it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use expect_test::expect_file;

use crate::{files, root};

/// The document with the list.
const DOCUMENT: &str = "docs/requirements.md";

/// How a line of the list begins that names a test.
const TEST_LINE: &str = "    - `";

/// Tests by the number of their requirement, each as its file and its name.
type Tests = BTreeMap<usize, BTreeSet<(String, String)>>;

/// The functions `requirement_NN_…` of files in Rust or Cairo. Each must be a test, and its name is there once.
fn tests(files: &[(String, String)]) -> Result<Tests, String> {
    let (mut tests, mut names) = (Tests::new(), BTreeSet::new());
    for (path, text) in files {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for (at, line) in lines.iter().enumerate() {
            let declared = line.strip_prefix("pub ").unwrap_or(line);
            let Some(name) = declared.strip_prefix(concat!("fn requirement", "_")) else {
                continue;
            };
            let (name, _) = name.split_once('(').ok_or(format!("{path}: {line}"))?;
            let number = name.get(..2).and_then(|digits| digits.parse().ok());
            let number = number.ok_or(format!("{path}: no number of two digits: {line}"))?;
            let mut attributes = lines[..at].iter().rev().take_while(|l| l.starts_with("#["));
            if !attributes.any(|attribute| *attribute == "#[test]") {
                return Err(format!("{path}: is no test: {line}"));
            }
            let name = format!("requirement_{name}");
            if !names.insert(name.clone()) {
                return Err(format!("{path}: a test of this name is elsewhere: {name}"));
            }
            let all = tests.entry(number).or_default();
            all.insert((path.clone(), name));
        }
    }
    Ok(tests)
}

/// The number of a requirement whose text begins in this line.
fn number(line: &str) -> Option<usize> {
    line.split_once(". ")?.0.parse().ok()
}

/// The document with the tests that there are.
fn renewed(document: &str, tests: &Tests) -> Result<String, String> {
    let (mut lines, mut numbers) = (vec![], vec![]);
    let written = |number: Option<&usize>| {
        let tests = number
            .and_then(|number| tests.get(number))
            .into_iter()
            .flatten();
        let line = |(path, name): &(String, String)| format!("{TEST_LINE}{name}` in `{path}`");
        tests.map(line).collect::<Vec<String>>()
    };
    let mut open = false;
    for line in document.lines().filter(|line| !line.starts_with(TEST_LINE)) {
        if open && (number(line).is_some() || line.is_empty()) {
            lines.extend(written(numbers.last()));
            open = false;
        }
        if let Some(number) = number(line) {
            numbers.push(number);
            open = true;
        }
        lines.push(line.to_string());
    }
    if open {
        lines.extend(written(numbers.last()));
    }
    if !numbers.iter().copied().eq(1..=numbers.len()) || numbers.is_empty() {
        return Err(format!(
            "{DOCUMENT}: the numbers are not 1, 2, 3, …: {numbers:?}"
        ));
    }
    if let Some(missing) = numbers.iter().find(|number| !tests.contains_key(number)) {
        return Err(format!(
            "{DOCUMENT}: requirement {missing} has no test requirement_{missing:02}_…"
        ));
    }
    let mut unlisted = tests.iter().filter(|(number, _)| !numbers.contains(number));
    if let Some((number, tests)) = unlisted.next() {
        let (path, name) = tests.first().expect("a number has a test");
        return Err(format!(
            "{path}: {name}: {DOCUMENT} has no requirement {number}"
        ));
    }
    Ok(lines.join("\n") + "\n")
}

/// Every requirement of the list has tests, every test that is named after a requirement is in the list.
#[test]
fn the_list_of_requirements_names_their_tests() {
    let mut sources = files("tests", &["rs"]);
    sources.extend(files("contracts/src", &["cairo"]));
    let tests = tests(&sources).unwrap_or_else(|problem| panic!("{problem}"));
    let document = fs::read_to_string(root().join(DOCUMENT)).expect(DOCUMENT);
    let renewed = renewed(&document, &tests).unwrap_or_else(|problem| panic!("{problem}"));
    expect_file![root().join(DOCUMENT)].assert_eq(&renewed);
}

/// What is wrong with a list is said: a requirement without a test, a test without a requirement, a gap in the numbers,
/// a function that is no test.
#[test]
fn a_wrong_list_is_refused() {
    let source = |text: &str| {
        vec![(
            "tests/a.rs".to_string(),
            text.replace("NAME", "requirement"),
        )]
    };
    let one = source("#[test]\nfn NAME_01_a() {\n");
    let two =
        source("#[test]\nfn NAME_01_a() {}\n#[test]\n#[should_panic]\npub fn NAME_02_b() {}\n");
    let list = "# Title\n\n1. First\n   line\n    - `old` in `x`\n2. Second\n\nText\n";
    let expected = "# Title\n\n1. First\n   line\n    - `requirement_01_a` in `tests/a.rs`\n2. Second\n    \
                    - `requirement_02_b` in `tests/a.rs`\n\nText\n";
    let renew = |list: &str, source: &[(String, String)]| renewed(list, &tests(source)?);
    assert_eq!(renew(list, &two).as_deref(), Ok(expected));
    assert_eq!(renew(expected, &two).as_deref(), Ok(expected));
    let refused = |list: &str, source: &[(String, String)]| renew(list, source).expect_err("wrong");
    assert_eq!(
        refused(list, &one),
        "docs/requirements.md: requirement 2 has no test requirement_02_…"
    );
    assert_eq!(
        refused("1. First\n", &two),
        "tests/a.rs: requirement_02_b: docs/requirements.md has no requirement 2"
    );
    assert_eq!(
        refused("1. First\n3. Third\n", &two),
        "docs/requirements.md: the numbers are not 1, 2, 3, …: [1, 3]"
    );
    let no_test = source("fn NAME_01_a() {}\n");
    assert_eq!(
        refused(list, &no_test),
        "tests/a.rs: is no test: fn requirement_01_a() {}"
    );
    let no_number = source("#[test]\nfn NAME_one() {}\n");
    assert!(refused(list, &no_number).contains("no number of two digits"));
    let twice = [one.clone(), one].concat();
    assert!(refused(list, &twice).contains("a test of this name is elsewhere"));
}

/// Runs `scripts/requirements` on a log; whether it succeeded, and what it said.
fn count(list: &str, log: &str) -> (bool, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let (list_file, log_file) = (folder.path().join("list"), folder.path().join("log"));
    fs::write(&list_file, list).expect("written");
    fs::write(&log_file, log).expect("written");
    let output = Command::new(root().join("scripts/requirements"))
        .args([&log_file, &list_file])
        .output()
        .expect("the script runs");
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    (output.status.success(), said)
}

/// The count of requirements: those whose tests have all passed. One that failed, or did not run, takes its requirement
/// away; a line that something was printed into does not count; a test that the list does not name is an error.
#[test]
fn requirements_are_counted() {
    let list = "\
1. One
    - `requirement_01_a` in `tests/a.rs`
2. Two
    - `requirement_02_b` in `contracts/src/b.cairo`
3. Three
    - `requirement_03_c` in `tests/c.rs`
    - `requirement_03_d` in `tests/c.rs`
4. Four
    - `requirement_04_e` in `tests/e.rs`
5. Five
    - `requirement_05_f` in `tests/f.rs`
";
    let good = "\
test requirement_01_a ... ok
test a::b::requirement_02_b ... ok (gas usage est.: 5)
test requirement_03_c ... ok
test requirement_03_d ... ok
test requirement_04_e ... ok
test requirement_05_f ... ok
test another ... FAILED
";
    assert_eq!(count(list, good), (true, "requirements: 5/5\n".to_string()));
    let bad = good
        .replace("requirement_03_d ... ok", "requirement_03_d ... FAILED")
        .replace(
            "requirement_04_e ... ok",
            "requirement_04_e ... printed something",
        )
        .replace("test requirement_05_f ... ok\n", "");
    let (success, said) = count(list, &bad);
    assert!(!success, "{said}");
    assert!(said.starts_with("requirements: 2/5\n"), "{said}");
    assert!(
        said.contains("a test failed: requirement_03_d, requirement_04_e\n"),
        "{said}"
    );
    assert!(
        said.contains("a test did not run: requirement_05_f\n"),
        "{said}"
    );
    let (success, said) = count(list, &(good.to_string() + "test requirement_06_g ... ok\n"));
    assert!(!success, "{said}");
    assert!(
        said.contains("not in the list: requirement_06_g\n"),
        "{said}"
    );
    let (success, said) = count("no list\n", good);
    assert!(!success, "{said}");
}
