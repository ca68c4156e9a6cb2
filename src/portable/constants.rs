//! Constants of a model as Cairo: matrices of whole rows in arrays that the compiler takes.

use std::fmt::Write;

use super::error::PortableError;
use crate::integers::{Description, Matrix, Operation, Product};

/// Most numbers of an array: the compiler's have fewer than 2^15.
const MAX_ARRAY: usize = 32_000;

/// Numbers of a line of text.
const LINE: usize = 16;

/// Most constants of a program: as many were compiled, and `docs/portable.md` says what that took.
pub const MAX_CONSTANTS: usize = 500_000;

/// How many constants a description has: numbers of its matrices, biases, tables and vectors by position.
pub fn constants(description: &Description) -> usize {
    let matrix = |of: &Matrix| of.rows.len() * of.inputs;
    let product = |of: &Product| matrix(&of.weights) + of.bias.len();
    let angles = &description.angles;
    let by_position = angles.cos.iter().chain(&angles.sin).map(Vec::len);
    let embedding = &description.embedding;
    let matrices = [
        Some(&embedding.tokens),
        embedding.positions.as_ref(),
        description.output.as_ref(),
    ];
    let operations = description
        .operations
        .iter()
        .map(|operation| match operation {
            Operation::Linear { of, .. }
            | Operation::Function { of, .. }
            | Operation::Rotary { of, .. }
            | Operation::Residual { of, .. } => product(of),
            Operation::Gated { of, .. } => product(&of.gate) + product(&of.up),
            Operation::Embed
            | Operation::Norm { .. }
            | Operation::HeadNorm { .. }
            | Operation::Attention { .. }
            | Operation::Head { .. } => 0,
        });
    let tables = (0..description.tables.len()).map(|number| values(description, number).len());
    by_position.sum::<usize>()
        + matrices.into_iter().flatten().map(matrix).sum::<usize>()
        + operations.sum::<usize>()
        + tables.sum::<usize>()
}

/// The values of a table that the program has. One that only attention reads ends with its last weight that is not 0, as weights beyond a table
/// are 0.
pub(super) fn values(description: &Description, number: usize) -> &[i32] {
    let values = &description.tables[number].values;
    let reads_all = |operation: &Operation| match operation {
        Operation::Function { table, .. } => *table == number,
        Operation::Gated { of, .. } => of.table == number,
        _ => false,
    };
    if description.operations.iter().any(reads_all) {
        return values;
    }
    let last = values.iter().rposition(|&value| value != 0);
    &values[..last.map_or(0, |last| last + 1)]
}

/// A file of constants under construction: functions that give them, and the arrays behind them.
#[derive(Default)]
pub(super) struct Constants {
    functions: String,
    arrays: String,
    products: bool,
    tables: bool,
    matrices: bool,
}

impl Constants {
    /// A matrix, given by the function `name`.
    pub(super) fn matrix(
        &mut self,
        doc: &str,
        name: &str,
        inputs: usize,
        rows: &[Vec<i32>],
    ) -> Result<(), PortableError> {
        self.matrices = true;
        let value = self.matrix_value(name, inputs, rows)?;
        let _ = write!(
            self.functions,
            "\n/// {doc}\npub fn {name}() -> Matrix {{\n    {value}\n}}\n"
        );
        Ok(())
    }

    /// A product, given by the function `name`.
    pub(super) fn product(
        &mut self,
        doc: &str,
        name: &str,
        of: &Product,
    ) -> Result<(), PortableError> {
        self.products = true;
        self.matrices = true;
        let weights = self.matrix_value(name, of.weights.inputs, &of.weights.rows)?;
        let bias = format!("{}_BIAS", name.to_uppercase());
        self.array(&bias, &of.bias);
        let _ = write!(
            self.functions,
            "\n/// {doc}\npub fn {name}() -> Product {{\n    let weights = {weights};\n    \
             Product {{ weights, bias: {bias}.span(), shift: {} }}\n}}\n",
            of.shift
        );
        Ok(())
    }

    /// A table, given by the function `name`.
    pub(super) fn table(
        &mut self,
        doc: &str,
        name: &str,
        first: i64,
        values: &[i32],
    ) -> Result<(), PortableError> {
        self.tables = true;
        self.matrices = true;
        let length = values.len();
        let rows: Vec<Vec<i32>> = values.iter().map(|&value| vec![value]).collect();
        let values = self.matrix_value(name, 1, &rows)?;
        let _ = write!(
            self.functions,
            "\n/// {doc}\npub fn {name}() -> Table {{\n    let values = {values};\n    \
             Table {{ first: {first}, values, length: {length} }}\n}}\n"
        );
        Ok(())
    }

    /// The value of a matrix; its arrays are made.
    fn matrix_value(
        &mut self,
        name: &str,
        inputs: usize,
        rows: &[Vec<i32>],
    ) -> Result<String, PortableError> {
        if inputs > MAX_ARRAY {
            return Err(PortableError::Row {
                found: inputs,
                limit: MAX_ARRAY,
            });
        }
        let of_array = (MAX_ARRAY / inputs.max(1)).min(rows.len()).max(1);
        let mut arrays = vec![];
        for (number, rows) in rows.chunks(of_array).enumerate() {
            let array = format!("{}_{number}", name.to_uppercase());
            self.array(&array, &rows.concat());
            arrays.push(format!("{array}.span()"));
        }
        let arrays = arrays.join(", ");
        Ok(format!(
            "Matrix {{ inputs: {inputs}, rows: {of_array}, arrays: [{arrays}].span() }}"
        ))
    }

    fn array(&mut self, name: &str, numbers: &[i32]) {
        let _ = write!(
            self.arrays,
            "\nconst {name}: [i32; {}] = [\n",
            numbers.len()
        );
        for line in numbers.chunks(LINE) {
            let line: Vec<String> = line.iter().map(i32::to_string).collect();
            let _ = writeln!(self.arrays, "    {},", line.join(", "));
        }
        self.arrays += "];\n";
    }

    /// The file; `about` is what it is about.
    pub(super) fn file(self, about: &str) -> String {
        let mut text = format!("//! {about} Generated; do not edit.\n\n");
        match (self.matrices, self.tables) {
            (_, true) => text += "use cairo_decode::matrix::{Matrix, Table};\n",
            (true, false) => text += "use cairo_decode::matrix::Matrix;\n",
            (false, false) => {}
        }
        if self.products {
            text += "use cairo_decode::product::Product;\n";
        }
        text + &self.functions + &self.arrays
    }
}
