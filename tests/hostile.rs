//! Hostile input: mutations from fixed seeds of every file that a verifier or a prover reads. Whatever the
//! bytes are, the answer is an error or a value: no panic, no hang, and no more memory than
//! docs/security.md says. An allocator that counts measures it.

#[path = "hostile/claims.rs"]
mod claims;
#[path = "hostile/folders.rs"]
mod folders;
#[path = "support/model_dir.rs"]
mod model_dir;
#[path = "hostile/pipes.rs"]
mod pipes;
#[path = "hostile/proofs.rs"]
mod proofs;
#[path = "hostile/texts.rs"]
mod texts;

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use arbtest::arbitrary::{Result, Unstructured};
use arbtest::arbtest;
use cairo_decode::model::Model;
use cairo_decode::receipt::{FormatError, Receipt, Session, Wrapped};
use cairo_decode_verdicts::Document;

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
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/wrapped-session");
    fs::read(dir.join(name)).expect("a fixture")
}

fn document<D: Document>(name: &str, count: u64) {
    let (text, other) = (fixture(name), fixture("chunk-0000.receipt.json"));
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
    document::<Receipt>("chunk-0001.receipt.json", 4000);
    document::<Session>("session.json", 4000);
    document::<Wrapped>("wrapped-0000.json", 200);
}

/// Documents that are made to be expensive, as large as one may be.
#[test]
fn expensive_documents() {
    let _one = ONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let size = cairo_decode::receipt::MAX_DOCUMENT_BYTES as usize;
    let format = "{\"format\":\"cairo-decode-receipt/2\",";
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
