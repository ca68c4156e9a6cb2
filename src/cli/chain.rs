//! `chain`: the contracts on a Starknet — start a local one, deploy, register, submit, read back.

mod session;

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use cairo_decode::chain::deployment::Deployment;
use cairo_decode::chain::{
    Account, Chain, ChainError, Estimate, Registry, Sending, Sent, claim, devnet,
};
use cairo_decode::contract::{Contract, class};
use cairo_decode::receipt::{Document, WriteDocument};
use cairo_decode::verify::statement::{ChainId, ContractAddress, felt_to_hex, parse_felt};
use clap::Subcommand;
use starknet_types_core::felt::Felt;

use super::failure::{Done, done_json};
use super::{Failure, output};
use session::Pinned;

/// Use the contracts on a Starknet: deploy, register a model, submit sessions, read back
///
/// Example:
///   cairo-decode chain devnet &
///   cairo-decode chain deploy --rpc http://127.0.0.1:5050
///   cairo-decode chain register build/foldable
///   cairo-decode chain submit session --build build/foldable
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
    /// File that remembers where the registry is
    #[arg(long, global = true, default_value = "chain.json", value_name = "FILE")]
    chain: PathBuf,
    /// Address of the account that signs [default: a local chain's own]
    #[arg(long, global = true, value_name = "ADDRESS", requires = "keystore")]
    account: Option<String>,
    /// Keystore file with its key; the password is read from CAIRO_DECODE_PASSWORD
    #[arg(long, global = true, value_name = "FILE", requires = "account")]
    keystore: Option<PathBuf>,
    /// Send without asking the node for an estimate first, with the network's limits as bounds
    #[arg(long, global = true)]
    no_estimate: bool,
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a local Starknet, until stopped
    ///
    /// Example: cairo-decode chain devnet --port 5050
    Devnet {
        /// Port to listen on
        #[arg(long, default_value_t = 5050, allow_negative_numbers = true)]
        port: u16,
    },
    /// Compile the contracts to class files, checked against the network's limits
    ///
    /// Example: cairo-decode chain build -o classes
    Build {
        /// Folder for the class files
        #[arg(short, long)]
        out: PathBuf,
    },
    /// Declare the contracts' classes
    ///
    /// Example: cairo-decode chain declare --rpc http://127.0.0.1:5050
    Declare {
        /// The node's URL
        #[arg(long)]
        rpc: String,
    },
    /// Declare the classes if needed, deploy a registry, remember it in chain.json
    ///
    /// An account has one registry on a chain: where it is deployed already, nothing is sent, and it is remembered.
    ///
    /// Example: cairo-decode chain deploy --rpc http://127.0.0.1:5050
    Deploy {
        /// The node's URL
        #[arg(long)]
        rpc: String,
    },
    /// Register a model
    ///
    /// Example: cairo-decode chain register build/foldable
    Register {
        /// Build folder
        build: PathBuf,
    },
    /// Submit a wrapped session: in order, every part of it at whose end no accepted claim ends
    ///
    /// Example: cairo-decode chain submit session --build build/foldable
    Submit {
        /// Session folder
        session: PathBuf,
        /// Build folder of its model
        #[arg(long)]
        build: PathBuf,
        /// Submit only the part that begins at this chunk, whatever the registry has
        #[arg(long, value_name = "CHUNK", allow_negative_numbers = true)]
        from: Option<u32>,
    },
    /// Show the registry, or a session as it has it
    ///
    /// Example: cairo-decode chain status session --build build/foldable
    Status {
        /// Session folder
        #[arg(requires = "build")]
        session: Option<PathBuf>,
        /// Build folder of its model
        #[arg(long)]
        build: Option<PathBuf>,
    },
}

pub fn run(args: &Args) -> super::Outcome {
    match &args.command {
        Command::Devnet { port } => start(args, *port),
        Command::Build { out } => build(args, out),
        Command::Declare { rpc } => declare(args, rpc).map(|_| ()),
        Command::Deploy { rpc } => deploy(args, rpc),
        Command::Register { build } => register(args, build),
        Command::Submit {
            session,
            build,
            from,
        } => session::submit(args, session, build, *from),
        Command::Status { session, build } => {
            session::status(args, session.as_deref(), build.as_deref())
        }
    }
}

/// A contract's refusal is a rejection, and so is a registry that has something else than the receipts; everything
/// else is the command line's, a file's or the node's fault.
fn failure(error: ChainError) -> Failure {
    match error {
        ChainError::Reverted { .. } | ChainError::Elsewhere { .. } => {
            Failure::Rejected(error.into())
        }
        other => Failure::Input(other.into()),
    }
}

fn account(args: &Args, url: &str) -> Result<Account, Failure> {
    let (Some(address), Some(keystore)) = (&args.account, &args.keystore) else {
        return devnet::account(url).map_err(failure);
    };
    let address = parse_felt(address).with_context(|| format!("--account: {address:?}"))?;
    let password = std::env::var("CAIRO_DECODE_PASSWORD")
        .context("CAIRO_DECODE_PASSWORD: not set, it holds the keystore's password")?;
    Account::from_keystore(address, keystore, &password).map_err(failure)
}

/// Shows what a transaction is expected to cost.
fn announce(json: bool, estimate: Estimate) {
    if !json {
        let kind = match estimate.estimated {
            true => "estimated",
            false => "no estimate; at most",
        };
        output::line(format!(
            "{kind}: {} L2 gas, fee {:.6} STRK",
            grouped(estimate.l2_gas),
            strk(estimate.fee)
        ));
    }
}

/// Sends as the arguments say.
fn sending<T>(args: &Args, send: impl FnOnce(&mut Sending<'_>) -> T) -> T {
    let mut announce = |estimate| announce(args.json, estimate);
    send(&mut Sending {
        estimate: !args.no_estimate,
        announce: &mut announce,
    })
}

/// A number with its digits in groups of three.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// An amount of fri in STRK. Fees of more than 128 bits do not exist: Starknet's type for them has so many.
fn strk(fee: u128) -> f64 {
    fee as f64 / 1e18
}

fn sent_json(sent: &Sent) -> serde_json::Value {
    serde_json::json!({
        "transaction": felt_to_hex(&sent.hash), "fee_strk": strk(sent.fee), "l2_gas": sent.l2_gas,
        "calldata_felts": sent.calldata,
    })
}

fn sent_line(sent: &Sent) -> String {
    format!(
        "transaction {:#x}: {} L2 gas, fee {:.6} STRK, {} felts of calldata",
        sent.hash,
        grouped(sent.l2_gas),
        strk(sent.fee),
        sent.calldata
    )
}

fn start(args: &Args, port: u16) -> super::Outcome {
    let url = format!("http://127.0.0.1:{port}");
    let program = devnet::program().map_err(failure)?;
    let shown = program.display().to_string();
    if args.json {
        output::json(&serde_json::json!({ "ok": true, "rpc": url, "program": shown }));
    } else {
        output::line(format!(
            "starting a local chain at {url} (stop it with ^C): {shown}"
        ));
    }
    // The process becomes another one, which does not look whether that was written.
    output::finish()?;
    match devnet::become_devnet(&program, port).map_err(failure)? {}
}

fn build(args: &Args, out: &Path) -> super::Outcome {
    let mut rows = vec![];
    for contract in [Contract::Verifier, Contract::Registry, Contract::Account] {
        let class = class(contract)?;
        class.write(out)?;
        if !args.json {
            output::line(format!(
                "{:<16} {:>7} felts of bytecode, {:>9} bytes, compiled class hash {:#x}",
                contract.name(),
                class.bytecode,
                class.sierra.len(),
                class.compiled_class_hash
            ));
        }
        rows.push(serde_json::json!({
            "contract": contract.name(), "bytecode_felts": class.bytecode,
            "class_bytes": class.sierra.len(),
            "compiled_class_hash": felt_to_hex(&class.compiled_class_hash),
        }));
    }
    if args.json {
        output::json(&serde_json::json!({ "ok": true, "classes": rows }));
    } else {
        output::line(format!("class files in {}", out.display()));
    }
    Ok(())
}

struct Declared {
    chain: Chain,
    account: Account,
    verifier: Felt,
    registry: Felt,
}

fn declare(args: &Args, rpc: &str) -> Result<Declared, Failure> {
    let chain = Chain::connect(rpc).map_err(failure)?;
    let account = account(args, rpc)?;
    // Only local chains read the class's version where they must not.
    let local = devnet::account(rpc).is_ok();
    let mut hashes = vec![];
    for contract in [Contract::Verifier, Contract::Registry] {
        let class = class(contract)?;
        let (hash, sent) =
            sending(args, |s| chain.declare(&account, &class, local, s)).map_err(failure)?;
        if !args.json {
            let name = contract.name();
            let how = sent.as_ref().map(sent_line);
            let how = how.unwrap_or("was declared before".to_string());
            output::line(format!("class {name} {hash:#x}: {how}"));
        }
        hashes.push(hash);
    }
    Ok(Declared {
        chain,
        account,
        verifier: hashes[0],
        registry: hashes[1],
    })
}

fn deploy(args: &Args, rpc: &str) -> super::Outcome {
    if args.chain.exists() {
        return Err(Failure::Input(anyhow!(
            "{}: exists; pass another --chain, or remove it",
            args.chain.display()
        )));
    }
    let declared = declare(args, rpc)?;
    let (address, sent) = sending(args, |s| {
        let arguments = vec![declared.verifier];
        declared.chain.deploy(
            &declared.account,
            declared.registry,
            arguments,
            Felt::ZERO,
            s,
        )
    })
    .map_err(failure)?;
    let deployment = Deployment {
        rpc: rpc.to_string(),
        chain: ChainId::from_felt(declared.chain.chain_id())?,
        registry: ContractAddress(address),
        registry_class: ContractAddress(declared.registry),
        verifier_class: ContractAddress(declared.verifier),
    };
    let domain = deployment.domain();
    let done = serde_json::json!({
        "registry": deployment.registry, "registry_class": deployment.registry_class,
        "verifier_class": deployment.verifier_class, "domain": domain.to_string(), "sent": sent.as_ref().map(sent_json),
    });
    // The registry is there, whether or not the file can be written.
    if !args.json {
        let how = sent.as_ref().map(sent_line);
        let how = how.unwrap_or("was deployed before, by this account".to_string());
        output::line(format!("registry {address:#x}: {how}"));
    }
    if let Err(error) = deployment.write(&args.chain) {
        let text = format!("the registry is deployed at {address:#x}, and that is not remembered");
        return Err(Failure::Input(error.into()).after(Done { text, json: done }));
    }
    if args.json {
        output::json(&done_json(true, done));
    } else {
        output::line(format!(
            "domain {domain}: pass it to `prove --domain`; remembered in {}",
            args.chain.display()
        ));
    }
    Ok(())
}

/// The deployment, and a connection to its chain, where the registry has the classes that the file says.
fn deployed(args: &Args) -> Result<(Deployment, Chain), Failure> {
    if !args.chain.exists() {
        return Err(Failure::Input(anyhow!(
            "{}: no such file; run: cairo-decode chain deploy",
            args.chain.display()
        )));
    }
    let deployment = Deployment::read(&args.chain)?;
    let chain = Chain::connect(&deployment.rpc).map_err(failure)?;
    if chain.chain_id() != deployment.chain.felt() {
        return Err(Failure::Input(anyhow!(
            "{}: chain: is {}, the node at {} is of another chain",
            args.chain.display(),
            deployment.chain,
            deployment.rpc
        )));
    }
    let registry = deployment.registry.0;
    same_class(
        args,
        "registry_class",
        deployment.registry_class,
        chain.class_at(registry).map_err(failure)?,
    )?;
    let verifier = Registry::new(&chain, registry).verifier_class();
    let verifier = verifier.map_err(failure)?;
    same_class(args, "verifier_class", deployment.verifier_class, verifier)?;
    Ok((deployment, chain))
}

/// Requires that a class on the chain is the one in `chain.json`.
fn same_class(args: &Args, field: &str, said: ContractAddress, found: Felt) -> super::Outcome {
    if said.0 == found {
        return Ok(());
    }
    Err(Failure::Rejected(anyhow!(
        "{}: {field}: is {said}, the registry's on the chain is {found:#x}",
        args.chain.display()
    )))
}

fn register(args: &Args, build: &Path) -> super::Outcome {
    let (deployment, chain) = deployed(args)?;
    let account = account(args, &deployment.rpc)?;
    let pinned = Pinned::open(build)?;
    let (leaf_root, id) = (pinned.leaf_root(), pinned.model_id());
    let model = claim::model(&pinned.manifest, leaf_root);
    let registry = deployment.registry.0;
    let sent = sending(args, |s| {
        chain.invoke(&account, registry, "register_model", model, s)
    })
    .map_err(failure)?;
    if args.json {
        output::json(&serde_json::json!({
            "ok": true, "model_id": felt_to_hex(&id), "leaf_root": leaf_root, "sent": sent_json(&sent),
        }));
    } else {
        output::line(format!(
            "model {} registered as {id:#x}, circuit {leaf_root}",
            pinned.manifest.model.model_root
        ));
        output::line(sent_line(&sent));
    }
    Ok(())
}
