//! Steps of a program that tensor components take from the VM's: calls of operations, and reads of the tensor memory.

use std::collections::{BTreeMap, BTreeSet};

use stwo_cairo_adapter::ProverInput;

use crate::air::components::Component;
use crate::air::components::call::{self, FIRST};
use crate::air::components::cells::{self, CELLS};
use crate::program::Compiled;
use crate::prove::tensor::calls::take;

/// Which instructions of a program are calls and reads.
#[derive(Default)]
pub(super) struct Calls {
    /// By offset in the program, with the cells that the instruction reads.
    at: BTreeMap<usize, (Component, usize)>,
}

impl Calls {
    /// Those of a program.
    pub(super) fn of(program: &Compiled) -> Calls {
        let of = |(&offset, &word): (&usize, &u128)| {
            let operands = (1..).take(CELLS).find(|&n| call::word(n) == word);
            let found = match operands {
                _ if word == cells::word() => (Component::Cells, CELLS),
                Some(operands) => (Component::Call { operands }, operands),
                None => return None,
            };
            Some((offset, found))
        };
        let at = program.instructions().iter().filter_map(of).collect();
        Calls { at }
    }

    /// What takes the step at an offset of the program, and how far below the frame are the cells that it reads.
    pub(super) fn at(
        &self,
        offset: usize,
    ) -> Option<(Component, impl Iterator<Item = u32> + use<>)> {
        let &(component, cells) = self.at.get(&offset)?;
        Some((component, (FIRST..).take(cells)))
    }

    /// Takes all of them out of a run, and returns how many instructions of the program are in it no more.
    pub(super) fn take(&self, input: &mut ProverInput) -> usize {
        let kinds: BTreeSet<Component> =
            self.at.values().map(|(component, _)| *component).collect();
        let mut gone = 0;
        for kind in kinds {
            let word = match kind {
                Component::Call { operands } => call::word(operands),
                _ => cells::word(),
            };
            let steps = take(input, word);
            gone += steps
                .iter()
                .map(|step| step.pc.0)
                .collect::<BTreeSet<u32>>()
                .len();
        }
        gone
    }
}
