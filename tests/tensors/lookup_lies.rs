//! Lies that one lookup refuses, or one relation's chain, and nothing else does: those that the other modules of lies do not tell.

use cairo_decode::air::components::Component;
use cairo_decode::air::components::call;
use cairo_decode::air::components::cells::{self, MODULUS_LIMBS};
use cairo_decode::air::components::head::{LANE_COLUMNS, LIMB_BITS};
use cairo_decode::air::components::relations::{
    ADDRESS, CHAIN, EMBEDDING, FLAGS, LANES as VIEWS, RANGE, RECORDS, SCORES, TENSOR, VALUE,
};
use cairo_decode::prove::tensor::{Witness, tally};
use cairo_decode::tensor::constants::signed;
use cairo_decode::tensor::{Matrix, NormKind, Operation, Plan};
use stwo::core::fields::m31::M31;

use crate::attention_lie::of_lane::{NEAR, WEIGHT};
use crate::attention_lie::{self, DIM, Lie, MIXED, of_row};
use crate::balance::{Honest, Misfit};
use crate::constraint_lies::{chooses, misfit};
use crate::digest_liar::{self, as_it_is, with_roots_from};
use crate::norm_lane::P;
use crate::{
    Chunk, GIVEN, LANES, Numbers, TOKENS, WIDTH, chunk, chunk_of, ends, norm_lies, rotary_lies,
};

/// A relation refuses a chunk's witness, and nothing else does.
fn refused_by(chunk: &Chunk, relation: M31, what: &str) {
    let misfit = misfit(chunk);
    assert!(!misfit.open.is_empty(), "{what}: accepted");
    let only = Misfit {
        open: vec![relation.0; misfit.open.len()],
        ..Misfit::default()
    };
    assert_eq!(misfit, only, "{what}");
}

/// The same, with multiplicities that count all uses.
fn refused_when_counted(mut chunk: Chunk, relation: M31, what: &str) {
    tally::write(&chunk.constants, &mut chunk.witness);
    refused_by(&chunk, relation, what);
}

/// The zero sum refuses a chunk's witness, and nothing else does.
fn refused_by_the_sum(mut chunk: Chunk, what: &str) {
    tally::write(&chunk.constants, &mut chunk.witness);
    let sum = Misfit {
        sum: true,
        ..Misfit::default()
    };
    assert_eq!(misfit(&chunk), sum, "{what}");
}

/// The columns of a row of `cells`: behind the step, of the address and of the lane the cell's number and three limbs each; of each value the cell's
/// number, four limbs and the inverse.
mod of_cells {
    pub const ADDRESS: usize = 6;
    pub const LANE: usize = 10;

    pub fn value(k: usize) -> usize {
        13 + 6 * k
    }
}

impl Chunk {
    fn cell(&mut self, name: &str, column: usize, row: usize) -> &mut M31 {
        let component = self.index(name);
        &mut self.witness.tables[component][column][row]
    }

    /// The rows of `cells` that read a lane's view of an address.
    fn reads(&self, address: u32, lane: usize) -> Vec<usize> {
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
    fn reads_limbs(&mut self, k: usize, row: usize, limbs: [u32; 4]) {
        let first = of_cells::value(k) + 1;
        for (i, limb) in limbs.into_iter().enumerate() {
            *self.cell("cells", first + i, row) = M31::from(limb);
        }
        let gap = M31::from(limbs.iter().sum::<u32>()) - M31::from(MODULUS_LIMBS);
        *self.cell("cells", first + 4, row) = gap.inverse();
    }

    /// The memory has another value, and all views of it, and what the program reads of them.
    fn says(&mut self, address: u32, lane: usize, value: M31) {
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
    fn embeds(&mut self, k: usize, lane: usize, value: M31) {
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

fn limbs(value: M31) -> [u32; 4] {
    std::array::from_fn(|i| value.0 >> (9 * i) & 511)
}

/// Attack: operands of a call that are not those of its operation's rows. Stopped by: the chain of the rows, which begins and ends at the call.
#[test]
fn a_call_with_other_operands() {
    let chunks = [
        chunk(&GIVEN),
        rotary_lies::chunk(),
        norm_lies::chunk(NormKind::Rms),
        digest_liar::honest().0,
        attention_lie::chunk(1, MIXED, &[]),
    ];
    for mut chunk in chunks {
        for i in 0..chunk.constants.layout.components.len() {
            let Component::Call { .. } = chunk.constants.layout.components[i].component else {
                continue;
            };
            for row in 0..chunk.witness.tables[i][0].len() {
                if chunk.witness.tables[i][0][row].0 == 0 {
                    continue;
                }
                // The lowest limb of the first operand behind the operation's number.
                let old = chunk.witness.tables[i][10][row];
                chunk.witness.tables[i][10][row] += M31::from(1);
                refused_by(&chunk, CHAIN, "operands");
                chunk.witness.tables[i][10][row] = old;
            }
        }
    }
}

/// Attack: the last row of `norm_root` with an operand of its own that it does not need. Stopped by: the chain, which goes on in `norm`.
#[test]
fn an_operand_that_changes_on_the_way() {
    for kind in crate::norms::KINDS {
        let mut chunk = norm_lies::chunk(kind);
        *chunk.cell("norm_root", 0, LANES - 1) += M31::from(1);
        refused_by(&chunk, CHAIN, "an operand");
    }
}

/// Attack: a memory that has another result than the row that computes it. Stopped by: that row's tuple of the memory.
#[test]
fn a_memory_of_another_result() {
    for name in ["round", "function", "residual", "gated"] {
        let mut lie = ends();
        // The second operand is the address of the first result.
        let address = lie.cell(name, 1, 0).0;
        lie.says(address, 3, M31::from(77));
        refused_when_counted(lie, TENSOR, name);
    }
    let chunk = attention_lie::chunk(1, MIXED, &[]);
    let mut lie = Lie::new(&chunk);
    let output = lie.heads[0].output.address as usize;
    lie.writes(output, 2, 77);
    lie.refused_by(&[TENSOR], "mixed");
    let mut lie = chunk_of(crate::plan(), &GIVEN);
    let chosen = lie.plan.tokens.chosen;
    let other = lie.values.rows[chosen as usize][1] as u32 + 1;
    lie.says(chosen, 1, M31::from(other));
    refused_when_counted(lie, TENSOR, "answer");
}

/// Attack: an answer that is not the chosen token, in the memory too; and a logit that is not the product. Stopped by: the sum of the chosen tokens, and
/// of the logits.
#[test]
fn another_answer_and_another_logit() {
    let mut lie = chunk(&GIVEN);
    let chosen = lie.plan.tokens.chosen;
    let other = M31::from(lie.values.rows[chosen as usize][1] as u32 + 1);
    lie.says(chosen, 1, other);
    *lie.cell("answer", 3 + 1, 0) = other;
    refused_by_the_sum(lie, "an answer");
    refused_by_the_sum(
        chooses(|lane, choice| {
            let token = if choice.chosen == 0 { 1 } else { 0 };
            choice.logits[token] -= i64::from(lane == 2);
        }),
        "a logit",
    );
}

/// Attack: the second output of a gated product and its rest stand for an accumulator `p` away, where the gate is 0. Stopped by: the output's range.
#[test]
fn a_congruent_output_behind_a_closed_gate() {
    let mut lie = ends();
    let gated = lie
        .plan
        .operations
        .iter()
        .find_map(|operation| match operation {
            Operation::Gated(gated) => Some(gated.of.up.shift),
            _ => None,
        });
    let shift = gated.expect("a gated product");
    let mut places = (0..8).flat_map(|row| (0..LANES).map(move |lane| (row, 2 + 7 * lane)));
    let closed = places.find(|&(row, first)| lie.cell("gated", first + 2, row).0 == 0);
    let (row, first) = closed.expect("a gate that is 0");
    let sign = if lie.cell("gated", first + 4, row).0 > 0 {
        1
    } else {
        -1
    };
    *lie.cell("gated", first + 3, row) += signed(sign << (31 - shift));
    *lie.cell("gated", first + 4, row) -= signed(sign);
    refused_when_counted(lie, RANGE, "an output");
}

/// Attack: the program reads another value than the view has; and a value as the same number and `p`. Stopped by: the view; the last limb's range.
#[test]
fn another_value_of_a_cell() {
    let given = chunk(&GIVEN).plan.tokens.given;
    let mut lie = chunk(&GIVEN);
    let [read] = lie.reads(given, 1)[..] else {
        panic!("one read");
    };
    lie.reads_limbs(0, read, [GIVEN[1] + 1, 0, 0, 0]);
    refused_when_counted(lie, VIEWS, "a value");
    let mut lie = chunk(&GIVEN);
    let large = i64::from(GIVEN[1]) + P;
    lie.reads_limbs(
        0,
        read,
        std::array::from_fn(|i| (large >> (9 * i)) as u32 & 511),
    );
    refused_when_counted(lie, RANGE, "a limb");
}

/// A witness in which the program reads a value of the memory that nobody else needs from another cell: of this number, with these limbs.
fn with_cell(honest: &Chunk, lane: usize, id: M31, value: M31) -> Witness {
    let mut lie = Chunk {
        plan: honest.plan.clone(),
        constants: crate::Constants {
            layout: honest.constants.layout.clone(),
            tables: honest.constants.tables.clone(),
        },
        values: honest.values.clone(),
        witness: honest.witness.clone(),
        input: crate::program::run(&honest.plan, &honest.values),
    };
    let given = lie.plan.tokens.given;
    let read = lie.reads(given, lane)[0];
    lie.says(given + UNUSED, lane, value);
    *lie.cell("cells", of_cells::value(UNUSED as usize), read) = id;
    tally::write(&lie.constants, &mut lie.witness);
    lie.witness
}

/// A row of the view of tokens that nothing writes.
const UNUSED: u32 = 6;

/// Attack: the program reads a value that its cell does not have. Stopped by: Cairo's memory, which knows the cell's number and its value; and with
/// the number of another cell, the address.
#[test]
fn a_cell_of_another_value_or_address() {
    let mut honest = chunk(&GIVEN);
    let checked = Honest::new(&honest.constants, &honest.witness);
    let given = honest.plan.tokens.given;
    let read = honest.reads(given, 1)[0];
    let cells = &honest.witness.tables[honest.index("cells")];
    let id = |k: usize| cells[of_cells::value(k)][read];
    let own = with_cell(&honest, 1, id(UNUSED as usize), M31::from(77_777));
    assert_eq!(checked.unlike(&own), [VALUE.0].into());
    let other = with_cell(&honest, 1, id(0), M31::from(GIVEN[1]));
    assert_eq!(checked.unlike(&other), [ADDRESS.0].into());
    honest.witness = own;
    assert_eq!(misfit(&honest), Misfit::default());
}

/// Attack: a call, or a read of cells, that takes the step of another instruction that only moves on. Stopped by: Cairo's memory, which does not have the
/// call's word under the instruction's number; and with the number of a call, the address.
#[test]
fn an_instruction_that_is_no_call() {
    let chunk = chunk(&GIVEN);
    let words = [("call_3", call::word(3)), ("cells", cells::word())];
    for (name, word) in words {
        let table = &chunk.witness.tables[chunk.index(name)];
        assert_eq!(table[0][0], M31::from(1));
        let [pc, id] = [1, 4].map(|column| table[column][0]);
        let value = [&[VALUE, id][..], &call::limbs(word)].concat();
        for tuple in [&value[..], &[ADDRESS, pc, id]] {
            let mut honest = Honest::new(&chunk.constants, &chunk.witness);
            assert_eq!(honest.unlike(&chunk.witness), [].into());
            // The program has something else there.
            honest.without_memory(tuple);
            assert_eq!(honest.unlike(&chunk.witness), [tuple[0].0].into());
        }
    }
}

/// Attack: a call with an address that its cell does not have, for the results of an operation. Stopped by: Cairo's memory, which knows the cell's number
/// and its value; and with the number of another cell, the address.
#[test]
fn an_operand_of_another_value_or_address() {
    let mut numbers = Numbers(4);
    let mut plan = Plan::new(LANES, 12, numbers.matrix(WIDTH, TOKENS, 127)).expect("a plan");
    let x = plan.embed();
    // One output that is 0, as is the row of the memory that nothing writes.
    let of = numbers.product(WIDTH, 1, 0, 0);
    plan.linear(x, of, 14).expect("in range");
    plan.head(x).expect("in range");
    let mut lie = chunk_of(plan, &GIVEN);
    let honest_witness = lie.witness.clone();
    let constants = crate::Constants {
        layout: lie.constants.layout.clone(),
        tables: lie.constants.tables.clone(),
    };
    let honest = Honest::new(&constants, &honest_witness);
    let to = lie.plan.tokens.given + UNUSED;
    for name in ["product", "round"] {
        let component = lie.index(name);
        let on = lie.constants.tables[component][0].clone();
        for row in (0..on.len()).filter(|&row| on[row].0 == 1) {
            *lie.cell(name, 1, row) = M31::from(to);
        }
    }
    // Behind the step four columns of each operand: the cell's number, three limbs.
    let (number, output) = (6, 13);
    let op = lie.constants.tables[lie.index("round")][1][0];
    let call = &lie.witness.tables[lie.index("call_3")];
    let row = call[number]
        .iter()
        .position(|of| *of == op)
        .expect("a call");
    for (limb, value) in [to, 0, 0].into_iter().enumerate() {
        *lie.cell("call_3", output + 1 + limb, row) = M31::from(value);
    }
    tally::write(&lie.constants, &mut lie.witness);
    assert_eq!(misfit(&lie), Misfit::default());
    assert_eq!(honest.unlike(&lie.witness), [VALUE.0].into());
    // The lane with that number, which the program reads.
    let read = lie.reads(lie.plan.tokens.given, to as usize)[0];
    *lie.cell("call_3", output, row) = *lie.cell("cells", of_cells::LANE - 1, read);
    assert_eq!(misfit(&lie), Misfit::default());
    assert_eq!(honest.unlike(&lie.witness), [ADDRESS.0].into());
}

/// Attack: other channels of an embedding, in the memory and in the row. Stopped by: the views, and the table of embeddings.
#[test]
fn another_embedding() {
    let mut numbers = Numbers(7);
    let mut plan = Plan::new(LANES, 12, numbers.matrix(WIDTH, TOKENS, 127)).expect("a plan");
    plan.positions();
    // Nothing reads the first embedding.
    plan.embed();
    let positions = numbers.matrix(WIDTH, 20, 900);
    let x = plan.embed_positions(positions, 3).expect("in range");
    plan.head(x).expect("in range");
    let mut lie = chunk_of(plan, &GIVEN);
    let address = lie.cell("embed_0", 1, 0).0;
    let old = lie.values.rows[address as usize][0];
    lie.says(address, 0, signed(old + 1));
    tally::write(&lie.constants, &mut lie.witness);
    refused_by(&lie, VIEWS, "a channel in the memory");
    // Behind two operands and the view.
    *lie.cell("embed_0", 2 + 8, 0) += M31::from(1);
    refused_when_counted(lie, EMBEDDING, "a channel");
}

/// The columns of a lane in `head`: the flag, the one before, two limbs; and the maximum.
fn of_head(chunk: &Chunk, lane: usize) -> (usize, usize) {
    let own = chunk.witness.tables[chunk.index("head")].len() - LANE_COLUMNS * LANES;
    (own + LANE_COLUMNS * lane, own - LANES + lane)
}

/// Attack: a row of the head with a maximum of its own, and one whose limbs overlap. Stopped by: the memory; the low limb's range.
#[test]
fn another_distance_of_a_token() {
    let honest = chunk(&GIVEN);
    let chosen = honest.values.rows[honest.plan.tokens.chosen as usize][2];
    let token = if chosen == 0 { 1 } else { 0 };
    let (own, maximum) = of_head(&honest, 2);
    let mut lie = chunk(&GIVEN);
    *lie.cell("head", maximum, token) += M31::from(1);
    *lie.cell("head", own + 2, token) += M31::from(1);
    refused_when_counted(lie, TENSOR, "a maximum");
    let mut lie = honest;
    *lie.cell("head", own + 2, token) -= M31::from(1 << LIMB_BITS);
    *lie.cell("head", own + 3, token) += M31::from(1);
    refused_when_counted(lie, RANGE, "a limb");
}

/// Attack: two tokens with the largest logit are both chosen, and the answer is their sum. Stopped by: the chain of flags.
#[test]
fn two_tokens_chosen_at_once() {
    let mut numbers = Numbers(2);
    let half = numbers.rows(WIDTH, TOKENS / 2, 127);
    let embedding = Matrix::new(WIDTH, [half.clone(), half].concat());
    let mut plan = Plan::new(LANES, 12, embedding).expect("a plan");
    let x = plan.embed();
    plan.head(x).expect("in range");
    let mut lie = chunk_of(plan, &GIVEN);
    let answers = lie.plan.tokens.chosen;
    let chosen = lie.values.rows[answers as usize][2] as usize;
    let second = chosen + TOKENS / 2;
    let both = M31::from((chosen + second) as u32);
    let (own, _) = of_head(&lie, 2);
    *lie.cell("head", own + 1, second) = M31::from(0);
    *lie.cell("answer", 3 + 2, 0) = both;
    lie.says(answers, 2, both);
    refused_when_counted(lie, FLAGS, "two tokens");
}

/// Attack: the head's logits of another input than the memory has. Stopped by: the memory.
#[test]
fn another_input_of_the_head() {
    let honest = chunk(&GIVEN);
    let head = &honest.constants.tables[honest.index("head")];
    // Behind the place, the token, `first` and `last`: the matrix. Its first input is the lie.
    let column: Vec<i64> = (0..TOKENS)
        .map(|token| digest_liar::number(head[7][token]))
        .collect();
    let mut lie = chooses(|lane, choice| {
        if lane != 2 {
            return;
        }
        let both = choice.logits.iter_mut().zip(&column);
        both.for_each(|(logit, weight)| *logit += weight);
        choice.maximum = *choice.logits.iter().max().expect("logits");
        let chosen = choice
            .logits
            .iter()
            .position(|logit| *logit == choice.maximum);
        choice.chosen = chosen.expect("a token");
    });
    *lie.cell("head_input", 3 + 2, 0) += M31::from(1);
    refused_when_counted(lie, TENSOR, "an input");
}

/// Attack: a mask by which lanes see a later key, in the memory too. Stopped by: the row of masks.
#[test]
fn another_mask_in_the_memory() {
    let chunk = attention_lie::chunk(1, MIXED, &[]);
    let mut lie = Lie::new(&chunk);
    let key = 3;
    let mask = lie.get("attend", of_row::MASK, key) as usize + key;
    for (lane, form) in [(0, 0), (1, 100), (2, 2 * 2560 * 2560)] {
        lie.sees(key, lane, form);
        lie.settle(0, lane, 0);
        lie.writes(mask, lane, 1);
    }
    lie.refused_by(&[TENSOR], "a mask");
}

/// Attack: queries and keys that the memory does not have, with the same products. Stopped by: the memory.
#[test]
fn other_queries_and_keys() {
    let chunk = attention_lie::chunk(1, [0; LANES], &[]);
    for column in [9, 9 + LANES] {
        let mut lie = Lie::new(&chunk);
        lie.set("qk", column + 2, 3, 5);
        lie.refused_by(&[TENSOR], "a factor");
    }
}

/// Attack: all groups of a head given to another head. Stopped by: the chain, which begins and ends at the head's row.
#[test]
fn all_groups_of_another_head() {
    let chunk = attention_lie::chunk(2, [0; LANES], &[]);
    let mut lie = Lie::new(&chunk);
    let op = lie.get("qk", of_row::OP, DIM);
    for row in 0..DIM {
        lie.set("qk", of_row::OP, row, op);
    }
    lie.refused_by(&[SCORES], "groups");
}

/// Attack: another reciprocal whose division is right modulo `p` only. Stopped by: the range of the carry between the limbs.
#[test]
fn the_reciprocal_of_a_congruent_division() {
    let chunk = attention_lie::chunk(1, [0; LANES], &[0; 2 * LANES]);
    let lane = LANES - 1;
    let mut lie = Lie::new(&chunk);
    let sum: i64 = lie
        .rows(0)
        .map(|row| lie.at(row, lane, NEAR) * lie.at(row, lane, WEIGHT))
        .sum();
    let found = (14..=30).find_map(|n: i64| {
        let rest = |m: i64| ((1i64 << (n + 13)) - m * sum).rem_euclid(P);
        let honest = |m: &i64| (1i64 << (n + 13)) - m * sum == rest(*m);
        let mut mantissas = (1 << 13..1 << 14).filter(|m| !honest(m));
        mantissas.find(|m| rest(*m) < sum).map(|m| [m, n, rest(m)])
    });
    let [m, n, rest] = found.expect("a reciprocal");
    lie.normalises(0, lane, [m, n], sum);
    let gap = sum - 1 - rest;
    let limb = |x: i64| [x % (1 << 15), x >> 15];
    let ([a, a2], [c, c2]) = (limb(rest), limb(gap));
    let carry = signed(m * (a + c + 1) + a) * M31::from(1 << 15).inverse();
    for (i, value) in [a, a2, c, c2].into_iter().enumerate() {
        lie.set("softmax", 9 + 8 * lane + 3 + i, 0, value);
    }
    lie.put("softmax", 9 + 8 * lane + 7, 0, carry);
    lie.refused_by(&[RANGE], "a carry");
}

/// Attack: positions hashed behind another root than that of no positions. Stopped by: the chain of records.
#[test]
fn records_behind_another_root() {
    let lie = with_roots_from([7; 8], digest_liar::honest(), |_| (), &as_it_is);
    lie.refused_by(RECORDS);
}

/// Attack: a memory that has another root of carried positions, or another digest of the tokens, and the program reads it. Stopped by: the views of
/// `roots` and of `tokens`.
#[test]
fn another_digest_in_the_memory() {
    let honest = digest_liar::honest().0;
    let root = honest.plan.recorded().expect("records").incoming.address;
    let chains = honest
        .plan
        .operations
        .iter()
        .find_map(|operation| match operation {
            Operation::Chains(chains) => Some(chains.behind()),
            _ => None,
        });
    let [chain, _] = chains.expect("chains");
    for (address, lane) in [(root, 0), (chain, LANES - 1)] {
        let mut lie = digest_liar::honest().0;
        lie.says(address, lane, M31::from(77));
        refused_when_counted(lie, VIEWS, "a digest");
    }
}
