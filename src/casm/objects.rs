//! Two programs instead of one, for comparison: arithmetic whose lookups and ranges are claims, and a program that
//! checks the claims. See `docs/proof-boundary.md`.
//!
//! Both have an entry here, a function of the 11 builtins. The arithmetic's calls the program with arrays in place of
//! two of them: what would be range-checked becomes an array of claimed values, and kernels write what they look up
//! into another. Both programs output the lengths of the arrays and the same hash of them.
//!
//! The hash is a Poseidon sponge of two felts per permutation. It takes the lengths, then the ranges in pairs, a last
//! single one with 0, then the lookups, each a key and a value. So two different lists of claims are two inputs.

use cairo_lang_casm::casm;
use num_bigint::BigInt;

use super::asm::{Asm, Cell, Next};
use super::linear::params;
use super::{Code, Table};

/// Builtins of an entry, and where some of them are among them.
const BUILTINS: usize = 11;
const OUTPUT: usize = 0;
const PEDERSEN: usize = 1;
const RANGE_CHECK: usize = 2;
const POSEIDON: usize = 7;

/// Cells of an instance of the Poseidon builtin: three in, three out.
const INSTANCE: i16 = 6;
/// Felts per turn.
const FELTS: [i16; 3] = [8, 2, 1];
/// What the sponge starts with, besides the lengths.
const DOMAIN: u64 = u64::from_be_bytes(*b"boundary");

/// Words before a program's first function, which they call: `ap += 11`, `call`, `jmp rel 0`.
const HEADER: usize = 6;
/// Where among them the distance is that `call` goes, and from where it counts.
const CALLED: (usize, usize) = (3, 2);

impl Code {
    /// Makes the code of a program whose kernels claim what they look up the arithmetic. Returns where what is new
    /// begins.
    pub fn into_arithmetic(&mut self) -> usize {
        let commit = self.append_function(arithmetic_commit);
        let entry =
            self.append_function_at(|asm, at| arithmetic_entry(asm, at - commit, at - HEADER));
        self.enter(entry);
        commit
    }

    /// The code of the membership program, with the entries of all tables in the order of their keys.
    ///
    /// # Panics
    /// If there are not as many as [`Table::ALL`] have.
    pub fn membership(entries: Vec<BigInt>) -> Code {
        let expected = Table::ALL.map(Table::entries).iter().sum::<usize>();
        assert_eq!(entries.len(), expected, "entries of all tables");
        let mut code = Code::default();
        let header = casm! {
            ap += (BUILTINS);
            call rel 0;
            jmp rel 0;
            ret;
        };
        let words = header.instructions.iter();
        code.words = words.flat_map(|i| i.assemble().encode()).collect();
        code.words.extend(entries);
        let commit = code.append_function(membership_commit);
        let entry =
            code.append_function_at(|asm, at| membership_entry(asm, at - commit, at - HEADER));
        code.enter(entry);
        code
    }

    /// Makes the header call the function at an offset.
    fn enter(&mut self, entry: usize) {
        let (distance, from) = CALLED;
        self.words[distance] = BigInt::from(entry - from);
    }

    fn append_function(&mut self, function: impl FnOnce(&mut Asm)) -> usize {
        self.append_function_at(|asm, _| function(asm))
    }

    /// Appends a function, which is told where; returns where.
    fn append_function_at(&mut self, function: impl FnOnce(&mut Asm, usize)) -> usize {
        let mut asm = Asm::new();
        function(&mut asm, self.words.len());
        self.append(&asm)
    }
}

/// The arithmetic's entry: calls `commit`, and before it `program`, functions so many words before the entry. The
/// arrays are at the start of its frame: ranges, then lookups.
fn arithmetic_entry(asm: &mut Asm, commit: usize, program: usize) {
    let given: [Cell; BUILTINS] = params();
    let (ranges, lookups) = (asm.array(), asm.array());
    let mut handed = given;
    (handed[RANGE_CHECK], handed[PEDERSEN]) = (ranges, lookups);
    let mut returned: [Cell; BUILTINS] = asm.call(program, &handed);
    let ends = [returned[RANGE_CHECK], returned[PEDERSEN]];
    for builtin in [RANGE_CHECK, PEDERSEN] {
        returned[builtin] = given[builtin];
    }
    let arrays = [ranges, ends[0], lookups, ends[1]];
    asm.call::<0>(commit, &[&returned[..], &arrays].concat());
    asm.ret_top();
}

/// Commits to the arithmetic's arrays and returns the builtins.
fn arithmetic_commit(asm: &mut Asm) {
    let cells: [Cell; BUILTINS + 4] = params();
    let lists = Lists::new(asm, &cells);
    let poseidon = lists.start(asm);
    let state = [poseidon, lists.ranges];
    let [poseidon, _] = absorb(asm, lists.range_turns, state, 0, |_, _, _, _| {});
    let state = [poseidon, lists.lookups];
    let [poseidon, _] = absorb(asm, lists.lookup_turns, state, 0, |_, _, _, _| {});
    lists.finish(asm, poseidon, lists.builtins[RANGE_CHECK]);
}

/// The membership program's entry: reads the claims from the input (lengths, ranges, lookups) and calls `commit`, so
/// many words before it. Before that, behind a `ret` that is `tables` words before, are the entries of the tables.
fn membership_entry(asm: &mut Asm, commit: usize, tables: usize) {
    let given: [Cell; BUILTINS] = params();
    let [input, _] = asm.input();
    let tables = asm.behind_ret(tables);
    let (count, cells) = (asm.load(input, 0), asm.load(input, 1));
    let ranges = asm.add(input, 2);
    let lookups = asm.add(ranges, count);
    let end = asm.add(lookups, cells);
    let arrays = [ranges, lookups, lookups, end, tables];
    asm.call::<0>(commit, &[&given[..], &arrays].concat());
    asm.ret_top();
}

/// Checks the membership program's claims, commits to them and returns the builtins.
///
/// A key that is in no table reads what is behind them. That keys are in their tables is among the ranges: whoever
/// looks up checks the index first.
fn membership_commit(asm: &mut Asm) {
    let cells: [Cell; BUILTINS + 5] = params();
    let lists = Lists::new(asm, &cells);
    let tables = cells[BUILTINS + 4];
    let poseidon = lists.start(asm);
    let state = [poseidon, lists.ranges, lists.builtins[RANGE_CHECK]];
    let in_range = |asm: &mut Asm, state: &[Cell], at: i16, felts: &[Cell]| {
        for (i, &felt) in (at..).zip(felts) {
            asm.check(felt, state[2], i);
        }
    };
    let [poseidon, _, rc] = absorb(asm, lists.range_turns, state, 0, in_range);
    let in_table = |asm: &mut Asm, state: &[Cell], _: i16, felts: &[Cell]| {
        // A turn of a single felt does not happen: the number of cells is even.
        if let &[key, value] = felts {
            asm.assert_entry(state[3], key, value);
        }
    };
    let state = [poseidon, lists.lookups, rc, tables];
    let [poseidon, _, rc, _] = absorb(asm, lists.lookup_turns, state, 2, in_table);
    lists.finish(asm, poseidon, rc);
}

/// Both lists of claims, and the builtins of the function that commits to them.
struct Lists {
    builtins: [Cell; BUILTINS],
    ranges: Cell,
    lookups: Cell,
    /// Lengths.
    lengths: [Cell; 2],
    range_turns: [(i16, Cell); 3],
    lookup_turns: [(i16, Cell); 3],
}

impl Lists {
    /// Of the cells: builtins, start and end of the ranges, start and end of the lookups.
    fn new(asm: &mut Asm, cells: &[Cell]) -> Lists {
        let [ranges, ranges_end, lookups, lookups_end] =
            std::array::from_fn(|i| cells[BUILTINS + i]);
        let lengths = [asm.sub(ranges_end, ranges), asm.sub(lookups_end, lookups)];
        let [range_turns, lookup_turns] = lengths.map(|length| {
            let turns = asm.split_count(length, FELTS);
            // At most one single felt: there is one way to pair a list.
            let [.., (_, single)] = turns;
            asm.assert_product(single, single, single);
            turns
        });
        Lists {
            builtins: std::array::from_fn(|i| cells[i]),
            ranges,
            lookups,
            lengths,
            range_turns,
            lookup_turns,
        }
    }

    /// The first permutation; returns the Poseidon builtin behind it.
    fn start(&self, asm: &mut Asm) -> Cell {
        let poseidon = self.builtins[POSEIDON];
        let domain = asm.number(DOMAIN);
        for (i, cell) in (0..).zip(self.lengths.into_iter().chain([domain])) {
            asm.store(cell, poseidon, i);
        }
        asm.add(poseidon, INSTANCE)
    }

    /// Outputs lengths and hash, and returns the builtins.
    fn finish(&self, asm: &mut Asm, poseidon: Cell, range_check: Cell) {
        let mut builtins = self.builtins;
        let output = builtins[OUTPUT];
        let hash = asm.load(poseidon, -INSTANCE / 2);
        for (i, cell) in (0..).zip(self.lengths.into_iter().chain([hash])) {
            asm.store(cell, output, i);
        }
        builtins[OUTPUT] = asm.add(output, 3);
        builtins[POSEIDON] = poseidon;
        builtins[RANGE_CHECK] = range_check;
        asm.ret(&builtins);
    }
}

/// Takes the felts of a list into the sponge. The state is the Poseidon builtin, the list, and what `check` needs, which
/// moves with the list but for the last `still` cells. `check(asm, state, at, felts)` checks the felts that are at `at`.
fn absorb<const N: usize>(
    asm: &mut Asm,
    turns: [(i16, Cell); 3],
    state: [Cell; N],
    still: usize,
    check: impl Fn(&mut Asm, &[Cell], i16, &[Cell]),
) -> [Cell; N] {
    asm.batches(&turns, state, |asm, state, size| {
        let (poseidon, list) = (state[0], state[1]);
        let mut instance = 0;
        for at in (0..size).step_by(2) {
            let pair = (at..size.min(at + 2)).map(|i| asm.load(list, i));
            let pair: Vec<Cell> = pair.collect();
            check(asm, &state, at, &pair);
            // The output of the permutation before; its first two felts take the pair.
            for i in 0..INSTANCE / 2 {
                let before = asm.load(poseidon, instance - INSTANCE / 2 + i);
                let next = match pair.get(i as usize) {
                    Some(&felt) => asm.add(before, felt),
                    None => before,
                };
                asm.store(next, poseidon, instance + i);
            }
            instance += INSTANCE;
        }
        std::array::from_fn(|i| match i {
            0 => Next::Plus(poseidon, instance),
            i if i < N - still => Next::Plus(state[i], size),
            i => Next::Same(state[i]),
        })
    })
}
