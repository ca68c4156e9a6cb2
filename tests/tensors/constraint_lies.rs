//! Lies that one constraint refuses, or one term of the zero sum, and nothing else does: those that the other modules of lies do not tell.

use cairo_decode::air::components::Component;
use cairo_decode::air::components::head::{LANE_COLUMNS, LIMB_BITS};
use cairo_decode::prove::tensor::tally;
use cairo_decode::spec::poseidon2::WIDTH as STATE;
use cairo_decode::tensor::constants::signed;
use stwo::core::fields::m31::M31;

use crate::attention_lie::{self, Lie, of_row};
use crate::balance::{Honest, Misfit};
use crate::digest_liar;
use crate::{Chunk, GIVEN, LANES, TOKENS, chunk, chunk_unchecked};

/// Rows of a component that are broken, and nothing else is.
fn only(component: &str, rows: &[usize]) -> Misfit {
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

/// Attack: a call, or a read of cells, that counts twice, and once less in a row that is no step. Stopped by: `e (1 − e)`.
#[test]
fn steps_that_cancel_each_other() {
    let mut chunk = chunk(&GIVEN);
    let honest = chunk.witness.clone();
    let mut kinds = vec![];
    for (i, placed) in chunk.constants.layout.components.iter().enumerate() {
        let (Component::Call { .. } | Component::Cells) = placed.component else {
            continue;
        };
        let Some(free) = honest.tables[i][0].iter().position(|on| on.0 == 0) else {
            continue;
        };
        chunk.witness = honest.clone();
        for column in &mut chunk.witness.tables[i] {
            column[free] = column[0];
        }
        chunk.witness.tables[i][0][0] = M31::from(2);
        chunk.witness.tables[i][0][free] = signed(-1);
        let checked = Honest::check(&chunk.constants, &chunk.witness, 1);
        let name = placed.component.to_string();
        assert_eq!(checked.err(), Some(only(&name, &[0, free])));
        kinds.push(placed.component.document_name());
    }
    assert!(
        kinds.contains(&"call") && kinds.contains(&"cells"),
        "{kinds:?}"
    );
}

/// Attack: keys of a carried block that the memory does not have, of which a view with the enabler −1 yields what the row of `qk` uses. Stopped by:
/// `e (1 − e)` of `carried_lanes`.
#[test]
fn a_view_that_yields_false_keys() {
    // Queries are 0, so that any keys have these scores.
    let chunk = attention_lie::chunk(1, [0; LANES], &[0; LANES]);
    let mut lie = Lie::new(&chunk);
    // The first row of the head's second group, which is the carried block.
    let block = lie.get("qk", of_row::BLOCK, LANES);
    let views = chunk.index("carried_lanes");
    let addresses = &chunk.constants.tables[views][0];
    let view = addresses
        .iter()
        .position(|address| i64::from(address.0) == block);
    let view = view.expect("a view of the keys");
    let keys = 9 + LANES;
    lie.set("carried_lanes", of_row::ON, view, -1);
    for channel in 0..attention_lie::DIM {
        for key in 0..LANES {
            let value = 100 + (8 * channel + key) as i64;
            lie.set("qk", keys + key, LANES + channel, value);
            lie.set("carried_lanes", 1 + LANES * channel + key, view, value);
        }
    }
    tally::write(&chunk.constants, &mut lie.witness);
    // What the view yields nobody else has to: the memory's own rows are used by nobody.
    for channel in 0..attention_lie::DIM {
        lie.set("tensor", LANES, block as usize + channel, 0);
    }
    let checked = Honest::check(&chunk.constants, &lie.witness, 1);
    assert_eq!(checked.err(), Some(only("carried_lanes", &[view])));
}

/// Attack: the negative of a square, in a compression that a step uses. (Any other square leads to another digest.) Stopped by: the square's constraint.
#[test]
fn another_square_of_a_compression() {
    let mut lie = digest_liar::honest();
    let square = &mut lie.table("compress")[STATE][0];
    assert_ne!(square.0, 0);
    *square = -*square;
    lie.refused_by_a_constraint("compress", 0);
}

/// What a head claims about a lane: its logits, their maximum, and the first token whose flag is set.
#[derive(Clone)]
pub struct Choice {
    pub logits: Vec<i64>,
    pub maximum: i64,
    pub chosen: usize,
}

/// A chunk whose head makes other choices, with a memory that says so.
pub fn chooses(other: impl Fn(usize, &mut Choice)) -> Chunk {
    let honest = chunk(&GIVEN);
    let mut values = honest.values.clone();
    let head = honest.index("head");
    let table = &honest.witness.tables[head];
    let own = table.len() - LANE_COLUMNS * LANES;
    let [maxima, answers] = [honest.plan.maxima, honest.plan.tokens.chosen].map(|row| row as usize);
    let mut rows = vec![];
    for lane in 0..LANES {
        let at = |which: usize, token: usize| table[own + LANE_COLUMNS * lane + which][token].0;
        let maximum = values.rows[maxima][lane];
        let logit = |token: usize| {
            let distance = i64::from(at(2, token)) + (i64::from(at(3, token)) << LIMB_BITS);
            maximum - distance - i64::from(at(0, token) == 0)
        };
        let mut choice = Choice {
            logits: (0..TOKENS).map(logit).collect(),
            maximum,
            chosen: values.rows[answers][lane] as usize,
        };
        other(lane, &mut choice);
        values.rows[maxima][lane] = choice.maximum;
        let none = choice.chosen == TOKENS;
        values.rows[answers][lane] = if none { 0 } else { choice.chosen as i64 };
        for (token, logit) in choice.logits.into_iter().enumerate() {
            let flag = token >= choice.chosen;
            let distance = choice.maximum - logit - i64::from(!flag);
            let low = distance & ((1 << LIMB_BITS) - 1);
            let before = i64::from(token > choice.chosen);
            rows.push((
                lane,
                token,
                [i64::from(flag), before, low, distance >> LIMB_BITS],
            ));
        }
    }
    let mut lie = chunk_unchecked(honest.plan, values);
    for (lane, token, row) in rows {
        for (i, value) in row.into_iter().enumerate() {
            lie.witness.tables[head][own + LANE_COLUMNS * lane + i][token] = signed(value);
        }
    }
    tally::write(&lie.constants, &mut lie.witness);
    lie
}

#[test]
fn the_heads_own_choice_is_accepted() {
    assert_eq!(misfit(&chooses(|_, _| ())), Misfit::default());
}

/// Attack: no token has the maximum, so the answer is token 0. Stopped by: the flag of the last token.
#[test]
fn no_choice_at_all() {
    let lie = chooses(|_, choice| {
        choice.maximum += 1;
        choice.chosen = TOKENS;
    });
    assert_eq!(misfit(&lie), only("head", &[TOKENS - 1]));
}

/// Attack: a token before the chosen one, whose logit is smaller. Stopped by: the distance of the chosen token.
#[test]
fn a_token_with_a_smaller_logit() {
    let lie = chooses(|_, choice| choice.chosen = 0);
    assert_eq!(misfit(&lie), only("head", &[0]));
}

/// Attack: messages about other inputs of the head than the memory has, with the logits that follow. Stopped by: the sum of messages.
#[test]
fn messages_about_other_inputs() {
    let lie = chooses(|_, choice| {
        choice.maximum *= 2;
        choice.logits.iter_mut().for_each(|logit| *logit *= 2);
    });
    let sum = Misfit {
        sum: true,
        ..Misfit::default()
    };
    let checked = Honest::check(&lie.constants, &lie.witness, 2);
    assert_eq!(checked.err(), Some(sum));
}
