//! Where the proof work of a chunk goes, measured on its trace, without proving.
//!
//! Owns the attribution of steps, rows and cells to the operations of a plan ([`profile_chunk`]), and their
//! growth with the context ([`Report`]), as data and as a page ([`page()`]).
//!
//! Invariants
//! - Exact: every VM step and every row in use has one owner; for each component, rows by owner add up to what the
//!   prover will commit to, and what is left up to a power of two is padding.
//! - Cells are trace and interaction columns times rows, as the library's claims declare them: the total is the one
//!   that a proof's claim has.
//! - Deliberately absent: estimates, seconds, proofs.

mod calls;
mod components;
mod owners;
mod page;
mod report;
mod rows;
mod tensors;

use std::collections::BTreeMap;

use serde::Serialize;
use thiserror::Error;

use crate::air::cairo;
use crate::trace::TraceError;
use owners::{Owners, PROTOCOL};
use rows::Rows;

pub use components::{AnyComponent, Component, components};
pub use page::page;
pub use report::{Growth, Line, Point, Report};
pub use tensors::profile_chunk;

/// Why a run has no profile.
#[derive(Debug, Clone, Error)]
pub enum ProfileError {
    #[error("the program does not say what its code computes: compile the model again")]
    OldBuild,
    #[error("the trace uses {0}, whose rows are not counted: no program of cairo-decode does")]
    Foreign(cairo::Component),
    #[error("the trace has {0}: this is a bug of cairo-decode")]
    Inconsistent(&'static str),
    #[error("{0}")]
    Trace(String),
}

impl From<TraceError> for ProfileError {
    fn from(error: TraceError) -> ProfileError {
        ProfileError::Trace(error.to_string())
    }
}

/// The work of one operation, or of a part of the program around it.
#[derive(Debug, Clone, Serialize)]
pub struct Work {
    /// The operation's label; `protocol.` and a name for the parts around.
    pub label: String,
    /// The operation's name; the label for the parts around.
    pub operation: String,
    /// What the label begins with, up to a dot: `layer0`; `model` if it has none.
    pub section: String,
    /// VM steps.
    pub steps: u64,
    /// Rows in use, over all components.
    pub rows: u64,
    /// Cells of these rows.
    pub cells: u64,
    /// By component, those that have rows of it.
    pub components: BTreeMap<AnyComponent, Share>,
}

/// The part of a component that a [`Work`] has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Share {
    pub rows: u64,
    pub cells: u64,
}

/// The work of one chunk.
#[derive(Debug, Clone, Serialize)]
pub struct Profile {
    /// VM steps.
    pub steps: u64,
    /// Cells that the proof will commit to.
    pub cells: u64,
    /// Of these: of rows in use, what [`Profile::work`] adds up to.
    pub used: u64,
    /// Of these: of rows that only fill components up to a power of two.
    pub padding: u64,
    /// Of these: of the lookup tables of fixed size.
    pub fixed: u64,
    /// The operations in their order, then the parts around.
    pub work: Vec<Work>,
    /// Components, most cells first, then the tables.
    pub components: Vec<Component<AnyComponent>>,
}

/// An operation whose work is measured.
struct Node {
    /// No other operation has it.
    label: String,
    operation: String,
    section: String,
}

/// What the profile of a run is made of.
struct Measured {
    /// Of steps; operations first.
    owners: Owners,
    rows: Rows,
    components: Vec<Component<AnyComponent>>,
}

/// Sums up what was measured. The first owners are the nodes.
fn assemble(nodes: &[Node], measured: Measured) -> Result<Profile, ProfileError> {
    let Measured {
        owners,
        rows,
        components,
    } = measured;
    let mut steps = vec![0; owners.names.len()];
    for &owner in &owners.of_step {
        steps[owner as usize] += 1;
    }
    let works = owners.names.iter().zip(steps).enumerate();
    let work: Vec<Work> = works
        .map(|(owner, (label, steps))| {
            let shares = components.iter().filter(|c| !c.fixed).map(|c| {
                let rows = rows.of(c.component, owner as owners::Owner);
                let cells = rows * c.cells_per_row;
                (c.component, Share { rows, cells })
            });
            let shares: BTreeMap<_, _> = shares.filter(|(_, share)| share.rows > 0).collect();
            Work {
                label: label.clone(),
                operation: match nodes.get(owner) {
                    Some(node) => node.operation.clone(),
                    None => label.clone(),
                },
                section: match nodes.get(owner) {
                    Some(node) => node.section.clone(),
                    None => PROTOCOL.to_string(),
                },
                steps,
                rows: shares.values().map(|share| share.rows).sum(),
                cells: shares.values().map(|share| share.cells).sum(),
                components: shares,
            }
        })
        .collect();

    let sum = |fixed: bool| {
        let own = components.iter().filter(move |c| c.fixed == fixed);
        own.map(|c| c.cells).sum::<u64>()
    };
    let used: u64 = work.iter().map(|work| work.cells).sum();
    let padding = sum(false).checked_sub(used);
    Ok(Profile {
        steps: owners.of_step.len() as u64,
        cells: sum(false) + sum(true),
        used,
        padding: padding.ok_or(ProfileError::Inconsistent("more rows than its components"))?,
        fixed: sum(true),
        work,
        components,
    })
}
