//! The chain client without a chain: what it says when something is missing or answers strangely.

#[path = "support/command.rs"]
mod command;
#[path = "support/node.rs"]
mod node;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use cairo_decode::chain::{Account, Chain, Sending};
use command::{PASSWORD_VARIABLE, accept, code, command, path, reject, run, text};
use node::{Node, deployment, server};
use starknet_types_core::felt::Felt;

/// Runs a command that has to fail as bad input, with a message that names all of these.
fn refuse(args: &[&str], names: &[&str]) {
    for name in names {
        reject(args, 2, name);
    }
}

fn deploy(url: &str, names: &[&str]) {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let file = temp.path().join("chain.json");
    refuse(
        &["chain", "deploy", "--rpc", url, "--chain", path(&file)],
        names,
    );
    assert!(!fs::exists(&file).expect("looks"), "nothing half-written");
}

#[test]
fn a_url_that_is_none() {
    deploy("localhost", &["--rpc", "localhost"]);
}

#[test]
fn no_node() {
    let port = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", port.local_addr().expect("its address"));
    drop(port);
    deploy(&url, &[&url, "cairo-decode chain devnet"]);
}

#[test]
fn a_server_that_is_no_node() {
    deploy(&server(|_| "hello"), &["does not answer as expected"]);
    deploy(&server(|_| "{}"), &["does not answer as expected"]);
}

#[test]
fn a_node_of_another_version() {
    let old = server(|_| r#"{"jsonrpc":"2.0","id":1,"result":"0.7.1"}"#);
    deploy(&old, &["0.7.1", "0.9"]);
}

#[test]
fn no_deployment() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let file = temp.path().join("chain.json");
    let status = ["chain", "status", "--chain", path(&file)];
    refuse(&status, &["chain.json", "run: cairo-decode chain deploy"]);
    fs::write(&file, "{}").expect("written");
    refuse(&status, &["chain.json", "format"]);
    fs::write(&file, deployment("http://127.0.0.1:1", "local")).expect("written");
    refuse(&status, &["chain.json", "chain"]);
    fs::write(&file, deployment("http://127.0.0.1:1", "SN_TEST")).expect("written");
    refuse(&status, &["127.0.0.1:1", "does not answer"]);
    // An earlier registry has other views.
    let old = deployment("http://127.0.0.1:1", "SN_TEST").replace("chain/2", "chain/1");
    fs::write(&file, old).expect("written");
    refuse(
        &status,
        &["chain.json", "cairo-decode-chain/1", "cairo-decode-chain/2"],
    );
}

/// What `chain status` says of the registry in `chain.json` on such a node.
fn status(node: Node, exit: i32, names: &[&str]) {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let file = temp.path().join("chain.json");
    fs::write(&file, deployment(&node.serve(), "SN_TEST")).expect("written");
    let status = ["chain", "status", "--chain", path(&file)];
    if exit == 0 {
        let said = accept(&status);
        assert!(names.iter().all(|name| said.contains(name)), "{said}");
    }
    for name in names.iter().filter(|_| exit != 0) {
        reject(&status, exit, name);
    }
}

/// What `chain.json` says is compared with the chain.
#[test]
fn a_registry_of_another_class() {
    let node = || Node::new("SN_TEST");
    status(node(), 0, &["registry 0x1", "SN_TEST/0x1", "verifier 0x3"]);
    let other_registry = node().class(r#""result":"0x4""#);
    status(other_registry, 1, &["registry_class", "0x2", "0x4"]);
    let other_verifier = node().with("verifier_class", r#"["0x5"]"#);
    status(other_verifier, 1, &["verifier_class", "0x3", "0x5"]);
    let none = node().class(r#""error":{"code":20,"message":"Contract not found"}"#);
    status(none, 2, &["no contract at 0x1", "deploy again"]);
}

/// An answer of another form is an error, neither zero nor no.
#[test]
fn a_registry_that_answers_in_another_form() {
    let node = |answer| Node::new("SN_TEST").with("verifier_class", answer);
    status(
        node("[]"),
        2,
        &["verifier_class", "0 felts of another form"],
    );
    let long = node(r#"["0x3","0x0"]"#);
    status(long, 2, &["verifier_class", "2 felts of another form"]);
}

#[test]
fn an_account_needs_its_keystore_and_password() {
    refuse(&["chain", "status", "--account", "0x1"], &["--keystore"]);
    let node = server(|request| match request.contains("specVersion") {
        true => r#"{"jsonrpc":"2.0","id":1,"result":"0.9.0"}"#,
        false => r#"{"jsonrpc":"2.0","id":1,"result":"0x534e5f54455354"}"#,
    });
    let account = ["--account", "0x1", "--keystore", "none.json"];
    let temp = tempfile::tempdir().expect("a temporary folder");
    let chain = temp.path().join("chain.json");
    let deploy = ["chain", "deploy", "--rpc", &node, "--chain", path(&chain)];
    let deploy = [&deploy[..], &account[..]].concat();
    refuse(&deploy, &["none.json"]);
    let output = command(&deploy)
        .env_remove(PASSWORD_VARIABLE)
        .output()
        .expect("the binary runs");
    let stderr = text(&output.stderr);
    assert_eq!(code(&output), 2, "{stderr}");
    assert!(stderr.contains(PASSWORD_VARIABLE), "{stderr}");
}

/// Whatever a local chain answers about its accounts is an error of one line, no panic.
#[test]
fn accounts_in_another_form() {
    for answer in [
        "} \u{1b}[31m\n {",
        "}{",
        "{}",
        "",
        r#"{"jsonrpc":"2.0","id":1,"result":[]}"#,
    ] {
        let url = server(move |request| {
            if request.contains("specVersion") {
                r#"{"jsonrpc":"2.0","id":1,"result":"0.9.0"}"#
            } else if request.contains("chainId") {
                r#"{"jsonrpc":"2.0","id":1,"result":"0x534e5f54455354"}"#
            } else {
                answer
            }
        });
        let temp = tempfile::tempdir().expect("a temporary folder");
        let file = temp.path().join("chain.json");
        let output = run(&["chain", "deploy", "--rpc", &url, "--chain", path(&file)]);
        let said = text(&output.stderr);
        assert_eq!(code(&output), 2, "{answer:?}: {said}");
        assert!(said.contains("is no local chain"), "{answer:?}: {said}");
        assert!(!said.contains('\u{1b}'), "{said:?}");
        assert_eq!(said.lines().count(), 1, "{said:?}");
    }
}

/// An answer without an end is not read to it.
#[test]
fn an_answer_without_an_end() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
            while stream.write_all(&[b' '; 1 << 16]).is_ok() {}
        }
    });
    deploy(&url, &["more than 16777216 bytes"]);
}

/// A class as a node gives it; the client only asks whether it is there.
const CLASS: &str = r#"{"sierra_program":[],"contract_class_version":"0.1.0","abi":"[]",
    "entry_points_by_type":{"CONSTRUCTOR":[],"EXTERNAL":[],"L1_HANDLER":[]}}"#;

/// A chain that has the classes and says of every address that this class is there: the one that was asked for last, or
/// the given one. Also says how many transactions it was sent.
fn chain_with_a_registry(other: Option<&'static str>) -> (String, Arc<AtomicUsize>) {
    let sent = Arc::new(AtomicUsize::new(0));
    let (counter, asked) = (Arc::clone(&sent), Mutex::new(String::new()));
    let url = server(move |request| {
        let answer = if request.contains("specVersion") {
            r#""0.9.0""#.to_string()
        } else if request.contains("chainId") {
            r#""0x534e5f54455354""#.to_string()
        } else if request.contains("getPredeployedAccounts") {
            r#"[{"address":"0x1","private_key":"0x1"}]"#.to_string()
        } else if request.contains("getClassHashAt") {
            let asked = asked.lock().expect("a hash");
            format!("\"{}\"", other.unwrap_or(&asked))
        } else if request.contains("getClass") {
            let hash = request.rsplit('"').find(|word| word.starts_with("0x"));
            *asked.lock().expect("a hash") = hash.expect("a class hash").to_string();
            CLASS.to_string()
        } else {
            counter.fetch_add(
                usize::from(request.contains("addInvoke")),
                Ordering::Relaxed,
            );
            "[]".to_string()
        };
        format!(r#"{{"jsonrpc":"2.0","id":1,"result":{answer}}}"#)
    });
    (url, sent)
}

/// An account's registry that is there is found, however often it is deployed; nothing is sent.
#[test]
fn a_registry_that_is_deployed_is_found_again() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let (url, sent) = chain_with_a_registry(None);
    let mut deployments = vec![];
    for name in ["first.json", "second.json"] {
        let file = temp.path().join(name);
        let said = accept(&["chain", "deploy", "--rpc", &url, "--chain", path(&file)]);
        assert!(
            said.contains(": was deployed before, by this account"),
            "{said}"
        );
        deployments.push(fs::read_to_string(&file).expect("remembered"));
    }
    assert_eq!(deployments[0], deployments[1]);
    let file = temp.path().join("json.json");
    let said = accept(&[
        "chain",
        "deploy",
        "--rpc",
        &url,
        "--chain",
        path(&file),
        "--json",
    ]);
    let said: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(said["sent"], serde_json::Value::Null);
    let registry = said["registry"].as_str().expect("an address");
    assert!(deployments[0].contains(registry), "{said}");
    assert_eq!(sent.load(Ordering::Relaxed), 0);
    // Something else there is not taken for it.
    let (url, sent) = chain_with_a_registry(Some("0x4"));
    deploy(&url, &["is of class 0x4, not 0x", "from another account"]);
    assert_eq!(sent.load(Ordering::Relaxed), 0);
}

/// Where the node does not estimate a transaction, nothing is sent, unless that is asked for.
#[test]
fn without_an_estimate_nothing_is_sent() {
    const PRICE: &str = r#"{"price_in_fri":"0x1","price_in_wei":"0x1"}"#;
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let url = server(move |request| {
        let refused = |text: &str| format!(r#""error":{{"code":-32601,"message":"{text}"}}"#);
        let answer = if request.contains("specVersion") {
            r#""result":"0.9.0""#.to_string()
        } else if request.contains("chainId") {
            r#""result":"0x534e5f54455354""#.to_string()
        } else if request.contains("getNonce") {
            r#""result":"0x0""#.to_string()
        } else if request.contains("getBlockWithTxHashes") {
            format!(
                r#""result":{{"block_number":1,"timestamp":1,"sequencer_address":"0x1","l1_gas_price":{PRICE},
                "l2_gas_price":{PRICE},"l1_data_gas_price":{PRICE},"l1_da_mode":"BLOB","starknet_version":"0.14.0",
                "transactions":[]}}"#
            )
        } else if request.contains("addInvokeTransaction") {
            counter.fetch_add(1, Ordering::Relaxed);
            refused("sent")
        } else {
            refused("no simulations here")
        };
        format!(r#"{{"jsonrpc":"2.0","id":1,{answer}}}"#)
    });
    let chain = Chain::connect(&url).expect("a node");
    let account = Account::new(Felt::ONE, Felt::ONE);
    let invoke = |estimate| {
        let mut sending = Sending {
            estimate,
            announce: &mut |_| {},
        };
        let sent = chain.invoke(&account, Felt::ONE, "submit", vec![], &mut sending);
        sent.expect_err("refused").to_string()
    };
    let said = invoke(true);
    assert!(
        said.contains("no simulations here") && said.contains("--no-estimate"),
        "{said}"
    );
    assert_eq!(asked.load(Ordering::Relaxed), 0, "sent all the same");
    let said = invoke(false);
    assert!(said.contains("sent"), "{said}");
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}
