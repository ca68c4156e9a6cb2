//! Lies that one lookup refuses, or one relation's chain, and nothing else does: those that the other modules of lies do not tell.

use cairo_decode::air::components::Component;
use cairo_decode::air::components::relations::{
    CHAIN, EMBEDDING, LANES as VIEWS, RANGE, RECORDS, SCORES, TENSOR,
};
use cairo_decode::prove::tensor::tally;
use cairo_decode::tensor::constants::signed;
use cairo_decode::tensor::{NormKind, Operation, Plan};
use stwo::core::fields::m31::M31;

use crate::attention_lie::of_lane::{NEAR, WEIGHT};
use crate::attention_lie::{self, DIM, Lie, MIXED, of_row};
use crate::claims::{refused_by, refused_when_counted};
use crate::digest_liar::{self, as_it_is, with_roots_from};
use crate::norm_lane::P;
use crate::{GIVEN, LANES, Numbers, TOKENS, WIDTH, chunk, chunk_of, ends, norm_lies, rotary_lies};

/// Attack: operands of a call that are not those of its operation's rows. Stopped by: the chain of the rows, which begins and ends at the call.
#[test]
fn requirement_11_a_call_with_other_operands() {
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
fn requirement_11_a_memory_of_another_result() {
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

/// Attack: the second output of a gated product and its rest stand for an accumulator `p` away, where the gate is 0. Stopped by: the output's range.
#[test]
fn requirement_12_a_congruent_output_behind_a_closed_gate() {
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

/// Attack: other channels of an embedding, in the memory and in the row. Stopped by: the views, and the table of embeddings.
#[test]
fn requirement_13_another_embedding() {
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

/// Attack: a mask by which lanes see a later key, in the memory too. Stopped by: the row of masks.
#[test]
fn requirement_08_another_mask_in_the_memory() {
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
fn requirement_07_other_queries_and_keys() {
    let chunk = attention_lie::chunk(1, [0; LANES], &[]);
    for column in [9, 9 + LANES] {
        let mut lie = Lie::new(&chunk);
        lie.set("qk", column + 2, 3, 5);
        lie.refused_by(&[TENSOR], "a factor");
    }
}

/// Attack: all groups of a head given to another head. Stopped by: the chain, which begins and ends at the head's row.
#[test]
fn requirement_08_all_groups_of_another_head() {
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
fn requirement_09_the_reciprocal_of_a_congruent_division() {
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
fn requirement_02_another_digest_in_the_memory() {
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
