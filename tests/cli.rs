//! The command line as a user meets it: a second model with other shapes goes through `compile`,
//! `generate`, `prove` and `verify`, and everything that is wrong with a session is refused.
//!
//! Slow: four proofs, two of them of the session that most of the tests share.

#[path = "support/command.rs"]
mod command;
#[path = "support/model_dir.rs"]
mod model_dir;
#[path = "support/second_model.rs"]
mod second_model;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::OnceLock;

use command::{accept, code, path, reject, run, text};

struct World {
    // Keeps the folder alive.
    _temp: tempfile::TempDir,
    root: PathBuf,
    /// What `prove` said of the session.
    proven: serde_json::Value,
}

const PROMPT: &str = "abc";

fn prove(world: &World, prompt: &str, session: &str) -> String {
    let build = world.root.join("build");
    let out = world.root.join(session);
    accept(&[
        "prove",
        path(&build),
        "-p",
        prompt,
        "-n",
        "3",
        "--chunk",
        "3",
        "-o",
        path(&out),
        "--json",
    ])
}

/// The compiled second model, and one proven session of two chunks.
fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let temp = tempfile::tempdir().expect("a folder");
        let root = temp.path().to_path_buf();
        second_model::write_second_model(&root.join("second"), 7).expect("written");
        let mut world = World {
            _temp: temp,
            root,
            proven: serde_json::Value::Null,
        };
        let (model, build) = (world.root.join("second"), world.root.join("build"));
        let report = accept(&["compile", path(&model), "-o", path(&build), "--json"]);
        assert!(report.contains("top1_agreement"));
        let proven = prove(&world, PROMPT, "session");
        world.proven = serde_json::from_str(&proven).expect("JSON");
        world
    })
}

fn manifest(world: &World) -> PathBuf {
    world.root.join("build/model.json")
}

fn verify(world: &World, session: &Path) -> Output {
    run(&[
        "verify",
        path(session),
        "--model",
        path(&manifest(world)),
        "--json",
    ])
}

/// A copy of the proven session that a test may damage.
fn copy(world: &World, name: &str) -> PathBuf {
    let to = world.root.join(name);
    let _ = fs::remove_dir_all(&to);
    fs::create_dir(&to).expect("a folder");
    for entry in fs::read_dir(world.root.join("session")).expect("the session") {
        let entry = entry.expect("an entry");
        fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
    }
    to
}

fn assert_rejected(world: &World, session: &Path, names: &str) {
    let output = verify(world, session);
    let stderr = text(&output.stderr);
    assert_eq!(code(&output), 1, "{names}: {stderr}");
    assert!(stderr.contains(names), "{stderr:?} does not name {names:?}");
    assert!(!stderr.contains("panicked"), "{stderr}");
}

#[test]
fn verified_session_says_what_generate_says() {
    let world = world();
    let build = world.root.join("build");
    let generated = accept(&["generate", path(&build), "-p", PROMPT, "-n", "3", "--json"]);
    let output = verify(world, &world.root.join("session"));
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let of = |json: &str| {
        let value: serde_json::Value = serde_json::from_str(json).expect("JSON");
        value["generated_tokens"].clone()
    };
    let verified = text(&output.stdout);
    assert_eq!(of(&verified), of(&generated));
    let value: serde_json::Value = serde_json::from_str(&verified).expect("JSON");
    let receipts = value["receipts"].as_array().expect("receipts");
    assert_eq!(receipts.len(), 2);
    for receipt in receipts {
        assert_eq!(receipt["security_bits"], 96);
        let seconds = receipt["verify_seconds"].as_f64().expect("seconds");
        // 100 ms is the promise on an idle machine; tests share theirs.
        assert!(seconds < 0.5, "a receipt took {seconds} s");
    }
}

/// Without `--chunk` the tool chooses how long chunks are; what is proven is the same.
#[test]
fn chunks_that_the_tool_chooses() {
    let world = world();
    let build = world.root.join("build");
    let session = world.root.join("chosen-chunks");
    let out = path(&session);
    let proven = accept(&[
        "prove",
        path(&build),
        "-p",
        PROMPT,
        "-n",
        "3",
        "-o",
        out,
        "--json",
    ]);
    let verified = verify(world, &session);
    assert_eq!(code(&verified), 0, "{}", text(&verified.stderr));
    let generated = accept(&["generate", path(&build), "-p", PROMPT, "-n", "3", "--json"]);
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
    let (proven, verified, generated) = (
        json(&proven),
        json(&text(&verified.stdout)),
        json(&generated),
    );
    assert_eq!(verified["generated_tokens"], generated["generated_tokens"]);
    // So few steps are cheapest in one proof.
    assert_eq!(proven["chunks"].as_array().expect("chunks").len(), 1);
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
    let output = std::process::Command::new(script)
        .args([&world.root.join("session"), &manifest(world)])
        .output()
        .expect("the script runs");
    let said = text(&output.stdout);
    assert!(output.status.success(), "{said}{}", text(&output.stderr));
    eprintln!("{said}");
    // One line per field of the statement, each naming the layer and the field.
    let lines = said.lines().filter(|line| line.starts_with("statement."));
    let rejected = lines.filter(|line| line.contains("| accepted | rejected by "));
    assert_eq!(rejected.count(), 22, "{said}");
    for count in [
        "bare proof, relabelled outside: 0 of 22 rejected",
        "bare proof, relabelled inside: 22 of 22 rejected, all by the proof's argument",
        "receipt: 22 of 22 rejected, each naming its field",
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
    accept(&["compile", path(&model), "-o", path(&build)]);
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
    let usual = [
        "prove",
        path(&build),
        "-p",
        PROMPT,
        "-n",
        "3",
        "-o",
        path(out),
    ];
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

/// Changes one value of a JSON file.
fn edit(file: &Path, pointer: &str, change: impl Fn(&serde_json::Value) -> serde_json::Value) {
    let mut document: serde_json::Value =
        serde_json::from_slice(&fs::read(file).expect("a document")).expect("JSON");
    let value = document.pointer_mut(pointer).expect("a value");
    *value = change(value);
    fs::write(file, document.to_string()).expect("written");
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
    let usual = [
        "prove",
        path(&build),
        "-p",
        PROMPT,
        "-n",
        "3",
        "-o",
        path(&session),
    ];
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
    let usual = [
        "prove",
        path(&build),
        "-p",
        PROMPT,
        "-n",
        "3",
        "-o",
        path(&session),
    ];
    for (more, names) in [
        (&["--domain", "SN_SEPOLIA/0x1234"][..], "--domain"),
        (&["--wrappable"], "--wrappable"),
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

/// What `verify` prints can be given back to it, and says exactly which tokens were read and chosen.
#[test]
fn verify_says_what_it_takes() {
    let world = world();
    let (session, build) = (world.root.join("session"), world.root.join("build"));
    // A build folder is as good as its manifest.
    let said = accept(&["verify", path(&session), "--model", path(&build)]);
    let prompt = said
        .lines()
        .find_map(|line| line.strip_prefix("  prompt  "));
    let tokens = prompt.expect("the prompt's tokens");
    let pinned = [
        "verify",
        path(&session),
        "--model",
        path(&build),
        "--prompt-tokens",
    ];
    accept(&[&pinned[..], &[tokens]].concat());
    reject(
        &[&pinned[..], &["1,2"]].concat(),
        1,
        &format!("is {tokens}, expected 1,2"),
    );
    // Four tokens of the prompt with <bos>, five or six steps: three, and the rest.
    assert!(
        said.contains("positions 0 to 2: read 3 of the prompt's 4 tokens, chose 0"),
        "{said}"
    );
    assert!(
        said.contains("read 1 of the prompt's 4 tokens, chose "),
        "{said}"
    );
    assert!(!said.contains("positions 0 to 3"), "{said}");
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
    let prove = [
        "prove",
        path(&build),
        "-p",
        PROMPT,
        "-n",
        "3",
        "-o",
        path(&session),
    ];
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

/// As `tests/output.rs`, for the commands that need a session.
#[test]
fn a_full_device_is_an_error_for_sessions() {
    let world = world();
    let (build, session) = (world.root.join("build"), copy(world, "to-full"));
    let model = path(&manifest(world)).to_string();
    let receipt = session.join("chunk-0000.receipt.json");
    for args in [
        &["verify", path(&session), "--model", &model][..],
        &["verify", path(&receipt), "--model", &model],
        &["inspect", path(&session)],
        &["inspect", path(&receipt)],
        &[
            "prove",
            path(&build),
            "-p",
            PROMPT,
            "-n",
            "3",
            "-o",
            path(&session),
        ],
    ] {
        for json in [false, true] {
            let full = fs::File::options().write(true).open("/dev/full");
            let mut command = command::command(args);
            command
                .args(json.then_some("--json"))
                .stdout(full.expect("/dev/full"));
            let output = command
                .stderr(std::process::Stdio::piped())
                .output()
                .expect("it runs");
            let said = text(&output.stderr);
            assert_eq!(code(&output), 2, "{args:?}: {said}");
            assert!(
                said.contains("cannot write the output: No space left"),
                "{args:?}: {said}"
            );
        }
    }
}

#[test]
fn bad_input_has_code_2_and_names_what_is_wrong() {
    let world = world();
    let build = world.root.join("build");
    let (b, m) = (path(&build).to_string(), manifest(world));
    reject(
        &["compile", "no-such-model", "-o", "x", "--name", "x"],
        2,
        "no-such-model",
    );
    reject(&["compile", &b, "-o", "x"], 2, "a build of cairo-decode");
    reject(&["generate", path(&world.root), "-p", "a"], 2, "model.json");
    reject(
        &["prove", &b, "-p", "a", "-n", "0", "-o", "x"],
        2,
        "--tokens",
    );
    reject(
        &["prove", &b, "-p", "a", "-n", "1000", "-o", "x"],
        2,
        "context",
    );
    reject(
        &[
            "prove",
            &b,
            "-p",
            "a",
            "-n",
            "1",
            "--session-id",
            "7",
            "-o",
            "x",
        ],
        2,
        "--session-id",
    );
    reject(
        &["verify", "no-such-session", "--model", path(&m)],
        2,
        "no-such-session",
    );
    reject(&["verify", &b, "--model", path(&m)], 2, "session.json");
    reject(&["inspect", "no-such-thing"], 2, "no-such-thing");
    reject(&["frobnicate"], 2, "frobnicate");
    assert!(!Path::new("x").exists(), "nothing half-written");
}

#[test]
fn damaged_build_is_refused() {
    let world = world();
    let damaged = world.root.join("damaged");
    fs::create_dir_all(&damaged).expect("a folder");
    let restore = || {
        for name in [
            "model.json",
            "graph.bin",
            "program.json",
            "config.json",
            "tokenizer.json",
        ] {
            fs::copy(world.root.join("build").join(name), damaged.join(name)).expect("copied");
        }
    };
    for name in ["graph.bin", "program.json", "tokenizer.json"] {
        restore();
        let file = damaged.join(name);
        let mut bytes = fs::read(&file).expect("a file");
        let at = bytes.len() / 2;
        bytes[at] = if bytes[at] == b'1' { b'2' } else { b'1' };
        fs::write(&file, bytes).expect("written");
        let output = run(&["generate", path(&damaged), "-p", "a", "-n", "1"]);
        assert_eq!(code(&output), 2, "{name}: {}", text(&output.stdout));
        fs::write(&file, b"").expect("written");
        reject(&["generate", path(&damaged), "-p", "a", "-n", "1"], 2, name);
    }
}

#[test]
fn help_has_an_example_for_every_command() {
    let names = [
        "compile",
        "generate",
        "prove",
        "verify",
        "inspect",
        "profile",
        "completions",
    ];
    for name in names {
        assert!(
            accept(&[name, "--help"]).contains("Example: cairo-decode"),
            "{name}"
        );
    }
    assert!(accept(&["completions", "bash"]).contains("cairo-decode"));
    let build = world().root.join("build");
    assert!(accept(&["profile", path(&build), "-p", "ab", "-n", "1"]).contains("linear"));
    assert!(accept(&["inspect", path(&build), "--graph"]).contains("argmax"));
}
