//! Chains of tokens: digests of the tokens that came in and of the listed choices, behind each lane.

use std::ops::Range;

use stwo::core::fields::m31::M31;

use super::digests::{self, MAGNITUDE, digest, get, set};
use super::error::{BitsError, PlanError};
use super::operation::{Operand, Operation, Part, Work};
use super::plan::{Plan, Tensor, Tokens};
use super::values::Values;
use crate::air::components::Component;
use crate::air::components::lanes::CHANNELS;
use crate::air::components::tokens::CHAINS;
use crate::spec::poseidon2::{DIGEST, Digest};
use crate::spec::token_chain::{append, block};

/// Name in refusals.
const NAME: &str = "chains";

/// The chain of the tokens that come in, and that of the [listed](Tokens::listed) choices, lane by lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chains {
    pub tokens: Tokens,
    /// Both chains before the chunk, in lane 0 of their views; then both behind each lane. The given tokens' chain is the first.
    pub digests: Tensor,
}

impl Plan {
    /// The chains of the tokens that come in and of the listed choices.
    ///
    /// # Errors
    /// No operation has chosen tokens yet.
    pub fn chains(&mut self) -> Result<Chains, PlanError> {
        let tokens = self.tokens;
        if !self.has_head() {
            return Err(PlanError::NoHead { operation: NAME });
        }
        let digests = self.tensor(2 * CHAINS * DIGEST, MAGNITUDE);
        let chains = Chains { tokens, digests };
        self.operations.push(Operation::Chains(chains.clone()));
        Ok(chains)
    }
}

impl Chains {
    /// Addresses of the views of the chains before the chunk: of given tokens, of chosen ones.
    pub fn before(&self) -> [u32; CHAINS] {
        std::array::from_fn(|chain| self.digests.address + (chain * DIGEST) as u32)
    }

    /// The same of the chains behind each lane.
    pub fn behind(&self) -> [u32; CHAINS] {
        self.before()
            .map(|address| address + (CHAINS * DIGEST) as u32)
    }

    /// The digest before a lane, of each chain.
    fn before_lane(&self, values: &Values, lane: usize) -> [Digest; CHAINS] {
        match lane.checked_sub(1) {
            None => self.before().map(|address| get(values, address, 0)),
            Some(lane) => self.behind().map(|address| get(values, address, lane)),
        }
    }

    /// A lane's tokens: the one that came in, and its listed choice.
    fn tokens(&self, values: &Values, lane: usize) -> [u32; CHAINS] {
        [self.tokens.given, self.tokens.listed]
            .map(|address| values.rows[address as usize][lane] as u32)
    }
}

impl Work for Chains {
    fn name(&self) -> &'static str {
        NAME
    }

    /// Tokens and listed choices are bound by the program, as the chains before the chunk are.
    fn reads(&self) -> Vec<Tensor> {
        vec![]
    }

    fn writes(&self) -> Vec<Tensor> {
        vec![self.digests]
    }

    fn operands(&self, _: &Plan) -> Vec<Operand> {
        vec![Operand::Number(self.tokens.given), self.digests.operand()]
    }

    fn views(&self) -> Vec<u32> {
        let digests = self.digests.addresses().step_by(CHANNELS);
        [self.tokens.given].into_iter().chain(digests).collect()
    }

    fn compute(&self, _: &Plan, lanes: Range<usize>, values: &mut Values) -> Result<(), BitsError> {
        if lanes.start == 0 {
            let before = values.chunk.chains;
            for (address, digest) in self.before().into_iter().zip(before) {
                set(values, address, 0, &digest);
            }
        }
        for lane in lanes {
            let before = self.before_lane(values, lane);
            let tokens = self.tokens(values, lane);
            for ((address, before), token) in self.behind().into_iter().zip(before).zip(tokens) {
                set(values, address, lane, &append(&before, token));
            }
        }
        Ok(())
    }

    fn constants(&self, plan: &Plan) -> Vec<Part> {
        let row = |lane: usize| {
            let from = if lane == 0 { 0 } else { CHAINS * DIGEST };
            [from, lane.saturating_sub(1)]
                .map(|constant| M31::from(constant as u32))
                .to_vec()
        };
        vec![Part {
            component: Component::Tokens,
            rows: (0..plan.lanes).map(row).collect(),
        }]
    }

    fn grown(&self, plan: &Plan, _: u32) -> Vec<(Component, usize)> {
        vec![(Component::Compress, CHAINS * plan.lanes)]
    }

    fn witness(&self, plan: &Plan, values: &Values) -> Vec<Part> {
        let view = self.tokens.given..self.tokens.given + CHANNELS as u32;
        let [mut rows, mut compressions] = [vec![], vec![]];
        for lane in 0..plan.lanes {
            let mut row: Vec<M31> = view.clone().map(|a| values.lanes(a)[lane]).collect();
            let before = self.before_lane(values, lane);
            let chains = before
                .iter()
                .zip(self.tokens(values, lane))
                .zip(self.behind());
            for ((before, token), address) in chains {
                row.extend(digest(before));
                row.extend(digest(&get(values, address, lane)));
                compressions.push(digests::row(before, &block(token), 1).0);
            }
            rows.push(row);
        }
        vec![
            Part {
                component: Component::Tokens,
                rows,
            },
            Part {
                component: Component::Compress,
                rows: compressions,
            },
        ]
    }
}
