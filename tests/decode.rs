//! Sessions of real models with proofs that have tensor components: from a model directory to proofs that are verified from their bytes
//! with the manifest alone.

#[path = "support/command.rs"]
mod command;
#[path = "support/identity.rs"]
mod identity;

use std::path::{Path, PathBuf};
use std::time::Instant;

use cairo_decode::bundle::{TensorBundle, TensorModel};
use cairo_decode::decode::{Build, Columns, Cut, DecodeError, Decoded, Session};
use cairo_decode::integers::{Carried, Description, decode, encode, step};
use cairo_decode::model::Model;
use cairo_decode::program::Work;
use cairo_decode::quantize::{Options, quantise};
use cairo_decode::receipt::Manifest;
use cairo_decode::verify::params::{COMPACT, ParamSet};
use cairo_decode::verify::proof::decode_tensors;
use cairo_decode::verify::statement::{Domain, SessionId};
use cairo_decode::verify::statement::{Frontier, Statement};
use cairo_decode::verify::tensors::TensorPins;
use cairo_decode_verdicts::{Document, verify_tensors};
use command::{accept, compiling};

const ID: SessionId = SessionId(starknet_types_core::felt::Felt::THREE);

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The most memory that this process has had, in megabytes.
fn most_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    let number = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    number.unwrap_or(0) / 1024
}

/// A model directory, compiled.
struct Compiled {
    description: Description,
    build: Build,
}

fn compile(folder: &Path, lanes: usize, eos: Option<u32>) -> Compiled {
    let model = Model::load(folder).expect("a model");
    let text = root().join("models/stories/calibration.txt");
    let text = std::fs::read_to_string(text).expect("a text");
    let started = Instant::now();
    let quantised = quantise(&model, &text, &Options::default()).expect("scales");
    let scales = started.elapsed();
    let identity = identity::identity("stories", &model, eos);
    let started = Instant::now();
    let description = quantised.description;
    let cut = Cut {
        lanes: Some(lanes),
        block: Some(64),
        set: None,
    };
    let build = Build::new(&description, &identity, cut).expect("a build");
    println!(
        "{}: scales {:.1} s, build {:.1} s, {} operations, {} words, {} MB",
        folder.display(),
        scales.as_secs_f64(),
        started.elapsed().as_secs_f64(),
        build.plan.operations.len(),
        build.program.words().len(),
        most_memory(),
    );
    Compiled { description, build }
}

/// The tokens that the reference emits behind a prompt.
fn reference(description: &Description, prompt: &[u32], steps: usize) -> Vec<u32> {
    let mut carried = Carried::new(description);
    let mut emitted = vec![];
    let mut next = prompt[0];
    for position in 0..steps {
        let chosen = step(description, &mut carried, next)
            .expect("in range")
            .token;
        next = match prompt.get(position + 1) {
            Some(token) => *token,
            None => {
                emitted.push(chosen);
                chosen
            }
        };
    }
    emitted
}

/// Decodes chunks of these lengths, and hands each to `each`.
fn session(
    build: &Build,
    prompt: &[u32],
    lengths: &[usize],
    mut each: impl FnMut(&Decoded),
) -> (Frontier, Vec<u32>) {
    let mut session = Session::new(build, Domain::local(), ID, prompt.to_vec()).expect("a prompt");
    let mut emitted: Vec<u32> = vec![];
    for &length in lengths {
        let decoded = session.decode(length).expect("a chunk");
        each(&decoded);
        emitted.extend(&decoded.emitted);
        session.advance(&decoded);
    }
    (*session.frontier(), emitted)
}

/// A chunk's run and its proof have the words, steps, columns and cells that were declared; the rest is within its bounds.
fn costs_what_was_declared(build: &Build, decoded: &Decoded, prompt: &[u32], bytes: &[u8]) {
    let statement = decoded.statement();
    let choosing = decoded.emitted.len() as u64;
    let work = Work {
        position: statement.frontier_in.position.into(),
        prompt: prompt.len() as u64,
        forced: u64::from(statement.steps) - choosing,
        choosing,
    };
    let cost = build.cost_of(work).expect("a place in the context");
    assert_eq!(cost.words, build.program.words().len() as u64);
    let run = build.program.run(&decoded.chunk.input).expect("runs");
    assert_eq!(cost.vm_steps, run.steps() as u64);
    let proof = decode_tensors(bytes).expect("a proof");
    let opened = &proof.proof.stark_proof.queried_values;
    let opened = opened.iter().map(|tree| tree.len() as u64);
    let Columns {
        constants,
        trace,
        interaction,
    } = cost.columns;
    let columns = [constants, trace, interaction];
    assert_eq!(opened.take(3).collect::<Vec<_>>(), columns);
    let layouts = build.manifest.tensors.layouts();
    let layout = layouts.at(&proof.tensors.sizes).expect("its sizes");
    let cells = layout.components.iter().zip(layout.columns());
    let cells = cells.map(|(placed, own)| (own.trace + own.interaction) << placed.log_rows);
    assert_eq!(cells.sum::<usize>() as u64, cost.cells.components);
    let sizes = proof.proof.claim.log_sizes();
    let cairo: u64 = sizes.iter().flatten().map(|log| 1 << log).sum();
    let run = cairo - cost.cells.tables;
    assert!(
        run <= cost.cells.cairo && 3 * run > cost.cells.cairo,
        "{run} {cost:?}"
    );
    let off = cost.proof_bytes.abs_diff(bytes.len() as u64);
    assert!(100 * off < cost.proof_bytes, "{} {cost:?}", bytes.len());
    // The dearest of its chunks is no cheaper.
    let most = build.most().expect("a place in the context");
    assert!(most.cells.all() >= cost.cells.all() && most.memory_bytes >= cost.memory_bytes);
}

/// Proves a session in chunks of these lengths. Its proofs verify from their bytes with the manifest, their statements follow from each
/// other, the tokens are those of the reference, and the frontier is that of the same steps in other chunks.
fn proven(of: &Compiled, prompt: &[u32], lengths: &[usize], others: &[&[usize]]) {
    let Compiled { description, build } = of;
    let document = build.manifest.to_json().expect("a manifest");
    let manifest = Manifest::from_json(document.as_bytes()).expect("a manifest");
    let mut before = Frontier::start(prompt).expect("a prompt");
    let (frontier, emitted) = session(build, prompt, lengths, |decoded| {
        let started = Instant::now();
        let (bytes, _) = build.prove(decoded).expect("a proof");
        let proven = started.elapsed();
        let started = Instant::now();
        let facts = verify_tensors(&bytes, &manifest.tensors)
            .expect("verifies")
            .facts;
        let verified = started.elapsed();
        costs_what_was_declared(build, decoded, prompt, &bytes);
        assert_eq!(facts.program_hash, manifest.model.program_hash.0);
        let stated = Statement::from_output(&facts.output, manifest.model.program_hash);
        let stated = stated.expect("a statement");
        assert_eq!(stated, *decoded.statement());
        assert_eq!(stated.model_root, manifest.model.model_root);
        assert_eq!(stated.frontier_in, before);
        before = stated.frontier_out;
        println!(
            "{} steps from {}: proof {:.1} s with its check, {} bytes, verified in {:.2} s, {} MB",
            stated.steps,
            stated.frontier_in.position,
            proven.as_secs_f64(),
            bytes.len(),
            verified.as_secs_f64(),
            most_memory(),
        );
    });
    assert_eq!(frontier, before);
    let steps = lengths.iter().sum();
    assert_eq!(emitted, reference(description, prompt, steps));
    for other in others {
        assert_eq!(other.iter().sum::<usize>(), steps);
        let found = session(build, prompt, other, |_| ());
        assert_eq!(found, (frontier, emitted.clone()), "{other:?}");
    }
}

const PROMPT: [u32; 11] = [33, 77, 70, 200, 5, 98, 41, 120, 9, 64, 87];

/// The demo model: the prompt's end in the second chunk, chunks of the whole length and shorter ones, behind whole blocks and within them.
#[test]
fn the_demo_model() {
    let of = compile(&root().join("models/stories"), 8, None);
    let lengths = [8, 5, 8, 3];
    proven(&of, &PROMPT, &lengths, &[&[8; 3], &[1; 24], &[7, 7, 7, 3]]);
}

/// With the most lanes a proof would be long, so it is made with the parameters for shorter ones; it costs what is declared as well.
#[test]
fn the_demo_model_with_compact_proofs() {
    let of = compile(&root().join("models/stories"), 64, None);
    let set = of.build.set;
    assert_eq!((set, of.build.manifest.tensors.set()), (&COMPACT, set));
    proven(&of, &PROMPT, &[24], &[]);
}

/// The other model, where it is, in chunks of 16 steps.
#[test]
fn another_model() {
    let folder: PathBuf = root().join("../shared/models/stories260K");
    if !folder.is_dir() {
        println!("{} is not there: it is not tested", folder.display());
        return;
    }
    let of = compile(&folder, 16, None);
    proven(&of, &PROMPT, &[16, 9], &[&[8, 16, 1]]);
}

/// A description has one form in bytes.
#[test]
fn descriptions_are_read_back() {
    let of = compile(&root().join("models/stories"), 8, None);
    let bytes = encode(&of.description).expect("bytes");
    assert_eq!(decode(&bytes).expect("a description"), of.description);
    let cut = decode(&bytes[..bytes.len() - 1]).expect_err("a byte less");
    assert!(!cut.to_string().is_empty());
    decode(&[&bytes[..], &[0]].concat()).expect_err("a byte more");
    let magic = decode(&bytes[1..]).expect_err("another beginning");
    assert_eq!(magic.to_string(), "it does not start with \"cdints03\"");

    // What a session refuses, and where it ends.
    let build = &of.build;
    let start = |prompt: &[u32]| Session::new(build, Domain::local(), ID, prompt.to_vec());
    let refused = |prompt: &[u32]| start(prompt).err().expect("refused");
    assert!(matches!(refused(&[]), DecodeError::Prompt));
    assert!(matches!(
        refused(&[3, 256]),
        DecodeError::PromptToken {
            place: 1,
            token: 256,
            ..
        }
    ));
    assert!(matches!(
        refused(&[3; 257]),
        DecodeError::PromptLength {
            found: 257,
            context: 256
        }
    ));
    let mut session = start(&[3; 250]).expect("a prompt");
    for steps in [0, 9] {
        let refused = session.decode(steps).err().expect("refused");
        assert!(matches!(refused, DecodeError::Steps { lanes: 8, .. }));
    }
    for _ in 0..31 {
        let decoded = session.decode(8).expect("a chunk");
        session.advance(&decoded);
    }
    let last = session.decode(8).expect("a chunk");
    assert_eq!((last.statement().steps, last.emitted.len()), (8, 7));
    session.advance(&last);
    assert_eq!(session.frontier().position, 256);
    assert!(matches!(session.decode(1), Err(DecodeError::End(_))));
}

/// The demo model's build folder gives the same build again, and parts that do not belong together are named.
#[test]
fn a_build_folder_is_read_back() {
    let temp = tempfile::tempdir().expect("a folder");
    let out = temp.path().join("build");
    let demo = root().join("models/stories");
    let compiling = compiling(&demo, &out);
    let said = accept(&[&compiling[..], &["--context", "40", "--json"]].concat());
    let said: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    let bundle = TensorBundle::open(&out).expect("a build");
    let manifest = bundle.build.manifest.clone();
    assert_eq!(
        serde_json::to_value(&manifest).expect("JSON"),
        said["manifest"]
    );
    let words = bundle.build.program.words().len();
    assert_eq!(said["program_words"], words);
    assert_eq!(bundle.build.schedule.context, 40);
    let mut session =
        Session::new(&bundle.build, Domain::local(), ID, PROMPT.to_vec()).expect("a prompt");
    let mut proven = vec![];
    for _ in 0..2 {
        let decoded = session.decode(8).expect("a chunk");
        bundle.build.prove(&decoded).expect("a proof");
        session.advance(&decoded);
        proven.extend(decoded.emitted);
    }
    // Without the program, and without anything that proves.
    let model = TensorModel::open(&out).expect("a build").model;
    let generated = model.generate(&PROMPT, proven.len() as u32);
    assert_eq!(generated.expect("in range"), proven);
    // Each file changed, and put back.
    let refused = |file: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let path = out.join(file);
        let honest = std::fs::read(&path).expect("a file");
        let mut bytes = honest.clone();
        change(&mut bytes);
        std::fs::write(&path, bytes).expect("written");
        let refused = TensorBundle::open(&out).map(|_| ()).expect_err("refused");
        std::fs::write(&path, honest).expect("written");
        refused.to_string()
    };
    let parameters =
        "the root of the parameters (of integers.bin, config.json and the tokenizer) is ";
    // In the middle there are weights.
    let middle = refused("integers.bin", &|bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
    });
    assert!(middle.contains(parameters), "{middle}");
    let space = refused("config.json", &|bytes| bytes.push(b' '));
    assert!(space.contains(parameters), "{space}");
    let short = refused("integers.bin", &|bytes| bytes.truncate(100));
    assert!(short.contains("no integer model"), "{short}");
    let no_json = refused("program.json", &|bytes| bytes.truncate(100));
    assert!(no_json.contains("not a compiled program"), "{no_json}");
    let other = refused("program.json", &|bytes| {
        let text = String::from_utf8(bytes.clone()).expect("JSON");
        let at = text.find("\"instructions\":{\"").expect("instructions");
        let number = text[at..].find("\":").map(|end| at + end);
        let start = number.expect("an entry");
        let digit = text[start + 1..].find("\":").map(|end| start + 1 + end + 2);
        let digit = digit.expect("a word");
        bytes[digit] = if bytes[digit] == b'1' { b'2' } else { b'1' };
    });
    assert!(other.contains("is not a call"), "{other}");
    let other = refused("program.json", &|bytes| {
        let text = String::from_utf8(bytes.clone()).expect("JSON");
        let words = "\"bytecode\":[\"0x";
        let at = text.find(words).expect("words") + words.len();
        bytes[at] = if bytes[at] == b'1' { b'2' } else { b'1' };
    });
    assert!(other.contains("the program's hash is "), "{other}");
    let constants = refused("model.json", &|bytes| *bytes = with_other_constants(bytes));
    assert!(constants.contains("the model root is "), "{constants}");
    // A build has one root, of parameters that builds have: nothing is committed to for others.
    for sets in [&["plain", "compact"][..], &["plain", "large"]] {
        let of = refused("model.json", &|bytes| *bytes = with_sets(bytes, sets));
        let expected = format!("tensors.roots: has {}; a build has one", sets.join(", "));
        assert!(of.contains(&expected), "{of}");
    }
    let build = TensorBundle::open(&out).expect("as it was");
    assert_eq!(build.build.manifest, manifest);
}

/// A manifest with these sets of parameters, and the model root that follows from them.
fn with_sets(bytes: &[u8], sets: &[&str]) -> Vec<u8> {
    let root = |pins: &TensorPins| pins.roots()[0].1;
    with_roots(bytes, |pins| {
        sets.iter()
            .map(|set| (set.to_string(), root(pins)))
            .collect()
    })
}

/// A manifest with another root of constants, and the model root that follows from it.
fn with_other_constants(bytes: &[u8]) -> Vec<u8> {
    let other = |(set, _): &(&'static ParamSet, [u8; 32])| (set.name.to_string(), [7; 32]);
    with_roots(bytes, |pins| pins.roots().iter().map(other).collect())
}

/// A manifest with other roots, and the model root that follows from them.
fn with_roots(bytes: &[u8], roots: impl Fn(&TensorPins) -> Vec<(String, [u8; 32])>) -> Vec<u8> {
    let mut manifest = Manifest::from_json(bytes).expect("a manifest");
    let pins = &manifest.tensors;
    manifest.tensors = TensorPins::new(pins.layouts().clone(), roots(pins)).expect("pins");
    manifest.model.model_root = manifest.tensors.model_root(manifest.parameters_root);
    manifest.to_json().expect("JSON").into_bytes()
}

/// A session ends with the token that ends it: a chunk is cut behind it, and none follows.
#[test]
fn a_session_ends_with_its_last_token() {
    let free = compile(&root().join("models/stories"), 8, None);
    let emitted = reference(&free.description, &PROMPT, 24);
    let eos = emitted[5];
    let place = emitted
        .iter()
        .position(|token| *token == eos)
        .expect("there");
    let of = compile(&root().join("models/stories"), 8, Some(eos));
    let prompt = PROMPT.to_vec();
    let mut session = Session::new(&of.build, Domain::local(), ID, prompt).expect("a prompt");
    let mut found: Vec<u32> = vec![];
    while session.ended().is_none() {
        let decoded = session.decode(8).expect("a chunk");
        let run = of.build.program.run(&decoded.chunk.input).expect("runs");
        assert_eq!(run.output(), decoded.statement().to_output());
        found.extend(&decoded.emitted);
        session.advance(&decoded);
    }
    assert_eq!(found, emitted[..=place]);
    assert!(matches!(session.decode(1), Err(DecodeError::End(_))));
}
