//! A session from nothing to one wrapped proof: compile, prove, wrap, verify, by the command line; and what
//! is wrong with a wrapped session is refused.
//!
//! Slow: two proofs of chunks, two leaves and a fold, 12 GB of memory.

#[path = "support/command.rs"]
mod command;
#[path = "support/model_dir.rs"]
mod model_dir;
#[path = "support/node.rs"]
mod node;
#[path = "wrap/registry.rs"]
mod registry;
#[path = "support/second_model.rs"]
mod second_model;

use std::fs;
use std::path::Path;

use cairo_decode::wrap::circuit;
use cairo_decode::wrap::shape::AGGREGATE;
use command::{accept, code, compiling_foldable, path, reject, run};
use stwo::core::fields::m31::M31;

/// Stops a run after the first leaf, and another after the second; damages the first leaf in a way that its digest does not
/// show; goes on to the end. Returns kind, first chunk and chunks of every proof, and whether it was taken from an earlier run.
fn goes_on(session: &Path, build: &Path) -> Vec<(String, u64, u64, bool)> {
    let wrap = ["wrap", path(session), "--build", path(build), "--json"];
    let witness = session.join("chunk-0001.witness");
    let whole = fs::read(&witness).expect("a witness");
    fs::write(&witness, &whole[..whole.len() - 1]).expect("written");
    reject(&wrap, 2, "chunk-0001.witness");
    let leaf = |chunk: usize| session.join(format!("wrapping/leaf-{chunk:04}-0001"));
    let honest = fs::read(leaf(0)).expect("the first leaf");
    fs::write(&witness, &whole).expect("written");
    // A folder where the first node above the leaves belongs.
    let above = session.join("wrapping/fold-0000-0002");
    fs::create_dir(&above).expect("a folder");
    reject(&wrap, 2, "fold-0000-0002");
    fs::remove_dir(&above).expect("removed");
    assert_eq!(
        fs::read(leaf(0)).expect("the first leaf"),
        honest,
        "it is taken as it is"
    );

    // The first leaf says the same of itself, and a value inside its proof is another one.
    let mut proof = circuit::decode(&honest, &AGGREGATE).expect("a proof");
    let samples = &mut proof.stark_proof.proof.0.sampled_values;
    let sample = samples.iter_mut().flatten().flatten().next();
    *sample.expect("a sample") += M31::from(1u32);
    fs::write(leaf(0), circuit::encode(&proof)).expect("written");
    let said: serde_json::Value = serde_json::from_str(&accept(&wrap)).expect("JSON");
    let proofs = said["proofs"].as_array().expect("proofs").iter();
    let number = |proof: &serde_json::Value, field: &str| proof[field].as_u64().expect("a number");
    proofs
        .map(|proof| {
            let of = proof["of"].as_str().expect("a kind").to_string();
            let resumed = proof["resumed"].as_bool().expect("yes or no");
            let [first, chunks] = ["first_chunk", "chunks"].map(|field| number(proof, field));
            (of, first, chunks, resumed)
        })
        .collect()
}

#[test]
fn a_session_is_wrapped_and_verified() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| temp.path().join(name);
    let (model, build, other) = (at("model"), at("build"), at("other"));
    second_model::write_second_model(&model, 5).expect("a model directory");
    accept(&compiling_foldable(&model, &build));
    let session = at("session");
    let domain = "SN_TEST/0x1234";
    accept(&[
        "prove",
        path(&build),
        "-p",
        "ab",
        "-n",
        "2",
        "--chunk",
        "2",
        "--domain",
        domain,
        "-o",
        path(&session),
    ]);
    let manifest = build.join("model.json");
    let (dir, manifest) = (path(&session), path(&manifest));
    let verify = ["verify", dir, "--model", manifest];

    // Not wrapped yet; each chunk's own proof verifies, for its domain only.
    let own = [&verify[..], &["--domain", domain]].concat();
    assert!(accept(&own).contains("accepted"));
    reject(&verify, 1, "domain");
    let wrapped = [&own[..], &["--wrapped", "--build", path(&build)]].concat();
    reject(&wrapped, 1, "wrapped-0000.json: no such file");

    // Wrapping needs what `prove` kept, and the session's own program.
    let witness = session.join("chunk-0000.witness");
    let bytes = fs::read(&witness).expect("a witness");
    fs::write(&witness, &bytes[..bytes.len() - 1]).expect("written");
    reject(
        &["wrap", dir, "--build", path(&build)],
        2,
        "chunk-0000.witness",
    );
    fs::remove_file(&witness).expect("removed");
    reject(
        &["wrap", dir, "--build", path(&build)],
        2,
        "run the same `prove` again",
    );
    fs::write(&witness, &bytes).expect("written");
    second_model::write_second_model(&model, 6).expect("a model directory");
    accept(&compiling_foldable(&model, &other));
    reject(&["wrap", dir, "--build", path(&other)], 2, "model_root");

    // Another chunk's proof is no proof of this chunk's statement.
    let second = fs::read(session.join("chunk-0001.witness")).expect("a witness");
    fs::write(&witness, &second).expect("written");
    reject(
        &["wrap", dir, "--build", path(&build)],
        2,
        "not what the receipts say",
    );
    fs::write(&witness, &bytes).expect("written");

    // Attack: a session whose folder of unfinished proofs is elsewhere, where they would be written.
    std::os::unix::fs::symlink(temp.path(), session.join("wrapping")).expect("a link");
    let wrap = ["wrap", dir, "--build", path(&build)];
    reject(&wrap, 2, "is a symbolic link");
    fs::remove_file(session.join("wrapping")).expect("removed");
    let none = ["wrap", dir, "--build", path(&build), "--group", "0"];
    reject(&none, 2, "--group");
    let proofs = goes_on(&session, &build);
    let proof = |of: &str, first, chunks, resumed| (of.to_string(), first, chunks, resumed);
    let expected = [
        proof("leaf", 0, 1, false),
        proof("leaf", 1, 1, true),
        proof("fold", 0, 2, false),
    ];
    assert_eq!(proofs, expected);
    assert!(accept(&wrapped).contains("one proof for 2 chunks"));
    assert!(!session.join("wrapping").exists());
    // The same again proves nothing, and needs no witness.
    fs::remove_file(&witness).expect("removed");
    let again = accept(&["wrap", dir, "--build", path(&build)]);
    assert!(again.contains("wrapped before, and its wrapped proofs hold"));
    assert!(!session.join("wrapping").exists());
    fs::write(&witness, &bytes).expect("written");

    let folders = registry::Folders {
        session: &session,
        build: &build,
        work: temp.path(),
        registry: "0x1234",
    };
    folders.check();

    // The chunks' own proofs are not needed any more.
    fs::remove_file(session.join("chunk-0000.proof")).expect("removed");
    assert!(accept(&wrapped).contains("one proof for 2 chunks"));

    // What is pinned, and what is proven, cannot be changed.
    let other_root = [&own[..], &["--wrapped", "--leaf-root", "0x1"]].concat();
    reject(&other_root, 1, "leaf_root");
    let other_domain = [&verify[..], &["--domain", "SN_TEST/0x1235", "--wrapped"]].concat();
    let other_domain = [&other_domain[..], &["--build", path(&build)]].concat();
    reject(&other_domain, 1, "domain");
    let file = session.join("wrapped-0000.json");
    let text = fs::read_to_string(&file).expect("wrapped-0000.json");
    let last = text.rfind("\"0x").expect("a felt");
    let end = last + 1 + text[last + 1..].find('"').expect("its end");
    let digit = if text[..end].ends_with('0') { "1" } else { "0" };
    let flipped = format!("{}{digit}{}", &text[..end - 1], &text[end..]);
    fs::write(&file, flipped).expect("written");
    reject(&wrapped, 1, "wrapped proof");
    // Every chunk is covered, once.
    fs::write(&file, text.replace("\"chunks\": 2", "\"chunks\": 3")).expect("written");
    reject(&wrapped, 1, "chunks: is 3, expected 2");
    fs::write(&file, text.replace("\"chunks\": 2", "\"chunks\": 1")).expect("written");
    // The proof is of two chunks, which is found before the document of the second one is looked for.
    reject(&wrapped, 1, "wrapped-0000.json: wrapped proof");
    fs::write(&file, &text).expect("written");
    let twice = session.join("wrapped-0001.json");
    fs::write(&twice, &text).expect("written");
    reject(&wrapped, 1, "wrapped-0001.json: covers chunks");
    fs::remove_file(&twice).expect("removed");
    let receipt = session.join("chunk-0001.receipt.json");
    let text = fs::read_to_string(&receipt).expect("a receipt");
    let at = text.rfind("\"chosen_root\": \"0x").expect("a root") + 19;
    let other = if &text[at..=at] == "1" { "2" } else { "1" };
    fs::write(
        &receipt,
        format!("{}{other}{}", &text[..at - 1], &text[at..]),
    )
    .expect("written");
    assert_eq!(code(&run(&wrapped)), 1);
}
