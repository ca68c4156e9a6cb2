//! End to end on a local Starknet: the real contracts, a real session of which a stranger submits the first chunk,
//! two more strangers who try to block it, and everything that must revert, with its reason.
//!
//! Run by `scripts/test-chain`, which installs the local Starknet; slow, and 12 GB of memory.

#[path = "support/command.rs"]
mod command;
#[path = "support/refusals.rs"]
mod refusals;
#[path = "chain/refused.rs"]
mod refused;
#[path = "chain/stranger.rs"]
mod stranger;

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use cairo_decode::bundle::TensorBundle;
use cairo_decode::chain::claim::{self, SessionName, SessionState};
use cairo_decode::chain::deployment::Deployment;
use cairo_decode::chain::devnet::{self, Devnet};
use cairo_decode::chain::{Account, Chain, ChainError, Sending, Sent};
use cairo_decode::receipt::{Document, Manifest, Receipt, Session, Wrapped};
use cairo_decode::verify::statement::CircuitRoot;
use cairo_decode::wrap::session::{self, Event};
use command::{PASSWORD, accept, compiling_foldable, path, reject};
use refused::Other;
use starknet::signers::SigningKey;
use starknet_types_core::felt::Felt;

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its number").port()
}

/// A deployed registry and who sends to it.
struct Registry<'a> {
    chain: &'a Chain,
    account: &'a Account,
    address: Felt,
}

impl Registry<'_> {
    /// Sends a transaction for real: it is not simulated first, so a refused one is reverted on the chain.
    fn send(&self, function: &str, calldata: Vec<Felt>) -> Result<Sent, ChainError> {
        let mut sending = Sending {
            estimate: false,
            announce: &mut |_| {},
        };
        self.chain
            .invoke(self.account, self.address, function, calldata, &mut sending)
    }

    /// Sends a submission that has to revert with a reason that begins with one of these.
    fn reverts(&self, name: &str, calldata: &[Felt], reasons: &[&str]) {
        match self.send("submit", calldata.to_vec()) {
            Err(ChainError::Reverted { reason })
                if reasons.iter().any(|expected| reason.starts_with(expected)) =>
            {
                eprintln!("{name}: {reason}");
            }
            Err(other) => panic!("{name}: {other}, expected {reasons:?}"),
            Ok(_) => panic!("{name}: was accepted"),
        }
    }

    fn view(&self, function: &str, calldata: Vec<Felt>) -> Vec<Felt> {
        let answer = self.chain.call(self.address, function, calldata);
        answer.expect("the view answers")
    }

    fn session(&self, name: &SessionName) -> SessionState {
        SessionState::from_felts(&self.view("session", name.felts())).expect("its form")
    }

    /// Whether an accepted claim of a session ends where a receipt does.
    fn is_accepted(&self, name: &SessionName, receipt: &Receipt) -> bool {
        let mut arguments = name.felts();
        arguments.extend(claim::frontier(&receipt.statement.frontier_out));
        self.view("is_accepted", arguments) == [Felt::ONE]
    }
}

/// Wraps a session; keeps the leaves' proofs in the folder `leaves`.
fn wrap(dir: &Path, bundle: &TensorBundle, group: usize, leaves: &Path) -> Vec<Wrapped> {
    let (manifest, words) = (&bundle.build.manifest, bundle.build.program.words());
    session::wrap(dir, manifest, &words, Some(group), &mut |event| {
        if let Event::Circuit { of: "folds" } = event {
            copy(&dir.join("wrapping"), leaves);
        }
    })
    .expect("wraps")
}

/// Copies the files of a folder.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        if entry.path().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
        }
    }
}

/// A session and two ways of wrapping it.
struct Proven {
    /// Each of the two chunks wrapped on its own.
    apart: PathBuf,
    /// Both chunks in one proof.
    together: PathBuf,
    receipts: Vec<Receipt>,
    name: SessionName,
    /// The calldata of `submit` for each chunk alone.
    calls: Vec<Vec<Felt>>,
}

/// Proves a session of two chunks for a registry: the first ends behind the prompt.
fn prove(work: &Path, build: &Path, domain: &str) -> Proven {
    let at = |name: &str| work.join(name);
    let (apart, together, leaves) = (at("apart"), at("together"), at("leaves"));
    let asked = [
        "-p",
        "Once upon",
        "-n",
        "5",
        "--chunk",
        "4",
        "--domain",
        domain,
    ];
    accept(&[&["prove", path(build), "-o", path(&apart)], &asked[..]].concat());
    let bundle = TensorBundle::open(build).expect("a bundle");
    let wrapped = wrap(&apart, &bundle, 1, &leaves);
    assert_eq!(wrapped.len(), 2);
    copy(&apart, &together);
    copy(&leaves, &together.join("wrapping"));
    assert_eq!(wrap(&together, &bundle, 2, &at("again")).len(), 1);

    let manifest = build.join("model.json");
    for (dir, said) in [(&apart, "2 proofs for 2"), (&together, "one proof for 2")] {
        let verify = ["verify", path(dir), "--model", path(&manifest), "--wrapped"];
        let pinned = ["--domain", domain, "--build", path(build)];
        assert!(accept(&[&verify[..], &pinned[..]].concat()).contains(said));
    }
    let receipts: Vec<Receipt> = (0..2)
        .map(|i| apart.join(format!("chunk-{i:04}.receipt.json")))
        .map(|file| Receipt::read(&file).expect("a receipt"))
        .collect();
    let first = &receipts[0].statement;
    assert_eq!((first.prompt_length, first.frontier_out.position), (3, 4));
    let model_id = claim::model_id(&bundle.build.manifest, wrapped[0].leaf_root);
    let calls = wrapped
        .iter()
        .map(|w| claim::submission(model_id, &receipts, w).expect("receipts"))
        .collect();
    Proven {
        name: SessionName::of(model_id, &receipts[0]),
        apart,
        together,
        receipts,
        calls,
    }
}

#[test]
fn a_session_among_strangers() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| temp.path().join(name);
    let devnet = Devnet::start(free_port()).expect("a local Starknet");
    let chain_file = at("chain.json");
    let chain_args = ["--chain", path(&chain_file)];
    let with_chain = |args: &[&str]| -> Vec<String> {
        let all = args.iter().chain(&chain_args);
        all.map(|arg| arg.to_string()).collect()
    };
    let deploy = with_chain(&["chain", "deploy", "--rpc", &devnet.url]);
    accept(&strs(&deploy));
    reject(&strs(&deploy), 2, "exists");
    // What was deployed is found again, and nothing is sent.
    let remembered = std::fs::read(&chain_file).expect("chain.json");
    std::fs::remove_file(&chain_file).expect("removed");
    assert!(accept(&strs(&deploy)).contains("was deployed before, by this account"));
    assert_eq!(std::fs::read(&chain_file).expect("chain.json"), remembered);
    let deployment = Deployment::read(&chain_file).expect("chain.json");
    let domain = deployment.domain().to_string();

    // The demo model, and another real one of the same shape.
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/stories");
    let (build, other) = (at("build"), at("other"));
    accept(&compiling_foldable(&models, &build));
    let heldout = models.join("heldout.txt");
    let calibration = ["--name", "stories_other", "--calibration", path(&heldout)];
    accept(&[&compiling_foldable(&models, &other)[..], &calibration[..]].concat());
    let register = with_chain(&["chain", "register", path(&build)]);
    accept(&strs(&register));
    reject(&strs(&register), 1, "model: already registered");
    let other = register_with_keystore(&devnet, temp.path(), &other, &chain_args);

    let proven = prove(temp.path(), &build, &domain);
    let chain = Chain::connect(&devnet.url).expect("connects");
    let account = devnet::account(&devnet.url).expect("an account");
    let registry = Registry {
        chain: &chain,
        account: &account,
        address: deployment.registry.0,
    };
    let bundle = TensorBundle::open(&build).expect("a bundle");
    refused::order(&registry, &proven.calls);
    refused::proofs(&registry, &proven.calls);
    let mixed = refused::claims(
        &registry,
        &proven.calls[0],
        &bundle.build.manifest,
        &other,
        &deployment,
    );
    squats(&registry, &bundle, &proven);
    first_chunk_alone(&registry, &proven, mixed);

    // The owner's proof of both chunks is worth as much as before.
    let submit = |dir: &Path| with_chain(&["chain", "submit", path(dir), "--build", path(&build)]);
    let again = [submit(&proven.together), with(&["--from", "0"])].concat();
    let said = accept(&strs(&submit(&proven.together)));
    assert!(said.contains("2 chunks from chunk 0"), "{said}");
    assert!(said.contains("estimated: "), "{said}");
    reject(&strs(&again), 1, "claim: replay");
    let nowhere = [submit(&proven.together), with(&["--from", "5"])].concat();
    reject(&strs(&nowhere), 2, "--from");
    for dir in [&proven.together, &proven.apart] {
        assert!(accept(&strs(&submit(dir))).contains("nothing to submit"));
    }
    registry.reverts("replay of the last", &proven.calls[1], &["claim: replay"]);
    let mut receipts = proven.receipts.iter();
    assert!(receipts.all(|receipt| registry.is_accepted(&proven.name, receipt)));

    let status = |dir: &Path| with_chain(&["chain", "status", path(dir), "--build", path(&build)]);
    let said = accept(&strs(&[status(&proven.apart), with(&["--json"])].concat()));
    let said: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    let last = &proven.receipts[1].statement.frontier_out;
    assert_eq!(said["prompt_proven"], true);
    assert_eq!(said["registered"], true);
    assert_eq!(said["position"], last.position);
    assert_eq!(said["kv_root"], last.kv_root.to_string());
    assert_eq!(said["accepted"], serde_json::json!([true, true]));
    forged_folders(&proven, temp.path(), &other, &submit, &status);
}

fn with(args: &[&str]) -> Vec<String> {
    args.iter().map(|arg| arg.to_string()).collect()
}

fn strs(args: &[String]) -> Vec<&str> {
    args.iter().map(String::as_str).collect()
}

/// Two strangers prove honest steps under the owner's session id and prompt root, and submit first: one with another
/// prompt length, one with another last token of the prompt.
fn squats(registry: &Registry<'_>, bundle: &TensorBundle, proven: &Proven) {
    let session = Session::read(&proven.apart.join("session.json")).expect("session.json");
    let chunks = stranger::chunks(bundle, &session);
    for (name, call) in stranger::submissions(bundle, &chunks, proven.name.model_id) {
        registry.send("submit", call).expect("an honest step");
        let state = registry.session(&name);
        assert!(!state.prompt_proven, "a prompt that nobody has proven");
        assert_eq!(state.frontier.position, 0);
    }
}

/// A stranger submits the owner's first chunk.
fn first_chunk_alone(registry: &Registry<'_>, proven: &Proven, mixed: Felt) {
    let (name, call, receipts) = (&proven.name, &proven.calls[0], &proven.receipts);
    assert!(!registry.is_accepted(name, &receipts[0]));
    let sent = registry.send("submit", call.clone()).expect("accepted");
    eprintln!(
        "{} L2 gas, {} felts of calldata",
        sent.l2_gas, sent.calldata
    );
    assert!(sent.l2_gas <= 230_000_000 && sent.calldata <= 4_300);
    let event = sent
        .events
        .iter()
        .find(|(keys, _)| keys.contains(&name.session_id));
    let (keys, data) = event.expect("an event keyed by the session");
    assert_eq!(keys[1], name.model_id);
    let end = claim::frontier(&receipts[0].statement.frontier_out);
    assert_eq!(data[data.len() - end.len()..], end);
    let reached = registry.session(name);
    assert!(reached.prompt_proven);
    assert_eq!(reached.frontier, receipts[0].statement.frontier_out);
    assert!(registry.is_accepted(name, &receipts[0]));
    assert!(!registry.is_accepted(name, &receipts[1]));
    // The same felts under another registered circuit with this model's root.
    let of_mixed = SessionName {
        model_id: mixed,
        ..*name
    };
    assert!(!registry.is_accepted(&of_mixed, &receipts[0]));
    registry.reverts("replay", call, &["claim: replay"]);
}

/// Folders that say something else than what was accepted are refused, with what differs.
fn forged_folders(
    proven: &Proven,
    work: &Path,
    other: &Other,
    submit: &dyn Fn(&Path) -> Vec<String>,
    status: &dyn Fn(&Path) -> Vec<String>,
) {
    // A circuit of the forger's choice.
    let circuit = work.join("another-circuit");
    copy(&proven.apart, &circuit);
    let edit = |file: &Path, from: &str, to: &str| {
        let text = fs::read_to_string(file).expect("a document");
        assert!(text.contains(from));
        fs::write(file, text.replace(from, to)).expect("written");
    };
    let wrapped = Wrapped::read(&circuit.join("wrapped-0000.json")).expect("a wrapped document");
    let file = circuit.join("wrapped-0000.json");
    let forged = CircuitRoot(other.leaf_root).to_string();
    edit(&file, &wrapped.leaf_root.to_string(), &forged);
    reject(&strs(&status(&circuit)), 1, "leaf_root");
    reject(&strs(&submit(&circuit)), 1, "leaf_root");

    // Another last frontier than the accepted one.
    let frontier = work.join("another-frontier");
    copy(&proven.apart, &frontier);
    let last = &proven.receipts[1].statement.frontier_out;
    let kv_root = last.kv_root.to_string();
    let file = frontier.join("chunk-0001.receipt.json");
    edit(&file, &kv_root, "0x1234");
    reject(&strs(&status(&frontier)), 1, "wrapped-0001.json");
    for names in [
        format!("at position {}", last.position),
        format!("{:#x}", claim::frontier_hash(last)),
        kv_root,
        "0x1234".to_string(),
    ] {
        reject(&strs(&submit(&frontier)), 1, &names);
    }
}

/// Registers a model with an account from a keystore file.
fn register_with_keystore(
    devnet: &Devnet,
    dir: &Path,
    build: &Path,
    chain_args: &[&str; 2],
) -> Other {
    let (address, secret) = devnet::predeployed(&devnet.url).expect("an account");
    let keystore = dir.join("account.json");
    SigningKey::from_secret_scalar(secret)
        .save_as_keystore(&keystore, PASSWORD)
        .expect("a keystore");
    let address = format!("{address:#x}");
    let signed = ["--account", &address, "--keystore", path(&keystore)];
    let register = [&["chain", "register", path(build)], &chain_args[..]].concat();
    let missing = dir.join("none.json");
    let no_file = ["--account", &address, "--keystore", path(&missing)];
    reject(&[&register[..], &no_file[..]].concat(), 2, "none.json");
    let said = accept(&[&register[..], &signed[..], &["--json"]].concat());
    let said: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    let leaf_root = said["leaf_root"].as_str().expect("a root");
    Other {
        manifest: Manifest::read(&build.join("model.json")).expect("model.json"),
        leaf_root: Felt::from_hex(leaf_root).expect("a felt"),
    }
}
