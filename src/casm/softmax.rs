//! Weights of scores: a rounding, two digits, two tables.

use super::Table;
use super::asm::{Asm, Cell};
use super::linear::params;
use super::requantize::{Elements, divide};

/// Exponents below this have a weight; from it on the weight is 0.
const EXPONENTS: i16 = 2048;
/// Entries of the table of fractions.
const FRACTIONS: i16 = 128;
/// Range checks per score.
const CHECKS: i16 = 6;

/// `append_weights(scores: Span, max, table: Span, powers: Span, divisor, ref out: Array)`: appends
/// `table[z mod 128] · powers[z div 128]` with `z = floor((max − score) / divisor)`, or 0 from `z = 2048`
/// on. The tables have 128 and 16 entries.
pub(super) fn weights(asm: &mut Asm) {
    let [
        rc,
        scores,
        end,
        max,
        table,
        _,
        powers,
        _,
        divisor,
        out_start,
        out,
    ] = params();
    let of = Elements::new(asm, rc, [scores, end], [out_start, out]);
    let largest = asm.add(divisor, -1);
    let exponents = asm.number(EXPONENTS);
    let last_fraction = asm.number(FRACTIONS - 1);
    let last_power = asm.number(EXPONENTS / FRACTIONS - 1);
    let zero = asm.number(0);
    of.each(asm, [1], CHECKS, |asm, score, rc, at| {
        let distance = asm.sub(max, score);
        let exponent = divide(asm, distance, divisor, largest, rc, at);
        let has_weight = asm.leave();
        asm.hint_less(exponent, exponents, has_weight);
        let near = asm.jump_if("near", has_weight);
        // 2048 ≤ exponent
        let over = asm.sub(exponent, exponents);
        for check in 2..CHECKS {
            asm.check(over, rc, at + check);
        }
        for _ in 0..8 {
            asm.leave();
        }
        asm.copy(zero);
        asm.level();
        let far = asm.jump();
        asm.arrive_only(near);
        // exponent = 128·whole + fraction with 0 ≤ fraction ≤ 127 and 0 ≤ whole ≤ 15
        let (whole, fraction) = (asm.reserve(), asm.reserve());
        asm.hint_div_rem(exponent, FRACTIONS, whole, fraction);
        let shifted = asm.mul(whole, FRACTIONS);
        asm.assert_sum(exponent, fraction, shifted);
        let value = |asm: &mut Asm, index: Cell, last: Cell, (table, start), check: i16| {
            asm.check(index, rc, at + check);
            let room = asm.sub(last, index);
            asm.check(room, rc, at + check + 1);
            asm.lookup(table, start, index)
        };
        let fraction = value(asm, fraction, last_fraction, (Table::Exp2, table), 2);
        let power = value(asm, whole, last_power, (Table::Powers, powers), 4);
        let weight = asm.mul(fraction, power);
        asm.level();
        asm.arrive(far);
        weight
    });
}
