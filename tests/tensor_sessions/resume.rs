//! A folder that an earlier run left: damaged chunks are proven again, a process that is killed loses nothing.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use cairo_decode::receipt::ProofIdentity;
use serde_json::{Value, json};

use crate::command::{accept, code, command, reject, run, text};
use crate::session::{edit, proof, read, receipt, world};

/// A damage to a session: the chunk, what the reason names, how it is done.
type Damage<'a> = (u64, &'a str, &'a dyn Fn(&Path));

fn plus_one(value: &Value) -> Value {
    (value.as_u64().expect("a number") + 1).into()
}

/// What an earlier run left is not believed: what does not hold is proven again, said, and right in the end.
#[test]
fn a_damaged_chunk_is_proven_again() {
    let world = world();
    let flipped = |session: &Path| {
        let mut bytes = fs::read(proof(session, 0)).expect("a proof");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(proof(session, 0), &bytes).expect("written");
        bytes
    };
    let damages: [Damage<'_>; 11] = [
        (1, "chunk-0001.receipt.json", &|s| {
            fs::remove_file(receipt(s, 1)).expect("removed")
        }),
        (0, "chunk-0000.proof", &|s| {
            fs::remove_file(proof(s, 0)).expect("removed")
        }),
        (0, "chunk-0000.proof", &|s| {
            fs::write(proof(s, 0), b"").expect("written")
        }),
        (0, "chunk-0000.proof: has digest", &|s| {
            flipped(s);
        }),
        // A proof that its receipt describes, and that does not verify.
        (0, "chunk-0000.proof", &|s| {
            let digest = ProofIdentity::of(&flipped(s)).blake2s;
            edit(&receipt(s, 0), "/proof/blake2s", |_| {
                digest.to_string().into()
            });
        }),
        (1, "frontier_out.chosen_root", &|s| {
            edit(
                &receipt(s, 1),
                "/statement/frontier_out/chosen_root",
                |_| "0x1".into(),
            )
        }),
        (1, "kv_root", &|s| {
            let pointer = "/statement/frontier_out/kv_root";
            edit(&receipt(s, 1), pointer, |_| "0x1".into())
        }),
        (1, "security_bits", &|s| {
            edit(&receipt(s, 1), "/proof/security_bits", plus_one)
        }),
        // The boundary between two chunks, of which the next receipt still knows the place.
        (0, "steps", &|s| {
            edit(&receipt(s, 0), "/statement/steps", plus_one)
        }),
        (1, "emitted_tokens", &|s| {
            edit(&receipt(s, 1), "/emitted_tokens/0", plus_one)
        }),
        (1, "chunk-0001.receipt.json", &|s| {
            fs::write(receipt(s, 1), b"{").expect("written")
        }),
    ];
    for (index, (chunk, names, damage)) in damages.iter().enumerate() {
        let session = world.copy("damaged");
        damage(&session);
        assert_ne!(code(&world.verify(&session)), 0, "damage {index} does none");
        let output = run(&world.proving(&session));
        let stderr = text(&output.stderr);
        assert_eq!(code(&output), 0, "damage {index}: {stderr}");
        let said: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let of = |list: &str| said[list].as_array().expect("a list").iter();
        let proven: Vec<_> = of("chunks").filter_map(|c| c["chunk"].as_u64()).collect();
        assert_eq!(proven, [*chunk], "damage {index}: {stderr}");
        // A receipt that is not there is one of a chunk that was never done.
        if receipt_lost(index) {
            assert_eq!(said["again"], json!([]), "damage {index}");
        } else {
            let again = of("again").next().expect("a reason");
            let reason = again["reason"].as_str().expect("a reason");
            assert_eq!(again["chunk"], *chunk, "damage {index}: {reason}");
            assert!(reason.contains(names), "damage {index}: {reason}");
            assert!(stderr.contains(reason), "damage {index}: {stderr}");
        }
        world.accepts(&session);
        assert_eq!(said["generated_tokens"], world.proven["generated_tokens"]);
    }
}

fn receipt_lost(damage: usize) -> bool {
    damage == 0
}

/// A document that says something else than the receipts is written again, without a proof.
#[test]
fn a_damaged_document_is_mended() {
    let world = world();
    let session = world.copy("document");
    let document = session.join("session.json");
    let good = fs::read(&document).expect("a document");
    edit(&document, "/generated_tokens/0", plus_one);
    assert_ne!(code(&world.verify(&session)), 0);
    let mended = run(&world.proving(&session));
    let stderr = text(&mended.stderr);
    assert_eq!(code(&mended), 0, "{stderr}");
    let named = "session.json: chunks and generated_tokens";
    assert!(stderr.contains(named), "{stderr}");
    assert_eq!(fs::read(&document).expect("a document"), good);
    // Half of a document is none.
    fs::write(&document, &good[..good.len() / 2]).expect("written");
    reject(&world.proving(&session), 2, "session.json");
    fs::write(&document, b"{}").expect("written");
    reject(&world.proving(&session), 2, "session.json: format");
    // What was being written when the process ended is removed, and so is what lies beyond the session's end.
    fs::write(&document, &good).expect("written");
    fs::write(proof(&session, 2), b"left").expect("written");
    assert_ne!(code(&world.verify(&session)), 0);
    let said: Value = serde_json::from_str(&accept(&world.proving(&session))).expect("JSON");
    assert_eq!(said["removed"], json!(["chunk-0002.proof"]));
    world.accepts(&session);
}

/// A receipt without what names the proof's bytes.
fn stated(session: &Path, index: usize) -> Value {
    let mut receipt = read(&receipt(session, index));
    for field in ["bytes", "blake2s"] {
        receipt["proof"]
            .as_object_mut()
            .expect("an object")
            .remove(field);
    }
    receipt
}

/// A process that is killed behind its first chunk: that chunk stays as it is, and the session ends as it would have.
#[test]
fn a_killed_session_goes_on() {
    let world = world();
    let out = world.root.join("killed");
    let mut child = command(&world.proving(&out));
    let child = child.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = child.spawn().expect("the binary runs");
    let deadline = Instant::now() + Duration::from_secs(120);
    while !receipt(&out, 0).exists() {
        assert!(Instant::now() < deadline, "no receipt after two minutes");
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().expect("killed");
    child.wait().expect("a status");
    assert!(!receipt(&out, 1).exists(), "the session was over");
    let output = world.verify(&out);
    assert_eq!(code(&output), 1);
    assert!(text(&output.stderr).contains("status: is `running`"));
    let kept = fs::read(proof(&out, 0)).expect("a proof");
    accept(&world.proving(&out));
    assert!(fs::read(proof(&out, 0)).expect("a proof") == kept);
    world.accepts(&out);
    let session = world.root.join("session");
    for index in 0..2 {
        assert_eq!(stated(&out, index), stated(&session, index));
    }
}
