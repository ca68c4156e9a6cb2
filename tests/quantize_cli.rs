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

/// For what only builds have whose programs have the weights, and for what is one for both kinds: these are made more quickly.
const STEPS: [&str; 2] = ["--target", "steps"];

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

#[test]
fn a_context_that_no_array_holds_is_named() {
    let place = Place::new();
    let dir = place.model("long");
    let mut config = config_json(&SHAPE);
    for (context, layout) in [(32_767, "pairs"), (32_768, "ready"), (40_000, "committed")] {
        config["max_position_embeddings"] = context.into();
        fs::write(dir.join("config.json"), config.to_string()).expect("written");
        let number = context.to_string();
        let layout = [&STEPS[..], &["--weights", layout]].concat();
        place.reject(&dir, &layout, &[&number, "--context 32000"]);
    }
    let steps = |context| [&STEPS[..], &["--context", context]].concat();
    place.reject(&dir, &steps("32001"), &["32001", "--context 32000"]);
    place.reject(&dir, &["--context", "0"], &["--context: 0"]);
    // What the message says works.
    let built = place.accept(&dir, &steps("32000"));
    assert_eq!(built["manifest"]["context_length"], 32_000);
}

/// A program that no proof holds is not begun.
#[test]
fn a_model_too_large_to_prove_is_named() {
    let place = Place::new();
    let dir = place.model("large");
    let shape = Shape {
        hidden: 8,
        heads: 1,
        vocab: 1 << 20,
        ..SHAPE
    };
    let mut config = config_json(&shape);
    // A window that binds is a smaller fault, and the other files are not even looked for.
    config["sliding_window"] = 8.into();
    fs::write(dir.join("config.json"), config.to_string()).expect("written");
    for file in ["model.safetensors", "tokenizer.json"] {
        fs::remove_file(dir.join(file)).expect("removed");
    }
    for (weights, limit) in [
        ("pairs", "800000"),
        ("ready", "800000"),
        ("committed", "39199"),
    ] {
        let refused = ["8389", "parameters", limit, "smaller model"];
        let weights = [&STEPS[..], &["--weights", weights]].concat();
        place.reject(&dir, &weights, &refused);
    }
}

/// What a chunk would have to hash is known after quantising only, and to the felt.
#[test]
fn committed_weights_beyond_a_proof_are_named() {
    let place = Place::new();
    let dir = place.bare("committed");
    // 10,240 words of embedding, and 786,432 weights in lanes: 26 thousand felts at least, more in fact.
    let shape = Shape {
        hidden: 64,
        mlp: 64,
        vocab: 12_000,
        ..SHAPE
    };
    write_model_dir(&dir, &shape, 1);
    fs::write(dir.join("calibration.txt"), model_dir::text(1, 2)).expect("written");
    fs::write(dir.join("heldout.txt"), model_dir::text(1, 3)).expect("written");
    let refused = ["--weights committed", "felts", "39199", "another --weights"];
    let committed = [&STEPS[..], &["--weights", "committed"]].concat();
    place.reject(&dir, &committed, &refused);
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
    let first = place.accept(&place.model("model"), &STEPS);
    assert_eq!(first["manifest"]["name"], "model");
    let folder = "12fd25f7 core \u{e8}\u{202e}\n\u{1b}[32m";
    let shown = "12fd25f7 core \u{e8}\\u{202e}\\n\\u{1b}[32m";
    let built = place.accept(&place.model(folder), &STEPS);
    assert_eq!(built["manifest"]["name"], shown);
    assert_eq!(built["manifest"]["source"], shown);
    assert_eq!(identity(&built), identity(&first));
    let snapshot = place.model("models--of--me/snapshots/12fd25");
    let named = [&STEPS[..], &["--name", "core"]].concat();
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
    let [calibration, heldout] = texts(&place.accept(&with, &[]));
    assert_eq!(
        calibration,
        ("model_folder".into(), "calibration.txt".into())
    );
    assert_eq!(heldout, ("model_folder".into(), "heldout.txt".into()));

    let other = place.at("other text");
    fs::write(&other, model_dir::text(12, 4)).expect("written");
    let given = ["--calibration", path(&other), "--heldout", path(&other)];
    let [calibration, heldout] = texts(&place.accept(&with, &given));
    assert_eq!(calibration, ("given".into(), path(&other).into()));
    assert_eq!(calibration, heldout);

    // The report says how much of a text was used.
    let built = place.accept(&with, &["--context", "8"]);
    let used = &built["fidelity"]["calibration"];
    assert!(
        used["tokens"].as_u64() < used["all_tokens"].as_u64(),
        "{used}"
    );

    // This tokenizer knows no word of English.
    let bare = place.bare("bare");
    let built = place.accept(&bare, &[]);
    for (origin, name) in texts(&built) {
        assert_eq!(origin, "random_tokens");
        assert!(name.contains("does not know"), "{name}");
    }
    let on_disk = fs::read_to_string(place.at("build/fidelity.json")).expect("fidelity.json");
    let on_disk: Value = serde_json::from_str(&on_disk).expect("JSON");
    assert_eq!(on_disk, built["fidelity"]);
    let output = run(&["compile", path(&bare), "-o", path(&place.at("build"))]);
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
    let built = place.accept(&dir, &STEPS);
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
    let printed = all_printed(&["compile", path(&dir), "-o", path(&place.at("build"))]);
    assert!(printed.contains("nobody chose"), "{printed}");
}

/// What can be read is a text; what cannot be used is named by its own name.
#[test]
fn texts_come_from_anywhere() {
    let place = Place::new();
    let dir = place.model("model");
    let args = place.compile(
        &dir,
        &[&STEPS[..], &["--calibration", "/dev/stdin"]].concat(),
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
    let plain = place.accept(&dir, &STEPS);
    assert_eq!(piped["manifest"], plain["manifest"]);
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
    let outlier = place.untied("outlier", |tensors| {
        let (_, data) = tensors.get_mut("lm_head.weight").expect("there");
        let sum: f32 = data.iter().map(|v| v.abs()).sum();
        data[0] = 500.0 * sum / data.len() as f32;
    });
    let cause = "the output matrix (`lm_head`) has weights up to";
    let asked = ["at least 80 %", "--calibration"];
    let words = [&asked[..], &[cause]].concat();
    not_built(&place, &outlier, &STEPS, "does not follow", &words);
    // Where the float model's own numbers are not finite, nothing is said of the integers.
    let sink = place.changed("sink", |tensors| {
        let (_, data) = tensors.get_mut("model.embed_tokens.weight").expect("there");
        data[..SHAPE.hidden].iter_mut().for_each(|v| *v *= 1e3);
    });
    let words = "the float model's own perplexity is infinite";
    let more = ["works elsewhere", "--heldout"];
    not_built(&place, &sink, &[], words, &more);
}

/// The refusal has all the words; with `--accept-fidelity` the model is built and `what` is a warning.
fn not_built(place: &Place, model: &Path, kind: &[&str], what: &str, words: &[&str]) {
    place.reject(model, kind, &[words, &[what, "--accept-fidelity"]].concat());
    let accepted = [kind, &["--accept-fidelity"]].concat();
    let built = place.accept(model, &accepted);
    let on_disk = fs::read_to_string(place.at("build/fidelity.json")).expect("fidelity.json");
    assert!(!on_disk.contains("null"), "{on_disk}");
    assert!(!built.to_string().contains("null"), "{built}");
    let out = place.at("build");
    let compile = ["compile", path(model), "-o", path(&out)];
    let printed = all_printed(&[&compile, &accepted[..]].concat());
    let longest = printed.lines().map(str::len).max();
    assert!(longest < Some(300) && printed.contains(what), "{printed}");
    fs::remove_dir_all(out).expect("removed");
}

/// The cause that is named is the one that there is.
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
    let args = place.compile(&small, &STEPS);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let output = run(&args);
    refused(
        &output,
        &["does not follow", "half of the embedding is below"],
    );
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
    let printed = all_printed(&["compile", path(&flat), "-o", path(&place.at("build"))]);
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
    place.accept(&place.model("model"), &STEPS);
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
    let printed = all_printed(&["compile", path(&dir), "-o", path(&place.at("build"))]);
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

/// Faults of a model are the model folder's, not a text's, in words that a person knows.
#[test]
fn faults_are_named_in_words() {
    let place = Place::new();
    let down = "model.layers.0.mlp.down_proj.weight";
    let change = |tensors: &mut Tensors, factor: f32| {
        let (_, data) = tensors.get_mut(down).expect("there");
        data.iter_mut().for_each(|v| *v *= factor);
    };
    let large = place.changed("large", |tensors| change(tensors, 3e3));
    place.reject(
        &large,
        &STEPS,
        &["large: `down_proj` of layer 0", "calibration text like"],
    );
    let endless = place.changed("endless", |tensors| {
        let (_, data) = tensors.get_mut(down).expect("there");
        data.fill(3e38);
    });
    place.reject(
        &endless,
        &STEPS,
        &["endless: the MLP output of layer 0 is not finite"],
    );
    let wide = place.changed("wide", |tensors| change(tensors, 1e5));
    place.reject(
        &wide,
        &STEPS,
        &["wide: the weights of `down_proj` of layer 0 are too large for int8"],
    );
    for (folder, internal) in [(&large, "layer0."), (&endless, "Output(0)")] {
        let args = place.compile(folder, &STEPS);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let stderr = text(&run(&args).stderr);
        assert!(
            !stderr.contains(internal) && !stderr.contains("calibration.txt:"),
            "{stderr}"
        );
    }
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
