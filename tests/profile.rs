//! Where the proof work goes: every step, row and cell has one owner, and the sums are the library's.

mod support;

#[path = "support/command.rs"]
mod command;

#[path = "support/identity.rs"]
mod identity;

#[path = "support/model_dir.rs"]
mod model_dir;

#[path = "profile/tensors.rs"]
mod tensors;

use std::collections::BTreeMap;
use std::fs;
use std::sync::LazyLock;

use cairo_decode::chunk::Decoder;
use cairo_decode::compile::{Program, compile};
use cairo_decode::ir::VerifiedGraph;
use cairo_decode::lower::{LowerOptions, lower};
use cairo_decode::profile::{
    AnyComponent, Line, Point, Profile, ProfileError, Report, page, profile,
};
use cairo_decode::trace;
use starknet_types_core::felt::Felt;
use support::{pins, program, random_graph, sizes};

struct Model {
    graph: VerifiedGraph,
    program: Program,
}

static MODEL: LazyLock<Model> = LazyLock::new(|| {
    let graph = random_graph("random", 5, sizes(16, 2, 2, 1, 8, 24, 16));
    let program = program(&graph);
    Model { graph, program }
});

/// Inputs of one-step chunks at the positions from 2 on; the model chooses the next token in each.
fn inputs(count: u32) -> Vec<(u32, Vec<Felt>)> {
    let mut decoder =
        Decoder::new(&MODEL.graph, pins(&MODEL.program, &[1, 2, 3])).expect("a prompt");
    decoder.chunk(2).expect("the prompt");
    let step = |_| {
        let chunk = decoder.chunk(1).expect("a step");
        (chunk.statement.frontier_in.position, chunk.input)
    };
    (0..count).map(step).collect()
}

fn measure(input: &[Felt]) -> Profile {
    profile(&MODEL.program, &MODEL.graph, input).expect("a profile")
}

static REPORT: LazyLock<Report> = LazyLock::new(|| {
    let profiles = inputs(3)
        .iter()
        .map(|(position, input)| (*position, measure(input)))
        .collect();
    Report::new("random", 1, profiles).expect("positions")
});

/// Steps, rows and cells by owner add up to those of components, these with padding and tables to the proof's.
fn adds_up(found: &Profile) {
    let steps: u64 = found.work.iter().map(|w| w.steps).sum();
    assert_eq!(found.steps, steps);
    let mut owned: BTreeMap<AnyComponent, (u64, u64)> = BTreeMap::new();
    for work in &found.work {
        for (&component, share) in &work.components {
            let sum = owned.entry(component).or_default();
            sum.0 += share.rows;
            sum.1 += share.cells;
        }
        let rows: u64 = work.components.values().map(|share| share.rows).sum();
        assert_eq!(work.rows, rows, "{}", work.label);
        let cells: u64 = work.components.values().map(|share| share.cells).sum();
        assert_eq!(work.cells, cells, "{}", work.label);
    }
    let (mut used, mut padding, mut fixed) = (0, 0, 0);
    for c in &found.components {
        assert_eq!(c.cells, c.padded * c.cells_per_row, "{}", c.name);
        assert!(c.padded >= c.rows && c.padded.is_power_of_two(), "{c:?}");
        if c.fixed {
            fixed += c.cells;
            assert!(!owned.contains_key(&c.component), "{}", c.name);
            continue;
        }
        let (rows, cells) = owned.remove(&c.component).unwrap_or_default();
        assert_eq!((rows, cells), (c.rows, c.rows * c.cells_per_row), "{c:?}");
        used += cells;
        padding += c.cells - cells;
    }
    assert_eq!(owned, BTreeMap::new());
    assert_eq!(
        (found.used, found.padding, found.fixed),
        (used, padding, fixed)
    );
    assert_eq!(found.cells, used + padding + fixed);
}

#[test]
fn requirement_16_sums_are_those_of_the_library() {
    let input = &inputs(1)[0].1;
    let found = measure(input);
    let trace = trace::run(&MODEL.program, input).expect("runs");
    let steps = trace.steps() as u64;
    let prover_input = trace.into_prover_input().expect("adapts");
    let resources = trace::resources(&prover_input);

    assert_eq!(found.steps, steps);
    adds_up(&found);

    // Rows in use, by the library's own count.
    let rows = |name: &str| {
        let c = found.components.iter().find(|c| c.name == name);
        c.map_or(0, |c| c.rows as usize)
    };
    for (name, count) in &resources.opcodes_instance_counter {
        assert_eq!(rows(name), *count, "{name}");
    }
    let opcodes: usize = resources.opcodes_instance_counter.values().sum();
    // The last step, which stays where it is, has no row.
    assert_eq!(opcodes as u64 + 1, steps);
    let tables = &resources.memory_tables_sizes;
    assert_eq!(rows("memory_id_to_big"), tables.memory_id_to_big);
    assert_eq!(rows("memory_id_to_small"), tables.memory_id_to_small);
    assert_eq!(rows("verify_instruction"), resources.verify_instruction);
    // The library counts a builtin's padding among its instances and addresses, and an address 0.
    let mut unused = 1;
    for (name, cells) in [
        ("range_check_builtin", 1),
        ("bitwise_builtin", 5),
        ("poseidon_builtin", 6),
    ] {
        let instances = resources.builtin_instance_counter[name];
        let c = found.components.iter().find(|c| c.name == name);
        let c = c.expect("the program uses it");
        assert_eq!(c.padded, instances as u64, "{name}");
        unused += (c.padded - c.rows) as usize * cells;
    }
    assert_eq!(
        rows("memory_address_to_id") + unused,
        tables.memory_address_to_id
    );
}

/// The circuit that wraps a chunk's proof is made for these components and no others.
#[test]
fn requirement_16_every_node_has_work() {
    let found = measure(&inputs(1)[0].1);
    let nodes = &MODEL.graph.nodes;
    for (node, work) in nodes.iter().zip(&found.work) {
        assert_eq!(node.label, work.label);
        assert_eq!(node.op.name(), work.operation);
        let section = node.label.split_once('.').map_or("model", |(name, _)| name);
        assert_eq!(work.section, section);
        assert!(work.steps > 0, "{} has no steps", node.label);
        assert!(work.cells >= work.rows, "{}", node.label);
    }
    let around = &found.work[nodes.len()..];
    assert!(around.iter().all(|work| work.section == "protocol"));
    for part in ["constants", "angles", "roots", "kv", "chunk", "entry"] {
        let part = format!("protocol.{part}");
        assert!(around.iter().any(|work| work.label == part), "{part}");
    }
    // Kernels that only operations call have no part of their own: their callers own them.
    for kernel in ["softmax", "mix", "requantize", "rmsnorm", "argmax"] {
        let part = format!("protocol.{kernel}");
        assert!(around.iter().all(|work| work.label != part), "{part}");
    }
}

/// A step that the prompt decides runs no operation that only the choice needs.
#[test]
fn a_forced_step_has_no_choice() {
    let mut decoder =
        Decoder::new(&MODEL.graph, pins(&MODEL.program, &[1, 2, 3])).expect("a prompt");
    let chunk = decoder.chunk(1).expect("a step");
    let found = measure(&chunk.input);
    let last = &MODEL.graph.nodes.last().expect("nodes").label;
    let choice = found.work.iter().find(|work| work.label == *last);
    assert_eq!(choice.expect("the choice").steps, 0);
}

#[test]
fn requirement_32_a_report_adds_up() {
    let report = &*REPORT;
    assert_eq!(report.positions, [2, 3, 4]);
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
    let line = |name: &str| {
        let line = report.operations.iter().find(|line| line.name == name);
        line.expect("the operation").clone()
    };
    // Attention and the carried cache grow with the context; a matrix product takes the same steps.
    for name in ["softmax", "mix", "protocol.kv", "protocol.roots"] {
        assert!(line(name).growth.expect("growth").steps > 0.0, "{name}");
    }
    assert_eq!(line("linear").growth.expect("growth").steps, 0.0);
    let softmax = line("softmax");
    let steps = (softmax.at[2].steps - softmax.at[0].steps) as f64;
    assert_eq!(softmax.growth.expect("growth").steps, steps / 2.0);
    assert!(Report::new("none", 1, vec![]).is_none());
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

#[test]
fn a_program_without_its_map_is_refused() {
    let package = lower(
        &MODEL.graph,
        Felt::from(support::MODEL_ROOT),
        LowerOptions::default(),
    )
    .expect("lowers");
    let program = compile(&package.name, &package.files, &BTreeMap::new()).expect("compiles");
    assert_eq!(program.hash(), MODEL.program.hash());
    let Err(error) = profile(&program, &MODEL.graph, &inputs(1)[0].1) else {
        panic!("a profile without a map");
    };
    assert!(matches!(error, ProfileError::OldBuild), "{error}");
    assert!(error.to_string().contains("compile the model again"));
}

#[test]
fn lines_that_compute_are_labelled() {
    let package = lower(
        &MODEL.graph,
        Felt::from(support::MODEL_ROOT),
        LowerOptions::default(),
    )
    .expect("lowers");
    let lines: Vec<&str> = package.files["src/lib.cairo"].lines().collect();
    for node in &MODEL.graph.nodes {
        let of_node = package
            .calls
            .iter()
            .filter(|(_, label)| **label == node.label);
        let text: String = of_node.map(|(line, _)| lines[line - 1]).collect();
        assert!(text.contains(node.op.name()), "{}: {text:?}", node.label);
    }
}

#[test]
fn requirement_32_the_command_prints_a_table_and_writes_a_page() {
    let work = tempfile::tempdir().expect("a folder");
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/models/stories");
    let build = work.path().join("build");
    let build = command::path(&build);
    command::accept(&["compile", "--target", "steps", demo, "--out", build]);
    let file = work.path().join("profile.html");
    let said = command::accept(&[
        "profile",
        build,
        "-n",
        "2",
        "--stride",
        "3",
        "--html",
        command::path(&file),
        "--json",
    ]);
    let answer: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(answer["ok"], true);
    assert_eq!(answer["positions"], serde_json::json!([4, 7]));
    assert!(
        answer["nodes"]
            .as_array()
            .is_some_and(|nodes| nodes.len() > 80)
    );
    assert!(
        fs::read_to_string(&file)
            .expect("the page")
            .contains("protocol.constants")
    );
    let table = command::accept(&["profile", build, "-n", "1"]);
    for name in ["linear", "layer2", "padding", "fixed tables", "cube_252"] {
        assert!(table.contains(name), "{name}: {table}");
    }
    let nowhere = work.path().join("nowhere/profile.html");
    let nowhere = command::path(&nowhere);
    command::reject(
        &["profile", build, "-n", "1", "--html", nowhere],
        2,
        nowhere,
    );
    command::reject(&["profile", build, "-n", "0"], 2, "--tokens");
}
