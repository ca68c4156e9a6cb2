//! The chain client without a chain: what it says when something is missing or answers strangely.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::thread;

fn reject(args: &[&str], names: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_cairo-decode"))
        .args(args)
        .env_remove("CAIRO_DECODE_PASSWORD")
        .output()
        .expect("the binary runs");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{args:?}: {stderr}");
    for name in names {
        assert!(
            stderr.contains(name),
            "{args:?}: {stderr:?} does not name {name:?}"
        );
    }
    assert!(!stderr.contains("panicked"), "{stderr}");
}

/// A server that gives every request the same body. Returns its URL.
fn server(body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
        }
    });
    url
}

fn deploy(url: &str, names: &[&str]) {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let file = temp.path().join("chain.json");
    let file = file.to_str().expect("UTF-8");
    reject(&["chain", "deploy", "--rpc", url, "--chain", file], names);
    assert!(!fs::exists(file).expect("looks"), "nothing half-written");
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
    deploy(&server("hello"), &["does not answer as expected"]);
    deploy(&server("{}"), &["does not answer as expected"]);
}

#[test]
fn a_node_of_another_version() {
    let old = server(r#"{"jsonrpc":"2.0","id":1,"result":"0.7.1"}"#);
    deploy(&old, &["0.7.1", "0.9"]);
}

#[test]
fn no_deployment() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let file = temp.path().join("chain.json");
    let path = file.to_str().expect("UTF-8");
    let status = ["chain", "status", "--chain", path];
    reject(&status, &["chain.json", "run: cairo-decode chain deploy"]);
    fs::write(&file, "{}").expect("written");
    reject(&status, &["chain.json", "format"]);
    let deployment = |rpc: &str, chain: &str| {
        format!(
            r#"{{"format": "cairo-decode-chain/1", "rpc": "{rpc}", "chain": "{chain}",
            "registry": "0x1", "registry_class": "0x2", "verifier_class": "0x3"}}"#
        )
    };
    fs::write(&file, deployment("http://127.0.0.1:1", "local")).expect("written");
    reject(&status, &["chain.json", "chain"]);
    fs::write(&file, deployment("http://127.0.0.1:1", "SN_TEST")).expect("written");
    reject(&status, &["127.0.0.1:1", "does not answer"]);
}

#[test]
fn an_account_needs_its_keystore_and_password() {
    reject(&["chain", "status", "--account", "0x1"], &["--keystore"]);
    let node = server(r#"{"jsonrpc":"2.0","id":1,"result":"0.9.0"}"#);
    let account = ["--account", "0x1", "--keystore", "none.json"];
    // The fake node's chain id is no felt, so the account is not reached there.
    let deploy = [
        "chain",
        "deploy",
        "--rpc",
        &node,
        "--chain",
        "none-chain.json",
    ];
    reject(&[&deploy[..], &account[..]].concat(), &[&node]);
}
