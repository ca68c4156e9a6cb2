//! What `prove` refuses of a build with tensor components, before it proves anything.

use std::fs;

use crate::command::{accept, path, reject};
use crate::session::{edit, read, receipt, world};

#[test]
fn options_that_such_proofs_do_not_have() {
    let world = world();
    let out = world.root.join("refused");
    let refused = |option: &[&str], names: &str| {
        let args = [&world.proving(&out)[..], option].concat();
        reject(&args, 2, names);
        assert!(!out.exists(), "{option:?}");
    };
    refused(
        &["--chunk", "9"],
        "--chunk: 9 steps; a proof of this build has 1 to 8",
    );
    refused(&["--chunk", "0"], "--chunk: must be at least 1");
    refused(
        &["--domain", "SN_SEPOLIA/0x1234"],
        "--domain: a contract takes wrapped sessions",
    );
    reject(
        &[
            "prove",
            path(&world.build),
            "-p",
            "ab",
            "-n",
            "99",
            "-o",
            path(&out),
        ],
        2,
        "-n: 99 tokens",
    );
}

/// The folder of another session is not gone on with, and nothing in it is changed.
#[test]
fn folders_of_other_sessions() {
    let world = world();
    let session = world.copy("foreign");
    let other = |more: &[&str], names: &str| {
        let args = ["prove", path(&world.build), "-o", path(&session)];
        reject(&[&args[..], more].concat(), 2, names);
    };
    other(&["-p", "abd", "-n", "6"], "the prompt");
    other(&["-p", crate::session::PROMPT, "-n", "5"], "-n");
    let usual = world.proving(&session);
    // The policy is another one.
    let mut endless = usual.clone();
    endless[1] = path(&world.endless);
    reject(&endless, 2, "policy");
    world.accepts(&session);

    // A receipt of another session, where one of this should be.
    edit(&receipt(&session, 1), "/statement/session_id", |_| {
        "0x7".into()
    });
    let before = fs::read(receipt(&session, 1)).expect("a receipt");
    reject(&usual, 2, "statement.session_id: is 0x7");
    assert_eq!(fs::read(receipt(&session, 1)).expect("a receipt"), before);
    // A receipt of another version of the format.
    edit(&receipt(&session, 1), "/format", |_| {
        "cairo-decode-receipt/1".into()
    });
    let before = fs::read(receipt(&session, 1)).expect("a receipt");
    reject(&usual, 2, "a receipt of another version");
    assert_eq!(fs::read(receipt(&session, 1)).expect("a receipt"), before);
}

/// A session of one build is not gone on with by another one of the same model, in either direction.
#[test]
fn another_build_of_the_model() {
    let world = world();
    let (model, other) = (world.root.join("model"), world.root.join("longer"));
    let context = crate::session::CONTEXT.to_string();
    let compile = ["compile", path(&model), "-o", path(&other)];
    let options = ["--lanes", "16", "--context", &context, "--eos", "none"];
    accept(&[&compile[..], &options].concat());
    let session = world.copy("builds");
    let mut args = world.proving(&session);
    args[1] = path(&other);
    reject(&args, 2, "session.json: model_root");
    world.accepts(&session);
    // The document of a session of that build, beside receipts of this one.
    let manifest = read(&other.join("model.json"));
    for field in ["model_root", "program_hash", "policy"] {
        edit(&session.join("session.json"), &format!("/{field}"), |_| {
            manifest[field].clone()
        });
    }
    reject(&world.proving(&session), 2, "session.json: model_root");
    reject(
        &args,
        2,
        "chunk-0000.receipt.json: statement.program_hash: is",
    );
}
