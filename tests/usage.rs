//! Mistakes that a newcomer makes with the command line: nothing of theirs is lost, and what is said tells what to do.
//! No proofs: see `tests/cli.rs` for what needs a session that holds.

#[path = "support/command.rs"]
mod command;
#[path = "support/model_dir.rs"]
mod model_dir;
#[path = "support/second_model.rs"]
mod second_model;
#[path = "support/world.rs"]
mod world;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use command::{accept, code, compiling, path, reject, run, text};
use world::world;

/// Copies a build, so that a test may change it.
fn copy(name: &str) -> PathBuf {
    let to = world().root.join(name);
    let copied = Command::new("cp")
        .args(["-r", path(&world().build), path(&to)])
        .status();
    assert!(copied.expect("cp runs").success());
    to
}

fn json(output: &Output) -> serde_json::Value {
    assert_eq!(code(output), 0, "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// The document of a session that has just begun.
fn begin_session(dir: &Path) {
    let manifest = fs::read(world().build.join("model.json")).expect("a manifest");
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).expect("JSON");
    let session = serde_json::json!({
        "format": cairo_decode::receipt::SESSION_FORMAT, "session_id": "0x1",
        "domain": { "chain": "local", "verifier": "0x0" },
        "model_root": manifest["model_root"], "program_hash": manifest["program_hash"],
        "policy": manifest["policy"], "prompt": "abc", "prompt_tokens": [1], "chunk_size": 1,
        "requested_tokens": 1, "status": "running", "chunks": null, "generated_tokens": null,
    });
    fs::create_dir_all(dir).expect("a folder");
    fs::write(dir.join("session.json"), session.to_string()).expect("written");
}

/// Whatever is beside a build's own files, at any depth, is not removed with it; once it is elsewhere, the build is
/// replaced.
#[test]
fn compile_removes_nothing_of_others() {
    let (model, build) = (&world().model, copy("full"));
    let again = compiling(model, &build);
    for (file, entry) in [
        ("notes.txt", "notes.txt"),
        ("session/chunk-0000.proof", "session"),
        ("cairo/notes.txt", "cairo/notes.txt"),
        ("cairo/kernels/src/mine.rs", "cairo/kernels/src/mine.rs"),
    ] {
        let file = build.join(file);
        fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        fs::write(&file, "mine").expect("written");
        // Before the work begins: there is no such model.
        let names = format!("also holds {entry}; move it away");
        reject(&["compile", "no-such-model", "-o", path(&build)], 2, &names);
        reject(&again, 2, &names);
        assert_eq!(fs::read(&file).expect("it is there"), b"mine");
        fs::remove_file(&file).expect("removed");
        // Gone with what it held, if the test made it.
        let _ = fs::remove_dir(build.join("session"));
    }
    // A link among a build's files is somebody's, whatever its name.
    fs::remove_file(build.join("integers.bin")).expect("removed");
    symlink(
        world().build.join("integers.bin"),
        build.join("integers.bin"),
    )
    .expect("a link");
    reject(&again, 2, "also holds integers.bin");
    fs::remove_file(build.join("integers.bin")).expect("removed");
    accept(&again);
    accept(&["inspect", path(&build)]);
    // A file of a build's name does not make a folder one.
    let other = world().root.join("other");
    fs::create_dir(&other).expect("a folder");
    fs::write(other.join("model.json"), "{}").expect("written");
    reject(&compiling(model, &other), 2, "not a build");
    assert!(other.join("model.json").exists());
}

/// A link to a build stays a link: what it points to is replaced.
#[test]
fn compile_follows_a_link() {
    let (build, link) = (copy("pointed-to"), world().root.join("link"));
    symlink("pointed-to", &link).expect("a link");
    fs::write(build.join("fidelity.json"), "").expect("written");
    let model = &world().model;
    accept(&compiling(model, &link));
    assert_eq!(
        fs::read_link(&link).expect("a link"),
        Path::new("pointed-to")
    );
    assert!(
        fs::metadata(build.join("fidelity.json"))
            .expect("a file")
            .len()
            > 0
    );
    let nowhere = world().root.join("link-to-nothing");
    symlink("nothing", &nowhere).expect("a link");
    reject(&compiling(model, &nowhere), 2, "link-to-nothing");
    assert!(fs::read_link(&nowhere).is_ok());
}

#[test]
fn a_session_is_not_put_into_a_build() {
    let folder = copy("as-before");
    let build = path(&folder);
    for out in ["", "session", "cairo/deep/session"] {
        let out = folder.join(out);
        let prove = ["prove", build, "-p", "ab", "-n", "1", "-o", path(&out)];
        reject(&prove, 2, "choose another -o");
    }
    let same = ["-r", path(&world().build), build];
    let same = Command::new("diff").args(same).status();
    assert!(same.expect("diff runs").success(), "the build is as it was");
}

/// A path that is something else than the command takes: the message says what it is, and what to give.
#[test]
fn a_path_that_is_something_else() {
    let world = world();
    let (build, model) = (path(&world.build), path(&world.model));
    let session = world.root.join("begun");
    begin_session(&session);
    let (proof, receipt) = (
        session.join("chunk-0000.proof"),
        world.root.join("receipts/chunk-0000.receipt.json"),
    );
    fs::write(&proof, "proof").expect("written");
    fs::create_dir_all(world.root.join("receipts")).expect("a folder");
    fs::write(&receipt, "{}").expect("written");
    let document = session.join("session.json");
    let (session, document) = (path(&session), path(&document));
    let config = format!("{build}/config.json");
    let first = format!("{model}: a model directory, not a build: first run cairo-decode compile");
    let its_receipt = "a proof; its receipt is chunk-0000.receipt.json";
    let rows: &[(&[&str], i32, &str)] = &[
        (&["generate", model, "-p", "a"], 2, &first),
        (&["prove", model, "-p", "a", "-o", "x"], 2, &first),
        (&["profile", model], 2, &first),
        (&["verify", session, "--model", model], 2, &first),
        (&["inspect", model], 2, &first),
        (
            &["generate", session, "-p", "a"],
            2,
            "a session, not a build",
        ),
        (
            &["generate", &config, "-p", "a"],
            2,
            "give the build's folder",
        ),
        (&["verify", path(&proof), "--model", build], 2, its_receipt),
        (
            &["verify", document, "--model", build],
            2,
            "give the session's folder",
        ),
        (
            &["verify", &config, "--model", build],
            2,
            "neither a receipt nor",
        ),
        (
            &["verify", model, "--model", build],
            2,
            "not a session folder",
        ),
        // A receipt that says nothing is read, and does not hold.
        (&["verify", path(&receipt), "--model", build], 1, "format"),
        (
            &["verify", path(&receipt), "--model", build, "--wrapped"],
            2,
            "--wrapped",
        ),
        (
            &["wrap", document, "--build", build],
            2,
            "give the session's folder",
        ),
        (&["inspect", path(&proof)], 2, its_receipt),
        (&["inspect", &config], 2, "nor a manifest"),
        (&["inspect", path(&receipt)], 2, "format"),
        (
            &["inspect", session, "--graph"],
            2,
            "--graph goes with a build",
        ),
        (
            &["inspect", document, "--graph"],
            2,
            "--graph goes with a build",
        ),
    ];
    for (args, exit, names) in rows {
        reject(args, *exit, names);
    }
    assert!(!Path::new("x").exists(), "nothing half-written");
    // What is clearly meant is done.
    let said = accept(&["inspect", document]);
    assert_eq!(said, accept(&["inspect", session]));
    assert!(said.contains("\"abc\" (the text is not proven)"), "{said}");
    let manifest = format!("{build}/model.json");
    accept(&["generate", &manifest, "-p", "a", "-n", "1"]);
    // Nothing is wrapped of a session that is not complete, and nothing is made.
    reject(&["wrap", session, "--build", build], 2, "running");
    assert!(!Path::new(session).join("wrapping").exists());
}

/// Token ids as JSON prints them are as good as with commas.
#[test]
fn token_ids_are_read_as_they_are_printed() {
    let session = world().root.join("pinned");
    begin_session(&session);
    let verify = |ids: &str| {
        let build = path(&world().build);
        run(&[
            "verify",
            path(&session),
            "--model",
            build,
            "--prompt-tokens",
            ids,
        ])
    };
    for ids in ["0,190", "0, 190", " [0,190]", "[ 0 , 190 ]"] {
        // Read: what is refused then is the session.
        let output = verify(ids);
        assert_eq!(code(&output), 1, "{ids}: {}", text(&output.stderr));
    }
    for ids in ["", "a", "0 190", "[0,190", "-1", "0,,1", "0xff"] {
        let output = verify(ids);
        let said = text(&output.stderr);
        assert_eq!(code(&output), 2, "{ids}: {said}");
        assert!(
            said.contains("`generate --json` prints them"),
            "{ids}: {said}"
        );
    }
}

/// A value that begins with a hyphen is a value.
#[test]
fn hyphens_are_no_options() {
    let build = path(&world().build);
    let output = run(&["generate", build, "-p", "-a b", "-n", "1", "--json"]);
    assert!(
        json(&output)["text"]
            .as_str()
            .expect("text")
            .contains("a b")
    );
    accept(&["profile", build, "-p", "-a", "-n", "1"]);
    for args in [
        &["generate", build, "-p", "a", "-n", "-1"][..],
        &["profile", build, "-n", "-1"],
        &["profile", build, "--stride", "-1"],
        &["profile", build, "--chunk", "-1"],
        &["compile", "model", "-o", "x", "--context", "-5"],
        &["compile", "model", "-o", "x", "--eos", "-5"],
        &["prove", build, "-p", "a", "-o", "x", "--chunk", "-1"],
    ] {
        let output = run(args);
        let said = text(&output.stderr);
        assert_eq!(code(&output), 2, "{args:?}: {said}");
        assert!(said.contains("invalid value '-"), "{args:?}: {said}");
        assert!(!said.contains("tip:"), "{args:?}: {said}");
    }
}

/// A special token that the prompt spells is named, and its characters are not lost ones.
#[test]
fn special_tokens_in_a_prompt_are_named() {
    let build = path(&world().build);
    let (token, id) = (model_dir::SPECIAL[1], 1);
    let prompt = format!("ab{token}c");
    let output = run(&["generate", build, "-p", &prompt, "-n", "1", "--json"]);
    let said = text(&output.stderr);
    let expected = format!("{token:?} in the prompt is read as the special token {id}");
    assert!(said.contains(&expected), "{said}");
    assert!(!said.contains("drops"), "{said}");
    let answer = json(&output);
    assert_eq!(answer["lost_characters"], serde_json::json!([]));
    let tokens = answer["prompt_tokens"].as_array().expect("tokens");
    assert!(tokens.contains(&id.into()), "{tokens:?}");
}

/// A chat is the prompt that the template makes, with the special tokens that are in it and no others.
#[test]
fn a_chat_is_what_the_template_makes() {
    let (build, plain) = (copy("chat"), copy("no-chat"));
    let template = serde_json::json!({
        "chat_template": "{{ bos_token }}{% for message in messages %}{{ message.role[0] }}{{ message.content }}{% endfor %}a",
        "bos_token": model_dir::SPECIAL[1],
    });
    fs::write(build.join("tokenizer_config.json"), template.to_string()).expect("written");
    let chat = |said: &[&str]| {
        let args = ["generate", path(&build), "-n", "2", "--json", "--chat"];
        json(&run(&[&args, said].concat()))
    };
    let raw = |prompt: &str| {
        let args = ["generate", path(&build), "-n", "2", "--json", "-p", prompt];
        json(&run(&args))
    };
    let said = chat(&["-p", "bc", "--system", "ab"]);
    let expected = raw(&format!("{}sabubca", model_dir::SPECIAL[1]));
    // A raw prompt gets the tokens around it that the tokenizer puts there.
    let tokens = expected["prompt_tokens"].as_array().expect("tokens");
    assert_eq!(
        said["prompt_tokens"].as_array().expect("tokens"),
        &tokens[1..]
    );
    assert!(expected["reply"].is_null());
    let text = said["text"].as_str().expect("a text");
    let reply = said["reply"].as_str().expect("a reply");
    assert!(
        text.ends_with(reply) && text.len() > reply.len(),
        "{text:?} {reply:?}"
    );
    let refused = |build: &Path, named: &str| {
        reject(&["generate", path(build), "-p", "a", "--chat"], 2, named);
    };
    refused(&plain, "the model has no chat template");
    reject(
        &["generate", path(&build), "-p", "a", "--system", "b"],
        2,
        "--chat",
    );
    fs::write(
        build.join("tokenizer_config.json"),
        r#"{"chat_template": "{% if %}"}"#,
    )
    .expect("written");
    refused(&build, "its chat template cannot be used: syntax error");
}

#[test]
fn generate_counts_what_is_new() {
    let output = run(&["generate", path(&world().build), "-p", "ab", "-n", "1"]);
    let said = text(&output.stderr);
    assert!(
        said.contains("1 new tokens after 3 of the prompt"),
        "{said}"
    );
}

/// `profile` measures what it is asked for, or says that there is no room for it: the context has 128 positions, of
/// which the prompt's first two tokens take two.
#[test]
fn profile_measures_what_it_is_asked_for() {
    let build = path(&world().build);
    let profile = ["profile", build, "-p", "ab"];
    for more in [
        &["-n", "127"][..],
        &["-n", "120", "--chunk", "8"],
        &["-n", "3", "--stride", "63"],
        &["-n", "4294967295", "--stride", "4294967295"],
    ] {
        reject(
            &[&profile, more].concat(),
            2,
            "the model's context of 128 has no room",
        );
    }
    for chunk in ["9", "4294967295"] {
        let long = [&profile[..], &["-n", "1", "--chunk", chunk]].concat();
        reject(&long, 2, "this build's proofs have 1 to 8");
    }
    let fits = run(&[&profile[..], &["-n", "3", "--stride", "62", "--json"]].concat());
    let answer = json(&fits);
    let measured = answer["positions"].as_array().expect("positions");
    assert_eq!(answer["asked_chunks"], 3);
    // The model may end the text before.
    for (index, position) in measured.iter().enumerate() {
        assert_eq!(position.as_u64(), Some(2 + 62 * index as u64));
    }
    assert!(!measured.is_empty());
}

/// A closed stdout takes nothing, and what it should have had is not done.
#[test]
fn a_closed_stdout_is_an_error() {
    let build = path(&world().build);
    let binary = env!("CARGO_BIN_EXE_cairo-decode");
    for line in [
        format!("'{binary}' inspect '{build}' >&-"),
        format!("'{binary}' generate '{build}' -p a -n 1 --json >&-"),
        format!("'{binary}' --help >&-"),
    ] {
        let output = Command::new("sh").args(["-c", &line]).output().expect("sh");
        let said = text(&output.stderr);
        assert_eq!(code(&output), 2, "{line}: {said}");
        assert!(said.contains("stdout is closed"), "{line}: {said}");
    }
    let line = format!("'{binary}' inspect '{build}' > /dev/null");
    let output = Command::new("sh").args(["-c", &line]).output().expect("sh");
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
}

/// Every command has help with an example, and all but one answer in JSON.
#[test]
fn every_command_has_an_example() {
    let chain = [
        "devnet", "build", "declare", "deploy", "register", "submit", "status",
    ];
    let chain = chain.map(|name| vec!["chain", name]);
    let names = [
        "compile",
        "generate",
        "run",
        "prove",
        "verify",
        "bundle",
        "wrap",
        "chain",
        "inspect",
        "profile",
        "bench",
        "completions",
    ];
    let shown = accept(&["--help"]);
    let count = |help: &str| {
        let (_, list) = help.split_once("Commands:\n").expect("a list");
        let list = list.lines().take_while(|line| !line.is_empty());
        let name = |line: &&str| line.starts_with("  ") && !line.starts_with("   ");
        list.filter(name)
            .filter(|line| !line.starts_with("  help "))
            .count()
    };
    assert_eq!(count(&shown), names.len(), "{shown}");
    let shown = accept(&["chain", "--help"]);
    assert_eq!(count(&shown), chain.len(), "{shown}");
    for name in names.map(|name| vec![name]).iter().chain(&chain) {
        let help = accept(&[&name[..], &["--help"]].concat());
        assert!(help.contains("Example:"), "{name:?}: {help}");
        let json = help.contains("--json");
        assert_eq!(json, name[0] != "completions", "{name:?}: {help}");
    }
}

/// Ctrl-C ends a command that waits, with the exit code of an interrupted program.
#[test]
fn every_command_can_be_interrupted() {
    let args = ["generate", path(&world().build), "--prompt-file", "-"];
    let mut child = command::command(&args)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    // Until the process handles SIGINT, the second bit of the signals that it catches.
    let status = format!("/proc/{}/status", child.id());
    let handles = || {
        let status = fs::read_to_string(&status).expect("a status");
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        u64::from_str_radix(caught.expect("signals").trim(), 16).expect("bits") & 2 != 0
    };
    while !handles() {
        assert!(child.try_wait().expect("a status").is_none(), "it ended");
        std::thread::sleep(Duration::from_millis(10));
    }
    let interrupt = ["-INT".to_string(), child.id().to_string()];
    let sent = Command::new("kill").args(interrupt).status();
    assert!(sent.expect("kill runs").success());
    // Its stdin stays open until it has ended.
    let stdin = child.stdin.take();
    let output = child.wait_with_output().expect("a status");
    drop(stdin);
    assert_eq!(code(&output), 130);
    assert_eq!(text(&output.stderr), "interrupted\n");
}
