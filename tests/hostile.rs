//! Hostile input: mutations from fixed seeds of every file that a verifier or a prover reads. Whatever the
//! bytes are, the answer is an error or a value: no panic, no hang, and no more memory than
//! docs/security.md says. An allocator that counts measures it.

#[path = "hostile/folders.rs"]
mod folders;
#[path = "support/model_dir.rs"]
mod model_dir;
#[path = "hostile/pipes.rs"]
mod pipes;
#[path = "hostile/programs.rs"]
mod programs;
mod support;
#[path = "hostile/tensors.rs"]
mod tensors;
#[path = "hostile/texts.rs"]
mod texts;

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use arbtest::arbitrary::{Result, Unstructured};
use arbtest::arbtest;
use cairo_decode::chunk::Decoder;
use cairo_decode::model::Model;
use cairo_decode::prove::Prover;
use cairo_decode::receipt::{
    FormatError, Manifest, Receipt, Session, TensorManifest, TensorReceipt, Wrapped,
};
use cairo_decode::trace;
use cairo_decode::verify::params::PLAIN;
use cairo_decode::verify::proof::{decode, encode};
use cairo_decode_verdicts::{Document, verify_proof};
use support::{pins, program, random_graph, tiny};

/// Counts bytes in use and their maximum.
struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

fn grown(bytes: usize) {
    let live = LIVE.fetch_add(bytes, Relaxed) + bytes;
    PEAK.fetch_max(live, Relaxed);
}

// SAFETY: every call goes to the system's allocator unchanged.
#[allow(unsafe_code, reason = "an allocator cannot be written without")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grown(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        LIVE.fetch_sub(layout.size(), Relaxed);
        grown(size);
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most that reading needed beyond what was in use before, and the longest it took.
#[derive(Default, Debug)]
struct Worst {
    cases: usize,
    refused: usize,
    bytes: usize,
    time: Duration,
}

impl Worst {
    /// Runs and measures; `bound` is what the memory may be.
    fn measure(&mut self, bound: usize, run: impl FnOnce() -> bool) {
        let before = LIVE.load(Relaxed);
        PEAK.store(before, Relaxed);
        let start = Instant::now();
        let accepted = run();
        let (time, bytes) = (start.elapsed(), PEAK.load(Relaxed).saturating_sub(before));
        self.cases += 1;
        self.refused += usize::from(!accepted);
        self.bytes = self.bytes.max(bytes);
        self.time = self.time.max(time);
        assert!(bytes <= bound, "{bytes} bytes in use, at most {bound}");
        assert!(time < Duration::from_secs(10), "took {time:?}");
    }

    fn print(&self, name: &str) {
        let (bytes, time) = (self.bytes, self.time);
        eprintln!(
            "{name}: {} of {} refused, at most {bytes} bytes, {time:?}",
            self.refused, self.cases
        );
        assert!(self.refused * 2 > self.cases, "{name}: {self:?}");
    }
}

/// The counters are of the process: one measurement at a time.
static ONE: Mutex<()> = Mutex::new(());

/// The cases of a test: the same on every run.
fn cases(count: u64, mut case: impl FnMut(&mut Unstructured<'_>) -> Result<()>) {
    let _one = ONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    for number in 0..count {
        // The lower half is how many random bytes the case gets.
        arbtest(&mut case).seed(number << 32 | 256).run();
    }
}

/// One to three changes: a bit, a number at a place, a piece cut out, doubled, moved or of another file.
fn mutate(u: &mut Unstructured<'_>, bytes: &mut Vec<u8>, other: &[u8]) -> Result<()> {
    for _ in 0..u.int_in_range(1..=3)? {
        if bytes.is_empty() {
            return Ok(());
        }
        let at = u.choose_index(bytes.len())?;
        let end = (at + u.int_in_range(1..=64)?).min(bytes.len());
        match u.int_in_range(0..=7)? {
            0 => bytes[at] ^= 1 << u.int_in_range(0..=7)?,
            1 => bytes[at] = u.arbitrary()?,
            2 => bytes.truncate(at),
            3 => drop(bytes.drain(at..end)),
            4 => {
                let piece = bytes[at..end].to_vec();
                let to = u.choose_index(bytes.len())?;
                bytes.splice(to..to, piece);
            }
            5 => {
                let from = u.choose_index(other.len())?;
                let piece = &other[from..(from + end - at).min(other.len())];
                let piece = piece.to_vec();
                bytes.splice(at..end, piece);
            }
            6 => {
                let extreme = *u.choose(&[
                    0,
                    1,
                    20,
                    31,
                    64,
                    0xffff,
                    u64::from(u32::MAX),
                    1 << 40,
                    u64::MAX,
                ])?;
                let width = end.min(at + 8) - at;
                bytes[at..at + width].copy_from_slice(&extreme.to_le_bytes()[..width]);
            }
            _ => {
                let number = *u.choose(&[
                    "-1",
                    "1e999",
                    "18446744073709551616",
                    "null",
                    "[]",
                    "{}",
                    "\"\"",
                ])?;
                bytes.splice(at..end, number.bytes());
            }
        }
    }
    Ok(())
}

/// What a document of so many bytes may need: docs/security.md, "Bounds".
fn document_bound(bytes: usize) -> usize {
    64 * bytes + (64 << 10)
}

fn fixture(name: &str) -> Vec<u8> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    fs::read(dir.join(name)).expect("a fixture")
}

fn document<D: Document>(name: &str, count: u64) {
    let receipt = "wrapped-session/chunk-0000.receipt.json";
    let (text, other) = (fixture(name), fixture(receipt));
    assert!(D::from_json(&text).is_ok(), "{name} is a document");
    let mut worst = Worst::default();
    cases(count, |u| {
        let mut bytes = text.clone();
        mutate(u, &mut bytes, &other)?;
        worst.measure(document_bound(bytes.len()), || D::from_json(&bytes).is_ok());
        Ok(())
    });
    worst.print(name);
}

#[test]
fn documents() {
    document::<Receipt>("steps-session/chunk-0001.receipt.json", 4000);
    document::<Session>("steps-session/session.json", 4000);
    document::<Manifest>("steps-session/model.json", 4000);
    document::<TensorReceipt>("wrapped-session/chunk-0001.receipt.json", 4000);
    document::<TensorManifest>("wrapped-session/model.json", 4000);
    document::<Wrapped>("wrapped-session/wrapped-0000.json", 200);
}

/// Documents that are made to be expensive, as large as one may be.
#[test]
fn expensive_documents() {
    let _one = ONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let size = cairo_decode::receipt::MAX_DOCUMENT_BYTES as usize;
    let format = "{\"format\":\"cairo-decode-receipt/1\",";
    let filled = |piece: &str, close: &str| {
        let count = (size - format.len() - 64) / piece.len();
        format!("{format}{}{close}", piece.repeat(count))
    };
    let fields = (0..size / 16).map(|n| format!("\"{n:07x}\":[]"));
    let fields = fields.collect::<Vec<_>>().join(",");
    let texts = [
        format!("{format}{fields}}}"),
        filled("\"a\":0,", "\"b\":0}"),
        filled("[", ""),
        filled("{\"a\":", ""),
        format!(
            "{format}\"forced_tokens\":[{}0]}}",
            "0,".repeat(size / 2 - 64)
        ),
        format!(
            "{format}\"proof\":\"{}\"}}",
            "\\u0041".repeat(size / 6 - 16)
        ),
    ];
    let mut worst = Worst::default();
    for text in texts {
        assert!(text.len() <= size);
        worst.measure(document_bound(text.len()), || {
            let read: std::result::Result<Receipt, FormatError> =
                Receipt::from_json(text.as_bytes());
            read.is_ok()
        });
    }
    worst.print("expensive documents");
}

/// The most memory that verifying a proof of so many bytes may need: docs/security.md, "Bounds".
fn proof_bound(bytes: usize) -> usize {
    12 * bytes + (32 << 20)
}

/// Two proofs of a tiny model.
fn proofs() -> &'static [Vec<u8>; 2] {
    static PROOFS: OnceLock<[Vec<u8>; 2]> = OnceLock::new();
    PROOFS.get_or_init(|| {
        let graph = random_graph("tiny", 5, tiny());
        let program = program(&graph);
        let prover = Prover::new(&PLAIN);
        let mut decoder = Decoder::new(&graph, pins(&program, &[3, 1, 6])).expect("a session");
        [0, 1].map(|_| {
            let chunk = decoder.chunk(2).expect("a chunk");
            let trace = trace::run(&program, &chunk.input).expect("an honest chunk");
            let input = trace.into_prover_input().expect("a trace");
            prover.prove(input).expect("proves")
        })
    })
}

/// Whole files changed anywhere, mostly refused by the decoder.
#[test]
fn proof_files() {
    let [proof, other] = proofs();
    let mut worst = Worst::default();
    cases(1000, |u| {
        let mut bytes = proof.clone();
        mutate(u, &mut bytes, other)?;
        if bytes != *proof {
            worst.measure(proof_bound(bytes.len()), || verify_proof(&bytes).is_ok());
        }
        Ok(())
    });
    worst.print("proof files");
    assert_eq!(worst.refused, worst.cases, "a proof has one file");
}

/// The small parts that say how large everything is: claims and parameters, changed so that the file can be
/// decoded.
#[test]
fn claims_of_proofs() {
    let [bytes, _] = proofs();
    let proof = decode(bytes).expect("a proof");
    let mut worst = Worst::default();
    cases(600, |u| {
        let mut changed = proof.clone();
        for _ in 0..u.int_in_range(1..=3)? {
            let log = *u.choose(&[0, 1, 4, 19, 20, 21, 30, 31, 32, 63, 64, 255, u32::MAX])?;
            let count = *u.choose(&[0usize, 1, 15, 16, 17, 64, 65, 4096, 1 << 16])?;
            let claim = &mut changed.claim;
            let stark = &mut changed.stark_proof.0;
            match u.int_in_range(0..=13)? {
                0 => claim
                    .assert_eq_opcode
                    .iter_mut()
                    .for_each(|c| c.log_size = log),
                1 => claim
                    .range_check_builtin
                    .iter_mut()
                    .for_each(|c| c.log_size = log),
                2 => claim
                    .memory_address_to_id
                    .iter_mut()
                    .for_each(|c| c.log_size = log),
                3 => {
                    let big = claim.memory_id_to_big.iter_mut();
                    big.for_each(|c| c.big_log_sizes = vec![log; count]);
                }
                4 => claim.memory_id_to_big = None,
                5 => claim
                    .public_data
                    .public_memory
                    .output
                    .resize(count, (1, [log; 8])),
                6 => claim
                    .public_data
                    .public_memory
                    .program
                    .resize(count, (1, [log; 8])),
                7 => claim.public_data.final_state.ap.0 = log,
                8 => {
                    let segments = &mut claim.public_data.public_memory.public_segments;
                    segments.output.stop_ptr.value = log;
                    segments.poseidon = None;
                }
                9 => stark.config.fri_config.log_blowup_factor = log,
                10 => stark.config.lifting_log_size = Some(log),
                11 => stark.config.fri_config.n_queries = count,
                12 => {
                    let column = stark.queried_values[1].first().cloned().unwrap_or_default();
                    stark.queried_values[1].resize(count, column);
                }
                _ => {
                    let sample = stark.sampled_values[1].first().cloned().unwrap_or_default();
                    stark.sampled_values[1].resize(count.min(4096), sample);
                }
            }
        }
        let file = encode(&changed);
        if file != *bytes {
            worst.measure(proof_bound(file.len()), || verify_proof(&file).is_ok());
        }
        Ok(())
    });
    // Millions of empty columns: eight bytes of the file each, three times that in memory.
    let mut changed = proof.clone();
    changed.stark_proof.0.sampled_values[1] = vec![vec![]; 3 << 20];
    let file = encode(&changed);
    worst.measure(proof_bound(file.len()), || verify_proof(&file).is_ok());
    worst.print("claims of proofs");
    assert_eq!(worst.refused, worst.cases, "a proof has one claim");
    let mut honest = Worst::default();
    honest.measure(proof_bound(bytes.len()), || verify_proof(bytes).is_err());
    honest.print("the honest proof, which is not refused");
}

/// The most memory that reading a model directory of so many bytes may need: docs/security.md, "Bounds".
fn model_bound(bytes: usize) -> usize {
    64 * bytes + (16 << 20)
}

#[test]
fn model_files() {
    let shape = model_dir::Shape {
        hidden: 8,
        mlp: 16,
        layers: 1,
        heads: 2,
        kv_heads: 1,
        head_dim: 4,
        vocab: 24,
        tied: true,
    };
    let dir = tempfile::tempdir().expect("a folder");
    model_dir::write_model_dir(dir.path(), &shape, 3);
    Model::load(dir.path()).expect("a model");
    let files = ["config.json", "tokenizer.json", "model.safetensors"];
    let contents = files.map(|name| fs::read(dir.path().join(name)).expect("a file"));
    let all: usize = contents.iter().map(Vec::len).sum();
    for (name, honest) in files.iter().zip(&contents) {
        let file = dir.path().join(name);
        let mut worst = Worst::default();
        cases(400, |u| {
            let mut bytes = honest.clone();
            // A weight may have any value: change what says how many there are and where.
            let header = if *name == "model.safetensors" {
                700
            } else {
                bytes.len()
            };
            let tail = bytes.split_off(header.min(bytes.len()));
            mutate(u, &mut bytes, &contents[0])?;
            bytes.extend(tail);
            fs::write(&file, &bytes).expect("written");
            worst.measure(model_bound(all + bytes.len()), || {
                Model::load(dir.path()).is_ok()
            });
            Ok(())
        });
        fs::write(&file, honest).expect("written");
        worst.print(name);
    }
}
