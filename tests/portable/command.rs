//! From the command line: a build of the portable target, its runs, and what else takes it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use cairo_decode::bundle::PortableBundle;
use cairo_decode::compile::Program;
use cairo_decode::portable::MAX_CONSTANTS;
use cairo_decode::trace;
use serde_json::{Value, json};
use starknet_types_core::felt::Felt;

use crate::families::{decoder, with, write};
use crate::statements::smallest;

fn run(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cairo-decode"));
    command.args(args).output().expect("the binary runs")
}

/// What a command prints, which succeeds.
fn accept(args: &[&str]) -> String {
    let output = run(args);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {said}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn accept_json(args: &[&str]) -> Value {
    serde_json::from_str(&accept(&[args, &["--json"]].concat())).expect("JSON")
}

/// A command that is no use of the program, and whose message names something.
fn reject(args: &[&str], names: &str) {
    let output = run(args);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
    assert!(
        said.contains(names),
        "{args:?}: {said:?} does not name {names:?}"
    );
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn a_build_and_its_runs() {
    let root = tempfile::tempdir().expect("a folder");
    let [model, build, other, runs] =
        ["model", "build", "other", "runs"].map(|name| root.path().join(name));
    fs::create_dir(&model).expect("a folder");
    write(&model, &smallest(), 4);
    let [model, build, other, runs] = [&model, &build, &other, &runs].map(|path| text(path));
    let compile = [
        "compile",
        model,
        "--accept-fidelity",
        "--lanes",
        "8",
        "--context",
        "28",
    ];
    let made = accept_json(&[&compile[..], &["--target", "cairo", "-o", build]].concat());
    let document = &made["portable"];
    // The same options make the same model root with tensor components.
    let tensors = accept_json(&[&compile[..], &["-o", other]].concat());
    assert_eq!(document["model_root"], tensors["manifest"]["model_root"]);
    assert_eq!(
        document["parameters_root"],
        tensors["manifest"]["parameters_root"]
    );
    assert_eq!(document["steps_per_chunk"], 8);
    let inspected = accept_json(&["inspect", build]);
    assert_eq!(&inspected["portable"], document);
    for file in [
        "cairo/model/Scarb.toml",
        "cairo/model/src/lib.cairo",
        "cairo/cairo_decode/Scarb.toml",
        "cairo/cairo_decode/src/lib.cairo",
    ] {
        assert!(Path::new(build).join(file).is_file(), "{file}");
    }

    // The runs generate what the integers do, in chunks of three steps.
    let asked = ["-p", "ab", "-n", "4"];
    let ran = accept_json(
        &[
            &["run", build][..],
            &asked,
            &["--chunk", "3", "--output", runs, "--session-id", "0x7"],
        ]
        .concat(),
    );
    for taken in [build, other] {
        let generated = accept_json(&[&["generate", taken][..], &asked].concat());
        assert_eq!(ran["generated_tokens"], generated["generated_tokens"]);
        assert_eq!(ran["text"], generated["text"]);
    }
    let numbers = |felts: &Value| -> Vec<Felt> {
        let felts = felts.as_array().expect("an array").iter();
        felts
            .map(|felt| Felt::from_hex(felt.as_str().expect("a text")).expect("a felt"))
            .collect()
    };
    let read = |name: String| -> Vec<Felt> {
        let text = fs::read(Path::new(runs).join(name)).expect("written");
        numbers(&serde_json::from_slice(&text).expect("JSON"))
    };
    // What is written is all that another VM needs.
    let program = PortableBundle::open(Path::new(build))
        .expect("a build")
        .program()
        .expect("its program");
    let count = ran["runs"].as_array().expect("runs").len();
    assert!(count > 1, "{ran}");
    for chunk in 0..count {
        let output = read(format!("chunk-{chunk:04}.output.json"));
        let trace = trace::run(
            &program,
            &read(format!("chunk-{chunk:04}.input.json")),
            None,
        )
        .expect("it runs");
        assert_eq!(trace.output(), output);
        assert_eq!(output[4], Felt::from(7), "the session");
    }

    // What does not take such a build says so.
    for args in [
        &["prove", build, "-p", "ab", "-o", other][..],
        &["profile", build],
        &["verify", runs, "--model", build],
    ] {
        reject(args, "--target cairo");
    }
    reject(&["run", other, "-p", "ab"], "no build of --target cairo");
    reject(
        &["run", build, "-p", "ab", "--chunk", "9"],
        "--chunk: 9 steps",
    );
    reject(
        &["run", build, "-p", "ab", "--output", runs],
        "is not empty",
    );
    reject(
        &["compile", build, "-o", other],
        "a build of cairo-decode already",
    );

    // A build is replaced, and its program is the one that its document names.
    accept(&[&compile[..], &["--target", "cairo", "-o", build]].concat());
    let file = Path::new(build).join("program.json");
    let whole = fs::read(&file).expect("there");
    let refuses = |names: &str, change: &dyn Fn(&mut Value)| {
        let mut changed: Value = serde_json::from_slice(&whole).expect("JSON");
        change(&mut changed);
        fs::write(&file, changed.to_string()).expect("written");
        reject(&["run", build, "-p", "ab"], names);
    };
    refuses("the program's hash", &|executable| {
        executable["program"]["bytecode"][100] = json!("0x1");
    });
    // A hint that prints.
    refuses("it has the hint DebugPrint", &|executable| {
        let hints = executable["program"]["hints"].as_array_mut();
        let hints = hints.expect("hints").iter_mut();
        let mut all = hints.filter_map(|at| at[1].as_array_mut());
        let print = |hint: &mut Value| {
            let compares = hint["TestLessThan"].clone();
            if compares.is_null() {
                return false;
            }
            *hint = json!({ "DebugPrint": { "start": compares["lhs"], "end": compares["rhs"] } });
            true
        };
        assert!(all.any(|hints| hints.iter_mut().any(print)));
    });
    // The hash is of the words: a run from another one would be of another program. Here it is the compiler's own endless loop.
    refuses("not at its first word", &|executable| {
        executable["entrypoints"][0]["offset"] = json!(4);
    });

    // A stranger's program that does not end, whose document names it: `jmp rel 0`.
    let mut changed: Value = serde_json::from_slice(&whole).expect("JSON");
    changed["program"]["bytecode"][0] = json!("0x10780017fff7fff");
    changed["program"]["bytecode"][1] = json!("0x0");
    let bytes = changed.to_string();
    let endless = Program::from_executable_json(bytes.as_bytes(), &file).expect("a program");
    fs::write(&file, &bytes).expect("written");
    let document = Path::new(build).join("portable.json");
    let honest = fs::read_to_string(&document).expect("there");
    let mut own: Value = serde_json::from_str(&honest).expect("JSON");
    own["program_hash"] = json!(format!("{:#x}", endless.hash()));
    fs::write(&document, own.to_string()).expect("written");
    reject(&["run", build, "-p", "ab", "-n", "1"], "refuses its input");
    own["words"] = json!(7);
    fs::write(&document, own.to_string()).expect("written");
    reject(&["run", build, "-p", "ab"], "the number of words");

    fs::write(&document, honest).expect("written");
    fs::write(&file, &whole).expect("written");
    accept(&["run", build, "-p", "ab", "-n", "1"]);
    // The document of another build beside it.
    let manifest = Path::new(build).join("model.json");
    fs::write(&manifest, "{}").expect("written");
    reject(&["run", build, "-p", "ab"], "of two builds");
}

/// A model that is too large is refused from its configuration, by its number of parameters, before its weights are read.
#[test]
fn models_that_are_too_large() {
    let root = tempfile::tempdir().expect("a folder");
    let model = root.path().join("model");
    fs::create_dir(&model).expect("a folder");
    let config = with(
        decoder("llama", "LlamaForCausalLM"),
        json!({ "hidden_size": 1024, "vocab_size": 2000 }),
    );
    fs::write(model.join("config.json"), config.to_string()).expect("written");
    let out = root.path().join("build");
    let compile = [
        "compile",
        text(&model),
        "--target",
        "cairo",
        "-o",
        text(&out),
    ];
    reject(&compile, &format!("a program has at most {MAX_CONSTANTS}"));
    assert!(!out.exists());
}
