//! Transactions: estimated, sent, waited for.

use std::time::{Duration, Instant};

use starknet::accounts::{Account as _, ExecutionV3};
use starknet::contract::{ContractFactory, UdcSelector};
use starknet::core::types::{
    BlockId, BlockTag, Call, ExecutionResult, Felt, MaybePreConfirmedBlockWithTxHashes,
    TransactionReceipt,
};
use starknet::providers::Provider;

use super::{Account, Chain, ChainError, Signer, declarable, selector};
use crate::contract::Class;
use crate::contract::limits::{L2_GAS, check_calldata};

/// Most L2 gas of a declaration that the node does not estimate. It pays for the class's bytes, which
/// the limit on execution does not count.
const DECLARE_L2_GAS: u64 = 20_000_000_000;

/// How long a transaction is waited for.
const PATIENCE: Duration = Duration::from_secs(300);

/// What a transaction is expected to cost.
#[derive(Debug, Clone, Copy)]
pub struct Estimate {
    /// L2 gas; the most that is allowed where the node gives no estimate.
    pub l2_gas: u64,
    /// Fee in fri; the most that can be charged where the node gives no estimate.
    pub fee: u128,
    /// Whether the node estimated it.
    pub estimated: bool,
}

/// An executed transaction.
#[derive(Debug, Clone)]
pub struct Sent {
    pub hash: Felt,
    /// Fee in fri.
    pub fee: Felt,
    pub l2_gas: u64,
    /// Felts of calldata.
    pub calldata: usize,
    /// Data of the events, each after its keys.
    pub events: Vec<(Vec<Felt>, Vec<Felt>)>,
}

/// Bounds of a transaction.
struct Bounds {
    l1_gas: u64,
    l1_gas_price: u128,
    l2_gas: u64,
    l2_gas_price: u128,
    l1_data_gas: u64,
    l1_data_gas_price: u128,
}

impl Chain {
    /// Bounds for a transaction that the node does not estimate: as much gas as the network takes, at half
    /// again the current prices.
    fn bounds(&self) -> Result<Bounds, ChainError> {
        let block = self
            .provider
            .get_block_with_tx_hashes(BlockId::Tag(BlockTag::PreConfirmed));
        let block = self
            .runtime
            .block_on(block)
            .map_err(|e| ChainError::from_node(&e))?;
        let (l1, l2, data) = match &block {
            MaybePreConfirmedBlockWithTxHashes::Block(b) => {
                (&b.l1_gas_price, &b.l2_gas_price, &b.l1_data_gas_price)
            }
            MaybePreConfirmedBlockWithTxHashes::PreConfirmedBlock(b) => {
                (&b.l1_gas_price, &b.l2_gas_price, &b.l1_data_gas_price)
            }
        };
        let price = |felt: Felt| u128::try_from(felt).unwrap_or(u128::MAX / 2) / 2 * 3 + 1;
        Ok(Bounds {
            l1_gas: 100_000,
            l1_gas_price: price(l1.price_in_fri),
            l2_gas: L2_GAS,
            l2_gas_price: price(l2.price_in_fri),
            l1_data_gas: 100_000,
            l1_data_gas_price: price(data.price_in_fri),
        })
    }

    /// Sends one call. `announce` is told the estimate before anything is sent.
    ///
    /// # Errors
    /// The contract's refusal, with its reason, already when it is estimated if the node can; calldata beyond
    /// the network's limit; a transaction that is not executed in time.
    pub fn invoke(
        &self,
        account: &Account,
        contract: Felt,
        function: &str,
        calldata: Vec<Felt>,
        announce: &mut dyn FnMut(Estimate),
    ) -> Result<Sent, ChainError> {
        // The account's own calldata: one call with address, selector and length before its arguments.
        let felts = calldata.len() + 4;
        check_calldata(felts)?;
        let call = Call {
            to: contract,
            selector: selector(function)?,
            calldata,
        };
        let signer = self.signer(account);
        let execution = signer.execute_v3(vec![call]).tip(0);
        let sent = self.execute(execution, announce)?;
        self.receipt(sent, felts)
    }

    fn execute(
        &self,
        execution: ExecutionV3<'_, Signer>,
        announce: &mut dyn FnMut(Estimate),
    ) -> Result<Felt, ChainError> {
        let execution = match self.runtime.block_on(execution.estimate_fee()) {
            Ok(fee) => {
                announce(Estimate {
                    l2_gas: fee.l2_gas_consumed,
                    fee: fee.overall_fee,
                    estimated: true,
                });
                execution
            }
            Err(error) => {
                let error = ChainError::from_text(&format!("{error:?}"));
                if matches!(error, ChainError::Reverted { .. }) {
                    return Err(error);
                }
                let b = self.bounds()?;
                let l2 = u128::from(b.l2_gas) * b.l2_gas_price;
                announce(Estimate {
                    l2_gas: b.l2_gas,
                    fee: l2 + u128::from(b.l1_gas) * b.l1_gas_price,
                    estimated: false,
                });
                execution
                    .l1_gas(b.l1_gas)
                    .l1_gas_price(b.l1_gas_price)
                    .l2_gas(b.l2_gas)
                    .l2_gas_price(b.l2_gas_price)
                    .l1_data_gas(b.l1_data_gas)
                    .l1_data_gas_price(b.l1_data_gas_price)
            }
        };
        let sent = self
            .runtime
            .block_on(execution.send())
            .map_err(|e| ChainError::from_text(&format!("{e:?}")))?;
        Ok(sent.transaction_hash)
    }

    /// Declares a class unless the chain has it. Returns its hash, and the transaction if there was one.
    ///
    /// # Errors
    /// As [`Chain::invoke`].
    pub fn declare(
        &self,
        account: &Account,
        class: &Class,
        local: bool,
    ) -> Result<(Felt, Option<Sent>), ChainError> {
        let (flat, hash) = declarable(class, local)?;
        let block = BlockId::Tag(BlockTag::PreConfirmed);
        let known = self.runtime.block_on(self.provider.get_class(block, hash));
        if known.is_ok() {
            return Ok((hash, None));
        }
        let signer = self.signer(account);
        let b = self.bounds()?;
        let declaration = signer
            .declare_v3(flat, class.compiled_class_hash)
            .tip(0)
            .l1_gas(b.l1_gas)
            .l1_gas_price(b.l1_gas_price)
            .l2_gas(DECLARE_L2_GAS)
            .l2_gas_price(b.l2_gas_price)
            .l1_data_gas(b.l1_data_gas)
            .l1_data_gas_price(b.l1_data_gas_price);
        let sent = self
            .runtime
            .block_on(declaration.send())
            .map_err(|e| ChainError::from_text(&format!("{e:?}")))?;
        Ok((hash, Some(self.receipt(sent.transaction_hash, 0)?)))
    }

    /// Deploys a class through the universal deployer. Returns the address.
    ///
    /// # Errors
    /// As [`Chain::invoke`].
    pub fn deploy(
        &self,
        account: &Account,
        class_hash: Felt,
        arguments: Vec<Felt>,
        salt: Felt,
    ) -> Result<(Felt, Sent), ChainError> {
        let signer = self.signer(account);
        let factory = ContractFactory::new_with_udc(class_hash, &signer, UdcSelector::Legacy);
        let b = self.bounds()?;
        let felts = arguments.len() + 8;
        let deployment = factory
            .deploy_v3(arguments, salt, true)
            .tip(0)
            .l1_gas(b.l1_gas)
            .l1_gas_price(b.l1_gas_price)
            .l2_gas(b.l2_gas)
            .l2_gas_price(b.l2_gas_price)
            .l1_data_gas(b.l1_data_gas)
            .l1_data_gas_price(b.l1_data_gas_price);
        let address = deployment.deployed_address();
        let sent = self
            .runtime
            .block_on(deployment.send())
            .map_err(|e| ChainError::from_text(&format!("{e:?}")))?;
        Ok((address, self.receipt(sent.transaction_hash, felts)?))
    }

    /// Waits until a transaction is executed.
    fn receipt(&self, hash: Felt, calldata: usize) -> Result<Sent, ChainError> {
        let start = Instant::now();
        loop {
            let answer = self
                .runtime
                .block_on(self.provider.get_transaction_receipt(hash));
            if let Ok(found) = answer {
                return sent(hash, &found.receipt, calldata);
            }
            if start.elapsed() > PATIENCE {
                return Err(ChainError::Timeout {
                    hash: format!("{hash:#x}"),
                    seconds: PATIENCE.as_secs(),
                });
            }
            std::thread::sleep(Duration::from_millis(300));
        }
    }
}

fn sent(hash: Felt, receipt: &TransactionReceipt, calldata: usize) -> Result<Sent, ChainError> {
    if let ExecutionResult::Reverted { reason } = receipt.execution_result() {
        return Err(match ChainError::from_text(reason) {
            ChainError::Refused(reason) => ChainError::Reverted { reason },
            other => other,
        });
    }
    let (fee, resources, events) = match receipt {
        TransactionReceipt::Invoke(r) => (&r.actual_fee, &r.execution_resources, &r.events),
        TransactionReceipt::Declare(r) => (&r.actual_fee, &r.execution_resources, &r.events),
        TransactionReceipt::Deploy(r) => (&r.actual_fee, &r.execution_resources, &r.events),
        TransactionReceipt::DeployAccount(r) => (&r.actual_fee, &r.execution_resources, &r.events),
        TransactionReceipt::L1Handler(r) => (&r.actual_fee, &r.execution_resources, &r.events),
    };
    let events = events.iter().map(|e| (e.keys.clone(), e.data.clone()));
    Ok(Sent {
        hash,
        fee: fee.amount,
        l2_gas: resources.l2_gas,
        calldata,
        events: events.collect(),
    })
}
