//! Rows of groups of keys, which hang below a constant row of [`softmax`](super::softmax).
//!
//! The number of carried blocks is not constant, so neither is the number of rows that a head needs in [`qk`](super::qk) and
//! [`attend`](super::attend). Their rows
//! come in groups, one for each block of `L` keys: the head's first group is the chunk's own block, the others are the carried blocks in their
//! order. Each row has a
//! constant number `i` in the whole component, and an enabler `e`. It uses `(chain, op, i, new, own, carried, …)` and yields
//! `(chain, op, i + 1, new', own, carried, …)`,
//! `e` times, with `e(1 − e) = 0`. The head's `softmax` row, which is constant, yields the tuple of the first row of its first group `G` with
//! `new = 1`, and uses
//! the one behind the last row of its last group `G + N` with `new = 0`.
//!
//! Only the one constant row of `op` yields a first tuple and only it takes a last one, and a row leads to the next number and to no other. So
//! exactly the rows of the groups
//! `G … G + N` are on with that `op`: none can be left out, added, or given to another head, whatever calls there are outside the run.
//!
//! `new` is 1 in the own group: `new' = new (1 − last)` with the constant `last`, 1 in a group's last row. The block of keys lies at
//! `carried + new (own − carried) + Γ step` for the
//! group's number `Γ`, a constant; `own` is the address of the own block less `G step`, `carried` that of the first carried block less
//! `(G + 1) step`. Both `new'` and the block are columns, as
//! they would be tuple elements of degree 2.
//!
//! All rows have their constants, whether they are on or not, so that each number is one row's only. A last group that the component's size cuts
//! off cannot be used, as nothing takes the tuple behind its rows.

use stwo::core::fields::m31::M31;

use crate::air::row::{Base, Row};

/// What is the same in all groups of a head, as a tuple has it.
pub struct Head<F> {
    pub op: F,
    /// Address of the own block, less `G step`.
    pub own: F,
    /// Address of the first carried block, less `(G + 1) step`.
    pub carried: F,
    /// From a carried block to the next.
    pub step: F,
    /// What else the component's rows need.
    pub shared: Vec<F>,
}

impl<F: Base> Head<F> {
    /// The tuple of the row with this number.
    pub fn at(&self, chain: M31, number: F, new: F) -> Vec<F> {
        let mut tuple = vec![F::from(chain), self.op.clone(), number, new];
        tuple.extend([&self.own, &self.carried, &self.step].map(F::clone));
        tuple.extend_from_slice(&self.shared);
        tuple
    }
}

/// A row of a group.
pub struct Group<F> {
    /// The enabler.
    pub on: F,
    /// 1 in the own group, 0 in the others.
    pub new: F,
    /// The group's number in the component.
    pub number: F,
    /// Address of the group's block.
    pub block: F,
    pub shared: Vec<F>,
}

/// The column of `new`.
pub const NEW: usize = 2;

/// Columns of a group's row without those of `shared`.
pub const COLUMNS: usize = 8;

/// The row's place below its head: constants `row`, `last`, `group`; values `e`, `op`, `new`, `new'`, `own`, `carried`, `step`, `block`, and as
/// many as `shared` says; two lookups.
pub fn group<R: Row>(chain: M31, shared: usize, row: &mut R) -> Group<R::F> {
    let number = row.constant("row");
    let last = row.constant("last");
    let of = row.constant("group");
    let [on, op, new, next, own, carried, step, block] = [0; COLUMNS].map(|_| row.value());
    let shared = row.values(shared);
    let one = R::F::from(M31::from(1));
    row.zero(on.clone() * (one.clone() - on.clone()));
    row.zero(new.clone() * (one.clone() - last) - next.clone());
    let base = carried.clone() + new.clone() * (own.clone() - carried.clone());
    row.zero(base + of.clone() * step.clone() - block.clone());
    let head = Head {
        op,
        own,
        carried,
        step,
        shared,
    };
    row.uses(on.clone(), &head.at(chain, number.clone(), new.clone()));
    row.yields(on.clone(), &head.at(chain, number + one, next));
    Group {
        on,
        new,
        number: of,
        block,
        shared: head.shared,
    }
}

/// The constants of a row of a group of so many rows: the row's number, whether it is its group's last, the group's number; then its place in
/// the group, and whether powers begin
/// there: with the very first row, with the first row of a later group.
pub(super) fn constants(rows_of_group: usize, row: usize) -> Vec<M31> {
    let place = row % rows_of_group;
    let flag = |set: bool| M31::from(u32::from(set));
    let number = |x: usize| M31::from(x as u32);
    vec![
        number(row),
        flag(place + 1 == rows_of_group),
        number(row / rows_of_group),
        number(place),
        flag(row == 0),
        flag(place == 0 && row > 0),
    ]
}
