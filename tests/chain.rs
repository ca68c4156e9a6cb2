//! End to end on a local Starknet: the real contracts, a real session in two transactions, and everything that
//! must revert, with its reason.
//!
//! Run by `scripts/test-chain`, which installs the local Starknet; slow, and 17 GB of memory.

#[path = "support/command.rs"]
mod command;
#[path = "support/refusals.rs"]
mod refusals;

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use cairo_decode::bundle::Bundle;
use cairo_decode::chain::claim::{self, SessionState};
use cairo_decode::chain::deployment::Deployment;
use cairo_decode::chain::devnet::{self, Devnet};
use cairo_decode::chain::{Account, Chain, ChainError, Sending, Sent};
use cairo_decode::receipt::{Document, Manifest, Receipt, Wrapped};
use cairo_decode::verify::statement::CircuitRoot;
use cairo_decode::wrap::aggregate::Aggregate;
use cairo_decode::wrap::session::{self, Event};
use cairo_decode::wrap::shape::{AGGREGATE, LEAF};
use cairo_decode::wrap::{calldata, circuit, felt_digest};
use command::{PASSWORD, accept, path, reject};
use refusals::{FORM, flip, reason_of};
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

    fn session(&self, claim: &[Felt]) -> SessionState {
        SessionState::from_felts(&self.view("session", claim[..3].to_vec())).expect("its form")
    }

    fn is_accepted(&self, receipt: &Receipt) -> bool {
        self.view("is_accepted", vec![claim::statement_hash(receipt)]) == [Felt::ONE]
    }
}

/// Places in the calldata of `submit`, one chunk.
const MODEL: usize = 0;
const SESSION: usize = 1;
const PROMPT_ROOT: usize = 2;
const PROMPT_LENGTH: usize = 3;
const FIRST_POSITION: usize = 4;
const CHUNKS: usize = 6;
const CHUNK: usize = 7;
const PROOF: usize = 13;

/// The reason of a proof of other statements or parameters: all of them are in the transcript from its start, so
/// the first check on it fails.
const NOT_OF_THESE: &[&str] = &["proof: interaction work"];

/// Wraps a session in groups of one chunk; keeps the first leaf's proof.
fn wrap(dir: &Path, bundle: &Bundle, leaf: &Path) -> Vec<Wrapped> {
    let node = dir.join("wrapping/level-0-0000");
    let words = bundle.program.words();
    session::wrap(dir, &bundle.manifest, &words, 1, &mut |event| {
        if let Event::Circuit { level: 1 } = event {
            fs::copy(&node, leaf).expect("the first leaf's proof");
        }
    })
    .expect("wraps")
}

/// A proof of the same statement as `wrapped`, whose parameters are weaker: ten bits of work.
fn weak_proof(leaf: &Path, wrapped: &Wrapped) -> Vec<Felt> {
    let mut parameters = circuit::pcs_config(&AGGREGATE);
    parameters.pow_bits = 10;
    let aggregate = Aggregate::with_parameters(&LEAF, parameters).expect("the circuit");
    let root = felt_digest(&wrapped.leaf_root.0).expect("a digest");
    let bytes = fs::read(leaf).expect("the leaf");
    let copy = || (circuit::decode(&bytes, &LEAF).expect("a proof"), root);
    calldata::pack(&aggregate.prove(copy(), copy()).expect("proves"))
}

#[test]
fn a_session_in_two_transactions() {
    let temp = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| temp.path().join(name);
    let devnet = Devnet::start(free_port()).expect("a local Starknet");
    let chain_file = at("chain.json");
    let chain_args = ["--chain", path(&chain_file)];
    accept(&[&["chain", "deploy", "--rpc", &devnet.url], &chain_args[..]].concat());
    reject(
        &[&["chain", "deploy", "--rpc", &devnet.url], &chain_args[..]].concat(),
        2,
        "exists",
    );
    let deployment = Deployment::read(&chain_file).expect("chain.json");
    let domain = deployment.domain().to_string();

    // The demo model, and another real one of the same shape.
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/stories");
    let (build, other) = (at("build"), at("other"));
    accept(&["compile", path(&models), "-o", path(&build)]);
    let heldout = models.join("heldout.txt");
    let calibration = ["--name", "stories_other", "--calibration", path(&heldout)];
    accept(
        &[
            &["compile", path(&models), "-o", path(&other)],
            &calibration[..],
        ]
        .concat(),
    );
    accept(&[&["chain", "register", path(&build)], &chain_args[..]].concat());
    reject(
        &[&["chain", "register", path(&build)], &chain_args[..]].concat(),
        1,
        "model: already registered",
    );
    let other = register_with_keystore(&devnet, temp.path(), &other, &chain_args);

    // A session of two chunks, each wrapped on its own.
    let dir = at("session");
    let asked = ["-p", "Once", "-n", "2", "--domain", &domain];
    accept(&[&["prove", path(&build), "-o", path(&dir)], &asked[..]].concat());
    let bundle = Bundle::open(&build).expect("a bundle");
    let leaf = at("leaf");
    let wrapped = wrap(&dir, &bundle, &leaf);
    assert_eq!(wrapped.len(), 2);
    let manifest = build.join("model.json");
    let verify = [
        "verify",
        path(&dir),
        "--model",
        path(&manifest),
        "--wrapped",
    ];
    let pinned = ["--domain", &domain, "--build", path(&build)];
    assert!(accept(&[&verify[..], &pinned[..]].concat()).contains("2 proofs for 2 chunks"));

    let chain = Chain::connect(&devnet.url).expect("connects");
    let account = devnet::account(&devnet.url).expect("an account");
    let registry = Registry {
        chain: &chain,
        account: &account,
        address: deployment.registry.0,
    };
    let receipts: Vec<Receipt> = (0..2)
        .map(|i| Receipt::read(&dir.join(format!("chunk-{i:04}.receipt.json"))).expect("a receipt"))
        .collect();
    let calls: Vec<Vec<Felt>> = wrapped
        .iter()
        .map(|w| claim::submission(&bundle.manifest, &receipts, w).expect("receipts"))
        .collect();

    // Out of order: the second chunk first; its proof for the first one's place.
    registry.reverts("gap", &calls[1], &["claim: gap"]);
    let mut reordered = calls[1].clone();
    reordered[FIRST_POSITION] = Felt::ZERO;
    registry.reverts("reorder", &reordered, NOT_OF_THESE);

    refused_proofs(&registry, &calls, &weak_proof(&leaf, &wrapped[0]));
    refused_claims(&registry, &calls[0], &bundle.manifest, &other, &deployment);

    // The first chunk; the second one by the command line, which knows what is missing.
    let before = registry.session(&calls[0]);
    assert_eq!((before.chunks, before.position), (0, 0));
    assert!(!registry.is_accepted(&receipts[0]));
    let sent = registry.send("submit", calls[0].clone()).expect("accepted");
    eprintln!(
        "{} L2 gas, {} felts of calldata",
        sent.l2_gas, sent.calldata
    );
    assert!(sent.l2_gas <= 450_000_000 && sent.calldata <= 5_000);
    let event = sent
        .events
        .iter()
        .find(|(keys, _)| keys.contains(&calls[0][SESSION]));
    let (keys, data) = event.expect("an event keyed by the session");
    assert_eq!(keys[2], calls[0][MODEL]);
    assert_eq!(data.last(), Some(&claim::statement_hash(&receipts[0])));
    let reached = registry.session(&calls[0]);
    let frontier = &receipts[0].statement.frontier_out;
    assert_eq!((reached.chunks, reached.position), (1, frontier.position));
    assert_eq!(reached.last_token, frontier.last_token);
    assert_eq!(reached.kv_root, frontier.kv_root.0);
    assert_eq!(reached.tokens_root, frontier.tokens_root.0);
    assert!(registry.is_accepted(&receipts[0]) && !registry.is_accepted(&receipts[1]));
    registry.reverts("replay", &calls[0], &["claim: replay"]);
    let mut length = calls[1].clone();
    length[PROMPT_LENGTH] += Felt::ONE;
    registry.reverts("another prompt length", &length, &["claim: prompt"]);

    let submit = ["chain", "submit", path(&dir), "--build", path(&build)];
    let submit = [&submit[..], &chain_args[..]].concat();
    reject(
        &[&submit[..], &["--from", "0"]].concat(),
        1,
        "claim: replay",
    );
    reject(&[&submit[..], &["--from", "5"]].concat(), 2, "--from");
    let said = accept(&submit);
    assert!(
        said.contains("1 chunks from chunk 1") && said.contains("estimated: "),
        "{said}"
    );
    assert!(accept(&submit).contains("nothing to submit"));
    registry.reverts("replay of the last", &calls[1], &["claim: replay"]);
    assert!(receipts.iter().all(|r| registry.is_accepted(r)));

    let status = [
        "chain",
        "status",
        path(&dir),
        "--build",
        path(&build),
        "--json",
    ];
    let status = accept(&[&status[..], &chain_args[..]].concat());
    let status: serde_json::Value = serde_json::from_str(&status).expect("JSON");
    let last = &receipts[1].statement.frontier_out;
    assert_eq!(status["chunks"], 2);
    assert_eq!(status["position"], last.position);
    assert_eq!(status["accepted"], serde_json::json!([true, true]));
}

/// Another registered model.
struct Other {
    manifest: Manifest,
    leaf_root: Felt,
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

/// Proofs that are none, or not of this claim.
fn refused_proofs(registry: &Registry<'_>, calls: &[Vec<Felt>], weak: &[Felt]) {
    let honest = &calls[0];
    let with = |proof: &[Felt]| {
        let mut call = honest[..PROOF - 1].to_vec();
        call.push(proof.len().into());
        call.extend(proof);
        call
    };
    registry.reverts("no proof", &with(&[]), &["proof: too short"]);
    let garbage: Vec<Felt> = (1..3_900u32).map(Felt::from).collect();
    registry.reverts("garbage", &with(&garbage), &["proof: "]);
    registry.reverts(
        "another chunk's proof",
        &with(&calls[1][PROOF..]),
        NOT_OF_THESE,
    );
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/wrapped-session");
    let fixture = Wrapped::read(&fixture.join("wrapped-0000.json")).expect("the fixture");
    let fixture: Vec<Felt> = fixture.proof.iter().map(|felt| felt.0).collect();
    registry.reverts("another session's proof", &with(&fixture), NOT_OF_THESE);
    registry.reverts("weaker parameters", &with(weak), NOT_OF_THESE);
    let sections = calldata::sections(&honest[PROOF..]).expect("a packed proof");
    for (i, (name, range)) in sections.iter().enumerate() {
        if range.is_empty() {
            continue;
        }
        let mut call = honest.clone();
        flip(
            &mut call[PROOF + (range.start + range.end) / 2],
            (29 * i + 3) % 240,
        );
        let mut reasons = FORM.to_vec();
        match reason_of(name) {
            Some(reason) => reasons.push(reason),
            None => reasons.extend(["proof: ", "fri: "]),
        }
        registry.reverts(&format!("{name}: a flipped bit"), &call, &reasons);
    }
}

/// Claims that the honest proof does not prove.
fn refused_claims(
    registry: &Registry<'_>,
    honest: &[Felt],
    manifest: &Manifest,
    other: &Other,
    deployment: &Deployment,
) {
    let change = |place: usize, value: Felt| {
        let mut call = honest.to_vec();
        call[place] = value;
        call
    };
    registry.reverts(
        "unknown model",
        &change(MODEL, Felt::ONE),
        &["model: unknown"],
    );
    for (name, place) in [
        ("session id", SESSION),
        ("prompt root", PROMPT_ROOT),
        ("prompt length", PROMPT_LENGTH),
        ("first token", FIRST_POSITION + 1),
        ("steps", CHUNK),
        ("last token", CHUNK + 1),
        ("KV root", CHUNK + 2),
        ("tokens root", CHUNK + 3),
        ("emitted root", CHUNK + 4),
    ] {
        let call = change(place, honest[place] + Felt::ONE);
        registry.reverts(&format!("another {name}"), &call, NOT_OF_THESE);
    }
    registry.reverts("no steps", &change(CHUNK, Felt::ZERO), &["claim: steps"]);
    let mut empty = honest[..CHUNKS].to_vec();
    empty.push(Felt::ZERO);
    empty.extend(&honest[PROOF - 1..]);
    registry.reverts("no chunks", &empty, &["claim: chunks"]);

    // Another model; this model's root with the other model's program; weaker proofs.
    let root = CircuitRoot(other.leaf_root);
    registry.reverts(
        "another model",
        &change(MODEL, claim::model_id(&other.manifest, root)),
        NOT_OF_THESE,
    );
    let mixed = claim::model(manifest, root);
    registry
        .send("register_model", mixed)
        .expect("another circuit is another model");
    registry.reverts(
        "another program's circuit under this model's root",
        &change(MODEL, claim::model_id(manifest, root)),
        NOT_OF_THESE,
    );
    let model = registry.view("model", vec![honest[MODEL]]);
    for (place, value, expected) in [
        (7, 95u32, "model: security"),
        (5, 1, "model: policy"),
        (4, 0, "model: versions"),
        (3, 0, "model: versions"),
    ] {
        let mut weaker = model.clone();
        weaker[place] = value.into();
        match registry.send("register_model", weaker) {
            Err(ChainError::Reverted { reason }) => assert_eq!(reason, expected),
            found => panic!("{expected}: {found:?}"),
        }
    }

    // The same claim in another registry on the same chain.
    let mut sending = Sending {
        estimate: true,
        announce: &mut |_| {},
    };
    let class = deployment.registry_class.0;
    let arguments = vec![deployment.verifier_class.0];
    let (address, _) = registry
        .chain
        .deploy(registry.account, class, arguments, Felt::ONE, &mut sending)
        .expect("a second registry");
    let second = Registry {
        address,
        ..*registry
    };
    second.reverts("not registered there", honest, &["model: unknown"]);
    second
        .send("register_model", model)
        .expect("registered there");
    second.reverts("another contract", honest, NOT_OF_THESE);
}
