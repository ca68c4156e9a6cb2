//! What the commands say of a session, of input that is wrong, and of themselves.

use std::fs;
use std::path::Path;

use crate::command::{self, accept, code, path, proving, reject, run, text};
use crate::session::{PROMPT, copy, manifest, verify, world};

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

/// What the model wrote stands in the report of `prove` behind marks; `tests/output.rs` has a text that would forge a line.
#[test]
fn prove_marks_the_models_text() {
    let world = world();
    let (build, session) = (world.root.join("build"), copy(world, "marked"));
    let asked = ["-p", PROMPT, "-n", "3"];
    let generate = ["generate", path(&build), "--json"];
    let said = accept(&[&generate[..], &asked[..]].concat());
    let said: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    let report = accept(&[&["prove", path(&build), "-o", path(&session)], &asked[..]].concat());
    let (written, own) = report.split_once("\n\n").expect("two parts");
    let lines = written.lines().map(|line| line.strip_prefix("> "));
    let lines: Option<Vec<&str>> = lines.collect();
    let text = lines.expect("marks").join("\n");
    assert_eq!(said["text"], text);
    assert!(!own.lines().any(|line| line.starts_with('>')), "{own}");
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
        &proving(&build, PROMPT, &session),
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
    let nowhere = ["compile", "no-such-model", "-o", "x", "--name", "x"];
    reject(&nowhere, 2, "no-such-model");
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

/// A build of which a file was changed is refused by the commands that read that file.
#[test]
fn damaged_build_is_refused() {
    let world = world();
    let (damaged, out) = (world.root.join("damaged"), world.root.join("of-damaged"));
    fs::create_dir_all(&damaged).expect("a folder");
    let restore = || {
        for name in [
            "model.json",
            "integers.bin",
            "program.json",
            "config.json",
            "tokenizer.json",
        ] {
            fs::copy(world.root.join("build").join(name), damaged.join(name)).expect("copied");
        }
    };
    let generate = ["generate", path(&damaged), "-p", "a", "-n", "1"];
    let prove = proving(&damaged, "a", &out);
    restore();
    accept(&generate);
    for (name, command) in [
        ("integers.bin", &generate[..]),
        ("tokenizer.json", &generate),
        ("program.json", &prove),
    ] {
        restore();
        let file = damaged.join(name);
        let mut bytes = fs::read(&file).expect("a file");
        let at = bytes.len() / 2;
        bytes[at] = if bytes[at] == b'1' { b'2' } else { b'1' };
        fs::write(&file, bytes).expect("written");
        let output = run(command);
        assert_eq!(code(&output), 2, "{name}: {}", text(&output.stdout));
        fs::write(&file, b"").expect("written");
        reject(command, 2, name);
    }
    assert!(!out.exists(), "nothing half-written");
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
    assert!(accept(&["profile", path(&build), "-p", "ab", "-n", "1"]).contains("residual"));
    assert!(accept(&["inspect", path(&build), "--graph"]).contains("head"));
}
