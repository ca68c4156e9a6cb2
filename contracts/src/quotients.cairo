//! FRI's input: for every query, the quotients of all columns by the lines through their sample points,
//! summed with powers of a random coefficient.
//!
//! With value v of a column at the point p, and c = p̄.y − p.y, the quotient's numerator at (x, y) is
//! c (f − v) + 2 Im(v) u (y − p.y). So for all columns sampled at p, with their powers of the coefficient,
//! three sums suffice: S of the queried values, V of the sampled ones, W of their imaginary parts. V and W do
//! not depend on the query.

#[feature("bounded-int-utils")]
use core::internal::bounded_int::upcast;
use crate::circle::{Point, SecurePoint, conjugate, generator, secure_add};
use crate::fields::m31::{self, M31};
use crate::fields::qm31::{self, QM31, ZERO, add, mul, mul_m31, sub};
use crate::layout;

/// All columns sampled at one point.
#[derive(Copy, Drop)]
struct Batch {
    point: SecurePoint,
    /// Σ αᵏ v.
    v: QM31,
    /// Σ αᵏ Im(v) u.
    w: QM31,
}

/// What a query needs of a batch.
#[derive(Copy, Drop)]
struct Line {
    /// c = p̄.y − p.y.
    c: QM31,
    /// 2 W.
    slope: QM31,
    /// c V + 2 W p.y.
    offset: QM31,
    /// Re(p.x) Im(p.y) − Re(p.y) Im(p.x), Im(p.x), Im(p.y): elements of CM31.
    denominator: (M31, M31),
    im_x: (M31, M31),
    im_y: (M31, M31),
}

/// What does not depend on a query.
#[derive(Drop)]
pub struct Quotients {
    /// Powers of the coefficient for the columns of the four trees, in the order of hashed rows, padded with
    /// zeros to multiples of eight.
    rows: [Span<QM31>; 4],
    /// Powers for the columns with two samples, at the previous row and at the period's point.
    previous: Span<QM31>,
    period: Span<QM31>,
    lines: Span<Line>,
}

fn imaginary(v: QM31) -> QM31 {
    QM31 { a: 0, b: 0, c: v.c, d: v.d }
}

#[generate_trait]
impl BatchImpl of BatchTrait {
    fn new(point: SecurePoint) -> Batch {
        Batch { point, v: ZERO, w: ZERO }
    }

    fn include(ref self: Batch, power: QM31, value: QM31) {
        self.v = add(self.v, mul(power, value));
        self.w = add(self.w, mul(power, imaginary(value)));
    }

    fn line(self: @Batch) -> Line {
        let SecurePoint { x, y } = *self.point;
        let im = imaginary(y);
        let c = sub(ZERO, add(im, im));
        let slope = add(*self.w, *self.w);
        let (dre, dim) = cm31_sub(
            cm31_mul((x.a, x.b), (y.c, y.d)), cm31_mul((y.a, y.b), (x.c, x.d)),
        );
        Line {
            c,
            slope,
            offset: add(mul(c, *self.v), mul(slope, y)),
            denominator: (dre, dim),
            im_x: (x.c, x.d),
            im_y: (y.c, y.d),
        }
    }
}

fn cm31_mul(x: (M31, M31), y: (M31, M31)) -> (M31, M31) {
    let (a, b) = x;
    let (c, d) = y;
    (
        m31::sub(m31::mul(a, c), m31::mul(b, d)), m31::add(m31::mul(a, d), m31::mul(b, c)),
    )
}

fn cm31_sub(x: (M31, M31), y: (M31, M31)) -> (M31, M31) {
    let (a, b) = x;
    let (c, d) = y;
    (m31::sub(a, c), m31::sub(b, d))
}

fn padded(ref powers: Array<QM31>) -> Span<QM31> {
    while powers.len() % 8 != 0 {
        powers.append(ZERO);
    }
    powers.span()
}

fn ordered(powers: Span<QM31>, order: Span<u32>) -> Span<QM31> {
    let mut row = array![];
    for place in order {
        row.append(*powers[*place]);
    }
    padded(ref row)
}

/// Prepares the quotients of all samples, in the order of commitment, at the out-of-domain point `oods`.
pub fn prepare(samples: Span<QM31>, oods: SecurePoint, coefficient: QM31) -> Quotients {
    let n_sums = 4 * layout::COMPONENTS;
    let n_powers = layout::SAMPLES + n_sums;
    let powers = qm31::powers(coefficient, n_powers);
    let mut powers = powers.span();
    let mut samples = samples;
    let mut current = BatchTrait::new(oods);
    // The row before, on the domain of the largest table.
    let step = generator(31 - layout::LOG_TRACE);
    let mut previous = BatchTrait::new(secure_add(oods, conjugate(step)));
    let mut periods: Array<Batch> = array![];

    let mut fixed = array![];
    for _ in 0..layout::FIXED {
        let (power, value) = (*powers.pop_front().unwrap(), *samples.pop_front().unwrap());
        current.include(power, value);
        fixed.append(power);
    }
    let mut trace = array![];
    for _ in 0..layout::TRACE {
        let (power, value) = (*powers.pop_front().unwrap(), *samples.pop_front().unwrap());
        current.include(power, value);
        trace.append(power);
    }
    // A running sum has three terms: its current value at the point a period further, which shows that the
    // column repeats; its previous value; its current one.
    let mut interaction = array![];
    let mut previous_powers = array![];
    let mut period_powers = array![];
    let n_periods = layout::PERIODS.span().len();
    let mut sums: Array<(u32, QM31, QM31)> = array![];
    for shape in layout::SUMS.span() {
        let (singles, period) = *shape;
        for _ in 0..singles {
            let (power, value) = (*powers.pop_front().unwrap(), *samples.pop_front().unwrap());
            current.include(power, value);
            interaction.append(power);
        }
        for _ in 0..4_u32 {
            let period_power = *powers.pop_front().unwrap();
            let previous_power = *powers.pop_front().unwrap();
            let mut power = *powers.pop_front().unwrap();
            let before = *samples.pop_front().unwrap();
            let value = *samples.pop_front().unwrap();
            previous.include(previous_power, before);
            previous_powers.append(previous_power);
            if period == n_periods {
                // A column of the largest size repeats at the point itself.
                power = add(power, period_power);
                period_powers.append(ZERO);
            } else {
                sums.append((period, period_power, value));
                period_powers.append(period_power);
            }
            current.include(power, value);
            interaction.append(power);
        }
    }
    for (period, log_size) in periods_with_places() {
        // Of order 2^(23 - (log_size + 3)): the generator of the domain, doubled log_size + 3 times.
        let mut batch = BatchTrait::new(
            secure_add(oods, generator(31 - layout::LOG_TRACE + log_size)),
        );
        for sum in sums.span() {
            let (place, power, value) = *sum;
            if place == period {
                batch.include(power, value);
            }
        }
        periods.append(batch);
    }
    let mut composition = array![];
    for _ in 0..layout::COMPOSITION {
        let (power, value) = (*powers.pop_front().unwrap(), *samples.pop_front().unwrap());
        current.include(power, value);
        composition.append(power);
    }
    assert(powers.is_empty() && samples.is_empty(), 'samples: wrong number');

    let mut lines = array![current.line(), previous.line()];
    for batch in periods.span() {
        lines.append(batch.line());
    }
    Quotients {
        rows: [
            padded(ref fixed), ordered(trace.span(), layout::TRACE_ORDER.span()),
            ordered(interaction.span(), layout::INTERACTION_ORDER.span()), padded(ref composition),
        ],
        previous: previous_powers.span(),
        period: period_powers.span(),
        lines: lines.span(),
    }
}

fn periods_with_places() -> Array<(u32, u32)> {
    let mut periods = array![];
    let mut place = 0;
    for log_size in layout::PERIODS.span() {
        periods.append((place, *log_size));
        place += 1;
    }
    periods
}

/// A sum of products of secure elements and base elements, not yet reduced: at most 1,024 products.
#[derive(Copy, Drop)]
struct Accumulator {
    a: felt252,
    b: felt252,
    c: felt252,
    d: felt252,
}

#[generate_trait]
impl AccumulatorImpl of AccumulatorTrait {
    fn new() -> Accumulator {
        Accumulator { a: 0, b: 0, c: 0, d: 0 }
    }

    #[inline]
    fn add_product(self: Accumulator, power: QM31, word: u32) -> Accumulator {
        let word: felt252 = upcast(word);
        Accumulator {
            a: self.a + upcast(power.a) * word,
            b: self.b + upcast(power.b) * word,
            c: self.c + upcast(power.c) * word,
            d: self.d + upcast(power.d) * word,
        }
    }

    fn value(self: Accumulator) -> QM31 {
        QM31 {
            a: m31::reduce(self.a), b: m31::reduce(self.b), c: m31::reduce(self.c),
            d: m31::reduce(self.d),
        }
    }
}

/// Adds the products of a row, eight at a time.
fn add_row(sum: Accumulator, powers: Span<QM31>, row: Span<u32>) -> Accumulator {
    let mut sum = sum;
    let mut powers = powers;
    let mut row = row;
    while let Some(eight) = powers.multi_pop_front::<8>() {
        let [p0, p1, p2, p3, p4, p5, p6, p7] = (*eight).unbox();
        let [w0, w1, w2, w3, w4, w5, w6, w7] = (*row.multi_pop_front::<8>().unwrap()).unbox();
        sum = sum.add_product(p0, w0);
        sum = sum.add_product(p1, w1);
        sum = sum.add_product(p2, w2);
        sum = sum.add_product(p3, w3);
        sum = sum.add_product(p4, w4);
        sum = sum.add_product(p5, w5);
        sum = sum.add_product(p6, w6);
        sum = sum.add_product(p7, w7);
    }
    sum
}

/// The S of every batch for one query's rows.
fn sums(quotients: @Quotients, rows: [Span<u32>; 4]) -> Array<QM31> {
    let [f, t, i, c] = rows;
    let [pf, pt, pi, pc] = *quotients.rows;
    let mut current = AccumulatorTrait::new();
    current = add_row(current, pf, f);
    current = add_row(current, pt, t);
    current = add_row(current, pi, i);
    current = add_row(current, pc, c);
    let mut previous = AccumulatorTrait::new();
    let mut previous_powers = *quotients.previous;
    let mut period_powers = *quotients.period;
    let n_periods = layout::PERIODS.span().len();
    let mut places = layout::SUM_PLACES.span();
    let mut per_component: Array<(u32, QM31)> = array![];
    for shape in layout::SUMS.span() {
        let (_, period) = *shape;
        let [q0, q1, q2, q3] = (*previous_powers.multi_pop_front::<4>().unwrap()).unbox();
        let [p0, p1, p2, p3] = (*period_powers.multi_pop_front::<4>().unwrap()).unbox();
        let [i0, i1, i2, i3] = (*places.multi_pop_front::<4>().unwrap()).unbox();
        let (w0, w1, w2, w3) = (*i[i0], *i[i1], *i[i2], *i[i3]);
        previous = previous.add_product(q0, w0);
        previous = previous.add_product(q1, w1);
        previous = previous.add_product(q2, w2);
        previous = previous.add_product(q3, w3);
        if period != n_periods {
            let mut sum = AccumulatorTrait::new();
            sum = sum.add_product(p0, w0);
            sum = sum.add_product(p1, w1);
            sum = sum.add_product(p2, w2);
            sum = sum.add_product(p3, w3);
            per_component.append((period, sum.value()));
        }
    }
    let mut sums = array![current.value(), previous.value()];
    for period in 0..n_periods {
        let mut sum = ZERO;
        for item in per_component.span() {
            let (place, value) = *item;
            if place == period {
                sum = add(sum, value);
            }
        }
        sums.append(sum);
    }
    sums
}

/// FRI's input at every query. `rows` are the queried values of the four trees, query after query, in the
/// order of hashed rows, padded with zeros to multiples of eight.
pub fn answers(quotients: @Quotients, points: Span<Point>, rows: Span<[Span<u32>; 4]>) -> Array<QM31> {
    // All denominators, and their norms, which are inverted together.
    let mut denominators = array![];
    let mut norms = array![];
    for point in points {
        for line in *quotients.lines {
            let (re, im) = *line.denominator;
            let (xre, xim) = *line.im_x;
            let (yre, yim) = *line.im_y;
            let re = m31::add(
                m31::sub(re, m31::mul(yre, *point.x)), m31::mul(xre, *point.y),
            );
            let im = m31::add(
                m31::sub(im, m31::mul(yim, *point.x)), m31::mul(xim, *point.y),
            );
            denominators.append((re, im));
            norms.append(m31::add(m31::mul(re, re), m31::mul(im, im)));
        }
    }
    let mut inverses = m31::batch_inverse(norms.span()).span();
    let mut denominators = denominators.span();
    let mut rows = rows;
    let mut answers = array![];
    for point in points {
        let sums = sums(quotients, *rows.pop_front().unwrap());
        let mut sums = sums.span();
        let mut answer = ZERO;
        for line in *quotients.lines {
            let numerator = sub(
                add(mul(*line.c, *sums.pop_front().unwrap()), mul_m31(*line.slope, *point.y)),
                *line.offset,
            );
            let (re, im) = *denominators.pop_front().unwrap();
            let scale = *inverses.pop_front().unwrap();
            let quotient = qm31::mul_cm31(
                numerator, m31::mul(re, scale), m31::mul(m31::neg(im), scale),
            );
            answer = add(answer, quotient);
        }
        answers.append(answer);
    }
    answers
}
