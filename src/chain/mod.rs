//! The chain client: declares and deploys the contracts, registers models, submits sessions, reads back.
//!
//! Speaks Starknet's JSON-RPC through `starknet-rs`; blocking, one request after the other, each with limits (`node`). Decides nothing
//! about what is true: the contracts do.

pub mod claim;
pub mod deployment;
pub mod devnet;
mod error;
mod node;
mod registry;
mod send;

use std::path::Path;
use std::sync::Arc;

use starknet::accounts::{ExecutionEncoding, SingleOwnerAccount};
use starknet::core::types::contract::SierraClass;
use starknet::core::types::{BlockId, BlockTag, FlattenedSierraClass, FunctionCall, StarknetError};
use starknet::core::utils::get_selector_from_name;
use starknet::providers::{JsonRpcClient, Provider, ProviderError};
use starknet::signers::{LocalWallet, SigningKey};
use starknet_types_core::felt::Felt;
use tokio::runtime::Runtime;
use url::Url;

use crate::contract::Class;
pub use error::{ChainError, advice};
use node::Node;
pub use registry::Registry;
pub use send::{Estimate, Sending, Sent};

/// What a class of a local chain must call its version, so that it is charged Sierra gas: such chains read
/// it from this field of the class, public networks from the class's program.
const LOCAL_CLASS_VERSION: &str = "1.7.0";

/// Versions of the JSON-RPC specification that the client understands.
const SPOKEN: [&str; 2] = ["0.9.", "0.10."];

/// The account that signs.
type Signer = SingleOwnerAccount<JsonRpcClient<Node>, LocalWallet>;

/// A connection to a chain.
pub struct Chain {
    runtime: Runtime,
    provider: JsonRpcClient<Node>,
    url: String,
    chain_id: Felt,
}

/// A key and the account that it signs for.
#[derive(Clone)]
pub struct Account {
    pub address: Felt,
    key: SigningKey,
}

impl Account {
    /// An account with its secret key.
    pub fn new(address: Felt, secret: Felt) -> Account {
        Account {
            address,
            key: SigningKey::from_secret_scalar(secret),
        }
    }

    /// An account whose key is in an encrypted keystore file.
    ///
    /// # Errors
    /// [`ChainError::Keystore`] for a file that cannot be read or another password.
    pub fn from_keystore(
        address: Felt,
        file: &Path,
        password: &str,
    ) -> Result<Account, ChainError> {
        let key = SigningKey::from_keystore(file, password).map_err(|e| ChainError::Keystore {
            file: file.display().to_string(),
            reason: e.to_string(),
        })?;
        Ok(Account { address, key })
    }
}

impl Chain {
    /// Connects to a node.
    ///
    /// # Errors
    /// A URL that is none, a node that does not answer or speaks another version.
    pub fn connect(url: &str) -> Result<Chain, ChainError> {
        let (runtime, node) = client(url)?;
        let provider = JsonRpcClient::new(node);
        let node = |e: ProviderError| ChainError::Node {
            url: url.to_string(),
            reason: e.to_string(),
        };
        let version = runtime.block_on(provider.spec_version()).map_err(node)?;
        if !SPOKEN.iter().any(|spoken| version.starts_with(spoken)) {
            return Err(ChainError::Version {
                url: url.to_string(),
                version,
            });
        }
        let chain_id = runtime.block_on(provider.chain_id()).map_err(node)?;
        Ok(Chain {
            runtime,
            provider,
            url: url.to_string(),
            chain_id,
        })
    }

    /// The node's URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The chain's id.
    pub fn chain_id(&self) -> Felt {
        self.chain_id
    }

    fn signer(&self, account: &Account) -> Signer {
        let mut signer = SingleOwnerAccount::new(
            self.provider.clone(),
            LocalWallet::from(account.key.clone()),
            account.address,
            self.chain_id,
            ExecutionEncoding::New,
        );
        signer.set_block_id(BlockId::Tag(BlockTag::PreConfirmed));
        signer
    }

    /// Hash of the class of the contract at an address.
    ///
    /// # Errors
    /// [`ChainError::NoContract`] if there is none, or what the node says.
    pub fn class_at(&self, contract: Felt) -> Result<Felt, ChainError> {
        let block = BlockId::Tag(BlockTag::PreConfirmed);
        self.runtime
            .block_on(self.provider.get_class_hash_at(block, contract))
            .map_err(|error| match error {
                ProviderError::StarknetError(StarknetError::ContractNotFound) => {
                    ChainError::NoContract {
                        url: self.url.clone(),
                        contract: format!("{contract:#x}"),
                    }
                }
                other => ChainError::from_node(&other),
            })
    }

    /// Calls a view.
    ///
    /// # Errors
    /// A revert with its reason, or what the node says.
    pub fn call(
        &self,
        contract: Felt,
        function: &str,
        calldata: Vec<Felt>,
    ) -> Result<Vec<Felt>, ChainError> {
        let call = FunctionCall {
            contract_address: contract,
            entry_point_selector: selector(function)?,
            calldata,
        };
        let block = BlockId::Tag(BlockTag::PreConfirmed);
        self.runtime
            .block_on(self.provider.call(call, block))
            .map_err(|e| ChainError::from_node(&e))
    }
}

/// What asks the node at a URL.
fn client(url: &str) -> Result<(Runtime, Node), ChainError> {
    let parsed = Url::parse(url).map_err(|e| ChainError::Url {
        url: url.to_string(),
        reason: e.to_string(),
    })?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| ChainError::Runtime(e.to_string()))?;
    let node = Node::new(parsed).map_err(|e| ChainError::Runtime(e.to_string()))?;
    Ok((runtime, node))
}

fn selector(function: &str) -> Result<Felt, ChainError> {
    get_selector_from_name(function).map_err(|e| ChainError::Node {
        url: function.to_string(),
        reason: e.to_string(),
    })
}

/// A compiled class as `starknet-rs` declares it, and its hash.
fn declarable(class: &Class, local: bool) -> Result<(Arc<FlattenedSierraClass>, Felt), ChainError> {
    let bad = |reason: String| ChainError::Class {
        name: class.contract.name(),
        reason,
    };
    let mut sierra: SierraClass =
        serde_json::from_str(&class.sierra).map_err(|e| bad(e.to_string()))?;
    if local {
        sierra.contract_class_version = LOCAL_CLASS_VERSION.to_string();
    }
    let hash = sierra.class_hash().map_err(|e| bad(e.to_string()))?;
    let flat = sierra.flatten().map_err(|e| bad(e.to_string()))?;
    Ok((Arc::new(flat), hash))
}
