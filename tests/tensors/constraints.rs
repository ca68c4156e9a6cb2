//! What each constraint of the tensor components is for: an attack that this constraint refuses, and nothing else does.
//!
//! The tests of lies run once more, in a process of their own, and write down which place of a definition alone refuses an attack
//! ([`sites`](crate::sites)). A constraint, a lookup or a term that has no such attack fails here, or is listed here with the reason.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use cairo_decode::air::challenges::Kind;
use cairo_decode::air::components::form::NAMES;

use crate::sites::RECORDS;
use crate::table;

/// The modules whose tests tell lies. Proofs take seconds, and record nothing.
const MODULES: &[&str] = &[
    "attention_groups",
    "attention_lanes",
    "cell_lies",
    "chain_lies",
    "checked::",
    "constraint_lies",
    "digest_lies",
    "forms::",
    "head_lies",
    "liar::",
    "lookup_lies",
    "norm_lies",
    "norm_roots",
    "numbers::",
    "own_head",
    "position_lies",
    "rotary_lies",
    "rotary::requirement_11_one_wrong",
    "norms::requirement_11_one_wrong",
];

/// Constraints that others imply: the document says why.
const IMPLIED: [(&str, &str); 2] = [
    ("qk", "`zero(on * (one - on))`"),
    ("attend", "`zero(on * (one - on))`"),
];

/// Kinds of sums, in their order.
const KINDS: [Kind; 12] = [
    Kind::Matrix,
    Kind::Logits,
    Kind::Token,
    Kind::NormSquares,
    Kind::NormTops,
    Kind::NormSteps,
    Kind::NormValues,
    Kind::NormRests,
    Kind::Scores,
    Kind::Mixing,
    Kind::Sums,
    Kind::Maxima,
];

/// Components that are tables: what they yield requires nothing, and is as often there as it is used.
const TABLES: [&str; 6] = [
    "tensor",
    "range",
    "table",
    "angle_table",
    "position_table",
    "embedding_table",
];

/// Place of a definition: the component's place in the registry, what is said there, file, line and column.
type Site = (usize, String, String, usize, usize);

/// What the run has recorded: the places that there are, and the attacks that a place alone refuses.
struct Records {
    seen: BTreeSet<Site>,
    shown: BTreeMap<Site, BTreeMap<String, BTreeSet<String>>>,
}

fn run() -> Records {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("records");
    let output = Command::new(std::env::current_exe().expect("this test"))
        .args(MODULES)
        .args(["--skip", "proven", "--test-threads=2"])
        .env(RECORDS, &path)
        .output()
        .expect("runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    let text = fs::read_to_string(&path).expect("records");
    let mut records = Records {
        seen: BTreeSet::new(),
        shown: BTreeMap::new(),
    };
    for line in text.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [record, what, component, file, row, column, test] = fields[..] else {
            panic!("{line}");
        };
        let place = NAMES.iter().position(|(name, _)| *name == component);
        let [row, column] = [row, column].map(|number| number.parse().expect("a number"));
        let (what, kind) = what.split_once(' ').unwrap_or((what, ""));
        let site = (
            place.expect(component),
            what.to_string(),
            file.to_string(),
            row,
            column,
        );
        if record == "seen" {
            records.seen.insert(site);
        } else {
            let kinds = records.shown.entry(site).or_default();
            let tests = kinds.entry(kind.to_string()).or_default();
            tests.insert(test.to_string());
        }
    }
    records
}

/// The text of a place: a call, with its arguments.
fn text((.., file, line, column): &Site) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let source = fs::read_to_string(path).expect("a component's file");
    let mut lines = source.lines().skip(line - 1);
    let first: String = lines
        .next()
        .expect("a line")
        .chars()
        .skip(column - 1)
        .collect();
    let rest = std::iter::once(first.as_str()).chain(lines);
    let mut text = String::new();
    let mut depth = 0;
    for part in rest {
        for c in part.trim().chars() {
            text.push(c);
            depth += i32::from(c == '(') - i32::from(c == ')');
            if c == ')' && depth == 0 {
                return short(&text);
            }
        }
        if !text.ends_with('(') {
            text.push(' ');
        }
    }
    panic!("no call at {file}:{line}");
}

/// A text without what says nothing about a constraint.
fn short(text: &str) -> String {
    let text = text
        .replace(".clone()", "")
        .replace("R::F::from", "")
        .replace("(ADDRESS)", "ADDRESS")
        .replace(", row)", ")");
    let text = text.replace(",)", ")").replace(", )", ")");
    if text.chars().count() <= 90 {
        return text;
    }
    text.chars().take(89).chain(['…']).collect()
}

/// The test to name: one that tells this lie, rather than one that tells a lie about every column.
fn attack(tests: &BTreeSet<String>) -> &str {
    let of_all = |test: &&String| test.contains("one_wrong_value");
    let own = tests.iter().find(|test| !of_all(test));
    own.or(tests.first()).expect("a test")
}

/// Places of one component with equal texts are numbered.
fn named(seen: &BTreeSet<Site>) -> BTreeMap<&Site, String> {
    let mut count: BTreeMap<(usize, String), usize> = BTreeMap::new();
    let name = |site| {
        let text = text(site);
        let of = count.entry((site.0, text.clone())).or_default();
        *of += 1;
        let name = match of {
            1 => format!("`{text}`"),
            n => format!("`{text}` ({n})"),
        };
        (site, name)
    };
    seen.iter().map(name).collect()
}

/// The lines of components that have a constraint or a term of the zero sum.
fn written() -> BTreeSet<(String, usize)> {
    let folder = "verifier/src/air/components";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut found = BTreeSet::new();
    for file in fs::read_dir(path).expect("the components") {
        let name = file.expect("a file").file_name();
        let name = format!("{folder}/{}", name.to_string_lossy());
        let source = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&name));
        let source = source.expect("a component's file");
        // The lane of `norm_root` says its constraints with its own factor.
        let says = |line: &str| {
            let own = ["row.zero(", "lane.zero(", "row.sums("];
            own.iter().any(|call| line.contains(call)) && !line.contains("self.row")
        };
        let lines = source.lines().enumerate().filter(|(_, line)| says(line));
        found.extend(lines.map(|(number, _)| (name.clone(), number + 1)));
    }
    found
}

fn seen_lines(seen: &BTreeSet<Site>) -> BTreeSet<(String, usize)> {
    let of = seen.iter().filter(|(_, what, ..)| what != "lookup");
    of.map(|(_, _, file, line, _)| (file.clone(), *line))
        .collect()
}

/// What a place says, in words; of a term of the zero sum the kind.
fn what(site: &Site, kind: &str) -> String {
    match (site.1.as_str(), kind.parse::<usize>()) {
        ("zero", _) => "constraint".to_string(),
        ("lookup", _) => "lookup".to_string(),
        (_, Ok(number)) => format!("sum of {:?}", KINDS[number]),
        _ => format!("sum of {kind}"),
    }
}

/// The document's table.
fn rendered(records: &Records, names: &BTreeMap<&Site, String>) -> String {
    let count = |what: &str| records.seen.iter().filter(|site| site.1 == what).count();
    let [zero, lookup, sum] = ["zero", "lookup", "sum"].map(count);
    let mut text = format!(
        "{zero} constraints, {lookup} lookups, {sum} terms of the zero sum: {} of them alone stop an attack.\n\n\
         | component | what | place | attack |\n|---|---|---|---|\n",
        records.shown.len(),
    );
    for (site, name) in names {
        let component = NAMES[site.0].0;
        for (kind, tests) in records.shown.get(*site).into_iter().flatten() {
            let (what, attack) = (what(site, kind), attack(tests));
            text += &format!("| {component} | {what} | {name} | `{attack}` |\n");
        }
    }
    for (component, name) in IMPLIED {
        text += &format!("| {component} | constraint | {name} | implied |\n");
    }
    text
}

/// Every constraint, every lookup and every term of the zero sum of every component has an attack that nothing else refuses, but for those that are
/// listed above; and so has every kind of sums.
#[test]
fn requirement_24_every_constraint_is_needed() {
    assert!(
        (0..)
            .zip(KINDS)
            .all(|(number, kind)| kind as usize == number)
    );
    let records = run();
    let unseen = (0..NAMES.len()).filter(|of| !records.seen.iter().any(|site| site.0 == *of));
    let unseen: BTreeSet<&str> = unseen.map(|component| NAMES[component].0).collect();
    assert_eq!(unseen, BTreeSet::from(TABLES), "components without a lie");
    assert_eq!(
        written(),
        seen_lines(&records.seen),
        "lines without a record"
    );

    let names = named(&records.seen);
    let without = names
        .iter()
        .filter(|(site, _)| !records.shown.contains_key(**site));
    let without: BTreeSet<(&str, &str)> = without
        .map(|(site, name)| (NAMES[site.0].0, name.as_str()))
        .collect();
    assert_eq!(without, BTreeSet::from(IMPLIED), "without an attack");

    let kinds = records.shown.values().flat_map(BTreeMap::keys);
    let kinds: BTreeSet<String> = kinds.filter(|kind| !kind.is_empty()).cloned().collect();
    let numbers = (0..KINDS.len()).map(|number| number.to_string());
    let all: BTreeSet<String> = numbers.chain(["messages".to_string()]).collect();
    assert_eq!(kinds, all, "kinds of sums with an attack");
    let text = rendered(&records, &names);
    table::check("necessity of the tensor components' constraints", &text);
}
