//! Lies about logits, the choice of a token and the answer: one constraint, one lookup or one sum refuses them, and nothing else does.

use cairo_decode::air::components::head::{LANE_COLUMNS, LIMB_BITS};
use cairo_decode::air::components::relations::{FLAGS, RANGE, TENSOR};
use cairo_decode::prove::tensor::tally;
use cairo_decode::tensor::constants::signed;
use cairo_decode::tensor::{Matrix, Plan};
use stwo::core::fields::m31::M31;

use crate::balance::{Honest, Misfit};
use crate::claims::{misfit, only, refused_by, refused_by_the_sum, refused_when_counted};
use crate::{
    Chunk, GIVEN, LANES, Numbers, TOKENS, WIDTH, chunk, chunk_of, chunk_unchecked, digest_liar,
};

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
fn requirement_14_no_choice_at_all() {
    let lie = chooses(|_, choice| {
        choice.maximum += 1;
        choice.chosen = TOKENS;
    });
    assert_eq!(misfit(&lie), only("head", &[TOKENS - 1]));
}

/// Attack: a token before the chosen one, whose logit is smaller. Stopped by: the distance of the chosen token.
#[test]
fn requirement_14_a_token_with_a_smaller_logit() {
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

/// Attack: an answer that is not the chosen token, in the memory too; and a logit that is not the product. Stopped by: the sum of the chosen tokens, and
/// of the logits.
#[test]
fn requirement_14_another_answer_and_another_logit() {
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

/// The columns of a lane in `head`: the flag, the one before, two limbs; and the maximum.
fn of_head(chunk: &Chunk, lane: usize) -> (usize, usize) {
    let own = chunk.witness.tables[chunk.index("head")].len() - LANE_COLUMNS * LANES;
    (own + LANE_COLUMNS * lane, own - LANES + lane)
}

/// Attack: a row of the head with a maximum of its own, and one whose limbs overlap. Stopped by: the memory; the low limb's range.
#[test]
fn requirement_14_another_distance_of_a_token() {
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
fn requirement_14_two_tokens_chosen_at_once() {
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

/// A chunk in whose lane 2 token 10 has the largest logit, token 11 one less, and token 12 as large a one as token 10 or a small one.
fn with_logits(again: bool) -> Chunk {
    let mut rows = vec![vec![0; WIDTH]; TOKENS];
    let row = |first: i32, second: i32| [vec![first, second], vec![0; WIDTH - 2]].concat();
    rows[GIVEN[2] as usize] = row(1, 100);
    rows[10] = row(0, 120);
    rows[11] = row(-1, 120);
    rows[12] = row(0, if again { 120 } else { 50 });
    let mut plan = Plan::new(LANES, 12, Matrix::new(WIDTH, rows)).expect("a plan");
    let x = plan.embed();
    plan.head(x).expect("in range");
    chunk_of(plan, &GIVEN)
}

/// Says that the head has these flags in lane 2, and this maximum; and the answer that follows.
fn flags(chunk: &mut Chunk, maximum: i64, flags: impl Fn(usize) -> i64) {
    let (own, column) = of_head(chunk, 2);
    let mut answer = 0;
    for token in 0..TOKENS {
        let mut at = |which: usize| digest_liar::number(*chunk.cell("head", which, token));
        let distance = at(own + 2) + (at(own + 3) << LIMB_BITS);
        let logit = at(column) - distance - (1 - at(own));
        let before = if token == 0 { 0 } else { flags(token - 1) };
        let distance = maximum - logit - (1 - flags(token));
        let limb = distance & ((1 << LIMB_BITS) - 1);
        let row = [flags(token), before, limb, distance >> LIMB_BITS];
        for (i, value) in row.into_iter().enumerate() {
            *chunk.cell("head", own + i, token) = signed(value);
        }
        *chunk.cell("head", column, token) = signed(maximum);
        answer += token as i64 * (flags(token) - before);
    }
    let [maxima, chosen] = [chunk.plan.maxima, chunk.plan.tokens.chosen];
    chunk.says(maxima, 2, signed(maximum));
    chunk.says(chosen, 2, signed(answer));
    *chunk.cell("answer", 3 + 2, 0) = signed(answer);
    tally::write(&chunk.constants, &mut chunk.witness);
}

/// Attack: a flag of 2 at a token whose logit is above the maximum, so that the answer is a token before it. Stopped by: `a(1 − a)`.
#[test]
fn requirement_14_a_flag_of_two() {
    let mut lie = with_logits(false);
    flags(&mut lie, 11_999, |token| match token {
        ..10 => 0,
        10 => 2,
        _ => 1,
    });
    assert_eq!(misfit(&lie), only("head", &[10]));
}

/// Attack: a token is chosen, another one with a smaller logit takes it back, and a third one is chosen: the answer is the second. Stopped by: `a' (1 − a)`.
#[test]
fn requirement_14_a_choice_that_is_taken_back() {
    let mut lie = with_logits(true);
    flags(&mut lie, 12_000, |token| {
        i64::from(token == 10 || token > 11)
    });
    assert_eq!(misfit(&lie), only("head", &[11]));
}

/// Attack: the second of two tokens with the largest logit. Stopped by: the range of the first one's distance, which would be −1.
#[test]
fn requirement_14_the_second_of_two_equal_logits() {
    let mut lie = with_logits(true);
    flags(&mut lie, 12_000, |token| i64::from(token >= 12));
    assert_eq!(lie.plan.tokens.chosen, 2);
    refused_by(&lie, RANGE, "the second of two");
}
