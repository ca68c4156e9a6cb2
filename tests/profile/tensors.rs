//! Profiles of chunks whose proofs have tensor components.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use cairo_decode::air::components::Component;
use cairo_decode::bundle::TensorModel;
use cairo_decode::decode::{Build, Cut, Decoded, Session};
use cairo_decode::profile::{AnyComponent, Profile, Report, profile_chunk};
use cairo_decode::prove::tensor::{Constants, Witness};
use cairo_decode::scales::{Options, quantise};
use cairo_decode::tensor::{constants, witness};
use cairo_decode::verify::proof::decode_tensors;
use cairo_decode::verify::statement::{Domain, SessionId};
use starknet_types_core::felt::Felt;

use crate::identity::identity;
use crate::model_dir::{Shape, random_model, text, write_model_dir};
use crate::{adds_up, command};

const SHAPE: Shape = Shape {
    hidden: 16,
    mlp: 24,
    layers: 2,
    heads: 2,
    kv_heads: 1,
    head_dim: 8,
    vocab: 40,
    tied: true,
};

static BUILD: LazyLock<Build> = LazyLock::new(|| {
    let model = random_model(&SHAPE, 3);
    let quantised = quantise(&model, &text(6, 1), &Options::default());
    let identity = identity("random", &model, None);
    let cut = Cut {
        lanes: Some(8),
        block: Some(8),
        set: None,
    };
    Build::new(&quantised.expect("scales").description, &identity, cut).expect("a build")
});

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

/// Rows that are on, of the components in which a column says so.
fn rows_on(constants: &Constants, witness: &Witness) -> BTreeMap<Component, u64> {
    let mut found = BTreeMap::new();
    let placed = constants.layout.components.iter();
    for ((placed, constants), trace) in placed.zip(&constants.tables).zip(&witness.tables) {
        let column = match placed.component {
            Component::Tensor
            | Component::Compress
            | Component::Range
            | Component::Table
            | Component::AngleTable
            | Component::PositionTable { .. }
            | Component::EmbeddingTable { .. } => continue,
            Component::Call { .. } | Component::Cells => &trace[0],
            component if component.grows() => &trace[0],
            _ => &constants[0],
        };
        let on = column.iter().filter(|flag| flag.0 == 1).count() as u64;
        found.insert(placed.component, on);
    }
    found
}

/// A chunk behind carried positions, one block of them and a part of another: cells are those of its proof, rows in use those that are on.
#[test]
fn requirement_16_sums_are_those_of_a_proof_with_tensors() {
    let decoded = chunks(&[8, 3, 8]).pop().expect("a chunk");
    let found = measure(&decoded);
    adds_up(&found);

    let (bytes, _) = BUILD.prove(&decoded).expect("a proof");
    let proof = decode_tensors(&bytes).expect("a proof");
    let cells = |sizes: &[Vec<u32>]| -> u64 { sizes.iter().flatten().map(|&log| 1 << log).sum() };
    let claimed = proof.proof.claim.log_sizes();
    let cairo = cells(&[claimed[0].clone(), claimed[1].clone()]);
    let layout = BUILD.manifest.tensors.layouts().at(&proof.tensors.sizes);
    let layout = layout.expect("sizes");
    let placed = layout.components.iter().zip(layout.columns());
    let own = placed.map(|(placed, columns)| {
        let cells = ((columns.trace + columns.interaction) as u64) << placed.log_rows;
        let of = AnyComponent::Tensor(placed.component);
        let of = found.components.iter().find(|c| c.component == of);
        assert_eq!(of.expect("measured").cells, cells, "{}", placed.component);
        cells
    });
    assert_eq!(found.cells, cairo + own.sum::<u64>());

    let trace = BUILD.program.run(&decoded.chunk.input).expect("runs");
    assert_eq!(found.steps, trace.steps() as u64);
    let mut input = trace.into_prover_input().expect("adapts");
    let sets = BUILD.prover.constants().expect("constants");
    let constants = constants::of_chunk(&BUILD.plan, sets, &decoded.values.chunk).expect("sizes");
    let witness = witness::witness(&BUILD.plan, &constants, &decoded.values, &mut input);
    for (component, on) in rows_on(&constants, &witness.expect("calls")) {
        let of = AnyComponent::Tensor(component);
        let of = found.components.iter().find(|c| c.component == of);
        assert_eq!(of.expect("measured").rows, on, "{component}");
    }
    // A compression for each block of a record, and for each token and chain.
    let rows = |component: Component| {
        let of = AnyComponent::Tensor(component);
        let of = found.components.iter().find(|c| c.component == of);
        of.expect("measured").rows
    };
    let records = BUILD.plan.recorded().expect("records");
    let blocks = records.blocks() as u64;
    assert_eq!(rows(Component::Compress), blocks * (11 + 8) + 2 * 8);
}

/// Each operation of the plan has steps of the program, one call, and rows of tensor components; what is around them has a name.
#[test]
fn requirement_16_every_operation_has_work() {
    let found = measure(&chunks(&[8]).pop().expect("a chunk"));
    adds_up(&found);
    let calls = BUILD.schedule.calls();
    for ((call, operation), work) in calls.iter().zip(&BUILD.plan.operations).zip(&found.work) {
        assert_eq!(work.label, call.label());
        assert_eq!(work.operation, operation.name());
        let layer = call.name.layer;
        let section = layer.map_or("model".to_string(), |layer| format!("layer_{layer}"));
        assert_eq!(work.section, section);
        assert!(work.steps > 0, "{}", work.label);
        let of = |is: &dyn Fn(Component) -> bool| -> u64 {
            let tensors = work.components.iter().filter(|(c, _)| match c {
                AnyComponent::Tensor(component) => is(*component),
                AnyComponent::Cairo(_) => false,
            });
            tensors.map(|(_, share)| share.rows).sum()
        };
        let is_call = |component| matches!(component, Component::Call { .. });
        assert_eq!(of(&is_call), 1, "{}", work.label);
        assert!(of(&|component| !is_call(component)) > 1, "{}", work.label);
    }
    let around = &found.work[calls.len()..];
    assert!(around.iter().all(|work| work.section == "protocol"));
    for part in ["program", "chunk", "tokens", "carried"] {
        let part = format!("protocol.{part}");
        assert!(around.iter().any(|work| work.label == part), "{part}");
    }
}

/// Attention, records and the carried keys and values grow with what is carried; nothing else does but with values.
#[test]
fn requirement_32_growth_with_carried_positions() {
    let chunks = chunks(&[8, 8, 8]);
    let at = |decoded: &Decoded| decoded.statement().frontier_in.position;
    let profiles = chunks.iter().map(|of| (at(of), measure(of))).collect();
    let report = Report::new("random", 8, profiles).expect("chunks");
    assert_eq!(report.positions, [0, 8, 16]);
    let rows = |name: &str| {
        let line = report.operations.iter().find(|line| line.name == name);
        let at = &line.expect("the operation").at;
        [at[0].rows, at[1].rows, at[2].rows]
    };
    for name in ["attention", "records", "protocol.carried"] {
        let [first, second, third] = rows(name);
        assert!(first < second, "{name}");
        // Rows of the program's memory may differ by a few.
        let (before, behind) = (second - first, third - second);
        assert!(before.abs_diff(behind) < 4, "{name}: {before} {behind}");
    }
    for name in ["embed", "norm", "rotary", "gated", "residual", "head"] {
        let [first, second, third] = rows(name);
        let most = first.max(second).max(third) - first.min(second).min(third);
        assert!(most < 4, "{name}: {first} {second} {third}");
    }
    // Labels are unique, so lines of nodes are operations.
    let nodes = report.nodes.iter().filter(|line| line.operation.is_some());
    assert!(nodes.count() > BUILD.plan.operations.len());
}

/// The commands that show a build and what it computes take one with tensor components.
#[test]
fn commands_take_a_build_with_tensors() {
    let work = tempfile::tempdir().expect("a folder");
    let [model, build] = ["model", "build"].map(|name| work.path().join(name));
    std::fs::create_dir(&model).expect("a folder");
    let shape = Shape { layers: 1, ..SHAPE };
    write_model_dir(&model, &shape, 3);
    let texts = [("calibration.txt", 1), ("heldout.txt", 2)];
    for (name, seed) in texts {
        std::fs::write(model.join(name), text(6, seed)).expect("written");
    }
    let [model, build] = [&model, &build].map(|folder| command::path(folder));
    let target = ["--target", "tensors", "--lanes", "8", "--context", "40"];
    command::accept(&[&["compile", model, "-o", build][..], &target].concat());
    let json = |args: &[&str]| -> serde_json::Value {
        let said = command::accept(&[args, &["--json"]].concat());
        serde_json::from_str(&said).expect("JSON")
    };

    let generated = json(&["generate", build, "-p", "w3 w4", "-n", "20"]);
    let opened = TensorModel::open(build.as_ref()).expect("a build");
    let prompt = opened.text.tokenizer.encode("w3 w4").expect("tokens");
    let (decoder, _) = opened.decoder().expect("a build");
    let id = SessionId(Felt::ONE);
    let mut session = Session::new(&decoder, Domain::local(), id, prompt.clone()).expect("starts");
    let mut tokens = vec![];
    while tokens.len() < 20 && session.ended().is_none() {
        let decoded = session.decode(8).expect("a chunk");
        session.advance(&decoded);
        tokens.extend(decoded.emitted);
    }
    tokens.truncate(20);
    assert_eq!(generated["prompt_tokens"], serde_json::json!(prompt));
    assert_eq!(generated["generated_tokens"], serde_json::json!(tokens));

    let shown = json(&["inspect", build, "--graph"]);
    assert_eq!(shown["lanes"], 8);
    let operations = decoder.plan.operations.len();
    assert_eq!(shown["operations"], operations);
    assert_eq!(shown["program_words"], decoder.program.words().len());
    let listing = shown["graph"].as_str().expect("a text");
    let calls = listing.lines().filter(|line| !line.ends_with(':'));
    assert_eq!(calls.count(), operations, "{listing}");
    // What a norm writes has 15 bits, and a row beside it has statistics.
    assert!(
        shown["bits"]["norm"][0]
            .as_u64()
            .is_some_and(|bits| bits <= 16)
    );
    let said = command::accept(&["inspect", build]);
    for line in ["lanes", "constants  ", "bits  ", "norm_root", "compress"] {
        assert!(said.contains(line), "{line}: {said}");
    }

    let profile = json(&["profile", build, "-p", "w3 w4", "-n", "2", "--stride", "9"]);
    assert_eq!(profile["positions"], serde_json::json!([2, 11]));
    command::reject(
        &["profile", build, "-p", "w3", "-n", "1", "--chunk", "9"],
        2,
        "--chunk: 9 steps; this build's proofs have 1 to 8",
    );
    let table = command::accept(&["profile", build, "-p", "w3 w4", "-n", "1"]);
    for name in [
        "attention",
        "layer_0",
        "protocol.carried",
        "norm_root",
        "fixed tables",
    ] {
        assert!(table.contains(name), "{name}: {table}");
    }
}
