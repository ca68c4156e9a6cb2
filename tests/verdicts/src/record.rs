//! Where cases and verdicts are written.
//!
//! Each process writes two files: `PROCESS.bytes`, all that was asked, and `PROCESS.cases`, a line of JSON for each case. Of an
//! input the line has places in the first file, each an offset and a length, that are the input together: most attacks are a file that was
//! asked about before, with a few bytes changed, and what is the same at its start and its end is not written again.

use std::fmt::{self, Debug, Display};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, PoisonError};

use crate::case::{Case, Input};
use crate::judge::said;

/// The variable that names the folder.
const VARIABLE: &str = "RECORD_VERDICTS";

/// Inputs that later ones are compared with, of each kind of case.
const KEPT: usize = 8;

/// Shortest input for which that is worth it.
const SHORTEST: usize = 1 << 12;

static RECORDER: LazyLock<Option<Mutex<Recorder>>> = LazyLock::new(|| {
    let dir = std::env::var_os(VARIABLE)?;
    Some(Mutex::new(Recorder::new(PathBuf::from(dir))))
});

/// Whether somebody wants cases and verdicts.
pub fn wanted() -> bool {
    RECORDER.is_some()
}

/// Writes a case and its verdict, if somebody wants them. A case that has no bytes is counted only.
pub fn record<T: Debug, E: Debug + Display>(
    verdict: &Result<T, E>,
    case: impl FnOnce() -> Option<Case>,
) {
    if let Some(recorder) = &*RECORDER {
        let mut recorder = recorder.lock().unwrap_or_else(PoisonError::into_inner);
        recorder.write(case(), said(verdict));
    }
}

/// An input that was written as a whole, and where.
struct Kept {
    kind: &'static str,
    bytes: Vec<u8>,
    at: u64,
}

struct Recorder {
    bytes: File,
    length: u64,
    cases: BufWriter<File>,
    kept: Vec<Kept>,
}

impl Recorder {
    fn new(dir: PathBuf) -> Recorder {
        fs::create_dir_all(&dir).expect("a folder for verdicts");
        let program = std::env::current_exe().expect("a program");
        let name = program.file_name().expect("a name").to_string_lossy();
        let name = format!("{name}-{}", std::process::id());
        let create = |end: &str| File::create(dir.join(format!("{name}.{end}"))).expect("a file");
        Recorder {
            bytes: create("bytes"),
            length: 0,
            cases: BufWriter::new(create("cases")),
            kept: vec![],
        }
    }

    fn write(&mut self, case: Option<Case>, verdict: String) {
        // Piece by piece: tests that measure memory must not see the line of a folder with many files.
        self.put(format_args!(
            "{{\"said\":{}",
            serde_json::Value::from(verdict)
        ));
        if let Some(Case { kind, inputs }) = case {
            self.put(format_args!(",\"kind\":\"{kind}\",\"inputs\":["));
            let mut first = true;
            for input in inputs {
                match input {
                    Input::Bytes(bytes) => self.input(&mut first, kind, bytes),
                    Input::Folder(dir, names) => {
                        for name in names {
                            let bytes = fs::read(dir.join(&name)).expect("a file");
                            self.input(&mut first, kind, name.into_bytes());
                            self.input(&mut first, kind, bytes);
                        }
                    }
                }
            }
            self.put(format_args!("]"));
        }
        self.put(format_args!("}}\n"));
        self.cases.flush().expect("a verdict written");
    }

    fn input(&mut self, first: &mut bool, kind: &'static str, bytes: Vec<u8>) {
        let places = self.place(kind, bytes);
        let comma = if *first { "" } else { "," };
        *first = false;
        self.put(format_args!("{comma}{places:?}"));
    }

    fn put(&mut self, text: fmt::Arguments<'_>) {
        self.cases.write_fmt(text).expect("a verdict written");
    }

    /// Writes what is new in an input; where its parts are.
    fn place(&mut self, kind: &'static str, bytes: Vec<u8>) -> Vec<[u64; 2]> {
        if bytes.len() < SHORTEST {
            return vec![self.append(&bytes)];
        }
        let of_kind = self.kept.iter().filter(|kept| kept.kind == kind);
        let compared = of_kind.map(|kept| (same(&kept.bytes, &bytes), kept));
        let best = compared.max_by_key(|((start, end), _)| start + end);
        if let Some(((start, end), kept)) = best
            && (start + end) * 2 > bytes.len()
        {
            let (first, last) = (kept.at, kept.at + (kept.bytes.len() - end) as u64);
            let middle = self.append(&bytes[start..bytes.len() - end]);
            return vec![[first, start as u64], middle, [last, end as u64]];
        }
        let place = self.append(&bytes);
        let (mut of_kind, at) = (0, place[0]);
        self.kept.retain(|kept| {
            of_kind += usize::from(kept.kind == kind);
            kept.kind != kind || of_kind < KEPT
        });
        self.kept.insert(0, Kept { kind, bytes, at });
        vec![place]
    }

    fn append(&mut self, bytes: &[u8]) -> [u64; 2] {
        let at = self.length;
        self.bytes.write_all(bytes).expect("bytes written");
        self.length += bytes.len() as u64;
        [at, bytes.len() as u64]
    }
}

/// How many bytes are the same at the start of both, and at the end of what is left.
fn same(a: &[u8], b: &[u8]) -> (usize, usize) {
    let count =
        |pairs: &mut dyn Iterator<Item = (&u8, &u8)>| pairs.take_while(|(a, b)| a == b).count();
    let start = count(&mut a.iter().zip(b));
    let (a, b) = (&a[start..], &b[start..]);
    (start, count(&mut a.iter().rev().zip(b.iter().rev())))
}
