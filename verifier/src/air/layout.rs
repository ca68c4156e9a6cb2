//! Which components a build's proofs have, and with how many rows: what a verifier is told beside the program.
//!
//! The rows of some components depend on how many positions a chunk carries. [`Layouts`] says which sizes they may have, and a
//! proof which of these it has: that is its [`Layout`]. The constants' tree has a set of columns for each size that is allowed.

use blake2::{Blake2s256, Digest};
use stwo::core::fields::m31::M31;
use stwo::core::fields::qm31::QM31;
use stwo::core::pcs::TreeVec;
use stwo_cairo_common::preprocessed_columns::preprocessed_trace::PreProcessedTrace;
use stwo_constraint_framework::preprocessed_columns::PreProcessedColumnId;
use stwo_constraint_framework::{FrameworkComponent, TraceLocationAllocator};
use thiserror::Error;

use super::challenges::Challenges;
use super::components::{Columns, Component, Evaluator};

/// First bytes of the preimage of the digest of layouts.
const DIGEST_DOMAIN: &[u8] = b"cairo-decode.layout.1";

/// A component and the logarithm of its number of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    pub component: Component,
    pub log_rows: u32,
}

/// The tensor components of a build's proofs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Decode steps that a row holds.
    pub lanes: usize,
    /// In the order in which their columns stand in the trees.
    pub components: Vec<Placed>,
    /// Number of the head's messages: its input channels.
    pub messages: usize,
}

/// A component, and the logarithms of the numbers of rows that it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    pub component: Component,
    pub smallest: u32,
    /// The same where the size does not depend on the chunk.
    pub largest: u32,
}

impl Sizes {
    /// Whether the chunk decides.
    pub fn differ(&self) -> bool {
        self.smallest < self.largest
    }

    /// The component in each of its sizes.
    pub fn all(self) -> impl Iterator<Item = Placed> {
        let component = self.component;
        (self.smallest..=self.largest).map(move |log_rows| Placed {
            component,
            log_rows,
        })
    }
}

/// The layouts that a build's proofs may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layouts {
    /// Decode steps that a row holds.
    pub lanes: usize,
    /// In the order in which their columns stand in the trees.
    pub components: Vec<Sizes>,
    /// Number of the head's messages: its input channels.
    pub messages: usize,
}

/// Sizes that a build's proofs do not have.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SizeError {
    #[error("the proof has {found} sizes of components, the layout asks for {expected}")]
    Count { found: usize, expected: usize },
    #[error("{component} has 2^{found} rows; the layout allows 2^{smallest} to 2^{largest}")]
    Size {
        component: Component,
        found: u32,
        smallest: u32,
        largest: u32,
    },
}

impl Layouts {
    /// The layout with these sizes, one for each component whose sizes differ.
    ///
    /// # Errors
    /// A size that is not allowed, or more or fewer sizes.
    pub fn at(&self, sizes: &[u32]) -> Result<Layout, SizeError> {
        let expected = self
            .components
            .iter()
            .filter(|sizes| sizes.differ())
            .count();
        if sizes.len() != expected {
            let found = sizes.len();
            return Err(SizeError::Count { found, expected });
        }
        let mut given = sizes.iter();
        let placed = |sizes: &Sizes| {
            let Sizes {
                component,
                smallest,
                largest,
            } = *sizes;
            let size = sizes.differ().then(|| given.next()).flatten();
            let log_rows = size.copied().unwrap_or(largest);
            if (smallest..=largest).contains(&log_rows) {
                return Ok(Placed {
                    component,
                    log_rows,
                });
            }
            Err(SizeError::Size {
                component,
                found: log_rows,
                smallest,
                largest,
            })
        };
        Ok(Layout {
            lanes: self.lanes,
            components: self
                .components
                .iter()
                .map(placed)
                .collect::<Result<_, _>>()?,
            messages: self.messages,
        })
    }

    /// The layout with the largest sizes.
    pub fn largest(&self) -> Layout {
        let largest = self.components.iter().map(|sizes| Placed {
            component: sizes.component,
            log_rows: sizes.largest,
        });
        Layout {
            lanes: self.lanes,
            components: largest.collect(),
            messages: self.messages,
        }
    }

    /// The same with one size for each component: its largest, and at least `2^least` rows. A circuit that verifies proofs is made for one
    /// layout.
    pub fn in_one_size(mut self, least: u32) -> Layouts {
        for sizes in &mut self.components {
            sizes.largest = sizes.largest.max(least);
            sizes.smallest = sizes.largest;
        }
        self
    }

    /// What a model's identity has of them: Blake2s of [`DIGEST_DOMAIN`], lanes, messages, the number of components, and of
    /// each the numbers that tell it from others and its sizes; four bytes each, the lowest first.
    pub fn digest(&self) -> [u8; 32] {
        let mut numbers = vec![
            self.lanes as u32,
            self.messages as u32,
            self.components.len() as u32,
        ];
        for sizes in &self.components {
            numbers.extend(sizes.component.words());
            numbers.extend([sizes.smallest, sizes.largest]);
        }
        let mut hasher = Blake2s256::new_with_prefix(DIGEST_DOMAIN);
        for number in numbers {
            hasher.update(number.to_le_bytes());
        }
        hasher.finalize().into()
    }

    /// The sizes of a layout, those that [`at`](Self::at) takes.
    pub fn sizes(&self, layout: &Layout) -> Vec<u32> {
        let both = self.components.iter().zip(&layout.components);
        both.filter(|(sizes, _)| sizes.differ())
            .map(|(_, placed)| placed.log_rows)
            .collect()
    }
}

impl From<&Layout> for Layouts {
    /// The layout and no other.
    fn from(layout: &Layout) -> Layouts {
        let one = layout.components.iter().map(|placed| Sizes {
            component: placed.component,
            smallest: placed.log_rows,
            largest: placed.log_rows,
        });
        Layouts {
            lanes: layout.lanes,
            components: one.collect(),
            messages: layout.messages,
        }
    }
}

/// A column of the constants' tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constant {
    pub id: PreProcessedColumnId,
    pub log_rows: u32,
    /// Where its values come from.
    pub source: Source,
}

/// Where a constant column's values come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Cairo's fixed tables: the column's number there.
    Cairo(usize),
    /// A component of the layout, its size, and the column's number in it.
    Component(usize, u32, usize),
}

impl Layout {
    /// The components' columns, in the layout's order.
    pub fn columns(&self) -> Vec<Columns> {
        let challenges = Challenges::without_values(self);
        let of = |placed: &Placed| {
            Evaluator::new(placed.component, self.lanes, placed.log_rows, &challenges).columns()
        };
        self.components.iter().map(of).collect()
    }

    /// Number of powers of `β`: up to the outputs of a block of a matrix, and at least up to those of a row of outputs.
    pub(super) fn betas(&self) -> usize {
        let blocks = self.components.iter().map(|placed| match placed.component {
            Component::Product { block } => block,
            // The step from one head to the next.
            Component::Rotary { half, .. } => half + 1,
            _ => 2,
        });
        blocks.max().unwrap_or(0) + 1
    }

    /// Number of powers of `δ`: up to the channels of a head of attention, and at least the first two.
    pub(super) fn deltas(&self) -> usize {
        let channels = self.components.iter().map(|placed| match placed.component {
            Component::Softmax { head_dim } | Component::Attend { head_dim, .. } => head_dim,
            _ => 1,
        });
        channels.max().unwrap_or(1) + 1
    }

    /// The numbers of the first outputs of the components that take outputs.
    pub(super) fn starts(&self) -> impl Iterator<Item = u32> {
        self.components
            .iter()
            .filter_map(|placed| placed.component.start())
    }

    /// What enters the transcript for it.
    pub fn words(&self) -> Vec<QM31> {
        let mut words = vec![
            self.lanes as u32,
            self.messages as u32,
            self.components.len() as u32,
        ];
        for placed in &self.components {
            words.extend(placed.component.words());
            words.push(placed.log_rows);
        }
        let pack = |four: &[u32]| {
            QM31::from_m31_array(std::array::from_fn(|i| {
                M31::from(four.get(i).copied().unwrap_or(0))
            }))
        };
        words.chunks(4).map(pack).collect()
    }

    /// The components, with sums, behind Cairo's in all trees; `cairo` says how many columns those have in the trees of
    /// trace and interaction.
    pub fn components<'a>(
        &self,
        challenges: &'a Challenges,
        sums: &[QM31],
        cairo: [usize; 2],
        constants: &[PreProcessedColumnId],
    ) -> Vec<FrameworkComponent<Evaluator<'a>>> {
        let mut allocator = TraceLocationAllocator::new_with_preprocessed_columns(constants);
        let [trace, interaction] = cairo.map(|columns| vec![(); columns]);
        allocator.next_for_structure(&TreeVec::new(vec![vec![], trace, interaction]));
        let placed = self.components.iter().zip(sums);
        placed
            .map(|(placed, &sum)| {
                let evaluator =
                    Evaluator::new(placed.component, self.lanes, placed.log_rows, challenges);
                FrameworkComponent::new(&mut allocator, evaluator, sum)
            })
            .collect()
    }
}

/// The columns of the constants' tree: Cairo's fixed tables and those of all layouts, by size, as circuits need them.
pub fn constants(tables: &PreProcessedTrace, layouts: &Layouts) -> Vec<Constant> {
    let cairo = tables.columns.iter().enumerate();
    let cairo = cairo.map(|(i, column)| Constant {
        id: column.id(),
        log_rows: column.log_size(),
        source: Source::Cairo(i),
    });
    let mut all: Vec<Constant> = cairo.collect();
    let challenges = Challenges::without_values(&layouts.largest());
    for (i, sizes) in layouts.components.iter().enumerate() {
        for Placed {
            component,
            log_rows,
        } in sizes.all()
        {
            let evaluator = Evaluator::new(component, layouts.lanes, log_rows, &challenges);
            let ids = evaluator.columns().constants.into_iter().enumerate();
            all.extend(ids.map(|(n, id)| Constant {
                id: PreProcessedColumnId { id },
                log_rows,
                source: Source::Component(i, log_rows, n),
            }));
        }
    }
    all.sort_by_key(|column| column.log_rows);
    all
}
