//! How lies about records are told: the rows that follow from a lie, and a memory that says what they claim.

use std::ops::{Deref, DerefMut};

use cairo_decode::air::components::{compress, record, tokens};
use cairo_decode::prove::tensor::tally;
use cairo_decode::spec::poseidon2::{Block, Digest, compress as compressed, permute_seen, start};
use cairo_decode::spec::record::EMPTY;
use cairo_decode::spec::token_chain;
use cairo_decode::tensor;
use stwo::core::fields::m31::M31;

use crate::balance::{Honest, Misfit};
use crate::digests::{carried, chunk_from, digested};
use crate::{Chunk, Numbers, chunk_unchecked};

/// A chunk whose witness may be a lie.
pub struct Lie(pub Chunk);

impl Deref for Lie {
    type Target = Chunk;

    fn deref(&self) -> &Chunk {
        &self.0
    }
}

impl DerefMut for Lie {
    fn deref_mut(&mut self) -> &mut Chunk {
        &mut self.0
    }
}

/// Lanes of these plans.
pub const LANES: usize = 8;

/// Columns of the constants of `record`.
pub const ON: usize = 0;
pub const NUMBER: usize = 1;

/// The first value of a row of `record`.
pub const VALUE: usize = record::BEFORE_VALUES;

pub fn one() -> M31 {
    M31::from(1)
}

/// A chunk with room for 16 carried positions of which it has 11, and two blocks in a record.
pub fn honest() -> Lie {
    let (plan, ..) = digested(LANES, &[16, 24], 7, 2);
    let came = carried(&plan, 11, &mut Numbers(5));
    Lie(chunk_from(plan, &came))
}

impl Lie {
    /// A component's place, by the beginning of its name.
    pub fn table(&mut self, name: &str) -> &mut Vec<Vec<M31>> {
        let place = self.index(name);
        &mut self.witness.tables[place]
    }

    pub fn blocks(&self) -> usize {
        self.plan.recorded().expect("records").blocks()
    }

    /// The row of `record` with a number.
    pub fn row(&self, number: u32) -> usize {
        let constants = &self.constants.tables[self.index("record")];
        let rows = 0..constants[ON].len();
        let mut found =
            rows.filter(|&row| constants[ON][row] == one() && constants[NUMBER][row].0 == number);
        found.next().expect("a row")
    }

    /// What does not fit, with multiplicities that count all uses.
    pub fn misfit(&mut self) -> Misfit {
        let Chunk {
            constants, witness, ..
        } = &mut self.0;
        tally::write(constants, witness);
        self.as_told()
    }

    /// What does not fit, with the multiplicities as they are.
    pub fn as_told(&self) -> Misfit {
        Honest::check(&self.constants, &self.witness, 1)
            .err()
            .unwrap_or_default()
    }

    /// The lie is refused by a relation, and by nothing else.
    pub fn refused_by(mut self, relation: M31) {
        let misfit = self.misfit();
        assert!(!misfit.open.is_empty(), "accepted");
        let only = Misfit {
            open: vec![relation.0; misfit.open.len()],
            ..Misfit::default()
        };
        assert_eq!(misfit, only);
    }

    /// The lie is refused by a constraint of a component's row, and by nothing else.
    pub fn refused_by_a_constraint(mut self, name: &str, row: usize) {
        let only = Misfit {
            broken: vec![(name.to_string(), row)],
            ..Misfit::default()
        };
        assert_eq!(self.misfit(), only);
    }

    /// Computes the roots of all rows of `record` that are on anew, in the order of their numbers, and the rows of `compress`; `change`
    /// says what stands behind a row of a number, and `start` before the first one. The roots behind the carried positions and behind each own lane.
    pub fn follow(
        &mut self,
        start: Digest,
        change: &dyn Fn(u32, Digest) -> Digest,
    ) -> (Digest, Vec<Digest>) {
        let [record, compress, roots] =
            ["record", "compress", "roots"].map(|name| self.index(name));
        let packing = self.plan.recorded().expect("records").packing;
        let constants = self.constants.tables[record].clone();
        let on = |row: &usize| {
            constants[ON][*row] == one() && self.witness.tables[record][0][*row] == one()
        };
        let mut rows: Vec<usize> = (0..constants[ON].len()).filter(on).collect();
        rows.sort_by_key(|&row| constants[NUMBER][row].0);
        let (mut root, mut incoming, mut behind, mut used) = (start, start, vec![], vec![]);
        for row in rows {
            let place = constants[NUMBER][row].0;
            let table = &mut self.witness.tables[record];
            let values: Vec<i64> = table[VALUE..]
                .iter()
                .map(|column| number(column[row]))
                .collect();
            let block = packing.block(&values);
            let next = change(place, compressed(&root, &block));
            for i in 0..8 {
                table[1 + i][row] = M31::from(root[i]);
                table[9 + i][row] = M31::from(next[i]);
            }
            used.push(compression(&root, &block, 1));
            root = next;
            if place < record::OWN {
                incoming = root;
            } else {
                behind.push(root);
            }
        }
        for (i, &element) in incoming.iter().enumerate() {
            self.witness.tables[roots][2 + i][0] = M31::from(element);
        }
        used.extend(self.chain_compressions());
        let table = &mut self.witness.tables[compress];
        used.resize(table[0].len(), compression(&EMPTY, &[0; 16], 0));
        for (row, own) in used.iter().enumerate() {
            for (column, value) in table.iter_mut().zip(own) {
                column[row] = *value;
            }
        }
        let last = behind
            .chunks(self.blocks())
            .map(|steps| *steps.last().expect("a block"))
            .collect();
        (incoming, last)
    }

    /// The rows of `compress` that chains use.
    pub fn chain_compressions(&self) -> Vec<Vec<M31>> {
        let table = &self.witness.tables[self.index("tokens")];
        let mut rows = vec![];
        for (lane, chain) in (0..LANES).flat_map(|lane| (0..tokens::CHAINS).map(move |c| (lane, c)))
        {
            let at = |column: usize| table[column][lane].0;
            let before: Digest = std::array::from_fn(|i| at(10 + 16 * chain + i));
            rows.push(compression(&before, &token_chain::block(at(2 + chain)), 1));
        }
        rows
    }
}

/// The integer that an element of the field stands for.
pub fn number(element: M31) -> i64 {
    let value = i64::from(element.0);
    if value > 1 << 30 {
        value - ((1 << 31) - 1)
    } else {
        value
    }
}

/// A row of `compress` that is used so many times.
pub fn compression(digest: &Digest, block: &Block, times: u32) -> Vec<M31> {
    let start = start(digest, block);
    let mut row: Vec<M31> = start.iter().map(|&x| M31::from(x)).collect();
    permute_seen(start, |powers| row.extend(powers.map(M31::from)));
    row.push(M31::from(times));
    assert_eq!(row.len(), compress::MULTIPLICITY + 1);
    row
}

pub fn as_it_is(_: u32, root: Digest) -> Digest {
    root
}

/// A lie about rows of `record`, and a memory that has the roots that follow.
pub fn with_roots(
    honest: Lie,
    lie: impl Fn(&mut Lie),
    change: &dyn Fn(u32, Digest) -> Digest,
) -> Lie {
    with_roots_from(EMPTY, honest, lie, change)
}

/// The same with another root before the first position.
pub fn with_roots_from(
    start: Digest,
    honest: Lie,
    lie: impl Fn(&mut Lie),
    change: &dyn Fn(u32, Digest) -> Digest,
) -> Lie {
    let mut first = honest;
    lie(&mut first);
    let (incoming, behind) = first.follow(start, change);
    let mut values = first.values.clone();
    let records = first.plan.recorded().expect("records");
    for i in 0..8 {
        values.rows[records.incoming.address as usize + i][0] = incoming[i].into();
        for (lane, root) in behind.iter().enumerate() {
            values.rows[records.behind.address as usize + i][lane] = root[i].into();
        }
    }
    let mut chunk = Lie(chunk_unchecked(first.0.plan, values));
    lie(&mut chunk);
    assert_eq!(chunk.follow(start, change), (incoming, behind));
    chunk
}

/// A chunk of another number of carried positions, whose call and row say 11.
pub fn with_positions(found: u32, said: u32) -> Lie {
    let (plan, ..) = digested(LANES, &[16, 24], 7, 2);
    let came = tensor::Chunk {
        position: found,
        ..carried(&plan, 12, &mut Numbers(5))
    };
    let mut chunk = Lie(chunk_from(plan, &came));
    says(&mut chunk, said);
    chunk
}

/// Says in the call of `records` and in its row how many positions are carried.
pub fn says(chunk: &mut Lie, positions: u32) {
    chunk.table("roots")[0][0] = M31::from(positions);
    // Behind the step and the operation's number, whose cell has four columns.
    let [number, limbs] = [6, 10];
    let records = chunk
        .plan
        .operations
        .iter()
        .position(|o| matches!(o, tensor::Operation::Records(_)));
    let records = records.expect("records") as u32 + 1;
    let call = chunk.table("call_3");
    let row = call[number]
        .iter()
        .position(|&limb| limb.0 == records)
        .expect("a call");
    for limb in 0..3 {
        call[limbs + limb][row] = M31::from(positions >> (9 * limb) & 511);
    }
}
