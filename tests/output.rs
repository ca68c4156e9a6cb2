//! What the program prints, as a user's terminal gets it: nothing from outside can forge a line, and nothing that could
//! not be written counts as done. No proofs: see `tests/cli.rs` for those of `prove` and `verify`.

#[path = "support/command.rs"]
mod command;
#[path = "support/model_dir.rs"]
mod model_dir;
#[path = "support/second_model.rs"]
mod second_model;
#[path = "support/terminal.rs"]
mod terminal;
#[path = "support/world.rs"]
mod world;

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use command::{accept, code, command, compiling, path, reject, run, text};
use terminal::on_a_terminal;
use world::world;

/// What would show a green "accepted" on a line of its own.
const FORGED: &str = "x\r\u{1b}[2K\u{1b}[32maccepted\u{1b}[0m\n\u{9b}1maccepted\u{202e}\u{2028}";
/// A file's name cannot have all of that.
const NAME: &str = "x\r\u{1b}[2K\u{1b}[32maccepted\u{1b}[0m\n\u{202e}";

/// Nothing that a terminal would obey, and no line but those that the program itself begins.
fn assert_plain(output: &Output) {
    for said in [text(&output.stdout), text(&output.stderr)] {
        let hidden = |c: char| (c.is_control() && c != '\n') || "\u{202e}\u{2028}".contains(c);
        assert!(!said.contains(hidden), "{said:?}");
        let forged = said.lines().find(|line| line.starts_with("accepted"));
        assert_eq!(forged, None, "{said}");
    }
}

/// Runs a command that has to fail, and looks at what it printed.
fn refused(args: &[&str]) -> String {
    let output = run(args);
    assert_ne!(code(&output), 0, "{args:?}");
    assert_plain(&output);
    let said = text(&output.stderr);
    assert!(said.contains(r"\u{1b}[32maccepted"), "{said}");
    said
}

/// One file prints, and one draws progress.
#[test]
fn nothing_else_prints() {
    let words = [
        concat!("print", "!("),
        concat!("println", "!("),
        concat!("eprint", "!("),
        concat!("eprintln", "!("),
        concat!("io::", "stdout"),
        concat!("io::", "stderr"),
        concat!("std", "out()"),
        concat!("std", "err()"),
        concat!("indi", "catif"),
        concat!(".exit", "()"),
        concat!("Command", "::parse()"),
        concat!("Cli", "::parse()"),
    ];
    let allowed = |file: &str, word: &str| match word {
        "indicatif" => file.ends_with("cli/progress.rs"),
        _ => file.ends_with("cli/output.rs"),
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![root.join("src"), root.join("verifier/src")];
    let mut found = vec![];
    while let Some(next) = files.pop() {
        if next.is_dir() {
            let entries = fs::read_dir(&next).expect("a folder");
            files.extend(entries.map(|entry| entry.expect("an entry").path()));
            continue;
        }
        let Ok(source) = fs::read_to_string(&next) else {
            continue;
        };
        let name = next.display().to_string();
        for word in words {
            let is_one = |(at, _): (usize, &str)| {
                !source[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_')
            };
            if source.match_indices(word).any(is_one) && !allowed(&name, word) {
                found.push(format!("{name}: {word}"));
            }
        }
    }
    assert_eq!(found, [""; 0]);
}

#[test]
fn names_of_files_are_shown_not_obeyed() {
    let root = world().root.join("names");
    fs::create_dir_all(root.join(NAME)).expect("a folder");
    let file = root.join(NAME).join(format!("{NAME}.json"));
    fs::write(&file, "{}").expect("written");
    let (folder, file) = (root.join(NAME), path(&file).to_string());
    let folder = path(&folder);
    let model = path(&world().build);
    refused(&["inspect", &file]);
    refused(&["inspect", &format!("{file}.not-there")]);
    refused(&["verify", &file, "--model", model]);
    refused(&["verify", folder, "--model", model]);
    refused(&["verify", folder, "--model", &file]);
    refused(&["generate", folder, "-p", "a"]);
    refused(&["compile", folder, "-o", &file]);
    refused(&["wrap", folder, "--build", model]);
    refused(&["chain", "status", "--chain", &file]);
    refused(&["profile", model, "-n", "1", "--html", &format!("{file}/x")]);
    // In JSON too, which a terminal may get as well.
    let output = run(&["verify", folder, "--model", model, "--json"]);
    assert_plain(&output);
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(said.to_string().contains("accepted"), "{said}");
}

#[test]
fn arguments_are_shown_not_obeyed() {
    refused(&["generate", "build", FORGED, FORGED]);
    refused(&[FORGED]);
    refused(&["generate", "build", "-p", "a", &format!("--{NAME}")]);
    refused(&["prove", "b", "-p", "a", "-o", "o", "--domain", FORGED]);
    refused(&["prove", "b", "-p", "a", "-o", "o", "-n", FORGED]);
    refused(&["bench", FORGED]);
}

/// The text of session and manifest: what `inspect` shows of them.
#[test]
fn documents_are_shown_not_obeyed() {
    let world = world();
    let read = |file: &Path| -> serde_json::Value {
        serde_json::from_slice(&fs::read(file).expect("a file")).expect("JSON")
    };
    let manifest = read(&world.build.join("model.json"));
    let session = serde_json::json!({
        "format": cairo_decode::receipt::SESSION_FORMAT, "session_id": "0x1", "domain": { "chain": "local", "verifier": "0x0" },
        "model_root": manifest["model_root"], "program_hash": manifest["program_hash"], "policy": manifest["policy"],
        "prompt": FORGED, "prompt_tokens": [1], "chunk_size": 1, "requested_tokens": 1, "status": "running",
        "chunks": null, "generated_tokens": null,
    });
    let folder = world.root.join("labelled");
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("session.json"), session.to_string()).expect("written");
    for options in [&[][..], &["--json"]] {
        let output = run(&[&["inspect", path(&folder)], options].concat());
        assert_eq!(code(&output), 0, "{}", text(&output.stderr));
        assert_plain(&output);
        assert!(text(&output.stdout).contains("accepted"));
    }
    // A name says where it ends.
    let mut named = manifest.clone();
    named["name"] = "x\" (9 parameters)".into();
    fs::write(folder.join("named.json"), named.to_string()).expect("written");
    let output = run(&["inspect", path(&folder.join("named.json"))]);
    assert_plain(&output);
    let shown = r#"model        "x\" (9 parameters)" from "#;
    assert!(text(&output.stdout).starts_with(shown), "{output:?}");
    // A label that is no label, and a name that is no name: the refusal repeats them.
    for (file, field) in [("session.json", "session_id"), ("model.json", "name")] {
        let mut document = if field == "name" {
            manifest.clone()
        } else {
            session.clone()
        };
        document[field] = FORGED.into();
        let changed = world.root.join("changed");
        fs::create_dir_all(&changed).expect("a folder");
        fs::write(changed.join(file), document.to_string()).expect("written");
        let output = run(&["inspect", path(&changed.join(file))]);
        assert_ne!(code(&output), 0);
        assert_plain(&output);
        fs::remove_file(changed.join(file)).expect("removed");
    }
}

/// A build of a model whose tokenizer puts this text behind every character.
fn loud(name: &str, text: &str) -> PathBuf {
    let world = world();
    let (model, build) = (
        world.root.join(name),
        world.root.join(format!("{name}-build")),
    );
    second_model::write_second_model(&model, 7).expect("written");
    let file = model.join("tokenizer.json");
    let mut tokenizer: serde_json::Value =
        serde_json::from_slice(&fs::read(&file).expect("a tokenizer")).expect("JSON");
    tokenizer["decoder"] = serde_json::json!({ "type": "Sequence", "decoders": [
        { "type": "Replace", "pattern": { "Regex": "(?<=.)$" }, "content": text },
        { "type": "Fuse" },
    ]});
    fs::write(&file, tokenizer.to_string()).expect("written");
    accept(&compiling(&model, &build));
    build
}

/// A tokenizer whose tokens are commands to a terminal: `generate` prints them, and line breaks only break lines.
#[test]
fn text_of_the_model_is_shown_not_obeyed() {
    // Hides what follows.
    let build = loud("commands", "\u{1b}[8m\u{9b}8m\n");
    for options in [&[][..], &["--json"]] {
        let output = run(&[&["generate", path(&build), "-p", "abc", "-n", "3"], options].concat());
        assert_eq!(code(&output), 0, "{}", text(&output.stderr));
        assert_plain(&output);
        let said = text(&output.stdout);
        assert!(
            said.contains(r"\u{1b}[8m") || said.contains(r"\u001b[8m"),
            "{said}"
        );
    }
}

/// A model whose text has the lines of a report: a person sees which lines are the model's, and a pipe gets them as they
/// are. `tests/cli.rs` has the same of `prove`.
#[test]
fn text_of_the_model_is_told_from_the_report() {
    let build = loud("forging", "\naccepted: model 0x1\r\n3 new tokens after\n");
    let generate = ["generate", path(&build), "-p", "abc", "-n", "3"];
    let (exit, shown) = on_a_terminal(&generate);
    assert_eq!(exit, 0, "{shown}");
    let (model, report): (Vec<&str>, Vec<&str>) =
        shown.lines().partition(|line| line.starts_with("> "));
    assert!(model.contains(&"> accepted: model 0x1\\r"), "{shown}");
    let [report] = &report[..] else {
        panic!("one line of the report: {shown}")
    };
    assert!(
        report.contains(" new tokens after 4 of the prompt"),
        "{report}"
    );

    let piped = accept(&generate);
    let model: Vec<&str> = model
        .iter()
        .filter_map(|line| line.strip_prefix("> "))
        .collect();
    assert_eq!(piped, model.join("\n") + "\n");
    let said: serde_json::Value =
        serde_json::from_str(&accept(&[&generate[..], &["--json"]].concat())).expect("JSON");
    let text = said["text"].as_str().expect("a text");
    assert_eq!(piped.replace("\\r", "\r"), format!("{text}\n"));
}

/// Runs with stdout on a device that is always full.
fn to_a_full_device(args: &[&str]) -> Output {
    let full = File::options().write(true).open("/dev/full");
    let mut command = command(args);
    command.stdout(full.expect("/dev/full"));
    command
        .stderr(Stdio::piped())
        .output()
        .expect("the binary runs")
}

/// What is not written is not done: every command that needs no proof, as text and as JSON.
#[test]
fn a_full_device_is_an_error() {
    let world = world();
    let (build, out) = (path(&world.build), world.root.join("again"));
    let model = &world.model;
    let commands: &[&[&str]] = &[
        &["--help"],
        &["--version"],
        &["help", "prove"],
        &["prove", "--help"],
        &["completions", "bash"],
        &["completions", "zsh"],
        &compiling(model, &out),
        &["generate", build, "-p", "ab", "-n", "2"],
        &["inspect", build],
        &["inspect", build, "--graph"],
        &["profile", build, "-p", "ab", "-n", "1"],
    ];
    for args in commands {
        let plain = ["help", "--help", "--version", "completions"];
        let has_json = !args.iter().any(|arg| plain.contains(arg));
        for options in [&[][..], &["--json"]]
            .iter()
            .take(1 + usize::from(has_json))
        {
            let args = [args, *options].concat();
            let output = to_a_full_device(&args);
            let said = text(&output.stderr);
            assert_eq!(code(&output), 2, "{args:?}: {said}");
            assert!(
                said.contains("cannot write the output: No space left"),
                "{args:?}: {said}"
            );
        }
    }
    // A refusal keeps its own code, and both are said.
    let output = to_a_full_device(&["inspect", "no-such-thing", "--json"]);
    let said = text(&output.stderr);
    assert_eq!(code(&output), 2);
    assert!(
        said.contains("no-such-thing") && said.contains("No space left"),
        "{said}"
    );
}

/// A reader that has seen enough is no error, and stderr that is full is nobody's.
#[test]
fn a_closed_pipe_is_no_error() {
    let build = path(&world().build);
    for args in [
        &["inspect", build, "--graph"][..],
        &["completions", "bash"],
        &["--help"],
    ] {
        let mut child = command(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("a status");
        assert_eq!(code(&output), 0, "{args:?}: {}", text(&output.stderr));
        assert_eq!(text(&output.stderr), "", "{args:?}");
    }
    let full = File::options()
        .write(true)
        .open("/dev/full")
        .expect("/dev/full");
    let mut refused = command(&["inspect", "no-such-thing"]);
    assert_eq!(code(&refused.stderr(full).output().expect("it runs")), 2);
}

/// Gives a text to a command's stdin.
fn with_stdin(args: &[&str], input: &str) -> Output {
    let mut command = command(args);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary runs");
    let mut stdin = child.stdin.take().expect("stdin");
    stdin.write_all(input.as_bytes()).expect("read");
    drop(stdin);
    child.wait_with_output().expect("a status")
}

#[test]
fn a_prompt_from_a_file_or_stdin() {
    let world = world();
    let build = path(&world.build);
    let usual = ["generate", build, "-n", "4", "--json"];
    fn with<'a>(usual: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
        [usual, more].concat()
    }
    let answer = |said: &str| -> serde_json::Value { serde_json::from_str(said).expect("JSON") };
    let expected = answer(&accept(&with(&usual, &["-p", "a b"])));
    let file = world.root.join("prompt.txt");
    // The line break at the end is the file's.
    for written in ["a b", "a b\n", "a b\r\n"] {
        fs::write(&file, written).expect("written");
        let read = answer(&accept(&with(&usual, &["--prompt-file", path(&file)])));
        assert_eq!(read["prompt_tokens"], expected["prompt_tokens"]);
        assert_eq!(read["generated_tokens"], expected["generated_tokens"]);
        let output = with_stdin(&with(&usual, &["--prompt-file", "-"]), written);
        assert_eq!(
            answer(&text(&output.stdout))["prompt_tokens"],
            expected["prompt_tokens"]
        );
    }
    // Exactly one of the two, for both commands.
    let prove = ["prove", build, "-o", "x", "-n", "1"];
    for command in [&with(&usual, &[])[..], &prove] {
        reject(command, 2, "--prompt-file");
        let both = [command, &["-p", "a", "--prompt-file", path(&file)]].concat();
        reject(&both, 2, "--prompt-file");
        let nowhere = [command, &["--prompt-file", "no-such-file"]].concat();
        reject(&nowhere, 2, "no-such-file");
    }
    fs::write(&file, [0xff, 0xfe]).expect("written");
    reject(
        &with(&usual, &["--prompt-file", path(&file)]),
        2,
        "not UTF-8",
    );
    fs::write(&file, vec![b'a'; (1 << 20) + 1]).expect("written");
    reject(
        &with(&usual, &["--prompt-file", path(&file)]),
        2,
        "larger than",
    );
}

/// `generate` and `prove` take the same `-n`, and refuse what the context has no room for.
#[test]
fn numbers_of_tokens_mean_the_same() {
    let world = world();
    let build = path(&world.build);
    let generate = ["generate", build, "-p", "ab", "--json"];
    let prove = ["prove", build, "-p", "ab", "-o", "x"];
    for command in [&generate[..], &prove] {
        for (n, names) in [
            ("0", "--tokens"),
            ("-1", "--tokens"),
            ("x", "--tokens"),
            ("1000", "context"),
        ] {
            reject(&[command, &[&format!("-n{n}")]].concat(), 2, names);
        }
    }
    // The context of 128 has room for three tokens of the prompt and 126 after it: the last one is not read.
    reject(
        &[&generate[..], &["-n", "127"]].concat(),
        2,
        "at most 126 do",
    );
    reject(&[&prove[..], &["-n", "127"]].concat(), 2, "at most 126 do");
    let count = |more: &[&str]| {
        let said = accept(&[&generate[..], more].concat());
        let answer: serde_json::Value = serde_json::from_str(&said).expect("JSON");
        let tokens = answer["generated_tokens"]
            .as_array()
            .expect("tokens")
            .clone();
        let eos = tokens.last() == Some(&1.into());
        (tokens.len(), eos)
    };
    assert!(matches!(count(&["-n", "126"]), (126, _) | (_, true)));
    assert!(matches!(count(&[]), (64, _) | (_, true)));
    assert!(!Path::new("x").exists(), "nothing half-written");
}

/// Characters that are not in the vocabulary reach nobody unnoticed.
#[test]
fn lost_characters_are_named() {
    let build = path(&world().build);
    let output = run(&["generate", build, "-p", "a#b\u{e9}", "-n", "1", "--json"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let said = text(&output.stderr);
    assert!(
        said.contains("'#' (U+0023)") && said.contains("'\u{e9}' (U+00E9)"),
        "{said}"
    );
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(
        answer["lost_characters"],
        serde_json::json!(["#", "\u{e9}"])
    );
    let output = run(&["generate", build, "-p", "a b", "-n", "1"]);
    assert!(
        !text(&output.stderr).contains("note"),
        "{}",
        text(&output.stderr)
    );
}
