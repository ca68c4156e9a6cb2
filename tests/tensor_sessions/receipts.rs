//! Receipts that were changed, at the command line: each is refused by the name of what is wrong, and none makes the program panic.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::command::{path, reject};
use crate::session::{edit, read, receipt, world};

/// A field of the second receipt that is changed, and what the refusal names.
const CHANGES: [(&str, &str, &str); 22] = [
    ("/statement/spec_version", "99", "spec_version"),
    ("/statement/session_id", "\"0x7\"", "session_id"),
    ("/statement/model_root", "\"0x7\"", "model_root"),
    ("/statement/program_hash", "\"0x7\"", "program_hash"),
    ("/statement/policy/eos", "null", "policy"),
    ("/statement/prompt_root", "\"0x7\"", "prompt_root"),
    ("/statement/prompt_length", "10", "prompt_length"),
    ("/statement/steps", "5", "steps"),
    ("/statement/frontier_in/position", "7", "position"),
    ("/statement/frontier_in/last_token", "5", "tokens_root"),
    ("/statement/frontier_in/kv_root", "\"0x7\"", "kv_root"),
    (
        "/statement/frontier_in/tokens_root",
        "\"0x7\"",
        "tokens_root",
    ),
    (
        "/statement/frontier_in/chosen_root",
        "\"0x7\"",
        "chosen_root",
    ),
    ("/statement/frontier_out/kv_root", "\"0x7\"", "kv_root"),
    ("/forced_tokens", "[]", "forced_tokens"),
    ("/emitted_tokens", "[4294967296]", "emitted_tokens[0]"),
    ("/emitted_tokens", "[1.5]", "emitted_tokens[0]"),
    ("/proof/security_bits", "1000000", "security_bits"),
    ("/proof/file", "\"../chunk-0001.proof\"", "proof.file"),
    ("/proof/params/queries", "1", "queries"),
    ("/format", "\"cairo-decode-receipt/1\"", "format"),
    ("/format", "\"cairo-decode-receipt/3\"", "format"),
];

#[test]
fn changed_receipts_are_refused_by_name() {
    let world = world();
    let manifest = world.build.join("model.json");
    let refused = |names: &str, change: &dyn Fn(&Path)| {
        let session = world.copy("changed");
        change(&receipt(&session, 1));
        reject(
            &["verify", path(&session), "--model", path(&manifest)],
            1,
            names,
        );
    };
    for (pointer, value, names) in CHANGES {
        let value: Value = serde_json::from_str(value).expect("JSON");
        refused(names, &|file| edit(file, pointer, |_| value.clone()));
    }
    // The same tokens in other lists; a token more; a field twice; a field that there is not; no text at all.
    refused("forced_tokens", &|file| {
        let mut document = read(file);
        let first = document["emitted_tokens"]
            .as_array_mut()
            .expect("tokens")
            .remove(0);
        document["forced_tokens"]
            .as_array_mut()
            .expect("tokens")
            .push(first);
        fs::write(file, document.to_string()).expect("written");
    });
    refused("emitted_tokens", &|file| {
        edit(file, "/emitted_tokens", |tokens| {
            let more = tokens.as_array().expect("tokens").iter().cloned();
            more.chain([json!(5)]).collect()
        });
    });
    refused("duplicate field", &|file| {
        let text = fs::read_to_string(file).expect("a receipt");
        let twice = text.replacen(
            "\"forced_tokens\"",
            "\"forced_tokens\": [], \"forced_tokens\"",
            1,
        );
        fs::write(file, twice).expect("written");
    });
    refused("emitted_root", &|file| {
        edit(file, "/statement", |statement| {
            let mut statement = statement.clone();
            statement["emitted_root"] = "0x0".into();
            statement
        });
    });
    refused("UTF-8", &|file| {
        fs::write(file, [0xff; 64]).expect("written")
    });
}

/// The two receipts in each other's places, with their proofs and without.
#[test]
fn receipts_in_other_places() {
    let world = world();
    let session = world.copy("places");
    let manifest = world.build.join("model.json");
    let [first, second] = [0, 1].map(|index| receipt(&session, index));
    let swap = |a: &Path, b: &Path| {
        let spare = session.join("spare");
        fs::rename(a, &spare).expect("moved");
        fs::rename(b, a).expect("moved");
        fs::rename(&spare, b).expect("moved");
    };
    swap(&first, &second);
    let verify = ["verify", path(&session), "--model", path(&manifest)];
    reject(&verify, 1, "chunk-0000.receipt.json");
    swap(
        &session.join("chunk-0000.proof"),
        &session.join("chunk-0001.proof"),
    );
    for (receipt, name) in [(&first, "chunk-0000.proof"), (&second, "chunk-0001.proof")] {
        edit(receipt, "/proof/file", |_| name.into());
    }
    reject(&verify, 1, "position");
}
