//! Constants of a model: matrices, tables and vectors by position.

/// A matrix of integers by rows, in constant arrays of whole rows: the compiler's arrays have fewer than 2^15 numbers.
#[derive(Copy, Drop)]
pub struct Matrix {
    /// Numbers of a row.
    pub inputs: u32,
    /// Rows of each array but the last, which may have fewer.
    pub rows: u32,
    pub arrays: Span<Span<i32>>,
}

#[generate_trait]
pub impl MatrixImpl of MatrixTrait {
    /// A row. Panics if there is none of this number.
    fn row(self: Matrix, number: u32) -> Span<i32> {
        let (array, row) = DivRem::div_rem(number, self.rows.try_into().unwrap());
        (*self.arrays.at(array)).slice(row * self.inputs, self.inputs)
    }
}

/// A function's values for the arguments from `first` on.
#[derive(Copy, Drop)]
pub struct Table {
    pub first: i64,
    /// One value in a row.
    pub values: Matrix,
    /// How many values there are.
    pub length: u64,
}

#[generate_trait]
pub impl TableImpl of TableTrait {
    /// The value for an argument, if the table has it.
    fn get(self: Table, argument: i64) -> Option<i32> {
        let index: u64 = (argument - self.first).try_into()?;
        if index < self.length {
            Some(*self.values.row(index.try_into()?).at(0))
        } else {
            None
        }
    }
}
