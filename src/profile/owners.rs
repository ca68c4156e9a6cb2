//! Which operation of the plan each VM step works for.
//!
//! The generated code makes one call per operation, and the compiler's map says which code that is. So a step works
//! for the operation whose line it comes from, or for the one whose line called the function it is in, however
//! deep. Nothing is asked of the called code: it may serve several operations.

use std::collections::BTreeMap;

use super::ProfileError;
use crate::compile::Program;
use crate::trace::Registers;

/// What a step works for: an index into [`Owners::names`].
pub(super) type Owner = u32;

/// The steps' owners.
pub(super) struct Owners {
    /// The operations' labels, in their order, then `protocol.` and a part of the program around them.
    pub names: Vec<String>,
    /// By step.
    pub of_step: Vec<Owner>,
}

impl Owners {
    /// The owner of a name, made if it is new.
    pub(super) fn named(&mut self, name: &str) -> Owner {
        let found = self.names.iter().position(|n| n == name);
        let index = found.unwrap_or_else(|| {
            self.names.push(name.to_string());
            self.names.len() - 1
        });
        index as Owner
    }
}

/// Prefix of the parts around the operations.
pub(super) const PROTOCOL: &str = "protocol";

/// Parts of the program that call others without work of their own: what they call speaks for itself.
const AROUND: [&str; 3] = ["entry", "step", "chunk"];

/// A function that is running.
struct Frame {
    fp: usize,
    /// What all its steps work for; `None` where each instruction speaks for itself.
    owner: Option<Owner>,
    /// What the latest of its own steps worked for.
    latest: Option<Owner>,
}

/// The owner of every step. `labels`: those of the operations.
///
/// # Errors
/// A program that does not know what its code computes.
pub(super) fn owners(
    program: &Program,
    labels: impl Iterator<Item = String>,
    registers: &[Registers],
) -> Result<Owners, ProfileError> {
    if !program.has_calls() {
        return Err(ProfileError::OldBuild);
    }
    let mut owners = Owners {
        names: labels.collect(),
        of_step: Vec::with_capacity(registers.len()),
    };
    let around = AROUND.map(|part| owners.named(&format!("{PROTOCOL}.{part}")));
    let mut known: BTreeMap<usize, Owner> = BTreeMap::new();
    let mut frames: Vec<Frame> = vec![];
    for step in registers {
        while frames.pop_if(|frame| frame.fp > step.fp).is_some() {}
        if frames.last().is_none_or(|frame| frame.fp < step.fp) {
            // A call: the function works for what the calling step does.
            let caller = frames.last().and_then(|frame| frame.latest);
            frames.push(Frame {
                fp: step.fp,
                owner: caller.filter(|owner| !around.contains(owner)),
                latest: None,
            });
        }
        let Some(frame) = frames.last_mut() else {
            continue;
        };
        let owner = match frame.owner {
            Some(owner) => owner,
            None => *known
                .entry(step.pc)
                .or_insert_with(|| instruction(program, step.pc, &mut owners)),
        };
        frame.latest = Some(owner);
        owners.of_step.push(owner);
    }
    Ok(owners)
}

/// What an instruction works for by itself.
fn instruction(program: &Program, offset: usize, owners: &mut Owners) -> Owner {
    let part = match program.call(offset) {
        Some(label) => match owners.names.iter().position(|name| name == label) {
            Some(node) => return node as Owner,
            None => label,
        },
        None => program.operation(offset),
    };
    owners.named(&format!("{PROTOCOL}.{part}"))
}
