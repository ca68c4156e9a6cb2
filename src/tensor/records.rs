//! Records of positions: the root of all keys and values, those of carried positions included.

use std::ops::Range;

use rayon::prelude::*;
use stwo::core::fields::m31::M31;

use super::carried::carried_bits;
use super::constants::{flag, signed};
use super::digests::{self, MAGNITUDE, digest, get, set};
use super::error::{BitsError, PlanError};
use super::operation::{Operand, Operation, Part, Work};
use super::plan::{Plan, Tensor};
use super::values::Values;
use crate::air::components::Component;
use crate::air::components::lanes::CHANNELS;
use crate::air::components::record::OWN;
use crate::air::components::roots::MOST_BLOCKS;
use crate::spec::poseidon2::{DIGEST, Digest};
use crate::spec::record::{EMPTY, Packing, append};

/// Name in refusals.
const NAME: &str = "records";

/// The records of the chunk's lanes behind those of the carried positions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Records {
    /// Keys and values of the chunk's own lanes, in the order of a record.
    pub tensors: Vec<Tensor>,
    pub packing: Packing,
    /// The root of the carried positions, in lane 0 of its view.
    pub incoming: Tensor,
    /// The root behind each lane.
    pub behind: Tensor,
}

impl Plan {
    /// The root of all positions, of the chunk's lanes and of those before, whose keys and values these tensors are. A plan has one:
    /// its rows' numbers have no number of an operation in them.
    ///
    /// # Errors
    /// Tensors that no operation writes, that have no views, or whose values are too large; too many of them; a second one.
    pub fn records(&mut self, tensors: &[Tensor]) -> Result<Records, PlanError> {
        if self.recorded().is_some() {
            return Err(PlanError::Recorded);
        }
        for tensor in tensors {
            self.written(NAME, *tensor)?;
            let (address, channels) = (tensor.address, tensor.channels);
            if !channels.is_multiple_of(CHANNELS) {
                return Err(PlanError::RecordChannels { address, channels });
            }
        }
        let most = |of: fn(&Tensor) -> i64| tensors.iter().map(of).max().unwrap_or(0);
        let magnitude = most(|tensor| tensor.magnitude);
        // Numbers of a checked range have as many bits as it says, of which the lowest one is as far from 0 as a power of two.
        let largest = most(|tensor| (1 << (tensor.bits - 1)) - 1);
        let limit = Packing::Two.half() - 1;
        let packing =
            Packing::of_magnitude(largest).ok_or(PlanError::RecordValue { magnitude, limit })?;
        let values = tensors.iter().map(|tensor| tensor.channels).sum();
        let blocks = packing.blocks(values);
        if blocks == 0 || blocks > MOST_BLOCKS {
            return Err(PlanError::RecordBlocks {
                blocks,
                limit: MOST_BLOCKS,
            });
        }
        let [incoming, behind] = [0; 2].map(|_| self.tensor(DIGEST, MAGNITUDE));
        let records = Records {
            tensors: tensors.to_vec(),
            packing,
            incoming,
            behind,
        };
        for tensor in tensors {
            let bits = carried_bits(NAME, *tensor)?;
            self.carried_tensor(*tensor, bits);
        }
        self.operations.push(Operation::Records(records.clone()));
        Ok(records)
    }

    /// The operation `records`, if there is one.
    pub fn recorded(&self) -> Option<&Records> {
        self.operations
            .iter()
            .find_map(|operation| match operation {
                Operation::Records(records) => Some(records),
                _ => None,
            })
    }
}

/// A row: a block of a position's record.
struct Block {
    number: u32,
    lane: usize,
    /// Addresses of its views, and the bits of their values.
    views: Vec<(u32, u32)>,
    /// Of an own lane's record.
    last: bool,
}

/// What a row has in a chunk.
struct Step {
    before: Digest,
    values: Vec<i64>,
    behind: Digest,
    /// The row of its compression.
    compression: Vec<M31>,
}

impl Records {
    /// Values of a record.
    pub fn channels(&self) -> usize {
        self.tensors.iter().map(|tensor| tensor.channels).sum()
    }

    /// Blocks of a record.
    pub fn blocks(&self) -> usize {
        self.packing.blocks(self.channels())
    }

    /// The views of each block of a record, from the addresses of a record's views.
    fn views_of_blocks(&self, views: &[(u32, u32)]) -> Vec<Vec<(u32, u32)>> {
        let of_block = self.packing.values_of_block() / CHANNELS;
        let all: Vec<(u32, u32)> = views
            .iter()
            .cycle()
            .take(self.blocks() * of_block)
            .copied()
            .collect();
        all.chunks(of_block).map(<[_]>::to_vec).collect()
    }

    /// Views of the own lanes' records.
    fn own_views(&self) -> Vec<u32> {
        let tensors = self.tensors.iter();
        tensors
            .flat_map(|tensor| tensor.addresses().step_by(CHANNELS))
            .collect()
    }

    /// The views of a record, with the bits of the tensors that they are of.
    fn with_bits(&self, views: impl IntoIterator<Item = u32>) -> Vec<(u32, u32)> {
        let bits = self
            .tensors
            .iter()
            .flat_map(|tensor| vec![tensor.bits; tensor.channels / CHANNELS]);
        views.into_iter().zip(bits).collect()
    }

    /// The rows of a position whose record has these views; the first has this number.
    fn position(&self, views: &[(u32, u32)], lane: usize, first: u32, own: bool) -> Vec<Block> {
        let count = self.blocks();
        let views = (0..).zip(self.views_of_blocks(views));
        let row = |(i, views): (usize, Vec<(u32, u32)>)| Block {
            number: first + i as u32,
            lane,
            views,
            last: own && i + 1 == count,
        };
        views.map(row).collect()
    }

    /// Rows of the own lanes.
    fn own_rows(&self, plan: &Plan) -> Vec<Block> {
        let (count, views) = (self.blocks(), self.with_bits(self.own_views()));
        let lanes = 0..plan.lanes;
        lanes
            .flat_map(|lane| self.position(&views, lane, OWN + (lane * count) as u32, true))
            .collect()
    }

    /// Rows of so many carried positions.
    fn carried_rows(&self, plan: &Plan, positions: usize) -> Vec<Block> {
        let positions = 0..positions.min(plan.carried.blocks as usize * plan.lanes);
        let rows = positions.flat_map(|position| {
            let views = self.carried_record(plan, position).step_by(CHANNELS);
            let views = self.with_bits(views);
            let first = position * self.blocks();
            self.position(&views, position % plan.lanes, first as u32, false)
        });
        rows.collect()
    }

    /// Addresses of a carried position's record.
    fn carried_record(&self, plan: &Plan, position: usize) -> Range<u32> {
        let step = self.channels() as u32;
        let first = plan.addresses + (position / plan.lanes) as u32 * step;
        first..first + step
    }

    /// The constants of so many rows: of the own lanes, then of the carried positions that there is room for.
    pub(super) fn constants_of(&self, plan: &Plan, rows: usize) -> Vec<Vec<M31>> {
        let own = self.own_rows(plan);
        let (last, positions) = (
            own.len(),
            rows.saturating_sub(own.len()).div_ceil(self.blocks()),
        );
        let all = own.into_iter().chain(self.carried_rows(plan, positions));
        let constants = |(i, row): (usize, Block)| {
            let mut constants = vec![
                flag(true),
                M31::from(row.number),
                M31::from(row.lane as u32),
            ];
            constants.extend(row.views.iter().map(|&(view, _)| M31::from(view)));
            constants.extend(row.views.iter().map(|&(_, bits)| M31::from(bits)));
            let offset = |bits: u32| M31::from(1 << (bits - 1));
            constants.extend(row.views.iter().map(|&(_, bits)| offset(bits)));
            let roots = if row.last { self.behind.address } else { 0 };
            constants.extend([flag(row.last), M31::from(roots), flag(i + 1 != last)]);
            constants
        };
        all.take(rows).enumerate().map(constants).collect()
    }

    /// What the rows that are on have: of the carried positions, then of the own lanes.
    fn steps(&self, plan: &Plan, values: &Values) -> [Vec<Step>; 2] {
        let mut root = EMPTY;
        let mut step = |row: &Block| {
            let channels = row
                .views
                .iter()
                .flat_map(|&(view, _)| view..view + CHANNELS as u32);
            let values: Vec<i64> = channels
                .map(|address| values.at(address, row.lane))
                .collect();
            let before = root;
            let (compression, behind) = digests::row(&before, &self.packing.block(&values), 1);
            root = behind;
            Step {
                before,
                values,
                behind,
                compression,
            }
        };
        let carried = self.carried_rows(plan, values.chunk.position as usize);
        let carried = carried.iter().map(&mut step).collect();
        [carried, self.own_rows(plan).iter().map(&mut step).collect()]
    }

    /// The root of the carried positions.
    fn incoming(&self, plan: &Plan, values: &Values) -> Digest {
        (0..values.chunk.position as usize).fold(EMPTY, |root, position| {
            let addresses = self.carried_record(plan, position);
            let record: Vec<i64> = addresses
                .map(|address| values.at(address, position % plan.lanes))
                .collect();
            append(&root, &record, self.packing)
        })
    }
}

impl Work for Records {
    fn name(&self) -> &'static str {
        NAME
    }

    fn reads(&self) -> Vec<Tensor> {
        self.tensors.clone()
    }

    /// The root that comes in is that of the carried positions.
    fn writes(&self) -> Vec<Tensor> {
        vec![self.incoming, self.behind]
    }

    fn operands(&self, _: &Plan) -> Vec<Operand> {
        vec![Operand::Position, self.incoming.operand()]
    }

    fn views(&self) -> Vec<u32> {
        let roots = [self.incoming.address, self.behind.address];
        self.own_views().into_iter().chain(roots).collect()
    }

    fn compute(
        &self,
        plan: &Plan,
        lanes: Range<usize>,
        values: &mut Values,
    ) -> Result<(), BitsError> {
        if lanes.start == 0 {
            let incoming = self.incoming(plan, values);
            set(values, self.incoming.address, 0, &incoming);
        }
        for lane in lanes {
            let before = match lane.checked_sub(1) {
                None => get(values, self.incoming.address, 0),
                Some(before) => get(values, self.behind.address, before),
            };
            let own = self.tensors.iter().flat_map(Tensor::addresses);
            let record: Vec<i64> = own.map(|address| values.at(address, lane)).collect();
            set(
                values,
                self.behind.address,
                lane,
                &append(&before, &record, self.packing),
            );
        }
        Ok(())
    }

    fn constants(&self, _: &Plan) -> Vec<Part> {
        let blocks = self.blocks();
        vec![Part {
            component: Component::Roots { blocks },
            rows: vec![vec![]],
        }]
    }

    fn grown(&self, plan: &Plan, blocks: u32) -> Vec<(Component, usize)> {
        let rows = self.blocks() * plan.lanes * (1 + blocks as usize);
        let packing = self.packing;
        vec![
            (Component::Record { packing }, rows),
            (Component::Compress, rows),
        ]
    }

    fn witness(&self, plan: &Plan, values: &Values) -> Vec<Part> {
        let (blocks, packing) = (self.blocks(), self.packing);
        let [carried, own] = self.steps(plan, values);
        let incoming = carried.last().map_or(EMPTY, |step| step.behind);
        let row = |step: &Step| {
            let mut row = vec![flag(true)];
            row.extend(digest(&step.before));
            row.extend(digest(&step.behind));
            row.extend(step.values.iter().map(|&value| signed(value)));
            row
        };
        let steps: Vec<Step> = own.into_iter().chain(carried).collect();
        let records = steps.par_iter().map(row).collect();
        let compressions = steps.into_iter().map(|step| step.compression).collect();
        vec![
            Part {
                component: Component::Roots { blocks },
                rows: vec![digest(&incoming)],
            },
            Part {
                component: Component::Record { packing },
                rows: records,
            },
            Part {
                component: Component::Compress,
                rows: compressions,
            },
        ]
    }
}
