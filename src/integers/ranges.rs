//! Ranges that follow from the constants, for every token and every carried key and value that a proof can have.
//!
//! A value has two bounds ([`Reach`]): of each channel, and of its length `√(Σ x²)`. A product is bounded by the better of `Σ_j |w_ij| · each` and
//! `‖w_i‖ · length`. The length of a normalised vector is known whatever the input: a channel may be `√d` times the root of the mean square, and then all
//! others are small. For `d` channels that is a factor of `√d` in every accumulator behind a norm.

use super::bounds::{accumulator, largest_row};
use super::checks::At;
use super::description::{
    Attention, Description, Gated, Matrix, Norm, Operation, Product, Table, half,
};
use super::error::RangeError;
use super::reference::{ANGLE_BITS, PROBABILITY_BITS, RECIPROCAL};

pub use super::bounds::{Reach, ceil_root, fewest_bits, norm_length};
pub use super::limits::{
    ACCUMULATOR, CHECKED_ACCUMULATOR, EMBEDDING_SHIFT, FORM_BITS, LEAST_STREAM_BITS, LEAST_WEIGHT,
    LOGIT, MAX_BITS, MAX_CHANNELS, MAX_OPERATIONS, MAX_TOKENS, MAX_WRITTEN, NORM_CHANNELS,
    NORM_FLOOR, NORM_INPUT, NORM_LENGTH, SHORT_BITS, STREAM,
};

/// Requires of a description that it chooses tokens: the last operation is the head, and no other one.
///
/// # Errors
/// [`RangeError::Head`], [`RangeError::Operations`].
pub fn chooses(description: &Description) -> Result<(), RangeError> {
    let operations = &description.operations;
    if operations.len() > MAX_OPERATIONS {
        let (found, most) = (operations.len(), MAX_OPERATIONS);
        return Err(RangeError::Operations { found, most });
    }
    let is_head = |of: &Operation| matches!(of, Operation::Head { .. });
    let first = operations.iter().position(is_head);
    let fits = first.is_some_and(|first| first + 1 == operations.len());
    fits.then_some(()).ok_or(RangeError::Head)
}

/// The bounds of what each operation writes.
///
/// # Errors
/// The first check that fails.
pub fn ranges(description: &Description) -> Result<Vec<Reach>, RangeError> {
    let mut reaches = vec![];
    let mut channels: Vec<usize> = vec![];
    let (mut all, mut planned) = (0usize, 0usize);
    for (number, operation) in description.operations.iter().enumerate() {
        for input in operation.reads() {
            let name = operation.name();
            let late = RangeError::Order {
                operation: number,
                name,
                input,
            };
            (input < number).then_some(()).ok_or(late)?;
        }
        let at = At {
            number,
            name: operation.name(),
            description,
            reaches: &reaches,
            channels: &channels,
        };
        let reach = at.reach(operation)?;
        let written = at.writes(operation);
        planned += at.planned(operation);
        at.constant(
            "operations so far, with each head as one",
            planned as i64,
            0,
            MAX_OPERATIONS as i64,
        )?;
        if !matches!(operation, Operation::Head { .. }) {
            all += written;
        }
        let most = MAX_WRITTEN as i64;
        at.constant("channels of all operations so far", all as i64, 0, most)?;
        reaches.push(reach);
        channels.push(written);
    }
    Ok(reaches)
}

impl At<'_> {
    fn reach(&self, operation: &Operation) -> Result<Reach, RangeError> {
        let of_input = |input: &usize| self.reaches[*input];
        match operation {
            Operation::Embed => self.embed(),
            Operation::Norm { input, norm } => self.norm(*norm, *input, 1),
            Operation::HeadNorm { input, norm, heads } => self.norm(*norm, *input, *heads),
            Operation::Linear { input, of, bits } => {
                self.form(*bits, of.shift)?;
                let (reach, outputs) = self.products(of, *input, CHECKED_ACCUMULATOR)?;
                Ok(reach.within(*bits, outputs.len()))
            }
            Operation::Function { input, of, table } => {
                self.one_part(*input)?;
                let (_, arguments) = self.rounded(of, *input, MAX_BITS)?;
                let table = self.table(*table)?;
                let values = arguments.iter().map(|&z| self.largest(table, z));
                Ok(Reach::of(&values.collect::<Result<Vec<_>, _>>()?))
            }
            Operation::Rotary { input, of, half } => self.rotary(of, *input, *half),
            Operation::Attention {
                queries,
                keys,
                values,
                of,
            } => {
                let inputs = [queries, keys, values];
                inputs.iter().try_for_each(|input| self.one_part(**input))?;
                self.heads(*of, inputs.map(|input| self.channels(*input)))?;
                self.fits(*keys, of.key_bits)?;
                self.fits(*values, of.value_bits)?;
                self.attention(*of, inputs.map(of_input))
            }
            Operation::Residual {
                stream,
                input,
                of,
                bits,
            } => {
                self.form_within(*bits, of.shift, [LEAST_STREAM_BITS, FORM_BITS])?;
                self.one_part(*input)?;
                self.one_part(*stream)?;
                let channels = self.channels(*stream);
                self.shape(of.weights.rows.len(), channels)?;
                let stream = of_input(stream);
                let (added, _) = self.products(of, *input, CHECKED_ACCUMULATOR)?;
                let added = added.within(*bits, channels);
                let each = stream.each.saturating_add(added.each);
                self.below("the stream", each, STREAM)?;
                let length = stream.length.saturating_add(added.length);
                Ok(Reach { each, length })
            }
            Operation::Gated { input, of } => self.gated(of, *input),
            Operation::Head { input } => self.head(*input),
        }
    }

    fn embed(&self) -> Result<Reach, RangeError> {
        let embedding = &self.description.embedding;
        let [inputs, tokens] = [embedding.tokens.inputs, embedding.tokens.rows.len()];
        self.constant("channels", inputs as i64, 1, MAX_CHANNELS)?;
        self.constant("tokens", tokens as i64, 1, MAX_TOKENS)?;
        self.whole(&embedding.tokens)?;
        self.shift(embedding.shift, 0, EMBEDDING_SHIFT)?;
        let position = match &embedding.positions {
            Some(positions) => {
                self.shape(positions.rows.len(), self.description.context)?;
                self.shape(positions.inputs, embedding.tokens.inputs)?;
                self.whole(positions)?;
                largest_row(positions)
            }
            None => Reach { each: 0, length: 0 },
        };
        let token = largest_row(&embedding.tokens);
        let scaled = |of: i64| of.saturating_mul(1 << embedding.shift);
        let reach = Reach {
            each: scaled(token.each).saturating_add(position.each),
            length: scaled(token.length).saturating_add(position.length),
        };
        self.below("the stream", reach.each, STREAM)?;
        Ok(reach)
    }

    /// The bounds of one head, where there are several. The root of the sum of squares of `(2 v + 1) h` is at most `K + 2^18 + 2^10 + 1`.
    fn norm(&self, norm: Norm, input: usize, heads: usize) -> Result<Reach, RangeError> {
        self.one_part(input)?;
        let channels = self.channels(input);
        self.constant("heads", heads as i64, 1, MAX_CHANNELS)?;
        self.shape(channels % heads, 0)?;
        let channels = (channels / heads) as i64;
        self.constant("channels", channels, 1, NORM_CHANNELS)?;
        self.constant("floor", norm.floor, NORM_FLOOR, NORM_INPUT - 1)?;
        self.shift(norm.grain, 0, MAX_BITS)?;
        let scaled = self.reaches[input].each.saturating_mul(1 << norm.grain);
        self.below("a scaled channel", scaled, NORM_INPUT)?;
        let root = norm_length(channels, scaled, norm.floor);
        self.below("the length of scaled channels", root, NORM_LENGTH)?;
        self.shift(norm.shift, FORM_BITS - MAX_BITS, MAX_BITS)?;
        let product = RECIPROCAL + (1 << 18) + (1 << 10) + 1;
        let each = (product + half(norm.shift)) >> norm.shift;
        let length = (product >> norm.shift) + 1 + (ceil_root(channels.into()) + 1) / 2;
        Ok(Reach { each, length })
    }

    /// Requires that an operation before has not normalised heads by themselves: what is known of its values is known of one head.
    fn one_part(&self, input: usize) -> Result<(), RangeError> {
        let heads = self.description.operations[input].heads();
        self.constant("heads that the input was normalised by", heads as i64, 1, 1)
    }

    /// Bounds of rounded outputs, and of each of them: of all heads, where the input has heads.
    fn products(
        &self,
        of: &Product,
        input: usize,
        limit: i64,
    ) -> Result<(Reach, Vec<i64>), RangeError> {
        self.constant("outputs", of.weights.rows.len() as i64, 1, MAX_CHANNELS)?;
        let heads = self.description.operations[input].heads();
        self.shape(
            of.weights.inputs.saturating_mul(heads),
            self.channels(input),
        )?;
        self.shape(of.bias.len(), of.weights.rows.len())?;
        let all = of.bias.len().saturating_mul(heads);
        self.constant("outputs", all as i64, 1, MAX_CHANNELS)?;
        self.shift(of.shift, 0, MAX_BITS)?;
        let reach = self.reaches[input];
        let mut outputs = vec![];
        for (row, &bias) in of.weights.rows.iter().zip(&of.bias) {
            self.shape(row.len(), of.weights.inputs)?;
            let sum = accumulator(row, reach).saturating_add(i64::from(bias).abs());
            self.below("an accumulator", sum, limit)?;
            outputs.push((sum + half(of.shift)) >> of.shift);
        }
        let one = self.length(of, reach);
        let outputs = outputs.repeat(heads);
        let rounded = Reach::of(&outputs);
        let all = one.saturating_mul(ceil_root(heads as i128));
        let length = rounded.length.min(all);
        Ok((Reach { length, ..rounded }, outputs))
    }

    /// `‖W x + bias‖ ≤ √(largest sum of a row · largest sum of a column) ‖x‖ + ‖bias‖`, and half a unit for each output.
    fn length(&self, of: &Product, input: Reach) -> i64 {
        let sum = |row: &Vec<i32>| row.iter().map(|&w| i128::from(w).abs()).sum::<i128>();
        let rows = of.weights.rows.iter().map(sum).max().unwrap_or(0);
        let mut columns = vec![0i128; of.weights.inputs];
        for row in &of.weights.rows {
            let pairs = columns.iter_mut().zip(row);
            pairs.for_each(|(sum, &w)| *sum += i128::from(w).abs());
        }
        let columns = columns.into_iter().max().unwrap_or(0);
        let squares = of.bias.iter().map(|&b| i128::from(b) * i128::from(b));
        let product = i128::from(ceil_root(rows * columns)) * i128::from(input.length)
            + i128::from(ceil_root(squares.sum()));
        let rounded = (product >> of.shift) + 1 + i128::from(ceil_root(of.bias.len() as i128));
        i64::try_from(rounded).unwrap_or(i64::MAX)
    }

    /// The same for results that have a column.
    fn rounded(
        &self,
        of: &Product,
        input: usize,
        bits: u32,
    ) -> Result<(Reach, Vec<i64>), RangeError> {
        let (reach, outputs) = self.products(of, input, ACCUMULATOR)?;
        self.below("a rounded output", reach.each, 1 << (bits - 1))?;
        self.form(fewest_bits(reach.each), of.shift)?;
        Ok((reach, outputs))
    }

    /// A rotated output is at most `|x| (|cos| + |sin|)`.
    fn rotary(&self, of: &Product, input: usize, half: usize) -> Result<Reach, RangeError> {
        let (reach, outputs) = self.rounded(of, input, SHORT_BITS)?;
        self.constant("half of a head", half as i64, 1, MAX_CHANNELS)?;
        // Of each head of the input by itself.
        self.shape(of.bias.len() % half.saturating_mul(2), 0)?;
        let angles = &self.description.angles;
        for table in [&angles.cos, &angles.sin] {
            self.shape(table.len(), self.description.context)?;
            table
                .iter()
                .try_for_each(|row| self.shape(row.len(), half))?;
        }
        let pairs = angles.cos.iter().flatten().zip(angles.sin.iter().flatten());
        let sums = pairs.map(|(&cos, &sin)| i64::from(cos).abs() + i64::from(sin).abs());
        let largest = sums.max().unwrap_or(0);
        self.constant("|cos| + |sin|", largest, 0, 2 << ANGLE_BITS)?;
        let each = (reach.each * largest + self::half(ANGLE_BITS)) >> ANGLE_BITS;
        self.below("a rotated output", each, 1 << (SHORT_BITS - 1))?;
        Ok(Reach::of(&vec![each; outputs.len()]))
    }

    /// Whether queries, keys and values of so many channels have these heads.
    fn heads(&self, of: Attention, [q, k, v]: [usize; 3]) -> Result<(), RangeError> {
        self.constant("channels of a head", of.head_dim as i64, 1, MAX_CHANNELS)?;
        let rest = of.heads.checked_rem(of.kv_heads);
        self.shape(rest.unwrap_or(of.heads), 0)?;
        self.constant("heads", of.heads as i64, 1, MAX_CHANNELS)?;
        let channels = |heads: usize| heads.saturating_mul(of.head_dim);
        self.shape(q, channels(of.heads))?;
        self.shape(k, channels(of.kv_heads))?;
        self.shape(v, channels(of.kv_heads))
    }

    /// Requires keys or values of at most so many bits: checked ones, or proven ones.
    fn fits(&self, input: usize, bits: u32) -> Result<(), RangeError> {
        self.constant("bits of keys and values", bits.into(), 2, SHORT_BITS.into())?;
        match &self.description.operations[input] {
            Operation::Linear { bits: checked, .. } if *checked <= bits => Ok(()),
            _ => self.below(
                "a key or a value",
                self.reaches[input].each,
                1 << (bits - 1),
            ),
        }
    }

    fn attention(&self, of: Attention, [q, _, v]: [Reach; 3]) -> Result<Reach, RangeError> {
        let [key, value] = [of.key_bits, of.value_bits].map(|bits| 1i64 << (bits - 1));
        let score = (of.head_dim as i64).saturating_mul(q.each.saturating_mul(key));
        self.below("a score", score, ACCUMULATOR)?;
        self.shift(of.score_shift, 0, FORM_BITS - MAX_BITS)?;
        let table = self.table(of.weights)?;
        self.constant("the first distance", table.first, 0, 0)?;
        self.constant("distances", table.values.len() as i64, 1, 1 << MAX_BITS)?;
        for (least, weights) in [(LEAST_WEIGHT, &table.values[..1]), (0, &table.values[..])] {
            for &weight in weights {
                self.constant("a weight", weight.into(), least, 2 * LEAST_WEIGHT - 1)?;
            }
        }
        let probabilities = (1 << PROBABILITY_BITS) + self.description.context as i64 / 2 + 1;
        let sum = probabilities.saturating_mul(value);
        self.below("a mixture", sum, ACCUMULATOR)?;
        self.shift(of.mix_shift, 0, MAX_BITS)?;
        self.form(of.mix_bits, of.mix_shift)?;
        let each = (probabilities * v.each.max(value) + half(of.mix_shift)) >> of.mix_shift;
        let outputs = vec![each; of.heads * of.head_dim];
        Ok(Reach::of(&outputs).within(of.mix_bits, outputs.len()))
    }

    fn gated(&self, of: &Gated, input: usize) -> Result<Reach, RangeError> {
        self.one_part(input)?;
        self.form(of.bits, of.shift)?;
        let (_, gates) = self.rounded(&of.gate, input, MAX_BITS)?;
        let (_, ups) = self.rounded(&of.up, input, MAX_BITS)?;
        self.shape(ups.len(), gates.len())?;
        let table = self.table(of.table)?;
        let mut outputs = vec![];
        for (&gate, &up) in gates.iter().zip(&ups) {
            let product = self.largest(table, gate)?.saturating_mul(up);
            self.below("a gated product", product, ACCUMULATOR)?;
            outputs.push((product + half(of.shift)) >> of.shift);
        }
        let half = 1 << (of.bits - 1);
        outputs
            .iter_mut()
            .for_each(|output| *output = half.min(*output));
        Ok(Reach::of(&outputs))
    }

    fn head(&self, input: usize) -> Result<Reach, RangeError> {
        self.one_part(input)?;
        let tokens = self.description.output();
        self.shape(tokens.inputs, self.channels(input))?;
        self.whole(tokens)?;
        let reach = self.reaches[input];
        let logits = tokens.rows.iter().map(|row| accumulator(row, reach));
        let reach = Reach::of(&logits.collect::<Vec<_>>());
        self.below("a logit", reach.each, LOGIT)?;
        Ok(reach)
    }

    /// Whether all rows of a matrix have its inputs.
    fn whole(&self, of: &Matrix) -> Result<(), RangeError> {
        let mut rows = of.rows.iter();
        rows.try_for_each(|row| self.shape(row.len(), of.inputs))
    }

    /// Channels of what an operation before has written.
    fn channels(&self, of: usize) -> usize {
        self.channels[of]
    }

    /// Operations of a plan that it becomes.
    fn planned(&self, operation: &Operation) -> usize {
        match operation {
            Operation::HeadNorm { heads, .. } => *heads,
            Operation::Attention { of, .. } => of.heads,
            Operation::Linear { input, .. } | Operation::Rotary { input, .. } => {
                self.description.operations[*input].heads()
            }
            _ => 1,
        }
    }

    /// Channels of what this operation writes.
    fn writes(&self, operation: &Operation) -> usize {
        match operation {
            Operation::Embed => self.description.embedding.tokens.inputs,
            Operation::Norm { input, .. }
            | Operation::HeadNorm { input, .. }
            | Operation::Residual { stream: input, .. } => self.channels(*input),
            Operation::Linear { input, of, .. }
            | Operation::Function { input, of, .. }
            | Operation::Rotary { input, of, .. } => {
                of.weights.rows.len() * self.description.operations[*input].heads()
            }
            Operation::Attention { of, .. } => of.heads * of.head_dim,
            Operation::Gated { of, .. } => of.gate.weights.rows.len(),
            Operation::Head { .. } => self.description.output().rows.len(),
        }
    }

    fn table(&self, table: usize) -> Result<&Table, RangeError> {
        let (operation, name) = (self.number, self.name);
        let missing = RangeError::NoTable {
            operation,
            name,
            table,
        };
        self.description.tables.get(table).ok_or(missing)
    }

    /// The largest magnitude of a table's values for arguments of at most this magnitude.
    fn largest(&self, table: &Table, argument: i64) -> Result<i64, RangeError> {
        let last = table.first + table.values.len() as i64 - 1;
        self.below("an argument", argument, last.min(-table.first) + 1)?;
        let [from, to] = [-argument, argument].map(|z| (z - table.first) as usize);
        let values = table.values[from..=to].iter().map(|&w| i64::from(w).abs());
        Ok(values.max().unwrap_or(0))
    }
}
