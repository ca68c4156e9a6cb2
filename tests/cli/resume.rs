//! `prove` in a folder that an earlier run left: what it goes on with, proves again, mends or refuses.

use std::fs;
use std::path::Path;

use crate::command::{accept, code, path, proving, reject, run, text};
use crate::session::{PROMPT, World, assert_rejected, copy, edit, prove, verify, world};

#[test]
fn requirement_05_an_interrupted_session_goes_on_in_a_new_process() {
    let world = world();
    let session = copy(world, "resumed");
    fs::remove_file(session.join("chunk-0001.receipt.json")).expect("removed");
    let file = session.join("session.json");
    let mut document: serde_json::Value =
        serde_json::from_slice(&fs::read(&file).expect("a session")).expect("JSON");
    document["status"] = "running".into();
    document["chunks"] = serde_json::Value::Null;
    document["generated_tokens"] = serde_json::Value::Null;
    fs::write(&file, document.to_string()).expect("written");
    // Not complete: not accepted.
    assert_rejected(world, &session, "status");
    let kept = fs::read(session.join("chunk-0000.proof")).expect("a proof");
    let report = prove(world, PROMPT, "resumed");
    let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!(
        report["chunks"].as_array().expect("chunks").len(),
        1,
        "only the missing chunk is proven"
    );
    assert_eq!(
        fs::read(session.join("chunk-0000.proof")).expect("a proof"),
        kept
    );
    assert_eq!(code(&verify(world, &session)), 0);
}

/// Proves `PROMPT` into a copy of the session, with other options behind the usual ones. Returns what it said: the JSON,
/// and stderr.
fn resume(world: &World, out: &Path, more: &[&str]) -> (serde_json::Value, String) {
    let build = world.root.join("build");
    let usual = proving(&build, PROMPT, out);
    let output = run(&[&usual, more, &["--json"]].concat());
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let said = serde_json::from_slice(&output.stdout).expect("JSON");
    (said, text(&output.stderr))
}

/// Chunks that a resumed run proved, and those of which it said why.
fn proven_and_named(said: &serde_json::Value) -> (Vec<u64>, Vec<u64>) {
    let chunks = |list: &serde_json::Value| -> Vec<u64> {
        let list = list.as_array().expect("a list").iter();
        list.filter_map(|entry| entry["chunk"].as_u64()).collect()
    };
    (chunks(&said["chunks"]), chunks(&said["again"]))
}

/// What an earlier run left is not believed: what does not hold is proven again, said, and right in the end. Each
/// damage: to which chunk, what the reason names, how it is done.
#[test]
fn a_damaged_chunk_is_proven_again() {
    let world = world();
    type Damage<'a> = (u64, &'a str, &'a dyn Fn(&Path));
    let proof = |session: &Path| session.join("chunk-0000.proof");
    let receipt = |session: &Path| session.join("chunk-0001.receipt.json");
    let plus_one = |value: &serde_json::Value| (value.as_u64().expect("a number") + 1).into();
    let damages: [Damage<'_>; 9] = [
        (0, "chunk-0000.proof", &|s| {
            fs::remove_file(proof(s)).expect("removed")
        }),
        (0, "chunk-0000.proof", &|s| {
            fs::write(proof(s), b"").expect("written")
        }),
        (0, "chunk-0000.proof", &|s| {
            let bytes = fs::read(proof(s)).expect("a proof");
            fs::write(proof(s), &bytes[..bytes.len() / 2]).expect("written");
        }),
        // A proof that its receipt describes, and that does not verify.
        (0, "chunk-0000.proof", &|s| {
            let mut bytes = fs::read(proof(s)).expect("a proof");
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(proof(s), &bytes).expect("written");
            let digest = cairo_decode::receipt::ProofIdentity::of(&bytes).blake2s;
            let file = s.join("chunk-0000.receipt.json");
            edit(&file, "/proof/blake2s", |_| digest.to_string().into());
        }),
        (1, "kv_root", &|s| {
            edit(&receipt(s), "/statement/frontier_out/kv_root", |_| {
                "0x1".into()
            })
        }),
        (1, "emitted_tokens", &|s| {
            edit(&receipt(s), "/emitted_tokens/0", plus_one)
        }),
        (1, "security_bits", &|s| {
            edit(&receipt(s), "/proof/security_bits", plus_one)
        }),
        (1, "chunk-0001.receipt.json", &|s| {
            fs::write(receipt(s), b"{").expect("written")
        }),
        // The boundary between two chunks, of which the next receipt still knows the place.
        (0, "steps", &|s| {
            edit(
                &s.join("chunk-0000.receipt.json"),
                "/statement/steps",
                plus_one,
            )
        }),
    ];
    for (index, (chunk, names, damage)) in damages.iter().enumerate() {
        let session = copy(world, "damaged-session");
        damage(&session);
        assert_ne!(
            code(&verify(world, &session)),
            0,
            "damage {index} does none"
        );
        let (said, stderr) = resume(world, &session, &["--chunk", "3"]);
        let (proven, named) = proven_and_named(&said);
        assert_eq!(proven, [*chunk], "damage {index}: {stderr}");
        assert_eq!(named, [*chunk], "damage {index}: {stderr}");
        let reason = said["again"][0]["reason"].as_str().expect("a reason");
        assert!(reason.contains(names), "damage {index}: {reason}");
        assert!(stderr.contains(reason), "damage {index}: {stderr}");
        let verified = verify(world, &session);
        assert_eq!(
            code(&verified),
            0,
            "damage {index}: {}",
            text(&verified.stderr)
        );
    }
}

/// A document that says something else than the receipts is written again; what is of another session is refused, and
/// nothing is changed then.
#[test]
fn damaged_documents_are_mended_or_refused() {
    let world = world();
    let session = copy(world, "damaged-documents");
    let document = session.join("session.json");
    let good = fs::read(&document).expect("a document");
    let plus_one = |value: &serde_json::Value| (value.as_u64().expect("a number") + 1).into();
    edit(&document, "/generated_tokens/0", plus_one);
    assert_ne!(code(&verify(world, &session)), 0);
    let (said, stderr) = resume(world, &session, &[]);
    assert_eq!(proven_and_named(&said).0, [0; 0]);
    assert!(
        stderr.contains("session.json: chunks and generated_tokens"),
        "{stderr}"
    );
    assert_eq!(fs::read(&document).expect("a document"), good);
    assert_eq!(code(&verify(world, &session)), 0);

    // What lies beyond the end is removed, and named.
    let beyond = session.join("chunk-0002.proof");
    fs::write(&beyond, b"left").expect("written");
    assert_ne!(code(&verify(world, &session)), 0);
    let (said, _) = resume(world, &session, &[]);
    assert_eq!(said["removed"], serde_json::json!(["chunk-0002.proof"]));
    assert_eq!(code(&verify(world, &session)), 0);

    // A receipt of another session, where the missing one should be.
    let receipt = session.join("chunk-0001.receipt.json");
    edit(&receipt, "/statement/session_id", |_| "0x7".into());
    let before = fs::read(&receipt).expect("a receipt");
    let build = world.root.join("build");
    let usual = proving(&build, PROMPT, &session);
    reject(&usual, 2, "statement.session_id: is 0x7");
    assert_eq!(fs::read(&receipt).expect("a receipt"), before);
    // A document that is none.
    fs::write(&document, b"{}").expect("written");
    reject(&usual, 2, "session.json: format");
}

/// A session that was complete and is proven again in part is running until it is complete again.
#[test]
fn other_options_at_resumption() {
    let world = world();
    let (build, session) = (world.root.join("build"), copy(world, "other-options"));
    let usual = proving(&build, PROMPT, &session);
    for (more, names) in [
        (&["--domain", "SN_SEPOLIA/0x1234"][..], "--domain"),
        (&["--session-id", "0x9"], "--session-id"),
    ] {
        reject(&[&usual[..], more].concat(), 2, names);
    }
    let other = |prompt, n| {
        [
            "prove",
            path(&build),
            "-p",
            prompt,
            "-n",
            n,
            "-o",
            path(&session),
        ]
        .map(String::from)
    };
    for (args, names) in [
        (other("abd", "3"), "the prompt"),
        (other(PROMPT, "4"), "-n"),
    ] {
        reject(&args.each_ref().map(String::as_str), 2, names);
    }
    assert_eq!(
        code(&verify(world, &session)),
        0,
        "a refusal changes nothing"
    );

    // Another --chunk has nothing to count for once all is proven; before, it counts for what is to come.
    let (_, stderr) = resume(world, &session, &["--chunk", "1"]);
    assert!(stderr.contains("--chunk changes nothing"), "{stderr}");
    let said = accept(&usual);
    assert!(said.contains("all chunks were proven before"), "{said}");
    assert!(!said.contains("VM steps"), "{said}");
    fs::remove_file(session.join("chunk-0001.receipt.json")).expect("removed");
    let (said, stderr) = resume(world, &session, &["--chunk", "1"]);
    assert!(stderr.contains("at most 1 steps, and not 3"), "{stderr}");
    let steps = said["generated_tokens"].as_array().expect("tokens").len() as u64;
    assert_eq!(proven_and_named(&said).0, Vec::from_iter(1..=steps));
    let document: serde_json::Value =
        serde_json::from_slice(&fs::read(session.join("session.json")).expect("it")).expect("JSON");
    assert_eq!(document["chunk_size"], 1);
    assert_eq!(code(&verify(world, &session)), 0);
}
