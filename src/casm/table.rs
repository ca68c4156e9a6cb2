//! The tables that kernels look up.

/// A table, and which keys its entries have where all tables are one list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// `round(2^15 · σ((i − 128)/16))`.
    Sigmoid,
    /// `round(2^15 · 2^(−i/128))`.
    Exp2,
    /// `2^(15 − i)`.
    Powers,
}

impl Table {
    /// All tables, in the order of their keys.
    pub const ALL: [Table; 3] = [Table::Sigmoid, Table::Exp2, Table::Powers];

    /// Number of entries.
    pub const fn entries(self) -> usize {
        match self {
            Table::Sigmoid => 256,
            Table::Exp2 => 128,
            Table::Powers => 16,
        }
    }

    /// Key of its first entry.
    pub const fn first_key(self) -> usize {
        match self {
            Table::Sigmoid => 0,
            Table::Exp2 => Table::Sigmoid.entries(),
            Table::Powers => Table::Exp2.first_key() + Table::Exp2.entries(),
        }
    }
}
