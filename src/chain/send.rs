//! Transactions: estimated, sent, waited for.

use std::time::{Duration, Instant};

use starknet::accounts::{Account as _, ConnectedAccount, ExecutionV3};
use starknet::contract::{ContractFactory, UdcSelector};
use starknet::core::types::{
    BlockId, BlockTag, Call, ExecuteInvocation, ExecutionResult, FeeEstimate, Felt,
    MaybePreConfirmedBlockWithTxHashes, SimulatedTransaction, TransactionReceipt, TransactionTrace,
};
use starknet::providers::Provider;

use super::{Account, Chain, ChainError, declarable, selector};
use crate::contract::Class;
use crate::contract::limits::{L2_GAS, check_calldata};

/// Most L2 gas of a declaration. It pays for the class's bytes, which the limit on execution does not count.
const DECLARE_L2_GAS: u64 = 20_000_000_000;

/// How long a transaction is waited for.
const PATIENCE: Duration = Duration::from_secs(300);

/// What a transaction is expected to cost.
#[derive(Debug, Clone, Copy)]
pub struct Estimate {
    /// L2 gas; the most that is allowed where there is no estimate.
    pub l2_gas: u64,
    /// Fee in fri; the most that can be charged where there is no estimate.
    pub fee: u128,
    /// Whether the node estimated it.
    pub estimated: bool,
}

/// An executed transaction.
#[derive(Debug, Clone)]
pub struct Sent {
    pub hash: Felt,
    /// Fee in fri.
    pub fee: u128,
    pub l2_gas: u64,
    /// Felts of calldata.
    pub calldata: usize,
    /// Data of the events, each after its keys.
    pub events: Vec<(Vec<Felt>, Vec<Felt>)>,
}

/// How transactions are sent.
pub struct Sending<'a> {
    /// Ask the node to simulate the transaction first; one that reverts is then not sent at all.
    pub estimate: bool,
    /// Told what the transaction is expected to cost, before it is sent.
    pub announce: &'a mut dyn FnMut(Estimate),
}

/// Bounds of a transaction: amounts of gas, and the highest prices for them.
struct Bounds {
    l1_gas: u64,
    l1_gas_price: u128,
    l2_gas: u64,
    l2_gas_price: u128,
    l1_data_gas: u64,
    l1_data_gas_price: u128,
}

impl Bounds {
    /// Half again what the estimate says, but not more L2 gas than these bounds.
    fn narrowed(&self, fee: &FeeEstimate) -> Bounds {
        let more = |amount: u64| amount.saturating_add(amount / 2);
        Bounds {
            l1_gas: more(fee.l1_gas_consumed),
            l2_gas: more(fee.l2_gas_consumed).min(self.l2_gas),
            l1_data_gas: more(fee.l1_data_gas_consumed),
            ..*self
        }
    }

    /// The most that can be charged, in fri.
    fn most(&self) -> u128 {
        let amounts = [
            (self.l1_gas, self.l1_gas_price),
            (self.l2_gas, self.l2_gas_price),
            (self.l1_data_gas, self.l1_data_gas_price),
        ];
        amounts.iter().fold(0, |most: u128, &(gas, price)| {
            most.saturating_add(u128::from(gas).saturating_mul(price))
        })
    }
}

/// Sets bounds on a transaction of any kind; the library's builders have the methods, but no trait.
macro_rules! bounded {
    ($transaction:expr, $bounds:expr) => {
        $transaction
            .tip(0)
            .l1_gas($bounds.l1_gas)
            .l1_gas_price($bounds.l1_gas_price)
            .l2_gas($bounds.l2_gas)
            .l2_gas_price($bounds.l2_gas_price)
            .l1_data_gas($bounds.l1_data_gas)
            .l1_data_gas_price($bounds.l1_data_gas_price)
    };
}

/// What a simulated transaction would have cost, or why it reverted.
fn simulated(simulation: SimulatedTransaction) -> Result<FeeEstimate, ChainError> {
    if let TransactionTrace::Invoke(trace) = &simulation.transaction_trace
        && let ExecuteInvocation::Reverted(reverted) = &trace.execute_invocation
    {
        return Err(ChainError::reverted(&reverted.revert_reason));
    }
    Ok(simulation.fee_estimation)
}

impl Chain {
    /// Bounds for any transaction: as much gas as the network takes, at half again the current prices.
    fn widest_bounds(&self, l2_gas: u64) -> Result<Bounds, ChainError> {
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
        let price = |field: &'static str, felt: Felt| {
            // Half again a price has to be a number of 128 bits, as the network's type for it is.
            let price = u128::try_from(felt).ok();
            let more = price.and_then(|price| price.checked_add(price / 2)?.checked_add(1));
            more.ok_or_else(|| self.strange(field, felt))
        };
        Ok(Bounds {
            l1_gas: 100_000,
            l1_gas_price: price("the price of L1 gas", l1.price_in_fri)?,
            l2_gas,
            l2_gas_price: price("the price of L2 gas", l2.price_in_fri)?,
            l1_data_gas: 100_000,
            l1_data_gas_price: price("the price of L1 data gas", data.price_in_fri)?,
        })
    }

    /// A number of the node's that no node says.
    fn strange(&self, what: &str, felt: Felt) -> ChainError {
        ChainError::Node {
            url: self.url.clone(),
            reason: format!("{what} is {felt:#x}"),
        }
    }

    /// Bounds for a transaction that was simulated within `widest`, or was not.
    ///
    /// The node's own estimate without bounds is not used: a local chain runs the account's validation with
    /// the bounds that it is given, and those of an estimate are zero.
    fn settle(
        &self,
        widest: Bounds,
        simulation: Option<Result<SimulatedTransaction, String>>,
        announce: &mut dyn FnMut(Estimate),
    ) -> Result<Bounds, ChainError> {
        let estimate = match simulation {
            None => None,
            Some(Ok(simulation)) => Some(simulated(simulation)?),
            // Without an estimate the widest bounds count, which nobody has asked for.
            Some(Err(error)) => {
                return Err(match ChainError::from_text(&error) {
                    ChainError::Refused(reason) => ChainError::NoEstimate(reason),
                    error => error,
                });
            }
        };
        let Some(fee) = estimate else {
            announce(Estimate {
                l2_gas: widest.l2_gas,
                fee: widest.most(),
                estimated: false,
            });
            return Ok(widest);
        };
        announce(Estimate {
            l2_gas: fee.l2_gas_consumed,
            fee: fee.overall_fee,
            estimated: true,
        });
        Ok(widest.narrowed(&fee))
    }

    /// Sends one call.
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
        sending: &mut Sending<'_>,
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
        self.execute(signer.execute_v3(vec![call]), felts, sending)
    }

    fn execute<A: ConnectedAccount + Sync>(
        &self,
        execution: ExecutionV3<'_, A>,
        felts: usize,
        sending: &mut Sending<'_>,
    ) -> Result<Sent, ChainError> {
        let widest = self.widest_bounds(L2_GAS)?;
        let execution = bounded!(execution, widest);
        let simulation = sending.estimate.then(|| {
            self.runtime
                .block_on(execution.simulate(false, true))
                .map_err(|e| format!("{e:?}"))
        });
        let bounds = self.settle(widest, simulation, sending.announce)?;
        let sent = self
            .runtime
            .block_on(bounded!(execution, bounds).send())
            .map_err(|e| ChainError::from_text(&format!("{e:?}")))?;
        self.receipt(sent.transaction_hash, felts)
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
        sending: &mut Sending<'_>,
    ) -> Result<(Felt, Option<Sent>), ChainError> {
        let (flat, hash) = declarable(class, local)?;
        let block = BlockId::Tag(BlockTag::PreConfirmed);
        let known = self.runtime.block_on(self.provider.get_class(block, hash));
        if known.is_ok() {
            return Ok((hash, None));
        }
        let signer = self.signer(account);
        let widest = self.widest_bounds(DECLARE_L2_GAS)?;
        let declaration = bounded!(signer.declare_v3(flat, class.compiled_class_hash), widest);
        let simulation = sending.estimate.then(|| {
            self.runtime
                .block_on(declaration.simulate(false, true))
                .map_err(|e| format!("{e:?}"))
        });
        let bounds = self.settle(widest, simulation, sending.announce)?;
        let sent = self
            .runtime
            .block_on(bounded!(declaration, bounds).send())
            .map_err(|e| ChainError::from_text(&format!("{e:?}")))?;
        Ok((hash, Some(self.receipt(sent.transaction_hash, 0)?)))
    }

    /// Deploys a class through the universal deployer, unless it is there. Returns the address, and the transaction if
    /// there was one.
    ///
    /// The address follows from account, class, arguments and salt: whoever deploys the same again gets the contract that
    /// is there.
    ///
    /// # Errors
    /// As [`Chain::invoke`].
    pub fn deploy(
        &self,
        account: &Account,
        class_hash: Felt,
        arguments: Vec<Felt>,
        salt: Felt,
        sending: &mut Sending<'_>,
    ) -> Result<(Felt, Option<Sent>), ChainError> {
        let signer = self.signer(account);
        let factory = ContractFactory::new_with_udc(class_hash, &signer, UdcSelector::Legacy);
        let felts = arguments.len() + 8;
        let deployment = factory.deploy_v3(arguments, salt, true);
        let address = deployment.deployed_address();
        match self.class_at(address) {
            Ok(found) if found == class_hash => return Ok((address, None)),
            Ok(found) => {
                return Err(ChainError::OtherContract {
                    contract: format!("{address:#x}"),
                    found: format!("{found:#x}"),
                    expected: format!("{class_hash:#x}"),
                });
            }
            Err(ChainError::NoContract { .. }) => {}
            Err(error) => return Err(error),
        }
        let sent = self.execute(ExecutionV3::from(&deployment), felts, sending)?;
        Ok((address, Some(sent)))
    }

    /// Waits until a transaction is executed.
    fn receipt(&self, hash: Felt, calldata: usize) -> Result<Sent, ChainError> {
        let start = Instant::now();
        loop {
            let answer = self
                .runtime
                .block_on(self.provider.get_transaction_receipt(hash));
            if let Ok(found) = answer {
                return self.sent(hash, &found.receipt, calldata);
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

    /// What a receipt says of an executed transaction.
    fn sent(
        &self,
        hash: Felt,
        receipt: &TransactionReceipt,
        calldata: usize,
    ) -> Result<Sent, ChainError> {
        if let ExecutionResult::Reverted { reason } = receipt.execution_result() {
            return Err(ChainError::reverted(reason));
        }
        let (fee, resources, events) = match receipt {
            TransactionReceipt::Invoke(r) => (&r.actual_fee, &r.execution_resources, &r.events),
            TransactionReceipt::Declare(r) => (&r.actual_fee, &r.execution_resources, &r.events),
            TransactionReceipt::Deploy(r) => (&r.actual_fee, &r.execution_resources, &r.events),
            TransactionReceipt::DeployAccount(r) => {
                (&r.actual_fee, &r.execution_resources, &r.events)
            }
            TransactionReceipt::L1Handler(r) => (&r.actual_fee, &r.execution_resources, &r.events),
        };
        let amount = u128::try_from(fee.amount);
        let fee = amount.map_err(|_| self.strange("the fee", fee.amount))?;
        let events = events.iter().map(|e| (e.keys.clone(), e.data.clone()));
        Ok(Sent {
            hash,
            fee,
            l2_gas: resources.l2_gas,
            calldata,
            events: events.collect(),
        })
    }
}
