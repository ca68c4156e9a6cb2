//! What `verify` refuses, what it needs, and what it costs.

use std::fs;
use std::path::Path;

use crate::command::{accept, compiling, path, proving, reject, text};
use crate::second_model;
use crate::session::{PROMPT, assert_rejected, copy, manifest, verify, world};

#[test]
fn requirement_25_every_value_of_a_receipt() {
    let world = world();
    let session = copy(world, "relabelled");
    let file = session.join("chunk-0001.receipt.json");
    let original: serde_json::Value =
        serde_json::from_slice(&fs::read(&file).expect("a receipt")).expect("JSON");
    let mut pointers = vec![];
    leaves(&original, String::new(), &mut pointers);
    assert!(pointers.len() > 30);
    for pointer in pointers {
        let mut changed = original.clone();
        let value = changed.pointer_mut(&pointer).expect("a leaf");
        *value = other(value);
        fs::write(&file, changed.to_string()).expect("written");
        let field = pointer
            .trim_start_matches('/')
            .split('/')
            .next()
            .expect("a field")
            .to_string();
        assert_rejected(
            world,
            &session,
            if field == "format" { "format" } else { "" },
        );
        let stderr = text(&verify(world, &session).stderr);
        assert!(
            stderr.contains("receipt.json") || stderr.contains("proof"),
            "{pointer}: {stderr}"
        );
    }
}

/// `scripts/relabel` on a proven session: what the bare proof lets pass, and what the receipt adds.
#[test]
fn requirement_26_the_bare_proof_and_the_receipt() {
    let world = world();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/relabel");
    let mut command = std::process::Command::new(script);
    command.args([&world.root.join("session"), &manifest(world)]);
    // What cargo tells a test about its package: cargo would take it for a change of its own environment, and build again
    // what depends on crates whose build scripts read these variables, here and once more for the next test binary.
    for (name, _) in std::env::vars() {
        let of_package = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_EXE_"];
        let of_test = ["CARGO", "OUT_DIR", "LD_LIBRARY_PATH", "RUSTC_BOOTSTRAP"];
        if of_package.iter().any(|of| name.starts_with(of)) || of_test.contains(&name.as_str()) {
            command.env_remove(name);
        }
    }
    let output = command.output().expect("the script runs");
    let said = text(&output.stdout);
    assert!(output.status.success(), "{said}{}", text(&output.stderr));
    eprintln!("{said}");
    // One line per field of the statement, each naming the layer and the field.
    let lines = said.lines().filter(|line| line.starts_with("statement."));
    let rejected = lines.filter(|line| line.contains("| accepted | rejected by "));
    assert_eq!(rejected.count(), 23, "{said}");
    for count in [
        "bare proof, relabelled outside: 0 of 23 rejected",
        "bare proof, relabelled inside: 23 of 23 rejected, all by the proof's argument",
        "receipt: 23 of 23 rejected, each naming its field",
    ] {
        assert!(said.contains(count), "no {count:?} in {said}");
    }
}

fn leaves(value: &serde_json::Value, at: String, out: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(map) => {
            map.iter()
                .for_each(|(key, value)| leaves(value, format!("{at}/{key}"), out));
        }
        serde_json::Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(i, value)| leaves(value, format!("{at}/{i}"), out));
        }
        _ => out.push(at),
    }
}

/// Another value of the same type.
fn other(value: &serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Number(n) => (n.as_u64().unwrap_or(0) + 1).into(),
        serde_json::Value::String(s) => match s.strip_prefix("0x").and_then(|h| h.chars().last()) {
            Some('1') => format!("{}2", &s[..s.len() - 1]).into(),
            Some(_) => format!("{}1", &s[..s.len() - 1]).into(),
            None if s.len() == 64 => {
                format!("{}{}", &s[..63], if s.ends_with('0') { '1' } else { '0' }).into()
            }
            None => format!("{s}x").into(),
        },
        serde_json::Value::Null => 5.into(),
        _ => serde_json::Value::Null,
    }
}

#[test]
fn every_region_of_a_proof_counts() {
    let world = world();
    let session = copy(world, "flipped");
    let file = session.join("chunk-0000.proof");
    let original = fs::read(&file).expect("a proof");
    for i in 0..24 {
        let mut bytes = original.clone();
        let at = i * (original.len() - 1) / 23;
        bytes[at] ^= 1 << (i % 8);
        fs::write(&file, bytes).expect("written");
        assert_rejected(world, &session, "chunk-0000.proof");
    }
    fs::write(&file, &original[..original.len() - 1]).expect("written");
    assert_rejected(world, &session, "chunk-0000.proof");
}

#[test]
fn requirement_20_receipts_swapped_missing_or_repeated() {
    let world = world();
    let (first, second) = ("chunk-0000.receipt.json", "chunk-0001.receipt.json");
    let session = copy(world, "swapped");
    fs::rename(session.join(first), session.join("x")).expect("renamed");
    fs::rename(session.join(second), session.join(first)).expect("renamed");
    fs::rename(session.join("x"), session.join(second)).expect("renamed");
    assert_rejected(world, &session, first);

    let session = copy(world, "missing");
    fs::remove_file(session.join(second)).expect("removed");
    assert_rejected(world, &session, "0001");

    let session = copy(world, "repeated");
    fs::copy(
        session.join(second),
        session.join("chunk-0002.receipt.json"),
    )
    .expect("copied");
    assert_rejected(world, &session, "chunk-0002.receipt.json");
}

#[test]
fn requirement_23_another_real_model() {
    let world = world();
    let (model, build) = (world.root.join("other"), world.root.join("other-build"));
    second_model::write_second_model(&model, 8).expect("written");
    accept(&compiling(&model, &build));
    let session = world.root.join("session");
    reject(
        &[
            "verify",
            path(&session),
            "--model",
            path(&build.join("model.json")),
        ],
        1,
        "model_root",
    );
}

/// The verifier takes a tenth of the time of running and proving, or less, and reads a few kilobytes besides
/// the proofs.
#[test]
fn requirement_35_verifying_is_far_below_executing() {
    let world = world();
    let verified = verify(world, &world.root.join("session"));
    let verified: serde_json::Value = serde_json::from_str(&text(&verified.stdout)).expect("JSON");
    let sum = |list: &serde_json::Value, fields: &[&str]| -> f64 {
        let entries = list.as_array().expect("a list").iter();
        let times = entries.flat_map(|e| fields.iter().map(|f| e[*f].as_f64().expect("seconds")));
        times.sum()
    };
    let execution = sum(&world.proven["chunks"], &["trace_seconds", "prove_seconds"]);
    let verification = sum(&verified["receipts"], &["verify_seconds"]);
    let read: u64 = [
        "session/session.json",
        "session/chunk-0000.receipt.json",
        "build/model.json",
    ]
    .iter()
    .map(|file| fs::metadata(world.root.join(file)).expect("a file").len())
    .sum();
    eprintln!(
        "executed and proven in {execution} s, verified in {verification} s; {read} bytes read besides proofs"
    );
    assert!(
        verification * 10.0 < execution,
        "{verification} s of {execution} s"
    );
    assert!(read < 8_192, "{read} bytes");
}

#[test]
fn requirement_35_verification_needs_neither_weights_nor_program() {
    let world = world();
    let alone = world.root.join("alone");
    fs::create_dir_all(&alone).expect("a folder");
    fs::copy(manifest(world), alone.join("model.json")).expect("copied");
    let session = world.root.join("session");
    accept(&[
        "verify",
        path(&session),
        "--model",
        path(&alone.join("model.json")),
    ]);
}

/// What cannot be read is exit code 2, what does not hold is 1: also a session that lacks a part.
#[test]
fn unreadable_is_not_rejected() {
    let world = world();
    let model = path(&manifest(world)).to_string();
    let session = copy(world, "unreadable");
    let verify_it = ["verify", path(&session), "--model", &model];
    let (proof, receipt) = (
        session.join("chunk-0000.proof"),
        session.join("chunk-0001.receipt.json"),
    );
    let bytes = fs::read(&proof).expect("a proof");
    fs::remove_file(&proof).expect("removed");
    reject(&verify_it, 1, "chunk-0000.proof: no such file");
    let first = path(&session.join("chunk-0000.receipt.json")).to_string();
    reject(
        &["verify", &first, "--model", &model],
        1,
        "chunk-0000.proof",
    );
    fs::create_dir(&proof).expect("a folder");
    reject(&verify_it, 2, "chunk-0000.proof");
    // Nor is it written over.
    let build = world.root.join("build");
    let prove = proving(&build, PROMPT, &session);
    reject(&prove, 2, "chunk-0000.proof");
    fs::remove_dir(&proof).expect("removed");
    fs::write(&proof, b"").expect("written");
    reject(&verify_it, 1, "chunk-0000.proof");
    fs::write(&proof, bytes).expect("written");
    let text = fs::read(&receipt).expect("a receipt");
    fs::write(&receipt, b"{}").expect("written");
    reject(&verify_it, 1, "chunk-0001.receipt.json");
    fs::write(&receipt, text).expect("written");
    accept(&verify_it);
    let one = path(&receipt).to_string();
    let said = accept(&["verify", &one, "--model", &model, "--json"]);
    let said: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    let whole: serde_json::Value =
        serde_json::from_str(&accept(&[&verify_it[..], &["--json"]].concat())).expect("JSON");
    assert_eq!([&said["scope"], &whole["scope"]], ["receipt", "session"]);
    for field in ["session_id", "model_root"] {
        assert!(said[field].is_string(), "{said}");
        assert_eq!(said[field], whole[field]);
    }
    reject(
        &["verify", &format!("{one}x"), "--model", &model],
        2,
        "receipt.jsonx",
    );
    reject(
        &["verify", path(&session), "--model", &format!("{model}x")],
        2,
        "model.jsonx",
    );
}
