//! Matrices of constants, in the fewest bytes that hold their numbers: decoding a token reads all of them, and takes as long as that.

/// A matrix of integers: `outputs` rows of `inputs` numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matrix {
    pub inputs: usize,
    rows: Vec<Row>,
}

/// The numbers of one output. Which of the three it is follows from them, so equal rows are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    Bytes(Box<[i8]>),
    Shorts(Box<[i16]>),
    Words(Box<[i32]>),
}

/// Does something with a row's numbers, whichever they are.
macro_rules! each {
    ($row:expr, $numbers:ident => $then:expr) => {
        match $row {
            Row::Bytes($numbers) => $then,
            Row::Shorts($numbers) => $then,
            Row::Words($numbers) => $then,
        }
    };
}

impl Matrix {
    /// Rows by output. That all of them have `inputs` numbers is what an [operation](super::Operation) checks.
    pub fn new(inputs: usize, rows: impl IntoIterator<Item: AsRef<[i32]>>) -> Matrix {
        let rows = rows.into_iter().map(|row| Row::new(row.as_ref())).collect();
        Matrix { inputs, rows }
    }

    /// Outputs of two matrices with the same inputs, in turns: one of the first, one of the second.
    pub(super) fn in_turns(&self, other: &Matrix) -> Matrix {
        let pairs = self.rows.iter().zip(&other.rows);
        Matrix {
            inputs: self.inputs,
            rows: pairs.flat_map(|(a, b)| [a.clone(), b.clone()]).collect(),
        }
    }

    pub fn outputs(&self) -> usize {
        self.rows.len()
    }

    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    pub fn row(&self, output: usize) -> &Row {
        &self.rows[output]
    }
}

impl Row {
    fn new(numbers: &[i32]) -> Row {
        let bytes: Result<Box<[i8]>, _> = numbers.iter().map(|&n| i8::try_from(n)).collect();
        let shorts = || numbers.iter().map(|&n| i16::try_from(n)).collect();
        match (bytes, shorts) {
            (Ok(bytes), _) => Row::Bytes(bytes),
            (Err(_), shorts) => match shorts() {
                Ok(shorts) => Row::Shorts(shorts),
                Err(_) => Row::Words(numbers.into()),
            },
        }
    }

    pub fn len(&self) -> usize {
        each!(self, numbers => numbers.len())
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn at(&self, input: usize) -> i32 {
        each!(self, numbers => number(numbers, input))
    }

    /// All of them, as numbers of one kind.
    pub fn numbers(&self) -> Vec<i32> {
        each!(self, numbers => (0..numbers.len()).map(|i| number(numbers, i)).collect())
    }

    /// `Σ_j w_j x_j` modulo `2^32`.
    pub(super) fn dot<X: Copy + Into<i32>>(&self, inputs: &[X]) -> i32 {
        each!(self, numbers => dot(numbers, inputs))
    }

    /// Adds `w_j x_jl` for each lane `l` to its sum, modulo `2^32`; the inputs are all lanes of an input, one input after the other.
    pub(super) fn add_products(&self, sums: &mut [i32], inputs: &[i32]) {
        each!(self, numbers => add_products(numbers, sums, inputs))
    }
}

fn number<N: Copy + Into<i32>>(numbers: &[N], input: usize) -> i32 {
    numbers[input].into()
}

fn dot<N: Copy + Into<i32>, X: Copy + Into<i32>>(numbers: &[N], inputs: &[X]) -> i32 {
    let pairs = numbers.iter().zip(inputs);
    let products = pairs.map(|(&w, &x)| w.into().wrapping_mul(x.into()));
    products.fold(0, i32::wrapping_add)
}

fn add_products<N: Copy + Into<i32>>(numbers: &[N], sums: &mut [i32], inputs: &[i32]) {
    for (&w, inputs) in numbers.iter().zip(inputs.chunks_exact(sums.len())) {
        let w: i32 = w.into();
        for (sum, x) in sums.iter_mut().zip(inputs) {
            *sum = sum.wrapping_add(w.wrapping_mul(*x));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every row is in the fewest bytes that hold it, and its products are those of its numbers, whatever inputs are written in.
    #[test]
    fn rows_of_all_kinds() {
        let edges = |low: i32, high: i32| vec![low, high, 0, -1, 1, high, low, 5, -7];
        let rows = [
            edges(-128, 127),
            edges(-128, 128),
            edges(-129, 127),
            edges(-32768, 32767),
            edges(-32768, 32768),
            edges(-32769, 32767),
            edges(i32::MIN, i32::MAX),
        ];
        let kinds: Vec<u8> = Matrix::new(9, &rows).rows().iter().map(kind).collect();
        assert_eq!(kinds, [1, 2, 2, 2, 4, 4, 4]);
        let inputs: Vec<i16> = vec![3, -32768, 32767, 9, -10, 11, 100, 1, 0];
        let wide: Vec<i32> = inputs.iter().map(|&x| x.into()).collect();
        let lanes: Vec<i32> = wide.iter().flat_map(|&x| [x, 2 * x, -x]).collect();
        for (row, numbers) in Matrix::new(9, &rows).rows().iter().zip(&rows) {
            assert_eq!(&row.numbers(), numbers);
            let all = numbers.iter().zip(&wide);
            let exact: i64 = all.map(|(&w, &x)| i64::from(w) * i64::from(x)).sum();
            assert_eq!(row.dot(&inputs), exact as i32);
            assert_eq!(row.dot(&wide), exact as i32);
            let mut sums = [1, 2, 3];
            row.add_products(&mut sums, &lanes);
            assert_eq!(
                sums,
                [1 + exact, 2 + 2 * exact, 3 - exact].map(|n| n as i32)
            );
        }
    }

    fn kind(row: &Row) -> u8 {
        match row {
            Row::Bytes(_) => 1,
            Row::Shorts(_) => 2,
            Row::Words(_) => 4,
        }
    }
}
