//! Sessions' folders that are made to be expensive, each document as large as one may be. Whoever verifies one,
//! wrapped or not, has an answer in ten seconds; proofs that verify take their own time.

use std::fs;
use std::path::Path;

use cairo_decode::receipt::{
    Completion, Document, Folder, MAX_DOCUMENT_BYTES, MAX_SESSION_STEPS, Manifest, ProofIdentity,
    Receipt, Session, SessionDir, proof_name, receipt_name,
};
use cairo_decode::verify::statement::{ChosenRoot, MAX_POSITION, Policy, TokensRoot};
use cairo_decode::verify::statement::{Frontier, extended, prompt_root};
use cairo_decode::wrap;
use cairo_decode_verdicts::{verify_receipt, verify_session};
use serde::Serialize;

use crate::{ONE, Worst, fixture};

/// Tokens of one digit that a document of the largest size has room for, beside its other fields.
const MANY: usize = (MAX_DOCUMENT_BYTES as usize - 4096) / 2;

/// The most memory that checking a folder with so many bytes of documents may need: docs/security.md, "Bounds".
fn folder_bound(bytes: usize) -> usize {
    3 * bytes + (16 << 20)
}

/// The largest model that there can be.
fn manifest() -> Manifest {
    let mut manifest = Manifest::from_json(&fixture("model.json")).expect("a manifest");
    manifest.model.context_length = MAX_POSITION;
    manifest.model.policy = Policy::greedy(None);
    manifest
}

/// A document's text with nothing between its fields, which is shorter than what this program writes.
fn compact<D: Document + Serialize>(document: &D) -> String {
    let mut value = serde_json::to_value(document).expect("a value");
    value["format"] = D::FORMAT.into();
    let text = value.to_string();
    assert!(text.len() <= MAX_DOCUMENT_BYTES as usize);
    text
}

fn write<D: Document + Serialize>(dir: &Path, name: &str, document: &D) {
    fs::write(dir.join(name), compact(document)).expect("written");
}

/// A session in which everything but the proofs is as it must be.
fn session(manifest: &Manifest, prompt: &[u32], chosen: &[u32]) -> Session {
    let mut session = Session::from_json(&fixture("session.json")).expect("a session");
    session.policy = manifest.model.policy;
    session.prompt_tokens = prompt.to_vec();
    session.requested_tokens = chosen.len() as u32;
    session.completion = Some(Completion {
        chunks: 0,
        generated_tokens: chosen.to_vec(),
    });
    session
}

/// Its receipts, for chunks of so many steps.
fn receipts(session: &Session, steps: usize) -> Vec<Receipt> {
    let template = Receipt::from_json(&fixture("chunk-0000.receipt.json")).expect("a receipt");
    let end = session.completion.as_ref().expect("an end");
    let prompt = &session.prompt_tokens;
    let tokens = [&prompt[..], &end.generated_tokens].concat();
    let root = prompt_root(prompt);
    let mut before = Frontier::start(prompt).expect("a prompt");
    let mut receipts = vec![];
    for from in (0..tokens.len() - 1).step_by(steps) {
        let to = (from + steps).min(tokens.len() - 1);
        let split = prompt.len().clamp(from + 1, to + 1);
        let mut receipt = template.clone();
        receipt.forced_tokens = tokens[from + 1..split].to_vec();
        receipt.emitted_tokens = tokens[split..=to].to_vec();
        let read = tokens[from..to].iter().map(|&token| u64::from(token));
        let tokens_root = extended(before.tokens_root.0, read).expect("a chain");
        let forced = receipt.forced_tokens.iter().map(|_| 0);
        let emitted = receipt.emitted_tokens.iter();
        let chosen = forced.chain(emitted.map(|&token| u64::from(token) + 1));
        let chosen_root = extended(before.chosen_root.0, chosen).expect("a chain");
        let statement = &mut receipt.statement;
        statement.policy = session.policy;
        statement.prompt_root = root;
        statement.prompt_length = prompt.len() as u32;
        statement.steps = (to - from) as u32;
        statement.frontier_in = before;
        statement.frontier_out = Frontier {
            position: to as u32,
            last_token: tokens[to],
            kv_root: before.kv_root,
            tokens_root: TokensRoot(tokens_root),
            chosen_root: ChosenRoot(chosen_root),
        };
        before = statement.frontier_out;
        receipt.proof.file = proof_name(receipts.len());
        receipt.proof.blake2s = ProofIdentity::of(receipt.proof.file.as_bytes()).blake2s;
        receipts.push(receipt);
    }
    receipts
}

/// Writes a session; returns how many bytes its documents have.
fn write_session(dir: &Path, session: &Session, receipts: &[Receipt]) -> usize {
    let mut session = session.clone();
    if let Some(end) = &mut session.completion {
        end.chunks = receipts.len() as u32;
    }
    write(dir, "session.json", &session);
    for (index, receipt) in receipts.iter().enumerate() {
        write(dir, &receipt_name(index), receipt);
    }
    size(dir)
}

fn size(dir: &Path) -> usize {
    let entries = fs::read_dir(dir).expect("a folder");
    let sizes = entries.map(|e| e.expect("an entry").metadata().expect("a size").len() as usize);
    sizes.sum()
}

/// Everybody who reads a session's folder must refuse this one, for this reason.
fn refused(worst: &mut Worst, dir: &Path, manifest: &Manifest, bytes: usize, reason: &str) {
    let accept = manifest
        .model
        .accept(Session::read(&dir.join("session.json")).map_or_else(
            |_| cairo_decode::verify::statement::Domain::local(),
            |session| session.domain,
        ));
    let mut measure = |who: &str, verify: &dyn Fn() -> Option<String>| {
        let start = std::time::Instant::now();
        worst.measure(folder_bound(bytes), || match verify() {
            Some(error) => {
                assert!(error.contains(reason), "{who}: {error}");
                false
            }
            None => true,
        });
        eprintln!(
            "{who}, {bytes} bytes, {reason}: {:?}, {worst:?}",
            start.elapsed()
        );
    };
    measure("verify", &|| {
        let verified = verify_session(Folder::new(dir), manifest, &accept);
        verified.err().map(|error| error.to_string())
    });
    let reason_of_wrapped = |error: String| match error.contains("wrapped-0000.json") {
        true => format!("{error}: {reason}"),
        false => error,
    };
    measure("verify --wrapped", &|| {
        let verified = wrap::session::verify(dir, manifest, &accept, [7; 32]);
        verified
            .err()
            .map(|error| reason_of_wrapped(error.to_string()))
    });
}

/// Attack: a prompt, or an answer, of as many tokens as a session has, in as many receipts. All the documents'
/// checks hold; only the first proof is missing. Stopped by: one root of the prompt for all receipts, and each
/// token hashed once for each root that it is in.
#[test]
fn long_sessions_in_many_receipts() {
    let _one = ONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let mut worst = Worst::default();
    let manifest = manifest();
    let many = MAX_SESSION_STEPS as usize + 1;
    let tokens: Vec<u32> = (0..many as u32).map(|i| i % 8 + 2).collect();
    for prompt in [many - 1, many / 2, 1] {
        let (prompt, chosen) = tokens.split_at(prompt);
        let session = session(&manifest, prompt, chosen);
        let receipts = receipts(&session, many.div_ceil(9_999));
        let dir = tempfile::tempdir().expect("a folder");
        let bytes = write_session(dir.path(), &session, &receipts);
        refused(
            &mut worst,
            dir.path(),
            &manifest,
            bytes,
            "chunk-0000.proof: no such file",
        );
        // The same in a session that is not complete: nothing but names is looked at.
        let mut running = session.clone();
        running.completion = None;
        write(dir.path(), "session.json", &running);
        refused(&mut worst, dir.path(), &manifest, bytes, "`running`");
    }
    worst.print("long sessions");
}

/// Attack: a prompt, or an answer, as long as a document holds. Stopped by: the limit on a session's steps.
#[test]
fn sessions_that_are_too_long() {
    let _one = ONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let mut worst = Worst::default();
    let manifest = manifest();
    for prompt in [MANY - 1, MANY / 2, 1] {
        let tokens = vec![3; MANY];
        let (prompt, chosen) = tokens.split_at(prompt);
        let session = session(&manifest, prompt, chosen);
        let one = receipts(&self::session(&manifest, &[3, 4], &[5]), 2);
        let dir = tempfile::tempdir().expect("a folder");
        let bytes = write_session(dir.path(), &session, &one);
        refused(
            &mut worst,
            dir.path(),
            &manifest,
            bytes,
            "at most 131072 steps",
        );
    }
    worst.print("sessions that are too long");
}

/// Attack: receipts with as many tokens as a document holds, of chunks of few steps. Stopped by: numbers are
/// compared before tokens are hashed.
#[test]
fn receipts_with_more_tokens_than_steps() {
    let _one = ONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let mut worst = Worst::default();
    let manifest = manifest();
    let session = session(&manifest, &[3; 1000], &[4; 100]);
    let mut receipts = receipts(&session, 40);
    for receipt in &mut receipts {
        receipt.emitted_tokens = vec![5; MANY - 1000];
    }
    for (count, reason) in [(28, "emitted_tokens: has"), (27, "missing receipt")] {
        let dir = tempfile::tempdir().expect("a folder");
        write_session(dir.path(), &session, &receipts);
        for index in count..receipts.len() {
            fs::remove_file(dir.path().join(receipt_name(index))).expect("removed");
        }
        let bytes = size(dir.path());
        refused(&mut worst, dir.path(), &manifest, bytes, reason);
    }
    worst.print("receipts with more tokens than steps");
}

/// Attack: more receipts of the largest size than a session has bytes for; of spaces, which cost least to make.
/// Stopped by: the limit on all receipts together.
#[test]
fn receipts_of_the_largest_size() {
    let _one = ONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let mut worst = Worst::default();
    let manifest = manifest();
    let session = session(&manifest, &[3; 1000], &[4; 100]);
    let receipts = receipts(&session, 20);
    let dir = tempfile::tempdir().expect("a folder");
    write_session(dir.path(), &session, &receipts);
    for (index, receipt) in receipts.iter().enumerate() {
        let text = compact(receipt);
        let spaces = " ".repeat(MAX_DOCUMENT_BYTES as usize - text.len());
        fs::write(dir.path().join(receipt_name(index)), text + &spaces).expect("written");
    }
    let bytes = size(dir.path());
    refused(
        &mut worst,
        dir.path(),
        &manifest,
        bytes,
        "the limit for those of a session",
    );
    worst.print("receipts of the largest size");
}

/// Attack: a folder of more files than a session has, and numbers of chunks as large as a number can be.
/// Stopped by: the limit on names, and numbers of four digits.
#[test]
fn folders_of_many_files() {
    let _one = ONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let mut worst = Worst::default();
    let manifest = manifest();
    let mut session = session(&manifest, &[3, 4], &[5]);
    let receipts = receipts(&session, 1);
    let dir = tempfile::tempdir().expect("a folder");
    let bytes = write_session(dir.path(), &session, &receipts);
    for last in [u64::MAX, u64::from(u32::MAX), 10_000] {
        let name = format!("chunk-{last}.receipt.json");
        write(dir.path(), &name, &receipts[1]);
        refused(
            &mut worst,
            dir.path(),
            &manifest,
            bytes,
            "not a chunk's name",
        );
        let folder = SessionDir::open(dir.path()).expect("a folder");
        session.completion = None;
        let read = folder
            .load_receipts(&session)
            .expect_err("a running session");
        assert!(read.to_string().contains("not a chunk's name"), "{read}");
        fs::remove_file(dir.path().join(name)).expect("removed");
    }
    for index in 0..70_000 {
        fs::File::create(dir.path().join(format!("{index}"))).expect("created");
    }
    refused(&mut worst, dir.path(), &manifest, bytes, "files");
    worst.print("folders of many files");
}

/// Attack: one receipt with as many tokens as steps, and a proof that is none. Stopped by: the proof is
/// verified before the tokens are hashed.
#[test]
fn one_long_receipt() {
    let _one = ONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let mut worst = Worst::default();
    let manifest = manifest();
    let session = session(&manifest, &[3], &vec![4; MANY - 2000]);
    let receipts = receipts(&session, MANY);
    let dir = tempfile::tempdir().expect("a folder");
    let bytes = write_session(dir.path(), &session, &receipts);
    fs::write(dir.path().join(proof_name(0)), b"cdproof1").expect("written");
    let accept = manifest.model.accept(session.domain);
    worst.measure(folder_bound(bytes), || {
        let folder = Folder::new(dir.path());
        verify_receipt(&folder, &receipt_name(0), &manifest, &accept).is_ok()
    });
    worst.print("one long receipt");
}
