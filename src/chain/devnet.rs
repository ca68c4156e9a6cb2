//! A local Starknet: started here, with accounts of this project's class.

use std::convert::Infallible;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;
use starknet::providers::jsonrpc::JsonRpcResponse;
use starknet_types_core::felt::Felt;
use url::Url;

use super::{Account, Chain, ChainError, LOCAL_CLASS_VERSION, client};
use crate::contract::{Contract, class};

/// Name of the local chain's program.
const PROGRAM: &str = "starknet-devnet";
/// Folder where `scripts/install-devnet` puts it.
const INSTALLED: &str = ".devnet/bin";

/// A running local chain; stopped when dropped.
pub struct Devnet {
    child: Child,
    pub url: String,
    // Holds the account's class file as long as the chain runs.
    _work: tempfile::TempDir,
}

fn failed(text: impl Into<String>) -> ChainError {
    ChainError::Devnet(text.into())
}

/// The program that [`become_devnet`] runs: on the PATH, or where the script installs it below the current folder.
///
/// # Errors
/// [`ChainError::Devnet`] if there is none.
pub fn program() -> Result<PathBuf, ChainError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // An empty entry would be the current folder.
    let folders = std::env::split_paths(&path).filter(|folder| folder.is_absolute());
    let mut folders: Vec<PathBuf> = folders.collect();
    folders.push(PathBuf::from(INSTALLED));
    folders
        .into_iter()
        .map(|folder| folder.join(PROGRAM))
        .find(|file| file.is_file())
        .map(|file| std::path::absolute(&file).unwrap_or(file))
        .ok_or_else(|| {
            failed(format!(
                "{PROGRAM} is not installed; run scripts/install-devnet, or put it on the PATH"
            ))
        })
}

/// The command that starts a local chain with accounts of this project's class, whose file lies in `work`.
fn command(program: &Path, port: u16, work: &Path) -> Result<Command, ChainError> {
    let account = class(Contract::Account)?;
    let mut json: serde_json::Value =
        serde_json::from_str(&account.sierra).map_err(|e| failed(e.to_string()))?;
    json["contract_class_version"] = LOCAL_CLASS_VERSION.into();
    let file = work.join("account.json");
    std::fs::write(&file, json.to_string()).map_err(|e| failed(e.to_string()))?;
    let mut command = Command::new(program);
    command
        .args(["--host", "127.0.0.1", "--port", &port.to_string()])
        .args(["--seed", "0", "--accounts", "3"])
        .args(["--initial-balance", "1000000000000000000000000000"])
        .arg("--account-class-custom")
        .arg(&file)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    Ok(command)
}

fn work() -> Result<tempfile::TempDir, ChainError> {
    tempfile::tempdir().map_err(|e| failed(e.to_string()))
}

/// Becomes the local chain that `program` runs: this process is replaced, so that stopping it stops the chain.
///
/// # Errors
/// No program, or one that cannot be run; otherwise it does not return.
pub fn become_devnet(program: &Path, port: u16) -> Result<Infallible, ChainError> {
    let work = work()?.keep();
    let error = command(program, port, &work)?.exec();
    Err(failed(format!("{}: {error}", program.display())))
}

impl Devnet {
    /// Starts a local chain on a port, and waits until it answers.
    ///
    /// # Errors
    /// No program, or a program that does not start.
    pub fn start(port: u16) -> Result<Devnet, ChainError> {
        let work = work()?;
        let mut child = command(&program()?, port, work.path())?
            .spawn()
            .map_err(|e| failed(format!("{PROGRAM}: {e}")))?;
        let url = format!("http://127.0.0.1:{port}");
        let start = Instant::now();
        while Chain::connect(&url).is_err() {
            let exited = child.try_wait().ok().flatten();
            if exited.is_some() || start.elapsed() > Duration::from_secs(60) {
                let _ = child.kill();
                return Err(failed(format!(
                    "{PROGRAM} does not start on port {port}; is the port in use?"
                )));
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        Ok(Devnet {
            child,
            url,
            _work: work,
        })
    }
}

impl Drop for Devnet {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Deserialize)]
struct Predeployed {
    address: String,
    private_key: String,
}

/// The first account that a local chain comes with.
///
/// # Errors
/// A node that is no local chain.
pub fn account(url: &str) -> Result<Account, ChainError> {
    let (address, secret) = predeployed(url)?;
    Ok(Account::new(address, secret))
}

/// Address and secret key of that account, which everybody knows.
///
/// # Errors
/// As [`account`].
pub fn predeployed(url: &str) -> Result<(Felt, Felt), ChainError> {
    let none = |reason: String| {
        failed(format!(
            "{url}: is no local chain with accounts of its own ({reason}); pass --account and --keystore"
        ))
    };
    let mut parsed = Url::parse(url).map_err(|e| none(e.to_string()))?;
    if parsed.scheme() != "http" {
        return Err(none("not plain http".to_string()));
    }
    parsed.set_path("/rpc");
    let (runtime, node) = client(parsed.as_str())?;
    let no_parameters = serde_json::Map::new();
    let answer = node.ask::<Vec<Predeployed>>("devnet_getPredeployedAccounts", no_parameters);
    let accounts = match runtime.block_on(answer) {
        Ok(JsonRpcResponse::Success { result, .. }) => result,
        Ok(JsonRpcResponse::Error { error, .. }) => return Err(none(error.message)),
        Err(error) => return Err(none(error.to_string())),
    };
    let first = accounts
        .first()
        .ok_or_else(|| none("no accounts".to_string()))?;
    let felt = |text: &str| Felt::from_hex(text).map_err(|e| none(e.to_string()));
    Ok((felt(&first.address)?, felt(&first.private_key)?))
}
