//! A wrapped session and a registry: what the folder says of itself does not decide what is asked, and a registry that
//! has something else is told apart from one that has everything. `tests/chain.rs` has the same on a chain.

use std::fs;
use std::path::{Path, PathBuf};

use cairo_decode::chain::claim;
use cairo_decode::receipt::{Document, Receipt, Wrapped};

use super::command::{accept, code, path, run, text};
use super::node::{Node, deployment};

const YES: &str = r#"["0x1"]"#;
const NO: &str = r#"["0x0"]"#;

/// A session's folder, its model's build, and room for copies.
pub struct Folders<'a> {
    pub session: &'a Path,
    pub build: &'a Path,
    pub work: &'a Path,
    /// The registry of the session's domain, on the chain SN_TEST.
    pub registry: &'a str,
}

impl Folders<'_> {
    /// A copy of the session with a text replaced in these documents.
    fn copy(&self, name: &str, documents: &[&str], from: &str, to: &str) -> PathBuf {
        let dir = self.work.join(name);
        fs::create_dir(&dir).expect("a folder");
        for entry in fs::read_dir(self.session).expect("the session") {
            let entry = entry.expect("an entry");
            fs::copy(entry.path(), dir.join(entry.file_name())).expect("copied");
        }
        for document in documents {
            let file = dir.join(document);
            let text = fs::read_to_string(&file).expect("a document");
            assert!(text.contains(from), "{document}");
            fs::write(&file, text.replace(from, to)).expect("written");
        }
        dir
    }

    /// The arguments of a command about a folder, with the registry on this node.
    fn command(&self, name: &str, dir: &Path, node: &Node) -> Vec<String> {
        let chain = self.work.join("chain.json");
        let text = deployment(&node.clone().serve(), "SN_TEST");
        let registry = format!("\"{}\"", self.registry);
        fs::write(&chain, text.replace("\"0x1\"", &registry)).expect("written");
        let build = ["--build", path(self.build), "--chain", path(&chain)];
        let args = ["chain", name, path(dir)];
        args.iter()
            .chain(&build)
            .map(|arg| arg.to_string())
            .collect()
    }

    fn accept(&self, name: &str, dir: &Path, node: &Node) -> String {
        let args = self.command(name, dir, node);
        accept(&args.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// A command that has to be a rejection that names all of these.
    fn reject(&self, name: &str, dir: &Path, node: &Node, names: &[&str]) {
        let args = self.command(name, dir, node);
        let output = run(&args.iter().map(String::as_str).collect::<Vec<_>>());
        let stderr = text(&output.stderr);
        assert_eq!(code(&output), 1, "{args:?}: {stderr}");
        for name in names {
            assert!(stderr.contains(name), "{stderr:?} does not name {name:?}");
        }
    }

    pub fn check(&self) {
        let dir = self.session;
        // Whatever it is asked, this registry says yes.
        let all = Node::new("SN_TEST")
            .with("is_registered", YES)
            .with("is_accepted", YES)
            .with("frontier_at", NO)
            .with("session", r#"["0x0","0x0","0x0","0x0","0x0","0x0"]"#);
        let said = self.accept("status", dir, &all);
        assert!(said.contains("chunks 0000 to 0001 accepted"), "{said}");
        assert!(said.contains("not proven"), "{said}");
        let said = self.accept("submit", dir, &all);
        assert!(said.contains("nothing to submit"), "{said}");
        self.forged(&all);
        self.elsewhere(&all);
    }

    /// Folders that are not of the build's circuit, of this registry, or of what was proven.
    fn forged(&self, all: &Node) {
        let wrapped = Wrapped::read(&self.session.join("wrapped-0000.json")).expect("wrapped");
        let root = wrapped.leaf_root.to_string();
        let circuit = self.copy("circuit", &["wrapped-0000.json"], &root, "0x1235");
        let documents = [
            "session.json",
            "chunk-0000.receipt.json",
            "chunk-0001.receipt.json",
        ];
        let domain = self.copy("domain", &documents, self.registry, "0x1235");
        for command in ["status", "submit"] {
            self.reject(command, &circuit, all, &["leaf_root", "0x1235", &root]);
            self.reject(command, &domain, all, &["session.json", "domain", "0x1235"]);
        }
        // What is shown as accepted was proven, even where the registry says yes to everything.
        let kv_root = self.ends()[1].1.to_string();
        let frontier = self.copy("frontier", &documents[2..], &kv_root, "0x1235");
        self.reject("status", &frontier, all, &["wrapped-0000.json"]);
    }

    /// A registry that has accepted nothing of it, and another frontier where the last receipt ends.
    fn elsewhere(&self, all: &Node) {
        let elsewhere = all
            .clone()
            .with("is_accepted", NO)
            .with("frontier_at", r#"["0x77"]"#)
            .with("session", r#"["0x1","0x9","0x5","0x6","0x7","0x8"]"#);
        let ours: Vec<String> = self.ends().iter().map(|end| end.0.clone()).collect();
        for command in ["status", "submit"] {
            let names = ["at position", "another frontier, 0x77", &ours[1]];
            self.reject(command, self.session, &elsewhere, &names);
        }
    }

    /// Hashes and KV roots of the frontiers where the receipts end.
    fn ends(&self) -> Vec<(String, String)> {
        let read = |i| {
            let file = self.session.join(format!("chunk-{i:04}.receipt.json"));
            let end = Receipt::read(&file)
                .expect("a receipt")
                .statement
                .frontier_out;
            (
                format!("{:#x}", claim::frontier_hash(&end)),
                end.kv_root.to_string(),
            )
        };
        (0..2).map(read).collect()
    }
}
