//! FRI's input: for every query, the quotients of all columns by the lines through their sample points,
//! summed with powers of a random coefficient.
//!
//! With value v of a column at the point p, and c = p̄.y − p.y, the quotient's numerator at (x, y) is
//! c (f − v) + 2 Im(v) u (y − p.y). So for all columns sampled at p, with their powers of the coefficient,
//! three sums suffice: S of the queried values, V of the sampled ones, W of their imaginary parts. V and W do
//! not depend on the query ([`prepare`]).
//!
//! A column of a running sum has three terms: its current value at the point a period further, which shows
//! that the column repeats; its previous value; its current one. For a column of the largest size the period's
//! point is the point itself.

#[feature("bounded-int-utils")]
use core::internal::bounded_int::upcast;
use crate::calldata;
use crate::circle::{Point, SecurePoint, conjugate, generator, secure_add};
use crate::fields::m31::{self, M31};
use crate::fields::packed::{self, Packed, Sum, SumTrait};
use crate::fields::qm31::{QM31, ZERO, add, mul, sub};
use crate::layout;

pub mod errors {
    pub const LINE: felt252 = 'quotients: no line';
    pub const SAMPLES: felt252 = 'quotients: wrong samples';
}

/// A running sum's four columns.
#[derive(Copy, Drop)]
struct RunningSum {
    /// Where in a hashed row they are.
    place: u32,
    /// Their powers at the previous row and at the period's point, in turns.
    powers: Span<felt252>,
}

/// All columns sampled at one point.
#[derive(Copy, Drop)]
struct Batch {
    point: SecurePoint,
    /// Σ αᵏ Re(v) and Σ αᵏ Im(v).
    re: packed::ComplexSum,
    im: packed::ComplexSum,
}

/// What a query needs of a batch.
#[derive(Copy, Drop)]
struct Line {
    /// Im(c) for c = p̄.y − p.y, which has no other part.
    c: (felt252, felt252),
    /// 2 W.
    slope: [felt252; 4],
    /// c V + 2 W p.y.
    offset: [felt252; 4],
    /// Re(p.x) Im(p.y) − Re(p.y) Im(p.x), Im(p.x), Im(p.y): elements of CM31.
    denominator: (M31, M31),
    im_x: (M31, M31),
    im_y: (M31, M31),
}

fn felts(x: QM31) -> [felt252; 4] {
    [upcast(x.a), upcast(x.b), upcast(x.c), upcast(x.d)]
}

/// What does not depend on a query.
#[derive(Copy, Drop)]
pub struct Quotients {
    /// Powers of the coefficient for the columns of the four trees, in the order of hashed rows, padded with
    /// zeros to multiples of eight.
    pub fixed: Span<felt252>,
    pub trace: Span<felt252>,
    pub interaction: Span<felt252>,
    pub composition: Span<felt252>,
    /// The running sums of every period, and those of the largest size.
    periods: Span<Span<RunningSum>>,
    largest: Span<RunningSum>,
    /// For the point, the previous row's, those of the periods.
    lines: Span<Line>,
}

/// A query's S for the running sums: at the previous row, and at every period's point.
#[derive(Copy, Drop)]
pub struct RunningSums {
    previous: QM31,
    periods: Span<QM31>,
}

#[generate_trait]
impl BatchImpl of BatchTrait {
    fn new(point: SecurePoint) -> Batch {
        Batch { point, re: packed::COMPLEX_ZERO, im: packed::COMPLEX_ZERO }
    }

    /// Includes columns with these powers and values.
    fn include(ref self: Batch, powers: Span<Packed>, values: Span<QM31>) {
        let (re, im) = packed::add_products(self.re, self.im, powers, values);
        self = Batch { point: self.point, re, im };
    }

    fn line(self: @Batch) -> Line {
        let SecurePoint { x, y } = *self.point;
        // A point whose y coordinate is its own conjugate has no line.
        let im = QM31 { a: 0, b: 0, c: y.c, d: y.d };
        assert(im != ZERO, errors::LINE);
        let c = sub(ZERO, add(im, im));
        let w = mul(packed::complex_value(*self.im), QM31 { a: 0, b: 0, c: 1, d: 0 });
        let v = add(packed::complex_value(*self.re), w);
        let slope = add(w, w);
        let denominator = cm31_sub(
            cm31_mul((x.a, x.b), (y.c, y.d)), cm31_mul((y.a, y.b), (x.c, x.d)),
        );
        Line {
            c: (upcast(c.c), upcast(c.d)),
            slope: felts(slope),
            offset: felts(add(mul(c, v), mul(slope, y))),
            denominator,
            im_x: (x.c, x.d),
            im_y: (y.c, y.d),
        }
    }
}

fn cm31_mul(x: (M31, M31), y: (M31, M31)) -> (M31, M31) {
    let (a, b) = x;
    let (c, d) = y;
    (m31::difference_of_products(a, c, b, d), m31::sum_of_products(a, d, b, c))
}

fn cm31_sub(x: (M31, M31), y: (M31, M31)) -> (M31, M31) {
    let (a, b) = x;
    let (c, d) = y;
    (m31::sub(a, c), m31::sub(b, d))
}

/// Powers of columns put into the order of hashed rows.
fn ordered(powers: Span<Packed>, order: Span<u32>) -> Span<felt252> {
    let mut row = array![];
    for place in order {
        let power = *powers[*place];
        row.append(power.ac);
        row.append(power.bd);
    }
    padded(ref row)
}

/// Powers of columns that are in the order of hashed rows.
fn flat(powers: Span<Packed>) -> Span<felt252> {
    let mut row = array![];
    for power in powers {
        row.append(*power.ac);
        row.append(*power.bd);
    }
    padded(ref row)
}

/// Pads powers with zeros to eight columns.
fn padded(ref powers: Array<felt252>) -> Span<felt252> {
    while powers.len() % 16 != 0 {
        powers.append(0);
    }
    powers.span()
}

/// Takes the first `n` of a span.
fn first<T, +Drop<T>>(ref span: Span<T>, n: u32) -> Span<T> {
    let taken = span.slice(0, n);
    span = span.slice(n, span.len() - n);
    taken
}

/// Prepares the quotients of all samples, in the order of commitment, at the out-of-domain point `oods`.
pub fn prepare(samples: Span<QM31>, oods: SecurePoint, coefficient: QM31) -> Quotients {
    assert(samples.len() == layout::SAMPLES, errors::SAMPLES);
    let mut samples = samples;
    // A power for every sample, and for every running sum at its period's point.
    let powers = packed::powers(coefficient, layout::SAMPLES + 4 * layout::COMPONENTS);
    let mut powers = powers.span();
    let mut current = BatchTrait::new(oods);
    let fixed = first(ref powers, layout::FIXED);
    current.include(fixed, first(ref samples, layout::FIXED));
    let trace = first(ref powers, layout::TRACE);
    current.include(trace, first(ref samples, layout::TRACE));

    // The row before, on the domain of the largest table.
    let step = generator(31 - layout::LOG_TRACE);
    let mut previous = BatchTrait::new(secure_add(oods, conjugate(step)));
    let mut interaction = array![];
    let n_periods = layout::PERIODS.span().len();
    let mut sums: Array<(u32, RunningSum, Repeated)> = array![];
    let mut places = layout::SUM_PLACES.span();
    for shape in layout::SUMS.span() {
        let (n_singles, period) = *shape;
        let singles = first(ref powers, n_singles);
        current.include(singles, first(ref samples, n_singles));
        interaction.append_span(singles);
        let mut of_sum = array![];
        let mut at_period = array![];
        let mut at_previous = array![];
        let mut at_current = array![];
        let mut before = array![];
        let mut values = array![];
        for _ in 0..4_u32 {
            let [period_power, previous_power, mut power] = (*powers
                .multi_pop_front::<3>()
                .unwrap())
                .unbox();
            let [sampled_before, value] = (*samples.multi_pop_front::<2>().unwrap()).unbox();
            of_sum.append(previous_power.ac);
            of_sum.append(previous_power.bd);
            of_sum.append(period_power.ac);
            of_sum.append(period_power.bd);
            if period == n_periods {
                power = Packed { ac: power.ac + period_power.ac, bd: power.bd + period_power.bd };
            }
            at_period.append(period_power);
            at_previous.append(previous_power);
            at_current.append(power);
            before.append(sampled_before);
            values.append(value);
        }
        let values = values.span();
        previous.include(at_previous.span(), before.span());
        current.include(at_current.span(), values);
        interaction.append_span(at_current.span());
        let [place, _, _, _] = (*places.multi_pop_front::<4>().unwrap()).unbox();
        let repeated = Repeated { powers: at_period.span(), values };
        sums.append((period, RunningSum { place, powers: of_sum.span() }, repeated));
    }
    let composition = first(ref powers, layout::COMPOSITION);
    current.include(composition, first(ref samples, layout::COMPOSITION));

    let mut lines = array![current.line(), previous.line()];
    let mut periods = array![];
    let mut of_size = 0;
    for log_size in layout::PERIODS.span() {
        // Of order 2^(LOG_TRACE − log_size): the domain's generator, doubled once for every bit of the
        // column's size on the domain.
        let mut batch = BatchTrait::new(
            secure_add(oods, generator(31 - layout::LOG_TRACE + *log_size)),
        );
        let mut members = array![];
        for sum in sums.span() {
            let (period, running, repeated) = *sum;
            if period == of_size {
                members.append(running);
                batch.include(repeated.powers, repeated.values);
            }
        }
        lines.append(batch.line());
        periods.append(members.span());
        of_size += 1;
    }
    let mut largest = array![];
    for sum in sums.span() {
        let (period, running, _) = *sum;
        if period == n_periods {
            largest.append(running);
        }
    }
    Quotients {
        fixed: flat(fixed),
        trace: ordered(trace, layout::TRACE_ORDER.span()),
        interaction: ordered(interaction.span(), layout::INTERACTION_ORDER.span()),
        composition: flat(composition),
        periods: periods.span(),
        largest: largest.span(),
        lines: lines.span(),
    }
}

/// Columns that repeat, with their powers at the period's point.
#[derive(Copy, Drop)]
struct Repeated {
    powers: Span<Packed>,
    values: Span<QM31>,
}

/// Takes a row of values, one felt for eight, appends its words, and adds their products with the powers.
pub fn take_row(
    ref felts: Span<felt252>, powers: Span<felt252>, ref row: Array<u32>, ref sum: Sum,
) {
    let mut powers = powers;
    while let Some(eight) = powers.multi_pop_front::<16>() {
        let [a0, b0, a1, b1, a2, b2, a3, b3, a4, b4, a5, b5, a6, b6, a7, b7] = (*eight).unbox();
        let [w0, w1, w2, w3, w4, w5, w6, w7] = calldata::limbs(calldata::next(ref felts));
        row.append(upcast(w0));
        row.append(upcast(w1));
        row.append(upcast(w2));
        row.append(upcast(w3));
        row.append(upcast(w4));
        row.append(upcast(w5));
        row.append(upcast(w6));
        row.append(upcast(w7));
        sum.include(a0, b0, upcast(w0));
        sum.include(a1, b1, upcast(w1));
        sum.include(a2, b2, upcast(w2));
        sum.include(a3, b3, upcast(w3));
        sum.include(a4, b4, upcast(w4));
        sum.include(a5, b5, upcast(w5));
        sum.include(a6, b6, upcast(w6));
        sum.include(a7, b7, upcast(w7));
    }
}

/// The sums of a query's running sums, from its row of the interaction tree.
pub fn running_sums(quotients: @Quotients, row: Span<u32>) -> RunningSums {
    let mut previous = SumTrait::new();
    let mut sums = array![];
    for members in *quotients.periods {
        let mut sum = SumTrait::new();
        for member in *members {
            let mut words = row.slice(*member.place, 4);
            let [w0, w1, w2, w3] = (*words.multi_pop_front::<4>().unwrap()).unbox();
            let mut powers = *member.powers;
            let [a0, b0, p0, q0, a1, b1, p1, q1, a2, b2, p2, q2, a3, b3, p3, q3] = (*powers
                .multi_pop_front::<16>()
                .unwrap())
                .unbox();
            previous.include(a0, b0, w0);
            previous.include(a1, b1, w1);
            previous.include(a2, b2, w2);
            previous.include(a3, b3, w3);
            sum.include(p0, q0, w0);
            sum.include(p1, q1, w1);
            sum.include(p2, q2, w2);
            sum.include(p3, q3, w3);
        }
        sums.append(sum.value());
    }
    for member in *quotients.largest {
        let mut words = row.slice(*member.place, 4);
        let [w0, w1, w2, w3] = (*words.multi_pop_front::<4>().unwrap()).unbox();
        let mut powers = *member.powers;
        let [a0, b0, _, _, a1, b1, _, _, a2, b2, _, _, a3, b3, _, _] = (*powers
            .multi_pop_front::<16>()
            .unwrap())
            .unbox();
        previous.include(a0, b0, w0);
        previous.include(a1, b1, w1);
        previous.include(a2, b2, w2);
        previous.include(a3, b3, w3);
    }
    RunningSums { previous: previous.value(), periods: sums.span() }
}

/// FRI's input at every query, from its sum over all columns at the point and from its running sums.
pub fn answers(
    quotients: @Quotients, points: Span<Point>, sums: Span<Sum>, running: Span<RunningSums>,
) -> Array<QM31> {
    // All denominators, and their norms, which are inverted together.
    let mut denominators = array![];
    let mut norms = array![];
    for point in points {
        for line in *quotients.lines {
            let (re, im) = denominator(line, *point);
            denominators.append((re, im));
            norms.append(m31::sum_of_products(re, re, im, im));
        }
    }
    let mut inverses = m31::batch_inverse(norms.span()).span();
    let mut denominators = denominators.span();
    let mut sums = sums;
    let mut running = running;
    let mut answers = array![];
    for point in points {
        let RunningSums { previous, periods } = *running.pop_front().unwrap();
        let mut values = array![(*sums.pop_front().unwrap()).value(), previous];
        values.append_span(periods);
        answers
            .append(
                answer(*quotients.lines, *point, values.span(), ref denominators, ref inverses),
            );
    }
    answers
}

/// Im(p.y) (Re(p.x) − x) − Im(p.x) (Re(p.y) − y).
#[inline(always)]
fn denominator(line: @Line, point: Point) -> (M31, M31) {
    let (re, im) = *line.denominator;
    let (xre, xim) = *line.im_x;
    let (yre, yim) = *line.im_y;
    (
        m31::add_difference_of_products(re, xre, point.y, yre, point.x),
        m31::add_difference_of_products(im, xim, point.y, yim, point.x),
    )
}

/// The sum of the quotients of all lines, reduced once: a numerator's coordinate is below 2^66, its product
/// with the denominator's inverse below 2^98.
fn answer(
    lines: Span<Line>,
    point: Point,
    values: Span<QM31>,
    ref denominators: Span<(M31, M31)>,
    ref inverses: Span<M31>,
) -> QM31 {
    let y: felt252 = upcast(point.y);
    let mut values = values;
    let (mut a, mut b, mut c, mut d) = (0, 0, 0, 0);
    for line in lines {
        let [s0, s1, s2, s3] = felts(*values.pop_front().unwrap());
        let (g, h) = *line.c;
        let [l0, l1, l2, l3] = *line.slope;
        let [o0, o1, o2, o3] = *line.offset;
        // c S = (2 + i) (s2 + s3 i) (g + h i) + (s0 + s1 i) (g + h i) u.
        let v = s2 * g - s3 * h;
        let w = s2 * h + s3 * g;
        let n0 = v + v - w + l0 * y - o0;
        let n1 = w + w + v + l1 * y - o1;
        let n2 = s0 * g - s1 * h + l2 * y - o2;
        let n3 = s0 * h + s1 * g + l3 * y - o3;
        let (re, im) = *denominators.pop_front().unwrap();
        let scale = *inverses.pop_front().unwrap();
        // The inverse is e − f i.
        let e: felt252 = upcast(m31::mul(re, scale));
        let f: felt252 = upcast(m31::mul(im, scale));
        a += n0 * e + n1 * f;
        b += n1 * e - n0 * f;
        c += n2 * e + n3 * f;
        d += n3 * e - n2 * f;
    }
    QM31 {
        a: packed::reduce_signed(a),
        b: packed::reduce_signed(b),
        c: packed::reduce_signed(c),
        d: packed::reduce_signed(d),
    }
}
