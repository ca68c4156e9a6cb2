//! The session's folder: names, gaps, leftovers, the lock, proofs against their receipts.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use cairo_decode::receipt::{
    Document, FolderError, LOCK_FILE, Session, SessionDir, SessionWriter, WriteDocument,
    WriterError, proof_name, receipt_name,
};

use cairo_decode_verdicts::check_folder;
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::fixtures::{Recipe, Run, proof_bytes, repair_roots, run};

/// Writes a run as the prover would, up to `chunks` receipts.
fn write(dir: &Path, run: &Run, chunks: usize) -> SessionWriter {
    let running = Session {
        completion: None,
        ..run.session.clone()
    };
    let writer = SessionWriter::create(dir, &running).unwrap();
    for (index, receipt) in run.receipts.iter().take(chunks).enumerate() {
        writer
            .write_proof(index, &proof_bytes(&receipt.statement))
            .unwrap();
        writer.write_receipt(index, receipt).unwrap();
    }
    if chunks == run.receipts.len() {
        writer.write_session(&run.session).unwrap();
    }
    writer
}

fn refused(dir: &Path, run: &Run) -> String {
    let refused = check_folder(dir, &run.manifest);
    refused.unwrap_err().to_string()
}

#[test]
fn a_session_is_written_and_read_back() {
    let (run, root) = (run(&Recipe::default()), tempfile::tempdir().unwrap());
    let dir = root.path().join("new/session");
    drop(write(&dir, &run, 3));
    let folder = SessionDir::open(&dir).unwrap();
    let (session, (receipts, facts)) = folder.check(&run.manifest).unwrap();
    assert_eq!((session, &receipts), (run.session, &run.receipts));
    assert!(facts.finished);
    for (index, receipt) in receipts.iter().enumerate() {
        let (bytes, identity) = folder.load_proof(index, receipt).unwrap();
        assert_eq!(bytes, proof_bytes(&receipt.statement));
        assert_eq!(identity.blake2s, receipt.proof.blake2s);
    }
}

#[test]
fn a_stopped_session_is_resumed() {
    let (run, root) = (run(&Recipe::default()), tempfile::tempdir().unwrap());
    drop(write(root.path(), &run, 2));
    // Stopped in the middle: a proof without a receipt, a half-written file.
    fs::write(root.path().join(proof_name(2)), b"partial").unwrap();
    let leftover = root.path().join(".chunk-0002.receipt.json.1.tmp");
    fs::write(&leftover, b"{").unwrap();
    let writer = SessionWriter::open(root.path()).unwrap();
    assert!(!leftover.exists());
    let (_, (receipts, facts)) = writer.dir().check(&run.manifest).unwrap();
    assert_eq!((receipts.len(), facts.finished), (2, false));
    assert_eq!(facts.last, run.receipts[2].statement.frontier_in);
    writer
        .write_proof(2, &proof_bytes(&run.receipts[2].statement))
        .unwrap();
    writer.write_receipt(2, &run.receipts[2]).unwrap();
    writer.write_session(&run.session).unwrap();
    writer.dir().check(&run.manifest).unwrap();
}

#[test]
fn gaps_and_extras_are_named() {
    let run = run(&Recipe::default());
    let root = tempfile::tempdir().unwrap();
    let dir = root.path();
    drop(write(dir, &run, 3));
    let (first, middle) = (dir.join(receipt_name(0)), dir.join(receipt_name(1)));
    let text = fs::read(&middle).unwrap();

    fs::remove_file(&middle).unwrap();
    let expected = format!(
        "{}: missing receipt 0001 (chunk-0001.receipt.json)",
        dir.display()
    );
    assert_eq!(refused(dir, &run), expected);
    fs::write(&middle, &text).unwrap();

    let extra = dir.join(receipt_name(3));
    fs::copy(&first, &extra).unwrap();
    let expected = format!(
        "{}: extra receipt; the session has 3 chunks",
        extra.display()
    );
    assert_eq!(refused(dir, &run), expected);
    fs::remove_file(&extra).unwrap();

    let proof = dir.join(proof_name(3));
    fs::write(&proof, b"").unwrap();
    assert!(refused(dir, &run).starts_with(&format!("{}: a proof without", proof.display())));
    fs::remove_file(&proof).unwrap();

    for name in [
        "chunk-1.proof",
        "chunk-00001.receipt.json",
        "chunk-+001.proof",
        "chunk-.proof",
    ] {
        let file = dir.join(name);
        fs::write(&file, b"").unwrap();
        assert!(refused(dir, &run).starts_with(&format!("{}: not a chunk's", file.display())));
        fs::remove_file(&file).unwrap();
    }

    // A running session has no gaps either.
    let running = Session {
        completion: None,
        ..run.session.clone()
    };
    running.write(&dir.join("session.json")).unwrap();
    fs::remove_file(&first).unwrap();
    assert!(refused(dir, &run).contains("missing receipt 0000"));
    // Notes of the user are nobody's business.
    fs::write(&first, run.receipts[0].to_json().unwrap()).unwrap();
    fs::write(dir.join("notes.txt"), b"mine").unwrap();
    SessionDir::open(dir).unwrap().check(&run.manifest).unwrap();
}

#[test]
fn a_session_that_claims_too_many_chunks_costs_nothing() {
    let mut run = run(&Recipe::default());
    let root = tempfile::tempdir().unwrap();
    run.session.completion.as_mut().unwrap().chunks = u32::MAX;
    drop(write(root.path(), &run, 3));
    assert!(refused(root.path(), &run).contains("missing receipt 0003"));
}

#[test]
fn messages_start_with_the_file() {
    let mut run = run(&Recipe::default());
    let root = tempfile::tempdir().unwrap();
    run.receipts[1].statement.frontier_in.last_token += 1;
    repair_roots(&mut run.receipts[1]);
    drop(write(root.path(), &run, 3));
    let file = root.path().join(receipt_name(1));
    let start = format!("{}: statement.frontier_in.last_token: is ", file.display());
    let message = refused(root.path(), &run);
    assert!(message.starts_with(&start), "{message}");
}

#[test]
fn proofs_are_compared_with_their_receipts() {
    let run = run(&Recipe::default());
    let root = tempfile::tempdir().unwrap();
    let writer = write(root.path(), &run, 3);
    let mut proof = proof_bytes(&run.receipts[1].statement);
    let load = || writer.dir().load_proof(1, &run.receipts[1]).map(drop);
    proof[40] ^= 1;
    writer.write_proof(1, &proof).unwrap();
    assert!(matches!(load(), Err(FolderError::ProofDigest { .. })));
    proof.push(0);
    writer.write_proof(1, &proof).unwrap();
    assert!(matches!(load(), Err(FolderError::ProofSize { .. })));
    fs::remove_file(root.path().join(proof_name(1))).unwrap();
    assert!(matches!(load(), Err(FolderError::File(_))));
}

#[test]
fn one_writer_at_a_time() {
    let run = run(&Recipe::default());
    let root = tempfile::tempdir().unwrap();
    let writer = write(root.path(), &run, 1);
    let second = SessionWriter::open(root.path());
    assert!(matches!(second, Err(WriterError::Locked { .. })));
    // Readers need no lock.
    SessionDir::open(root.path())
        .unwrap()
        .check(&run.manifest)
        .unwrap();
    drop(writer);
    SessionWriter::open(root.path()).unwrap();
}

#[test]
fn a_new_session_needs_its_own_folder() {
    let run = run(&Recipe::default());
    let root = tempfile::tempdir().unwrap();
    let used = root.path().join("used");
    drop(write(&used, &run, 1));
    let again = SessionWriter::create(&used, &run.session);
    assert!(matches!(again, Err(WriterError::Exists { .. })));
    let other = root.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("thesis.tex"), b"").unwrap();
    let error = SessionWriter::create(&other, &run.session)
        .unwrap_err()
        .to_string();
    assert!(error.contains("is not empty (thesis.tex)"), "{error}");
    let missing = SessionDir::open(root.path().join("nothing"))
        .unwrap_err()
        .to_string();
    assert!(
        missing.ends_with("session.json: no such file or folder"),
        "{missing}"
    );
}

/// Opens a session for writing, which must not wait. Returns why it did not.
fn not_opened(dir: &Path) -> String {
    let (done, finished) = channel();
    let dir = dir.to_path_buf();
    thread::spawn(move || {
        done.send(
            SessionWriter::open(dir)
                .map(|_| ())
                .map_err(|e| e.to_string()),
        )
    });
    let opened = finished.recv_timeout(Duration::from_secs(20));
    opened.expect("nobody is waited for").expect_err("refused")
}

/// Something else than a file in the lock's place: a pipe makes nobody wait, a link makes no file elsewhere.
#[test]
fn a_lock_that_is_no_file() {
    let (run, root) = (run(&Recipe::default()), tempfile::tempdir().unwrap());
    let (dir, elsewhere) = (root.path().join("session"), root.path().join("elsewhere"));
    drop(write(&dir, &run, 1));
    let lock = dir.join(LOCK_FILE);
    fs::remove_file(&lock).unwrap();
    symlink(&elsewhere, &lock).unwrap();
    let expected = format!("{}: is not a regular file", lock.display());
    assert!(not_opened(&dir).starts_with(&expected));
    assert!(
        !elsewhere.exists(),
        "a file outside of the session's folder"
    );
    fs::remove_file(&lock).unwrap();
    // By the system's call: a process that is started holds this one's locks for a moment.
    mknodat(CWD, &lock, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    assert!(not_opened(&dir).starts_with(&expected));
    fs::remove_file(&lock).unwrap();
    SessionWriter::open(&dir).unwrap();
}

/// Removing or replacing the lock file of a process that works on a session lets nobody else in.
#[test]
fn a_lock_that_is_removed() {
    let (run, root) = (run(&Recipe::default()), tempfile::tempdir().unwrap());
    let writer = write(root.path(), &run, 1);
    let lock = root.path().join(LOCK_FILE);
    fs::remove_file(&lock).unwrap();
    assert!(not_opened(root.path()).contains("another process is working on this session"));
    fs::write(&lock, b"").unwrap();
    assert!(not_opened(root.path()).contains("another process is working on this session"));
    drop(writer);
    SessionWriter::open(root.path()).unwrap();
}

/// What is named like a temporary file and is none of the writer's stays; a folder with a chunk's name is refused by name,
/// before anything is proven.
#[test]
fn names_that_cannot_be_removed() {
    let (run, root) = (run(&Recipe::default()), tempfile::tempdir().unwrap());
    drop(write(root.path(), &run, 1));
    let folder = root.path().join(".chunk-x.tmp");
    fs::create_dir(&folder).unwrap();
    let other = root.path().join(OsStr::from_bytes(b".chunk-\xff.tmp"));
    fs::write(&other, b"").unwrap();
    SessionWriter::open(root.path()).unwrap();
    assert!(folder.exists() && other.exists());
    for name in [
        "chunk-0004.proof",
        "chunk-0004.receipt.json",
        "chunk-0000.witness",
    ] {
        let file = root.path().join(name);
        fs::create_dir(&file).unwrap();
        let expected = format!(
            "{}: is a folder, and has the name of a chunk's file",
            file.display()
        );
        assert!(not_opened(root.path()).starts_with(&expected), "{name}");
        fs::remove_dir(&file).unwrap();
    }
}
