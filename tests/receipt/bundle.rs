//! A session's bundle: what is written is what is read, and nothing is written of a session that has not all.

use std::fs;
use std::path::Path;

use cairo_decode::receipt::{
    BUNDLE_START, Files, Folder, SessionBundle, SessionDir, SessionWriter, WriteDocument,
    proof_name, receipt_name, write_bundle,
};

use crate::command::{accept, path, reject};
use crate::fixtures::{Recipe, Run, proof_bytes, run};

/// Writes a complete session, with a file that is nobody's business.
fn write(dir: &Path, run: &Run) {
    let writer = SessionWriter::create(dir, &run.session).expect("a session");
    for (index, receipt) in run.receipts.iter().enumerate() {
        let proof = proof_bytes(&receipt.statement);
        writer.write_proof(index, &proof).expect("written");
        writer.write_receipt(index, receipt).expect("written");
    }
    fs::write(dir.join("notes.txt"), "mine").expect("written");
}

#[test]
fn a_bundle_has_what_the_folder_has() {
    let (run, root) = (
        run(&Recipe::default()),
        tempfile::tempdir().expect("a folder"),
    );
    let (dir, file) = (
        root.path().join("session"),
        root.path().join("session.bundle"),
    );
    write(&dir, &run);
    let contents = write_bundle(&dir, &file).expect("written");
    let bundle = SessionBundle::open(&file).expect("a bundle");
    let names = bundle.names().expect("names");
    assert_eq!(names.len(), 2 * run.receipts.len() + 1);
    assert!(contents.files.iter().map(|file| &file.name).eq(&names));
    let folder = Folder::new(&dir);
    for name in &names {
        let read = |files: &dyn Files| files.read(name, 1 << 20).expect("a file");
        assert_eq!(read(&bundle), read(&folder), "{name}");
        let refused = bundle.read(name, 10).expect_err("a limit").to_string();
        let expected = format!("{}: is larger than 10 bytes", file.join(name).display());
        assert!(refused.starts_with(&expected), "{refused}");
    }
    assert!(!bundle.has("notes.txt") && bundle.has("session.json"));
    let checked = SessionDir::of(bundle).and_then(|dir| dir.check(&run.manifest));
    assert_eq!(checked.expect("a session").0, run.session);
    // The same session is the same file.
    let before = fs::read(&file).expect("a file");
    write_bundle(&dir, &file).expect("written");
    assert_eq!(fs::read(&file).expect("a file"), before);
}

/// What a bundle lacks: its file is not written, or stays what it was.
#[test]
fn what_is_not_complete_is_not_bundled() {
    let run = run(&Recipe::default());
    type Change = fn(&Path, &Run);
    let cases: [(Change, &str); 6] = [
        (
            |dir, _| fs::remove_file(dir.join(proof_name(1))).expect("removed"),
            "chunk-0001.proof: no such file",
        ),
        (
            |dir, _| fs::remove_file(dir.join(receipt_name(1))).expect("removed"),
            "missing receipt 0001",
        ),
        (
            |dir, _| fs::write(dir.join(receipt_name(3)), "{}").expect("written"),
            "chunk-0003.receipt.json: extra receipt",
        ),
        (
            |dir, _| fs::write(dir.join(proof_name(3)), "{}").expect("written"),
            "chunk-0003.proof: a proof without a receipt",
        ),
        (
            |dir, _| {
                fs::write(dir.join(receipt_name(0)), vec![b' '; (1 << 20) + 1]).expect("written")
            },
            "bytes: is 1048577, and chunk-0000.receipt.json has at most",
        ),
        (
            |dir, run| {
                let mut running = run.session.clone();
                running.completion = None;
                running.write(&dir.join("session.json")).expect("written");
            },
            "status: is `running`, 3 receipts so far",
        ),
    ];
    for (change, reason) in cases {
        let root = tempfile::tempdir().expect("a folder");
        let (dir, file) = (root.path().join("session"), root.path().join("a.bundle"));
        write(&dir, &run);
        let before = format!("{BUNDLE_START}0\"}}\n");
        fs::write(&file, &before).expect("written");
        change(&dir, &run);
        let refused = write_bundle(&dir, &file).expect_err(reason).to_string();
        assert!(refused.contains(reason), "{refused}");
        let kept = fs::read(&file).expect("a file");
        assert_eq!(kept, before.as_bytes(), "{reason}");
        assert_eq!(fs::read_dir(root.path()).expect("a folder").count(), 2);
        reject(&["bundle", path(&dir), "-o", path(&file)], 1, reason);
    }
}

/// The command writes beside the folder, and `verify` takes what it writes.
#[test]
fn the_commands_write_and_take_bundles() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let root = tempfile::tempdir().expect("a folder");
    let dir = root.path().join("story");
    fs::create_dir(&dir).expect("a folder");
    for entry in fs::read_dir(examples.join("session")).expect("a folder") {
        let from = entry.expect("an entry").path();
        fs::copy(&from, dir.join(from.file_name().expect("a name"))).expect("copied");
    }
    let said = accept(&["bundle", path(&dir)]);
    let file = root.path().join("story.bundle");
    let start = format!(
        "{}: a session of 2 receipts with their proofs, ",
        file.display()
    );
    assert!(said.starts_with(&start), "{said}");
    let model = examples.join("model.json");
    let verify = ["verify", path(&file), "--model", path(&model)];
    let said = accept(&verify);
    assert!(said.contains("chose 12 tokens"), "{said}");
    let other = [&verify[..], &["--prompt-tokens", "1"]].concat();
    reject(&other, 1, "story.bundle/session.json: prompt_tokens: is");
    reject(
        &[&verify[..], &["--wrapped", "--leaf-root", "0x1"]].concat(),
        2,
        "give the session's folder",
    );
    let json = accept(&["bundle", path(&dir), "-o", path(&file), "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((&json["ok"], &json["receipts"]), (&true.into(), &2.into()));
    reject(&["bundle", path(&file)], 2, "give the session's folder");
    reject(
        &["bundle", path(&dir), "-o", path(root.path())],
        2,
        "give the name of a file",
    );
    // A proof of the session, and a manifest, are not written over.
    for name in ["chunk-0000.proof", "session.json"] {
        let file = dir.join(name);
        let honest = fs::read(&file).expect("a file");
        let onto = ["bundle", path(&dir), "-o", path(&file)];
        reject(&onto, 2, "exists and is no bundle");
        assert!(fs::read(&file).expect("a file") == honest);
    }
}
