//! The chain client without a chain: what it says when something is missing or answers strangely.

#[path = "support/command.rs"]
mod command;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use command::{PASSWORD_VARIABLE, accept, code, command, path, reject, text};

/// Runs a command that has to fail as bad input, with a message that names all of these.
fn refuse(args: &[&str], names: &[&str]) {
    for name in names {
        reject(args, 2, name);
    }
}

/// A server that answers a request by what it says. Returns its URL.
fn server(answer: fn(&str) -> &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut request = String::new();
            let mut buffer = [0; 4096];
            // The request's body, an object, may come after its head.
            while !request.ends_with('}') {
                match stream.read(&mut buffer) {
                    Ok(n) if n > 0 => request += &text(&buffer[..n]),
                    _ => break,
                }
            }
            let body = answer(&request);
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

/// A `chain.json` that says these classes.
fn deployment(rpc: &str, chain: &str) -> String {
    format!(
        r#"{{"format": "cairo-decode-chain/2", "rpc": "{rpc}", "chain": "{chain}",
        "registry": "0x1", "registry_class": "0x2", "verifier_class": "0x3"}}"#
    )
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

/// A node of chain SN_TEST that gives these answers about the class of a contract and to a view.
macro_rules! node {
    ($class:literal, $view:literal) => {
        |request: &str| {
            if request.contains("specVersion") {
                r#"{"jsonrpc":"2.0","id":1,"result":"0.9.0"}"#
            } else if request.contains("chainId") {
                r#"{"jsonrpc":"2.0","id":1,"result":"0x534e5f54455354"}"#
            } else if request.contains("getClassHashAt") {
                concat!(r#"{"jsonrpc":"2.0","id":1,"#, $class, "}")
            } else {
                concat!(r#"{"jsonrpc":"2.0","id":1,"result":"#, $view, "}")
            }
        }
    };
}

/// What `chain status` says of the registry in `chain.json` on such a node.
fn status(node: fn(&str) -> &'static str, exit: i32, names: &[&str]) {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let file = temp.path().join("chain.json");
    fs::write(&file, deployment(&server(node), "SN_TEST")).expect("written");
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
    let right = node!(r#""result":"0x2""#, r#"["0x3"]"#);
    status(right, 0, &["registry 0x1", "SN_TEST/0x1", "verifier 0x3"]);
    let other_registry = node!(r#""result":"0x4""#, r#"["0x3"]"#);
    status(other_registry, 1, &["registry_class", "0x2", "0x4"]);
    let other_verifier = node!(r#""result":"0x2""#, r#"["0x5"]"#);
    status(other_verifier, 1, &["verifier_class", "0x3", "0x5"]);
    let none = node!(
        r#""error":{"code":20,"message":"Contract not found"}"#,
        "[]"
    );
    status(none, 2, &["no contract at 0x1", "deploy again"]);
}

/// An answer of another form is an error, neither zero nor no.
#[test]
fn a_registry_that_answers_in_another_form() {
    let empty = node!(r#""result":"0x2""#, "[]");
    status(empty, 2, &["verifier_class", "0 felts of another form"]);
    let long = node!(r#""result":"0x2""#, r#"["0x3","0x0"]"#);
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
