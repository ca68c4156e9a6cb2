//! What lies of several components are told with: a memory that says what they claim, and what refuses them.

use cairo_decode::air::components::Component;
use cairo_decode::air::components::cells::MODULUS_LIMBS;
use cairo_decode::prove::tensor::tally;
use stwo::core::fields::m31::M31;

use crate::balance::{Honest, Misfit};
use crate::{Chunk, LANES};

/// Rows of a component that are broken, and nothing else is.
pub fn only(component: &str, rows: &[usize]) -> Misfit {
    Misfit {
        broken: rows
            .iter()
            .map(|&row| (component.to_string(), row))
            .collect(),
        ..Misfit::default()
    }
}

pub fn misfit(chunk: &Chunk) -> Misfit {
    let checked = Honest::check(&chunk.constants, &chunk.witness, 1);
    checked.err().unwrap_or_default()
}

/// A relation refuses a chunk's witness, and nothing else does.
pub fn refused_by(chunk: &Chunk, relation: M31, what: &str) {
    let misfit = misfit(chunk);
    assert!(!misfit.open.is_empty(), "{what}: accepted");
    let only = Misfit {
        open: vec![relation.0; misfit.open.len()],
        ..Misfit::default()
    };
    assert_eq!(misfit, only, "{what}");
}

/// The same, with multiplicities that count all uses.
pub fn refused_when_counted(mut chunk: Chunk, relation: M31, what: &str) {
    tally::write(&chunk.constants, &mut chunk.witness);
    refused_by(&chunk, relation, what);
}

/// The zero sum refuses a chunk's witness, and nothing else does.
pub fn refused_by_the_sum(mut chunk: Chunk, what: &str) {
    tally::write(&chunk.constants, &mut chunk.witness);
    let sum = Misfit {
        sum: true,
        ..Misfit::default()
    };
    assert_eq!(misfit(&chunk), sum, "{what}");
}

/// The columns of a row of `cells`: behind the step, of the address and of the lane the cell's number and three limbs each; of each value the cell's
/// number, four limbs and the inverse.
pub mod of_cells {
    pub const ADDRESS: usize = 6;
    pub const LANE: usize = 10;

    pub fn value(k: usize) -> usize {
        13 + 6 * k
    }
}

impl Chunk {
    pub fn cell(&mut self, name: &str, column: usize, row: usize) -> &mut M31 {
        let component = self.index(name);
        &mut self.witness.tables[component][column][row]
    }

    /// The rows of `cells` that read a lane's view of an address.
    pub fn reads(&self, address: u32, lane: usize) -> Vec<usize> {
        let table = &self.witness.tables[self.index("cells")];
        let number = |column: usize, row: usize| {
            (0..3)
                .map(|limb| table[column + limb][row].0 << (9 * limb))
                .sum::<u32>()
        };
        let rows = 0..table[0].len();
        let is_one = |row: &usize| {
            table[0][*row].0 == 1
                && number(of_cells::ADDRESS, *row) == address
                && number(of_cells::LANE, *row) == lane as u32
        };
        rows.filter(is_one).collect()
    }

    /// A row of `cells` reads these limbs of the value `k`.
    pub fn reads_limbs(&mut self, k: usize, row: usize, limbs: [u32; 4]) {
        let first = of_cells::value(k) + 1;
        for (i, limb) in limbs.into_iter().enumerate() {
            *self.cell("cells", first + i, row) = M31::from(limb);
        }
        let gap = M31::from(limbs.iter().sum::<u32>()) - M31::from(MODULUS_LIMBS);
        *self.cell("cells", first + 4, row) = gap.inverse();
    }

    /// The memory has another value, and all views of it, and what the program reads of them.
    pub fn says(&mut self, address: u32, lane: usize, value: M31) {
        *self.cell("tensor", lane, address as usize) = value;
        let views = self.constants.tables[self.index("lanes")][1].clone();
        for (row, first) in views.iter().enumerate() {
            let Some(k) = address.checked_sub(first.0).filter(|k| *k < 8) else {
                continue;
            };
            *self.cell("lanes", k as usize * LANES + lane, row) = value;
            for read in self.reads(first.0, lane) {
                self.reads_limbs(k as usize, read, limbs(value));
            }
            if first.0 == self.plan.tokens.given {
                self.embeds(k as usize, lane, value);
            }
        }
    }

    /// What embeddings read of the view of tokens.
    pub fn embeds(&mut self, k: usize, lane: usize, value: M31) {
        let layout = self.constants.layout.components.iter().enumerate();
        let embeds =
            layout.filter(|(_, placed)| matches!(placed.component, Component::Embed { .. }));
        for (i, _) in embeds {
            // Behind the place: the lane.
            let [on, lanes] = [0, 4].map(|column| &self.constants.tables[i][column]);
            for row in (0..on.len()).filter(|&row| on[row].0 == 1 && lanes[row].0 == lane as u32) {
                self.witness.tables[i][2 + k][row] = value;
            }
        }
    }
}

pub fn limbs(value: M31) -> [u32; 4] {
    std::array::from_fn(|i| value.0 >> (9 * i) & 511)
}
