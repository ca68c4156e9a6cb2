//! What can go wrong with a chain, and what to do about a contract's refusal.

use starknet::providers::ProviderError;
use thiserror::Error;

use crate::contract::ContractError;
use crate::contract::limits::LimitError;
use crate::receipt::{DocumentError, FolderError};

/// Why a chain command failed.
#[derive(Debug, Error)]
pub enum ChainError {
    #[error("--rpc: {url:?} is no URL: {reason}")]
    Url { url: String, reason: String },
    #[error(
        "{url}: the node does not answer as expected: {reason}; for a local chain run: cairo-decode chain devnet"
    )]
    Node { url: String, reason: String },
    #[error(
        "{url}: the node speaks JSON-RPC {version}, this client 0.9 and 0.10; many nodes have another URL for each version, ending in /rpc/v0_9 or so"
    )]
    Version { url: String, version: String },
    #[error(
        "{url}: the registry's {function} answers with {felts} felts of another form; is this registry of another version?"
    )]
    Answer {
        url: String,
        function: &'static str,
        felts: usize,
    },
    #[error(
        "{url}: there is no contract at {contract}; a local chain that was started anew has none: deploy again"
    )]
    NoContract { url: String, contract: String },
    #[error(
        "{contract}: the contract that is deployed there is of class {found}, not {expected}; deploy from another account"
    )]
    OtherContract {
        contract: String,
        found: String,
        expected: String,
    },
    #[error(
        "at position {position} of this session the registry has another frontier, {theirs}, than the receipts, {ours}; the receipts are not of what was accepted there"
    )]
    Elsewhere {
        position: u32,
        theirs: String,
        ours: String,
    },
    #[error("cannot start the client: {0}")]
    Runtime(String),
    #[error("{file}: {reason}")]
    Keystore { file: String, reason: String },
    #[error("class {name}: {reason}")]
    Class { name: &'static str, reason: String },
    #[error(transparent)]
    Contract(#[from] ContractError),
    #[error("the transaction {0}")]
    Limit(#[from] LimitError),
    #[error("reverted: {reason}{}", advice(reason))]
    Reverted { reason: String },
    #[error(
        "the node does not estimate the transaction: {0}; it was not sent; pass --no-estimate to send it with the network's limits as bounds"
    )]
    NoEstimate(String),
    #[error("the node refused the transaction: {0}")]
    Refused(String),
    #[error("the transaction {hash} was not executed within {seconds} seconds; look it up later")]
    Timeout { hash: String, seconds: u64 },
    #[error(transparent)]
    Document(#[from] DocumentError),
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error("{0}")]
    Session(String),
    #[error("{0}")]
    Devnet(String),
}

impl ChainError {
    /// A node's answer: a revert if it tells one.
    pub(super) fn from_node(error: &ProviderError) -> ChainError {
        ChainError::from_text(&format!("{error:?}"))
    }

    /// Whether the registry has accepted all of the claim's chunks before.
    pub fn is_replay(&self) -> bool {
        matches!(self, ChainError::Reverted { reason } if reason == "claim: replay")
    }

    /// The same, from any text of a node.
    pub(super) fn from_text(text: &str) -> ChainError {
        match reason(text) {
            Some(reason) => ChainError::Reverted { reason },
            None => ChainError::Refused(text.chars().take(600).collect()),
        }
    }

    /// A revert, from the node's text about it.
    pub(super) fn reverted(text: &str) -> ChainError {
        match ChainError::from_text(text) {
            ChainError::Refused(reason) => ChainError::Reverted { reason },
            other => other,
        }
    }
}

/// Prefixes of the reasons that the contracts give.
const OURS: [&str; 6] = [
    "model: ",
    "claim: ",
    "proof: ",
    "fri: ",
    "statement: ",
    "quotients: ",
];

/// The contract's reason in a node's text, which has it as a quoted short string, as hexadecimal digits, or
/// both.
pub(super) fn reason(text: &str) -> Option<String> {
    for prefix in OURS {
        if let Some((_, rest)) = text.split_once(prefix) {
            let end = |c: char| !(c.is_ascii_alphanumeric() || " :.-".contains(c));
            let said = rest.split(end).next().unwrap_or(rest);
            return Some(format!("{prefix}{said}").trim_end().to_string());
        }
    }
    let digits = |c: char| !c.is_ascii_hexdigit();
    text.split("0x")
        .skip(1)
        .filter_map(|rest| {
            let hex = rest.split(digits).next().unwrap_or(rest);
            let even = format!("{}{hex}", if hex.len() % 2 == 1 { "0" } else { "" });
            let bytes = hex::decode(even).ok()?;
            let start = bytes.iter().position(|&b| b != 0)?;
            String::from_utf8(bytes.get(start..)?.to_vec()).ok()
        })
        .find(|word| OURS.iter().any(|prefix| word.starts_with(prefix)))
}

/// What to do about a contract's reason.
pub fn advice(reason: &str) -> &'static str {
    match reason {
        "model: already registered" => " (nothing to do: the model is there)",
        "model: unknown" => " (register the model first: cairo-decode chain register)",
        "model: security" => " (the registry takes proofs of at least 96 bits)",
        "claim: replay" => " (a claim that ends here was accepted before)",
        "claim: gap" => " (no accepted chunk ends where these begin: submit the ones before first)",
        "claim: fork" => " (another frontier was accepted where one of these chunks ends)",
        "claim: finished" => " (the model has ended this sequence)",
        "claim: prompt" => " (a prompt has 1 to 2^20 tokens)",
        "claim: chunks" => " (one submission covers 1 to 16 chunks)",
        _ if reason.starts_with("proof: ") || reason.starts_with("fri: ") => {
            " (the proof does not prove these statements for this chain, contract and model)"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_contracts_reason() {
        let quoted = "Error in contract: 0x636c61696d3a207265706c6179 ('claim: replay').";
        assert_eq!(reason(quoted).as_deref(), Some("claim: replay"));
        let hex = "Execution failed. Failure reason: 0x636c61696d3a207265706c6179.";
        assert_eq!(reason(hex).as_deref(), Some("claim: replay"));
        assert_eq!(reason("out of gas"), None);
        // What a node says around it is any text.
        let foreign = "\u{1f4a5}0x\u{e9}claim: gap\u{e9}.";
        assert_eq!(reason(foreign).as_deref(), Some("claim: gap"));
        let foreign = "\u{1f4a5}0x0\u{e9}0x00636c61696d3a20676170\u{e9}";
        assert_eq!(reason(foreign).as_deref(), Some("claim: gap"));
        let error = ChainError::from_text(hex).to_string();
        assert!(error.contains("accepted before"), "{error}");
    }
}
