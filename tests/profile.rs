//! Where the proof work goes: every step, row and cell has one owner, and the sums are the library's.

#[path = "profile/commands.rs"]
mod commands;

#[path = "support/command.rs"]
mod command;

#[path = "support/identity.rs"]
mod identity;

#[path = "support/model_dir.rs"]
mod model_dir;

#[path = "support/small.rs"]
mod small;

#[path = "profile/sums.rs"]
mod sums;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use cairo_decode::decode::{Build, Decoded, Decoder, Session};
use cairo_decode::profile::{Line, Point, Profile, ProfileError, Report, page, profile_chunk};
use cairo_decode::program::{Compiled, Package};
use cairo_decode::verify::statement::{Domain, SessionId};
use starknet_types_core::felt::Felt;

static BUILD: LazyLock<Build> = LazyLock::new(|| small::small(3).build);

/// Chunks of these lengths.
fn chunks(lengths: &[usize]) -> Vec<Decoded> {
    let id = SessionId(Felt::ONE);
    let mut session = Session::new(&BUILD, Domain::local(), id, vec![5, 6, 7]).expect("a prompt");
    let decode = |&length: &usize| {
        let decoded = session.decode(length).expect("a chunk");
        session.advance(&decoded);
        decoded
    };
    lengths.iter().map(decode).collect()
}

fn measure(decoded: &Decoded) -> Profile {
    profile_chunk(&BUILD, decoded).expect("a profile")
}

static REPORT: LazyLock<Report> = LazyLock::new(|| {
    let at = |decoded: &Decoded| decoded.statement().frontier_in.position;
    let chunks = chunks(&[8, 8, 8]);
    let profiles = chunks.iter().map(|of| (at(of), measure(of))).collect();
    Report::new("random", 8, profiles).expect("positions")
});

#[test]
fn requirement_32_a_report_adds_up() {
    let report = &*REPORT;
    assert_eq!(report.positions, [0, 8, 16]);
    for lines in [&report.operations, &report.sections, &report.nodes] {
        for at in 0..report.positions.len() {
            let sum = |part: &dyn Fn(&Point) -> u64| -> u64 {
                lines.iter().map(|line: &Line| part(&line.at[at])).sum()
            };
            let total = report.total.at[at];
            assert_eq!(sum(&|p| p.steps), total.steps);
            assert_eq!(sum(&|p| p.rows), total.rows);
            assert_eq!(sum(&|p| p.cells), total.cells);
        }
        let share: f64 = lines.iter().map(|line| line.share).sum();
        assert!((share - 1.0).abs() < 1e-9, "{share}");
    }
    // What grows is said for each position.
    for line in &report.operations {
        let growth = line.growth.expect("several positions");
        let [first, .., last] = &line.at[..] else {
            panic!("{}: one position", line.name)
        };
        let rows = last.rows as f64 - first.rows as f64;
        assert!((16.0 * growth.rows - rows).abs() < 1e-6, "{}", line.name);
        let steps = last.steps as f64 - first.steps as f64;
        assert!((16.0 * growth.steps - steps).abs() < 1e-6, "{}", line.name);
    }
    let line = |name: &str| {
        let line = report.operations.iter().find(|line| line.name == name);
        line.expect("the operation").growth.expect("growth").rows
    };
    assert!(line("attention") > 0.0 && line("protocol.carried") > 0.0);
    assert!(Report::new("none", 8, vec![]).is_none());
}

#[test]
fn the_page_holds_its_data_and_needs_nothing_else() {
    let text = page(&REPORT).expect("a page");
    let (_, rest) = text
        .split_once("<script type=\"application/json\" id=\"report\">")
        .expect("the data");
    let (data, _) = rest.split_once("</script>").expect("its end");
    let data: serde_json::Value = serde_json::from_str(data).expect("JSON");
    assert_eq!(data, serde_json::to_value(&*REPORT).expect("JSON"));
    for outside in [
        "http", "//www", "src=", "@import", "url(", "fetch(", "XMLHttp",
    ] {
        assert!(!text.contains(outside), "{outside}");
    }
}

#[test]
fn a_name_cannot_leave_the_data() {
    let mut report = REPORT.clone();
    report.model = "</script><script>alert(1)</script><!--".to_string();
    let text = page(&report).expect("a page");
    let scripts = |text: &str| text.matches("<script").count();
    assert_eq!(scripts(&text), scripts(&page(&REPORT).expect("a page")));
    assert!(!text.contains("alert(1)</"));
    assert!(!text.contains("<!--"));
}

/// A program that does not say what its code computes has no profile, and is the same program otherwise.
#[test]
fn a_program_without_its_map_is_refused() {
    let package = Package {
        calls: BTreeMap::new(),
        ..BUILD.package.clone()
    };
    let program = Compiled::new(&package).expect("compiles");
    assert_eq!(program.hash(), BUILD.program.hash());
    let decoder = Decoder {
        manifest: BUILD.manifest.clone(),
        plan: BUILD.plan.clone(),
        schedule: BUILD.schedule.clone(),
        program,
        set: BUILD.set,
    };
    let Err(error) = profile_chunk(&decoder, &chunks(&[8])[0]) else {
        panic!("a profile without a map");
    };
    assert!(matches!(error, ProfileError::OldBuild), "{error}");
    assert!(error.to_string().contains("compile the model again"));
}

/// Each operation of the plan has one line of the program's text, which calls it and says so.
#[test]
fn lines_that_call_operations_are_labelled() {
    let package = &BUILD.package;
    let lines: Vec<&str> = package.files["src/lib.cairo"].lines().collect();
    for call in BUILD.schedule.calls() {
        let label = call.label();
        let of_call = package.calls.iter().filter(|(_, of)| **of == label);
        let text: Vec<&str> = of_call.map(|(line, _)| lines[line - 1]).collect();
        let [text] = &text[..] else {
            panic!("{label}: {text:?}")
        };
        assert!(text.contains("call_"), "{label}: {text}");
        assert!(text.contains(&call.name.name), "{label}: {text}");
    }
}
