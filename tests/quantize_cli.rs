//! `compile` as a newcomer meets it: folders as the hub has them, texts from anywhere, and models that do not quantise.

#[path = "support/command.rs"]
mod command;
#[path = "support/model_dir.rs"]
mod model_dir;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use command::{accept, code, path, reject, run, text};
use model_dir::{Shape, Tensors, config_json, random_tensors, safetensors_bytes, write_model_dir};
use serde_json::Value;

/// Runs a command that has to succeed. Returns what it printed, warnings included.
fn all_printed(args: &[&str]) -> String {
    let output = run(args);
    let (printed, noted) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(code(&output), 0, "{noted}");
    printed + &noted
}

/// Builds for short proofs are made more quickly.
const SHORT: [&str; 2] = ["--lanes", "8"];

const SHAPE: Shape = Shape {
    hidden: 16,
    mlp: 24,
    layers: 1,
    heads: 2,
    kv_heads: 1,
    head_dim: 8,
    vocab: 40,
    tied: true,
};

/// A folder for models and builds.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Place {
        Place(tempfile::tempdir().expect("a folder"))
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A random model as the hub has them: without texts.
    fn bare(&self, name: &str) -> PathBuf {
        let dir = self.at(name);
        fs::create_dir_all(&dir).expect("a folder");
        write_model_dir(&dir, &SHAPE, 1);
        dir
    }

    /// A random model with texts of words that it knows.
    fn model(&self, name: &str) -> PathBuf {
        let dir = self.bare(name);
        fs::write(dir.join("calibration.txt"), model_dir::text(12, 2)).expect("written");
        fs::write(dir.join("heldout.txt"), model_dir::text(12, 3)).expect("written");
        dir
    }

    /// The same with other weights.
    fn changed(&self, name: &str, change: impl FnOnce(&mut Tensors)) -> PathBuf {
        self.of_shape(name, &SHAPE, change)
    }

    /// The same with an output matrix of its own.
    fn untied(&self, name: &str, change: impl FnOnce(&mut Tensors)) -> PathBuf {
        let shape = Shape {
            tied: false,
            ..SHAPE
        };
        self.of_shape(name, &shape, change)
    }

    fn of_shape(&self, name: &str, shape: &Shape, change: impl FnOnce(&mut Tensors)) -> PathBuf {
        let dir = self.model(name);
        fs::write(dir.join("config.json"), config_json(shape).to_string()).expect("written");
        let mut tensors = random_tensors(shape, 1);
        change(&mut tensors);
        fs::write(dir.join("model.safetensors"), safetensors_bytes(&tensors)).expect("written");
        dir
    }

    /// Compiles for short proofs. Returns everything that was printed.
    fn all_printed(&self, model: &Path) -> String {
        let out = self.at("build");
        let compile = ["compile", path(model), "-o", path(&out)];
        all_printed(&[&compile[..], &SHORT].concat())
    }

    fn compile(&self, model: &Path, more: &[&str]) -> Vec<String> {
        let out = self.at("build");
        let args = ["compile", path(model), "-o", path(&out), "--json"];
        args.iter().chain(more).map(|arg| arg.to_string()).collect()
    }

    fn accept(&self, model: &Path, more: &[&str]) -> Value {
        let args = self.compile(model, more);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        serde_json::from_str(&accept(&args)).expect("JSON")
    }

    /// Refused with exit code 2, one line that has all of `names`, and no build.
    fn reject(&self, model: &Path, more: &[&str], names: &[&str]) {
        let args = self.compile(model, more);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        refused(&run(&args), names);
        assert!(
            !self.at("build").exists(),
            "{names:?}: something was written"
        );
    }
}

fn refused(output: &Output, names: &[&str]) {
    let stderr = text(&output.stderr);
    assert_eq!(code(output), 2, "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    for name in names {
        assert!(stderr.contains(name), "{stderr:?} does not name {name:?}");
    }
    let json: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(json["ok"], false);
}

/// A context that attention of no proof sees is refused with the largest one.
#[test]
fn a_context_that_no_proof_holds_is_named() {
    let place = Place::new();
    let dir = place.model("long");
    let mut config = config_json(&SHAPE);
    config["max_position_embeddings"] = 40_000.into();
    fs::write(dir.join("config.json"), config.to_string()).expect("written");
    place.reject(&dir, &SHORT, &["40000", "--context 32704"]);
    place.reject(&dir, &["--context", "32705"], &["32705", "--context 32704"]);
    place.reject(&dir, &["--context", "0"], &["--context: 0"]);
}

/// A folder may be called anything, and so may a model: it is the same model.
#[test]
fn names_are_for_people() {
    let place = Place::new();
    let identity = |built: &Value| {
        let manifest = &built["manifest"];
        (
            manifest["model_root"].clone(),
            manifest["program_hash"].clone(),
        )
    };
    let folder = "12fd25f7 core \u{e8}\u{202e}\n\u{1b}[32m";
    let shown = "12fd25f7 core \u{e8}\\u{202e}\\n\\u{1b}[32m";
    let first = place.accept(&place.model(folder), &SHORT);
    assert_eq!(first["manifest"]["name"], shown);
    assert_eq!(first["manifest"]["source"], shown);
    let snapshot = place.model("models--of--me/snapshots/12fd25");
    let named = [&SHORT[..], &["--name", "core"]].concat();
    let built = place.accept(&snapshot, &named);
    assert_eq!(built["manifest"]["name"], "core");
    assert_eq!(built["manifest"]["source"], "of/me@12fd25");
    assert_eq!(identity(&built), identity(&first));
    fs::remove_dir_all(place.at("build")).expect("removed");
    place.reject(&snapshot, &["--name", ""], &["--name", "200"]);
}

/// Texts: the ones given, the folder's, the program's, or random tokens; the report says which.
#[test]
fn the_report_names_its_texts() {
    let place = Place::new();
    let texts = |built: &Value| {
        let fidelity = &built["fidelity"];
        ["calibration", "heldout"].map(|text| {
            let used = &fidelity[text];
            assert!(used["tokens"].as_u64() > Some(100), "{used}");
            (
                used["origin"].as_str().expect("an origin").to_string(),
                used["name"].as_str().expect("a name").to_string(),
            )
        })
    };
    let with = place.model("with");
    let [calibration, heldout] = texts(&place.accept(&with, &SHORT));
    assert_eq!(
        calibration,
        ("model_folder".into(), "calibration.txt".into())
    );
    assert_eq!(heldout, ("model_folder".into(), "heldout.txt".into()));

    let other = place.at("other text");
    fs::write(&other, model_dir::text(24, 4)).expect("written");
    let given = ["--calibration", path(&other), "--heldout", path(&other)];
    let given = [&SHORT[..], &given].concat();
    // The report says how much of a text was used.
    let built = place.accept(&with, &[&given[..], &["--context", "8"]].concat());
    let [calibration, heldout] = texts(&built);
    assert_eq!(calibration, ("given".into(), path(&other).into()));
    assert_eq!(calibration, heldout);
    let used = &built["fidelity"]["calibration"];
    assert!(
        used["tokens"].as_u64() < used["all_tokens"].as_u64(),
        "{used}"
    );

    // This tokenizer knows no word of English.
    let bare = place.bare("bare");
    let built = place.accept(&bare, &SHORT);
    for (origin, name) in texts(&built) {
        assert_eq!(origin, "random_tokens");
        assert!(name.contains("does not know"), "{name}");
    }
    let on_disk = fs::read_to_string(place.at("build/fidelity.json")).expect("fidelity.json");
    let on_disk: Value = serde_json::from_str(&on_disk).expect("JSON");
    assert_eq!(on_disk, built["fidelity"]);
    let out = place.at("build");
    let output = run(&[&["compile", path(&bare), "-o", path(&out)], &SHORT[..]].concat());
    let (printed, noted) = (text(&output.stdout), text(&output.stderr));
    assert!(printed.contains("random tokens"), "{printed}");
    assert!(noted.contains("warning: "), "{noted}");
    assert!(!printed.contains("warning"), "{printed}");

    // A text of which the tokenizer knows nothing is used if asked for, and said to be so.
    fs::write(&other, "Nothing of this is known here.\n\n".repeat(20)).expect("written");
    let built = place.accept(&bare, &given);
    assert_eq!(built["fidelity"]["heldout"]["mostly_unknown"], true);
}

/// A model that reads letters gets the program's own prose.
#[test]
fn prose_comes_with_the_program() {
    let place = Place::new();
    let dir = place.bare("letters");
    let letters: Vec<String> = (' '..='~').map(String::from).collect();
    let shape = Shape {
        vocab: 3 + letters.len(),
        ..SHAPE
    };
    write_model_dir(&dir, &shape, 1);
    let splitter = serde_json::json!({
        "type": "Split", "pattern": { "Regex": "(?s)." }, "behavior": "Isolated", "invert": false
    });
    let tokenizer = model_dir::word_level_json(letters.into_iter(), splitter, Value::Null);
    fs::write(dir.join("tokenizer.json"), tokenizer.to_string()).expect("written");
    let built = place.accept(&dir, &SHORT);
    for text in ["calibration", "heldout"] {
        let used = &built["fidelity"][text];
        assert_eq!(used["origin"], "program");
        assert!(
            used["name"]
                .as_str()
                .expect("a name")
                .contains("comes with cairo-decode")
        );
        assert_eq!(used["mostly_unknown"], false);
    }
    let printed = place.all_printed(&dir);
    assert!(printed.contains("nobody chose"), "{printed}");
}

/// What can be read is a text; what cannot be used is named by its own name.
#[test]
fn texts_come_from_anywhere() {
    let place = Place::new();
    let dir = place.model("model");
    let args = place.compile(
        &dir,
        &[&SHORT[..], &["--calibration", "/dev/stdin"]].concat(),
    );
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut child = command::command(&args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin
        .write_all(model_dir::text(12, 2).as_bytes())
        .expect("written");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let piped: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(piped["fidelity"]["calibration"]["name"], "/dev/stdin");
    let plain = place.accept(&dir, &SHORT);
    assert_eq!(piped["manifest"], plain["manifest"]);
    assert_eq!(plain["manifest"]["name"], "model");
    fs::remove_dir_all(place.at("build")).expect("removed");

    place.reject(&dir, &["--heldout", "/dev/zero"], &["/dev/zero", "1048576"]);
    // A paragraph costs time, however short it is.
    let many = place.at("many");
    fs::write(&many, "w3\n\n".repeat(20_001)).expect("written");
    let words = ["many", "20001 paragraphs", "20000"];
    place.reject(&dir, &["--heldout", path(&many)], &words);
    place.reject(&dir, &["--heldout", "/dev/null"], &["/dev/null", "no text"]);
    let folder = place.at("a-folder");
    fs::create_dir(&folder).expect("a folder");
    place.reject(
        &dir,
        &["--calibration", path(&folder)],
        &["a-folder", "directory"],
    );
    place.reject(
        &dir,
        &["--calibration", "/no/such"],
        &["/no/such", "No such file"],
    );
    let binary = place.at("binary");
    fs::write(&binary, b"w3 w4 \xff").expect("written");
    place.reject(
        &dir,
        &["--heldout", path(&binary)],
        &["binary", "UTF-8 after byte 6"],
    );
}

/// A model of no use is not built, unless it is asked for; numbers are for people. What a Hugging Face user meets as an
/// outlier, an attention sink, or a wrong export.
#[test]
fn a_useless_model_is_not_built() {
    let place = Place::new();
    let outlier = place.changed("outlier", |tensors| {
        let gate = "model.layers.0.mlp.gate_proj.weight";
        let (_, data) = tensors.get_mut(gate).expect("there");
        data[0] = 3e4;
    });
    let cause = "`gated` of layer 0 has weights up to 3.";
    let asked = ["at least 80 %", "--calibration"];
    let words = [&asked[..], &[cause]].concat();
    not_built(&place, &outlier, "does not follow", &words);
    // Where the float model's own numbers are not finite, nothing is said of the integers.
    let sink = place.changed("sink", |tensors| {
        let (_, data) = tensors.get_mut("model.embed_tokens.weight").expect("there");
        data[..SHAPE.hidden].iter_mut().for_each(|v| *v *= 1e3);
    });
    let words = "the float model's own perplexity is infinite";
    let more = ["works elsewhere", "--heldout"];
    not_built(&place, &sink, words, &more);
}

/// The refusal has all the words; with `--accept-fidelity` the model is built and `what` is a warning.
fn not_built(place: &Place, model: &Path, what: &str, words: &[&str]) {
    place.reject(
        model,
        &SHORT,
        &[words, &[what, "--accept-fidelity"]].concat(),
    );
    let accepted = [&SHORT[..], &["--accept-fidelity"]].concat();
    let out = place.at("build");
    let compile = ["compile", path(model), "-o", path(&out)];
    let printed = all_printed(&[&compile, &accepted[..]].concat());
    let longest = printed.lines().map(str::len).max();
    assert!(longest < Some(300) && printed.contains(what), "{printed}");
    let on_disk = fs::read_to_string(out.join("fidelity.json")).expect("fidelity.json");
    assert!(!on_disk.contains("null"), "{on_disk}");
    fs::remove_dir_all(out).expect("removed");
}

/// Where no matrix has outliers, none is named as the cause.
#[test]
fn a_small_embedding_is_not_called_large() {
    let place = Place::new();
    let small = place.untied("small", |tensors| {
        for (name, factor) in [
            ("model.embed_tokens.weight", 1e-4),
            ("lm_head.weight", 50.0),
        ] {
            let (_, data) = tensors.get_mut(name).expect("there");
            data.iter_mut().for_each(|v| *v *= factor);
        }
    });
    let args = place.compile(&small, &SHORT);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let output = run(&args);
    refused(&output, &["does not follow", "--calibration"]);
    assert!(!text(&output.stderr).contains("weights up to"));
}

/// A model that finds all tokens about as likely loses nothing by rounding, and the report says that its greedy text
/// differs.
#[test]
fn a_flat_model_is_built() {
    let place = Place::new();
    let flat = place.changed("flat", |tensors| {
        let (_, data) = tensors.get_mut("model.embed_tokens.weight").expect("there");
        data.iter_mut().for_each(|v| *v *= 1e-8);
    });
    let printed = place.all_printed(&flat);
    assert!(printed.contains("greedy text will differ"), "{printed}");
}

/// A small model of somebody else, where it is beside the checkout: its integers follow, whatever the share of equal
/// first tokens.
#[test]
fn a_healthy_model_is_built() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/models/stories260K");
    if !shared.is_dir() {
        println!("{} is not there: it is not tested", shared.display());
        return;
    }
    let place = Place::new();
    let built = place.accept(&shared, &[]);
    assert_eq!(built["fidelity"]["heldout"]["origin"], "program");
}

/// A folder that compile made is not what compile takes.
#[test]
fn a_build_is_no_model() {
    let place = Place::new();
    place.accept(&place.model("model"), &SHORT);
    let built = place.at("a build");
    fs::rename(place.at("build"), &built).expect("renamed");
    place.reject(&built, &[], &["a build", "a build of cairo-decode already"]);
}

/// Few tokens decide nothing: such a model is built, and the report says so.
#[test]
fn a_short_held_out_text_is_no_verdict() {
    let place = Place::new();
    let dir = place.model("model");
    fs::write(dir.join("heldout.txt"), "w3 w4 w5").expect("written");
    let printed = place.all_printed(&dir);
    assert!(printed.contains("fewer than 100"), "{printed}");
    fs::remove_dir_all(place.at("build")).expect("removed");
    // Nothing is predicted in a text of one token.
    let tokenizer = fs::read_to_string(dir.join("tokenizer.json")).expect("there");
    let mut tokenizer: Value = serde_json::from_str(&tokenizer).expect("JSON");
    tokenizer["post_processor"] = Value::Null;
    fs::write(dir.join("tokenizer.json"), tokenizer.to_string()).expect("written");
    fs::write(dir.join("heldout.txt"), "w3").expect("written");
    let own = dir.join("heldout.txt");
    place.reject(&dir, &[], &[path(&own), "two tokens"]);
    // A text of the folder is named with its folder, and one that is a link to nothing is not passed over.
    let own = dir.join("calibration.txt");
    fs::write(&own, "\n").expect("written");
    place.reject(&dir, &[], &[path(&own), "no text"]);
    fs::remove_file(&own).expect("removed");
    std::os::unix::fs::symlink("../../blobs/12fd25", &own).expect("linked");
    place.reject(&dir, &[], &[path(&own), "no such file"]);
}

/// Faults of a model are the model folder's, not a text's, and the operation is named.
#[test]
fn faults_are_named_in_words() {
    let place = Place::new();
    let down = "model.layers.0.mlp.down_proj.weight";
    let large = place.changed("large", |tensors| {
        let (_, data) = tensors.get_mut(down).expect("there");
        data.iter_mut().for_each(|v| *v *= 1e20);
    });
    let words = ["large: no scales fit", "operation 9 (residual)"];
    place.reject(&large, &SHORT, &words);
    let zero = place.changed("zero", |tensors| {
        tensors.values_mut().for_each(|(_, data)| data.fill(0.0));
    });
    let words = ["zero: no scales fit", "operation 5 (attention)"];
    place.reject(&zero, &SHORT, &words);
    let args = place.compile(&large, &SHORT);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let stderr = text(&run(&args).stderr);
    assert!(!stderr.contains("calibration.txt:"), "{stderr}");
    reject(&["compile", "no-such-model", "-o", "x"], 2, "no-such-model");
}

/// What stands under a text's name in a model folder is a file, or refused: nobody waits for a pipe.
#[test]
fn a_pipe_in_the_model_folder_is_refused() {
    let place = Place::new();
    for name in ["calibration.txt", "heldout.txt"] {
        let dir = place.model(name);
        fs::remove_file(dir.join(name)).expect("removed");
        let made = std::process::Command::new("mkfifo")
            .arg(dir.join(name))
            .status();
        assert!(made.expect("mkfifo runs").success());
        let args = place.compile(&dir, &[]);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let mut child = command::command(&args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let begun = Instant::now();
        while child.try_wait().expect("a child").is_none() {
            if begun.elapsed() > Duration::from_secs(60) {
                child.kill().expect("it ends");
                panic!("compile waits for the pipe {name}");
            }
            sleep(Duration::from_millis(20));
        }
        let output = child.wait_with_output().expect("it has ended");
        refused(&output, &[name, "not a regular file"]);
    }
}

/// A panic of the tokenizers library is one line, and exit code 2.
#[test]
fn a_tokenizer_that_the_library_fails_on_is_refused() {
    let place = Place::new();
    let dir = place.model("model");
    let tokenizer = fs::read_to_string(dir.join("tokenizer.json")).expect("there");
    let mut tokenizer: Value = serde_json::from_str(&tokenizer).expect("JSON");
    tokenizer["pre_tokenizer"] = serde_json::json!({ "type": "FixedLength", "length": 0 });
    fs::write(dir.join("tokenizer.json"), tokenizer.to_string()).expect("written");
    place.reject(
        &dir,
        &[],
        &["tokenizer.json", "the tokenizers library failed on it"],
    );
}

/// What the machine has no memory for is refused from the configuration alone: there are neither weights nor a tokenizer.
#[test]
fn a_model_that_does_not_fit_the_machine() {
    let place = Place::new();
    let dir = place.at("large");
    let large = Shape {
        hidden: 16_384,
        mlp: 65_536,
        layers: 3,
        heads: 128,
        kv_heads: 128,
        head_dim: 128,
        vocab: 1000,
        tied: true,
    };
    fs::create_dir_all(&dir).expect("a folder");
    fs::write(dir.join("config.json"), config_json(&large).to_string()).expect("written");
    let out = place.at("build");
    let command = ["compile", path(&dir), "-o", path(&out)];
    reject(&command, 2, "compiling it takes");
    assert!(!out.exists());
}
