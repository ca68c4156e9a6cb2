//! The session in `examples`, as the library and the program verify it: in a folder and in memory, whole and with attacks.
//! `tests/tensor_sessions.rs` of `cairo-decode` makes sessions of its own; this one was made with
//! `cairo-decode compile models/stories --lanes 8 --proofs compact -o B` and `cairo-decode prove B -p "Once upon a time" -n 12`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cairo_decode_verdicts::{verify_receipt, verify_session};
use cairo_decode_verifier::receipt::{
    self, Accepted, Contents, Document, Folder, Listed, Manifest, Memory, Rejected, SessionBundle,
    Verification, proof_name, receipt_name,
};
use cairo_decode_verifier::verify::statement::Domain;
use starknet_types_core::felt::Felt;

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples")
}

fn manifest() -> Manifest {
    Manifest::read(&examples().join("model.json")).expect("a manifest")
}

/// The session's files by name.
type Files = BTreeMap<String, Vec<u8>>;

fn files() -> Files {
    let entries = fs::read_dir(examples().join("session")).expect("a folder");
    let entries = entries.map(|entry| entry.expect("an entry"));
    let read = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().expect("a text");
        (name, fs::read(entry.path()).expect("a file"))
    };
    entries.map(read).collect()
}

/// A folder with these files, gone when dropped.
struct Written(PathBuf);

impl Written {
    fn new(name: &str, files: &Files) -> Written {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).expect("a folder");
        for (name, bytes) in files {
            fs::write(dir.join(name), bytes).expect("written");
        }
        Written(dir)
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn in_memory(place: &Path, files: &Files) -> Result<Accepted, Rejected> {
    let (manifest, files) = (manifest(), Memory::new(place, files.clone()));
    receipt::verify_session(files, &manifest, &manifest.accept(Domain::local()))
}

fn in_folder(dir: &Path) -> Result<Accepted, Rejected> {
    let manifest = manifest();
    let accept = manifest.accept(Domain::local());
    verify_session(Folder::new(dir), &manifest, &accept)
}

/// A bundle with these files behind a first line.
fn bundle_of(line: &str, files: &Files) -> Vec<u8> {
    let contents = files.values().flatten().copied();
    line.bytes().chain(contents).collect()
}

/// The first line of a bundle with these files; `None` for files that no bundle has.
fn line_of(files: &Files) -> Option<String> {
    let listed = files.iter().map(|(name, bytes)| Listed {
        name: name.clone(),
        bytes: bytes.len() as u64,
    });
    let files = listed.collect();
    Contents { files }.to_line().ok()
}

fn in_bundle(file: &Path) -> Result<Accepted, Rejected> {
    let (manifest, bundle) = (manifest(), SessionBundle::open(file)?);
    receipt::verify_session(bundle, &manifest, &manifest.accept(Domain::local()))
}

/// Runs `cairo-decode-verify`.
fn program(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cairo-decode-verify"));
    command.args(args).output().expect("the program runs")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

fn path(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// What the program says of a session: its exit code and its last line.
fn said(dir: &Path) -> (Option<i32>, String) {
    let model = examples().join("model.json");
    let output = program(&[path(dir), "--model", path(&model)]);
    let code = output.status.code();
    (code, text(&output.stderr).trim_end().to_string())
}

/// The same session is the same for all: library and program, folder and memory, at once and chunk by chunk.
#[test]
fn the_session_is_accepted() {
    let dir = examples().join("session");
    let accepted = in_folder(&dir).expect("accepted");
    assert_eq!(accepted, in_memory(&dir, &files()).expect("accepted"));
    assert_eq!(accepted.chunks.len(), 2);
    assert_eq!((accepted.steps, accepted.finished), (16, true));
    assert_eq!(accepted.generated_tokens.len(), 12);
    let manifest = manifest();
    let accept = manifest.accept(Domain::local());
    let opened = Verification::open(Folder::new(&dir), &manifest, &accept);
    let mut watched = opened.expect("a session");
    for chunk in &accepted.chunks {
        assert_eq!(watched.next_chunk().expect("accepted"), Some(chunk));
    }
    assert_eq!(watched.next_chunk().expect("accepted"), None);
    assert_eq!(watched.finish().expect("accepted"), accepted);
    for (index, chunk) in accepted.chunks.iter().enumerate() {
        let (folder, name) = (Folder::new(&dir), receipt_name(index));
        let alone = verify_receipt(&folder, &name, &manifest, &accept).expect("accepted");
        assert_eq!(alone, *chunk);
    }
    // Attack: a stranger's manifest, under whose root the proof verifies, beside what a verifier accepts. Stopped by: the receipt is of the
    // manifest's model too.
    let mut strangers = manifest.clone();
    strangers.model.program_hash.0 += Felt::ONE;
    let refused = verify_receipt(&Folder::new(&dir), &receipt_name(0), &strangers, &accept);
    let refused = refused.expect_err("another model's").to_string();
    assert!(refused.contains("program_hash"), "{refused}");
    let files = files();
    let line = line_of(&files).expect("a session's files");
    let bundle = bundle_of(&line, &files);
    let written = Written::new("bundled", &Files::from([("a.bundle".to_string(), bundle)]));
    let bundle = written.0.join("a.bundle");
    assert_eq!(in_bundle(&bundle).expect("accepted"), accepted);
    let model = examples().join("model.json");
    let of_bundle = program(&[path(&bundle), "--model", path(&model), "--json"]);
    assert_eq!(
        of_bundle.status.code(),
        Some(0),
        "{}",
        text(&of_bundle.stderr)
    );
    let output = program(&[path(&dir), "--model", path(&model)]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    assert!(said.contains("receipt 0001  positions 8 to 15"), "{said}");
    assert!(
        said.contains("from a prompt of 5 tokens chose 12 tokens"),
        "{said}"
    );
    let output = program(&[path(&dir), "--model", path(&model), "--json"]);
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let listed = serde_json::json!(accepted.generated_tokens);
    assert_eq!(
        (&said["ok"], &said["generated_tokens"]),
        (&true.into(), &listed)
    );
}

/// A change of the session's files.
type Change = fn(&mut Files);

/// Replaces a text that is in a document once.
fn replace(files: &mut Files, name: &str, from: &str, to: &str) {
    let document = files.get_mut(name).expect("a document");
    let before = text(document);
    assert_eq!(before.matches(from).count(), 1, "{name}: {from}");
    let after = before.replacen(from, to, 1);
    *document = after.into_bytes();
}

/// Attacks with the file and the field that the refusal names.
const ATTACKS: [(&str, Change, &str, Option<&str>); 11] = [
    (
        "no session",
        |files| drop(files.remove("session.json")),
        "session.json",
        None,
    ),
    (
        "a proof that is missing",
        |files| drop(files.remove(&proof_name(1))),
        "chunk-0001.proof",
        None,
    ),
    (
        "a receipt that is missing",
        |files| drop(files.remove(&receipt_name(1))),
        "chunk-0001.receipt.json",
        None,
    ),
    (
        "a byte of a proof",
        |files| files.get_mut(&proof_name(0)).expect("a proof")[5000] ^= 1,
        "chunk-0000.proof",
        Some("proof.blake2s"),
    ),
    (
        "a proof's end",
        |files| {
            files
                .get_mut(&proof_name(0))
                .expect("a proof")
                .truncate(5000)
        },
        "chunk-0000.proof",
        Some("proof.bytes"),
    ),
    (
        "another token in the document",
        |files| replace(files, "session.json", "    191\n", "    192\n"),
        "session.json",
        Some("generated_tokens[11]"),
    ),
    (
        "another number of steps",
        |files| {
            replace(
                files,
                "chunk-0001.receipt.json",
                "\"steps\": 8",
                "\"steps\": 7",
            )
        },
        "chunk-0001.receipt.json",
        Some("statement.frontier_out.position"),
    ),
    (
        "an unknown field",
        |files| replace(files, "session.json", "\"prompt\":", "\"promise\":"),
        "session.json",
        Some("prompt"),
    ),
    (
        "a running session",
        |files| {
            replace(files, "session.json", "\"complete\"", "\"running\"");
        },
        "session.json",
        Some("chunks"),
    ),
    (
        "a name that is almost a chunk's",
        |files| drop(files.insert("chunk-2.proof".to_string(), vec![])),
        "chunk-2.proof",
        None,
    ),
    (
        "a proof too many",
        |files| drop(files.insert(proof_name(2), vec![])),
        "chunk-0002.proof",
        None,
    ),
];

/// Every attack is refused with the same words in a folder, in memory, in a bundle, and by the program, which exits with 1; and the
/// refusal names file and field. A folder without a session is none that was read.
#[test]
fn attacks_are_refused_alike() {
    for (attack, change, file, field) in ATTACKS {
        let mut files = files();
        change(&mut files);
        let written = Written::new("attacked", &files);
        let dir = &written.0;
        let refused = in_folder(dir).expect_err(attack);
        let message = refused.to_string();
        assert_eq!(refused.file(), dir.join(file), "{attack}: {message}");
        assert_eq!(refused.field().as_deref(), field, "{attack}: {message}");
        let other = in_memory(dir, &files).expect_err(attack);
        assert_eq!(other.to_string(), message, "{attack}");
        assert_eq!(
            (other.file(), other.field()),
            (refused.file(), refused.field())
        );
        if let Some(line) = line_of(&files) {
            let bundle = dir.join("a.bundle");
            fs::write(&bundle, bundle_of(&line, &files)).expect("written");
            let bundled = in_bundle(&bundle).expect_err(attack);
            let of_folder = bundled.to_string().replacen("/a.bundle", "", 1);
            assert_eq!(
                (of_folder, bundled.field()),
                (message.clone(), refused.field())
            );
            fs::remove_file(&bundle).expect("removed");
        }
        let (code, said) = said(dir);
        match file == "session.json" && field.is_none() {
            true => assert_eq!(code, Some(2), "{attack}: {said}"),
            false => assert_eq!((code, said), (Some(1), format!("rejected: {message}"))),
        }
    }
}

/// A bundle is as its first line says, which is as this program writes it; what is not is refused with its name, by the library and
/// by the program.
#[test]
fn bundles_that_are_none_are_refused() {
    let files = files();
    let line = line_of(&files).expect("a session's files");
    let whole = bundle_of(&line, &files);
    let replaced = |from: &str, to: &str| {
        assert!(line.contains(from), "{from}");
        bundle_of(&line.replacen(from, to, 1), &files)
    };
    let first = "\"name\":\"chunk-0000.proof\"";
    let bytes = format!("\"bytes\":{}", files["chunk-0000.proof"].len());
    let more = format!("\"bytes\":{}", files["chunk-0000.proof"].len() + 1);
    let size = whole.len();
    let cases = [
        (
            whole[..size - 1].to_vec(),
            format!("has {} bytes, its first line says {size}", size - 1),
        ),
        (
            [&whole[..], b"\0"].concat(),
            format!("has {} bytes, its first line says {size}", size + 1),
        ),
        (
            replaced(&bytes, &more),
            format!("has {size} bytes, its first line says {}", size + 1),
        ),
        (
            replaced(&bytes, "\"bytes\":33554433"),
            "files[0].bytes: is 33554433, and".to_string(),
        ),
        (
            replaced(first, "\"name\":\"notes.txt\""),
            "files[0].name: \"notes.txt\" is not".to_string(),
        ),
        (
            replaced(first, "\"name\":\"chunk-0.proof\""),
            "files[0].name: \"chunk-0.proof\" is not".to_string(),
        ),
        (
            replaced(first, "\"name\":\"session.json\""),
            "files[1].name: chunk-0000.receipt.json does not come after session.json".to_string(),
        ),
        (
            replaced("bundle/1\"", "bundle/2\""),
            "format: is \"cairo-decode-bundle/2\"".to_string(),
        ),
        (
            replaced("[{", "[ {"),
            "document: is not written as `bundle` writes it".to_string(),
        ),
        (
            replaced("\n", "\n\n"),
            format!("has {} bytes, its first line says {size}", size + 1),
        ),
        (
            line.trim_end().as_bytes().to_vec(),
            "does not begin with a line of at most 1048576 bytes".to_string(),
        ),
        (
            replaced("[{", &format!("[{}{{", " ".repeat(1 << 20))),
            "does not begin with a line".to_string(),
        ),
    ];
    let model = examples().join("model.json");
    for (bytes, reason) in cases {
        let written = Written::new("no-bundle", &Files::from([("a.bundle".to_string(), bytes)]));
        let bundle = written.0.join("a.bundle");
        let refused = in_bundle(&bundle).expect_err(&reason);
        let message = refused.to_string();
        let expected = format!("{}: {reason}", bundle.display());
        assert!(message.starts_with(&expected), "{message}, not {expected}");
        assert_eq!(refused.file(), bundle);
        let output = program(&[path(&bundle), "--model", path(&model)]);
        let said = text(&output.stderr).trim_end();
        assert_eq!(
            (output.status.code(), said),
            (Some(1), &*format!("rejected: {message}"))
        );
    }
}

/// What the verifier's side expects and the session does not have, and arguments that name something else.
#[test]
fn other_expectations_are_refused() {
    let (session, model) = (examples().join("session"), examples().join("model.json"));
    let (session, model) = (path(&session), path(&model));
    let expected = [
        ("--prompt-tokens", "0,190,246,80,246", 1),
        ("--prompt-tokens", "0,190,246,80,245", 0),
        ("--session-id", "0x1", 1),
        ("--domain", "SN_SEPOLIA/0x1234", 1),
        ("--session-id", "one", 2),
        ("--wrapped", "", 2),
    ];
    for (option, value, code) in expected {
        let output = program(&[session, "--model", model, option, value]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{option} {value}: {said}");
    }
    let output = program(&[model, "--model", session]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
}
