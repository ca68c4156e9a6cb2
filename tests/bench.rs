//! What the benchmarks cost, exactly, without a proof: a regression fails, and an improvement has to be written down here. One small case is
//! proven as a whole.

#[path = "support/command.rs"]
mod command;

use std::path::Path;

use cairo_decode::bench::{CASES, outline};
use cairo_decode::decode::{BuildError, Cut, LONG_PROOF, MOST_MEMORY, Outline};
use cairo_decode::integers::Description;
use cairo_decode::model::random::{self, Shape};
use cairo_decode::model::{Choices, Model};
use cairo_decode::quantize::{Options, quantise};
use cairo_decode::verify::params::{COMPACT, LARGE, PLAIN};
use command::{accept, reject};
use expect_test::expect;

fn demo() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/models/stories"))
}

/// Words, steps, cells of components, columns by tree, of all cases.
#[test]
fn cases_cost_as_before() {
    let mut found = String::new();
    for case in &CASES {
        let work = tempfile::tempdir().expect("a folder");
        let cost = outline(case, demo(), work.path()).expect("a model of this shape");
        let columns = cost.columns;
        found += &format!(
            "{}: {} words, {} VM steps, {} cells, {} + {} + {} columns\n",
            case.name,
            cost.words,
            cost.vm_steps,
            cost.cells.components,
            columns.constants,
            columns.trace,
            columns.interaction,
        );
    }
    // `scripts/bless` writes them anew.
    expect![[r#"
        A: 1105 words, 2309 VM steps, 2339984 cells, 637 + 2068 + 1696 columns
        B: 1561 words, 5003 VM steps, 9848608 cells, 602 + 6996 + 6400 columns
        C: 1409 words, 4894 VM steps, 7209120 cells, 632 + 6996 + 6400 columns
        D: 2069 words, 3565 VM steps, 13787504 cells, 869 + 2838 + 2388 columns
        E: 4345 words, 6991 VM steps, 257354704 cells, 1774 + 6129 + 4756 columns
        E512: 4345 words, 6987 VM steps, 759774912 cells, 1774 + 6129 + 4756 columns
    "#]]
    .assert_eq(&found);
}

/// A case as the command runs it: what was declared is what it took.
#[test]
fn a_case_is_proven_and_verified() {
    let said = accept(&["bench", "A", "--json"]);
    let answer: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    let case = &answer["cases"][0];
    let declared = &case["declared"];
    assert_eq!(case["program_words"], declared["words"]);
    let chunks = case["chunks"].as_array().expect("chunks");
    assert_eq!(chunks.len(), 2);
    for chunk in chunks {
        assert_eq!(chunk["vm_steps"], declared["vm_steps"]);
        assert_eq!(chunk["component_cells"], declared["cells"]["components"]);
        assert_eq!(chunk["table_cells"], declared["cells"]["tables"]);
        assert_eq!(chunk["columns"], declared["columns"]);
        let number = |value: &serde_json::Value| value.as_u64().expect("a number");
        let [proof, said] = [&chunk["proof_bytes"], &declared["proof_bytes"]].map(number);
        assert!(100 * proof.abs_diff(said) < said, "{proof} {said}");
        let [cairo, most] = [&chunk["cairo_cells"], &declared["cells"]["cairo"]].map(number);
        assert!(cairo <= most && most < 3 * cairo, "{cairo} {most}");
    }
    let targets = case["targets"].as_array().expect("targets");
    assert!(targets.iter().all(|target| target["found"].is_f64()));
}

/// The integers of a model directory, with so many positions.
fn description(dir: &Path, context: usize) -> Description {
    let choices = Choices {
        context: Some(context),
        ..Choices::default()
    };
    let model = Model::load_with(dir, choices).expect("a model");
    let options = Options {
        context: Some(context),
        ..Options::default()
    };
    let quantised = quantise(&model, &random::text(4, 2), &options);
    quantised.expect("scales").description
}

/// Where nobody chooses lanes, they are the most of which the dearest chunk stays below the bound; and there is no build where even the
/// fewest are too many.
#[test]
fn lanes_are_chosen_by_declared_memory() {
    let shape = |layers| Shape {
        hidden: 32,
        mlp: 32,
        layers,
        heads: 4,
        kv_heads: 4,
        head_dim: 8,
        vocab: 65,
        tied: true,
    };
    let choice = |lanes| Cut {
        lanes,
        block: None,
        set: None,
    };
    let dir = tempfile::tempdir().expect("a folder");
    random::write_model_dir(dir.path(), &shape(4), 1).expect("written");
    let short = description(dir.path(), 64);
    let outline = Outline::new(&short, choice(None)).expect("a model");
    assert_eq!(outline.plan.lanes, 64);
    // Long proofs are made shorter, short ones stay as they are.
    let bytes = |outline: &Outline| outline.most().expect("its own context").proof_bytes;
    assert_eq!(outline.set, &COMPACT);
    assert!(bytes(&outline) <= LONG_PROOF);
    let few = Outline::new(&short, choice(Some(8))).expect("a model");
    assert_eq!(few.set, &PLAIN);
    // Whoever chooses gets what is chosen.
    for (lanes, set) in [(None, &PLAIN), (None, &LARGE), (Some(8), &COMPACT)] {
        let cut = Cut {
            set: Some(set),
            ..choice(lanes)
        };
        assert_eq!(Outline::new(&short, cut).expect("a model").set, set);
    }
    let long = description(dir.path(), 32_000);
    let outline = Outline::new(&long, choice(None)).expect("a model");
    let memory = |outline: &Outline| outline.most().expect("its own context").memory_bytes;
    let lanes = outline.plan.lanes;
    assert!(lanes == 16 && memory(&outline) <= MOST_MEMORY, "{lanes}");
    let more = Outline::new(&long, choice(Some(64))).expect("a model");
    assert!(memory(&more) > MOST_MEMORY);
    // There is no memory for shorter proofs.
    assert_eq!(more.set, &PLAIN);
    assert!(bytes(&more) > LONG_PROOF);
    random::write_model_dir(dir.path(), &shape(8), 1).expect("written");
    let deep = description(dir.path(), 32_000);
    let refused = Outline::new(&deep, choice(None)).err().expect("refused");
    let BuildError::Memory {
        context: 32_000,
        lanes: 8,
        needed,
        limit,
    } = refused
    else {
        panic!("{refused}")
    };
    assert!(needed > limit && refused.to_string().contains(&needed.to_string()));
}

#[test]
fn a_case_that_there_is_not() {
    reject(&["bench", "Z"], 2, "\"Z\"");
    reject(&["bench", "Z"], 2, "A, B, C, D");
}
