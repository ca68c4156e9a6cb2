//! The registry of the Cairo AIR's components: every fact about a component, in one row of one table.
//!
//! Invariants
//! - The components are those of the library's claim, in its order, and no others; its 16 tables of large values are one
//!   component. Names, columns, counters, sizes of fixed tables, cells of builtins and what rounds of Poseidon call are
//!   the library's: the tests compare.
//! - A name from outside becomes a [`Component`] in [`Component::named`], or an error. Behind that there are no names.
//! - Deliberately absent: how many rows a run has. That is counted from the prover's input, in `prove` and `profile`.

use std::cmp::Ordering;
use std::fmt;

use cairo_air::components::memory_address_to_id::MEMORY_ADDRESS_TO_ID_SPLIT;
use serde::{Serialize, Serializer};
use thiserror::Error;

/// Rows of the largest fixed table, as a power of two. One of the tables counts rows, so a component that reads such a
/// counter has at most as many.
pub const LOG_TABLE_ROWS: u32 = 20;

/// As many tables of large values as the library's claim has room for.
pub const MAX_VALUE_TABLES: usize = 16;

/// Addresses that one row of `memory_address_to_id` holds. An address counts as a row of that component, so that rows
/// can be given to operations; it then has as many rows as a multiple of this.
const ADDRESSES_PER_ROW: u64 = MEMORY_ADDRESS_TO_ID_SPLIT as u64;

/// Rows of the SIMD prover's smallest component.
const MIN_ROWS: u64 = 16;

/// What the rows of a component are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// VM steps of some instructions.
    Opcode,
    /// Instructions of the program that a run goes through.
    Instructions,
    /// Instances of a builtin of so many memory cells each. The instances fill the builtin's segment, which has this
    /// place among the public segments.
    Builtin { cells: u32, segment: usize },
    /// Rounds of Poseidon: so many rows for each permutation.
    Rounds { rows: u64 },
    /// What rounds of Poseidon call, so often for each row of the aggregator, of the full rounds, of the partial rounds.
    Called { uses: [u64; 3] },
    /// Addresses of memory.
    Addresses,
    /// Different large values in memory; several tables of them if one is full.
    LargeValues,
    /// Different small values in memory.
    SmallValues,
    /// A lookup table of `2^log_rows` rows. A proof has it together with the component `with`; without such, always.
    Table {
        log_rows: u32,
        with: Option<Component>,
    },
    /// Parts of the component `with`, which no program of this project uses: nobody counts these rows.
    Foreign { with: Component },
}

/// One row of the table.
struct Facts {
    name: &'static str,
    kind: Kind,
    columns: [u64; 2],
    reads_counter: bool,
    with_tensors: bool,
}

/// Whether a row of the table has a mark, or `-`.
macro_rules! is_marked {
    (-) => {
        false
    };
    ($mark:ident) => {
        true
    };
}

macro_rules! registry {
    ($($component:ident $name:ident $kind:expr, $trace:literal + $interaction:literal, $counter:tt $tensors:tt;)*) => {
        /// A component of the Cairo AIR, in the order of the library's claim. Sorted, components are in the order of
        /// their names, as in documents.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Component {
            $($component),*
        }

        impl Component {
            /// All components, in the order of the library's claim.
            pub const ALL: &'static [Component] = &[$(Component::$component),*];
        }

        const FACTS: &[Facts] = &[$(Facts {
            name: stringify!($name),
            kind: $kind,
            columns: [$trace, $interaction],
            reads_counter: is_marked!($counter),
            with_tensors: is_marked!($tensors),
        }),*];
    };
}

const fn builtin(cells: u32, segment: usize) -> Kind {
    Kind::Builtin { cells, segment }
}

const fn table(log_rows: u32) -> Kind {
    let with = None;
    Kind::Table { log_rows, with }
}

const fn table_with(with: Component, log_rows: u32) -> Kind {
    let with = Some(with);
    Kind::Table { log_rows, with }
}

const fn foreign(with: Component) -> Kind {
    Kind::Foreign { with }
}

use Component::{
    BlakeCompressOpcode, EcOpBuiltin, PedersenBuiltin, PedersenBuiltinNarrowWindows,
    PoseidonBuiltin,
};
use Kind::{Addresses, Called, Instructions, LargeValues, Opcode, Rounds, SmallValues};

// Each row: the component, the library's name, what its rows are, its trace and interaction columns as the library's claim
// declares them, whether it reads a fixed column that counts rows, whether a program that calls tensor operations
// runs it.
registry! {
    AddOpcode                       add_opcode                           Opcode,                                       103 + 20,  -   tensors;
    AddOpcodeSmall                  add_opcode_small                     Opcode,                                        39 + 20,  -   tensors;
    AddApOpcode                     add_ap_opcode                        Opcode,                                        17 + 16,  -   tensors;
    AssertEqOpcode                  assert_eq_opcode                     Opcode,                                        12 + 12,  -   tensors;
    AssertEqOpcodeImm               assert_eq_opcode_imm                 Opcode,                                         9 + 12,  -   tensors;
    AssertEqOpcodeDoubleDeref       assert_eq_opcode_double_deref        Opcode,                                        19 + 16,  -   tensors;
    BlakeCompressOpcode             blake_compress_opcode                Opcode,                                       174 + 148, seq -;
    CallOpcodeAbs                   call_opcode_abs                      Opcode,                                        25 + 20,  -   -;
    CallOpcodeRelImm                call_opcode_rel_imm                  Opcode,                                        24 + 20,  -   tensors;
    GenericOpcode                   generic_opcode                       Opcode,                                       243 + 136, -   -;
    JnzOpcodeNonTaken               jnz_opcode_non_taken                 Opcode,                                         9 + 12,  -   tensors;
    JnzOpcodeTaken                  jnz_opcode_taken                     Opcode,                                        47 + 16,  -   tensors;
    JumpOpcodeAbs                   jump_opcode_abs                      Opcode,                                        14 + 12,  -   -;
    JumpOpcodeDoubleDeref           jump_opcode_double_deref             Opcode,                                        21 + 16,  -   -;
    JumpOpcodeRel                   jump_opcode_rel                      Opcode,                                        16 + 12,  -   -;
    JumpOpcodeRelImm                jump_opcode_rel_imm                  Opcode,                                        13 + 12,  -   tensors;
    MulOpcode                       mul_opcode                           Opcode,                                       130 + 76,  -   -;
    MulOpcodeSmall                  mul_opcode_small                     Opcode,                                        37 + 24,  -   -;
    Qm31AddMulOpcode                qm_31_add_mul_opcode                 Opcode,                                        73 + 24,  -   -;
    RetOpcode                       ret_opcode                           Opcode,                                        16 + 16,  -   tensors;
    VerifyInstruction               verify_instruction                   Instructions,                                  17 + 12,  -   tensors;
    BlakeRound                      blake_round                          foreign(BlakeCompressOpcode),                 212 + 120, -   -;
    BlakeG                          blake_g                              foreign(BlakeCompressOpcode),                  53 + 36,  -   -;
    BlakeRoundSigma                 blake_round_sigma                    table_with(BlakeCompressOpcode, 4),             1 + 4,   -   -;
    TripleXor32                     triple_xor_32                        foreign(BlakeCompressOpcode),                  21 + 20,  -   -;
    VerifyBitwiseXor12              verify_bitwise_xor_12                table_with(BlakeCompressOpcode, 20),           16 + 32,  -   -;
    AddModBuiltin                   add_mod_builtin                      builtin(7, 9),                                267 + 108, seq -;
    BitwiseBuiltin                  bitwise_builtin                      builtin(5, 4),                                 89 + 76,  seq -;
    MulModBuiltin                   mul_mod_builtin                      builtin(7, 10),                               426 + 376, seq -;
    PedersenBuiltin                 pedersen_builtin                     builtin(3, 1),                                  3 + 8,   seq -;
    PedersenBuiltinNarrowWindows    pedersen_builtin_narrow_windows      builtin(3, 1),                                  3 + 8,   seq -;
    PoseidonBuiltin                 poseidon_builtin                     builtin(6, 7),                                  6 + 16,  seq -;
    RangeCheck96Builtin             range_check96_builtin                builtin(1, 8),                                 12 + 8,   seq -;
    RangeCheckBuiltin               range_check_builtin                  builtin(1, 2),                                 17 + 4,   seq tensors;
    EcOpBuiltin                     ec_op_builtin                        builtin(7, 5),                                273 + 36,  seq -;
    PartialEcMulGeneric             partial_ec_mul_generic               foreign(EcOpBuiltin),                         624 + 628, -   -;
    PedersenAggregatorWindowBits18  pedersen_aggregator_window_bits_18   foreign(PedersenBuiltin),                     206 + 24,  seq -;
    PartialEcMulWindowBits18        partial_ec_mul_window_bits_18        foreign(PedersenBuiltin),                     297 + 260, -   -;
    PedersenPointsTableWindowBits18 pedersen_points_table_window_bits_18 table_with(PedersenBuiltin, 23),                1 + 4,   -   -;
    PedersenAggregatorWindowBits9   pedersen_aggregator_window_bits_9    foreign(PedersenBuiltinNarrowWindows),        234 + 24,  seq -;
    PartialEcMulWindowBits9         partial_ec_mul_window_bits_9         foreign(PedersenBuiltinNarrowWindows),        311 + 260, -   -;
    PedersenPointsTableWindowBits9  pedersen_points_table_window_bits_9  table_with(PedersenBuiltinNarrowWindows, 15),   1 + 4,   -   -;
    PoseidonAggregator              poseidon_aggregator                  Rounds { rows: 1 },                           342 + 56,  seq -;
    Poseidon3PartialRoundsChain     poseidon_3_partial_rounds_chain      Rounds { rows: 27 },                          169 + 36,  -   -;
    PoseidonFullRoundChain          poseidon_full_round_chain            Rounds { rows: 8 },                           126 + 24,  -   -;
    Cube252                         cube_252                             Called { uses: [2, 3, 3] },                   141 + 200, -   -;
    PoseidonRoundKeys               poseidon_round_keys                  table_with(PoseidonBuiltin, 6),                 1 + 4,   -   -;
    RangeCheck252Width27            range_check_252_width_27             Called { uses: [2, 0, 3] },                    20 + 32,  -   -;
    MemoryAddressToId               memory_address_to_id                 Addresses,                                     32 + 32,  seq tensors;
    MemoryIdToBig                   memory_id_to_big                     LargeValues,                                   29 + 32,  seq tensors;
    MemoryIdToSmall                 memory_id_to_small                   SmallValues,                                    9 + 12,  seq tensors;
    RangeCheck6                     range_check_6                        table(6),                                       1 + 4,   -   -;
    RangeCheck8                     range_check_8                        table(8),                                       1 + 4,   -   -;
    RangeCheck11                    range_check_11                       table(11),                                      1 + 4,   -   tensors;
    RangeCheck12                    range_check_12                       table(12),                                      1 + 4,   -   -;
    RangeCheck18                    range_check_18                       table(18),                                      2 + 4,   -   tensors;
    RangeCheck20                    range_check_20                       table(20),                                      8 + 16,  -   -;
    RangeCheck43                    range_check_4_3                      table(7),                                       1 + 4,   -   tensors;
    RangeCheck44                    range_check_4_4                      table(8),                                       1 + 4,   -   -;
    RangeCheck99                    range_check_9_9                      table(18),                                      8 + 16,  -   tensors;
    RangeCheck725                   range_check_7_2_5                    table(14),                                      1 + 4,   -   tensors;
    RangeCheck3663                  range_check_3_6_6_3                  table(18),                                      1 + 4,   -   -;
    RangeCheck4444                  range_check_4_4_4_4                  table(16),                                      1 + 4,   -   -;
    RangeCheck33333                 range_check_3_3_3_3_3                table(15),                                      1 + 4,   -   -;
    VerifyBitwiseXor4               verify_bitwise_xor_4                 table(8),                                       1 + 4,   -   -;
    VerifyBitwiseXor7               verify_bitwise_xor_7                 table(14),                                      1 + 4,   -   -;
    VerifyBitwiseXor8               verify_bitwise_xor_8                 table(16),                                      2 + 4,   -   -;
    VerifyBitwiseXor9               verify_bitwise_xor_9                 table(18),                                      1 + 4,   -   -;
}

/// The components that compute a permutation of Poseidon round by round, in the order of [`Kind::Called`].
pub const ROUNDS: [Component; 3] = [
    Component::PoseidonAggregator,
    Component::PoseidonFullRoundChain,
    Component::Poseidon3PartialRoundsChain,
];

/// A name that is no component's.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
#[error("{0:?} is no component of the Cairo AIR")]
pub struct UnknownComponent(pub String);

impl Component {
    fn facts(self) -> &'static Facts {
        &FACTS[self as usize]
    }

    /// The library's name.
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// The component of a name from outside.
    ///
    /// # Errors
    /// [`UnknownComponent`].
    pub fn named(name: &str) -> Result<Component, UnknownComponent> {
        let found = Component::ALL.iter().find(|c| c.name() == name);
        found
            .copied()
            .ok_or_else(|| UnknownComponent(name.to_string()))
    }

    /// What its rows are.
    pub fn kind(self) -> Kind {
        self.facts().kind
    }

    /// Trace columns and interaction columns. Fixed columns are committed to once and for all, and do not count.
    pub fn columns(self) -> [u64; 2] {
        self.facts().columns
    }

    /// Whether it reads a fixed column that counts its rows.
    pub fn reads_counter(self) -> bool {
        self.facts().reads_counter
    }

    /// How many places it has in the library's list of a claim's components: each table of large values has one.
    pub fn places(self) -> usize {
        match self.kind() {
            Kind::LargeValues => MAX_VALUE_TABLES,
            _ => 1,
        }
    }

    /// Cells of a row; of an address where the rows are addresses.
    pub fn cells_per_row(self) -> u64 {
        let columns = self.columns().iter().sum::<u64>();
        match self.kind() {
            Kind::Addresses => columns / ADDRESSES_PER_ROW,
            _ => columns,
        }
    }

    /// Whether a program that calls tensor operations has it: such a program uses these components and no others, whatever the model.
    pub fn is_with_tensors(self) -> bool {
        self.facts().with_tensors
    }

    /// Whether it is a fixed table.
    pub fn is_table(self) -> bool {
        matches!(self.kind(), Kind::Table { .. })
    }

    /// Whether it has a row for each VM step of some instructions.
    pub fn is_opcode(self) -> bool {
        self.kind() == Kind::Opcode
    }

    /// Whether a proof with this component has others whose rows nobody counts.
    pub fn brings_foreign(self) -> bool {
        let foreign = Kind::Foreign { with: self };
        Component::ALL.iter().any(|c| c.kind() == foreign)
    }

    /// The component that takes the same instructions whatever their operands are: sums and products have one more for
    /// small operands.
    pub fn general(self) -> Component {
        match self {
            Component::AddOpcodeSmall => Component::AddOpcode,
            Component::MulOpcodeSmall => Component::MulOpcode,
            other => other,
        }
    }

    /// Rows for each different permutation of Poseidon, if it is a component of the permutation.
    ///
    /// The hash's 8 full and 83 partial rounds are in chains of one round, and of three (the first two partial rounds are
    /// in the aggregator). Every round cubes: 2 + 3·8 + 3·27 times, and checks 2 + 3·27 results.
    pub fn rows_per_permutation(self) -> Option<u64> {
        match self.kind() {
            Kind::Rounds { rows } => Some(rows),
            Kind::Called { uses } => {
                let rows = |round: Component| round.rows_per_permutation().unwrap_or(0);
                Some(called(uses, rows))
            }
            _ => None,
        }
    }

    /// Rows after padding of `rows` rows in use, in a proof with so many different `permutations` of Poseidon.
    ///
    /// A row of padding of a permutation is a permutation too, and its rounds have rows: their chains pad by themselves on
    /// top.
    pub fn padded(self, rows: u64, permutations: u64) -> u64 {
        match self.kind() {
            Kind::Rounds { rows } => pad(pad(permutations) * rows),
            Kind::Called { uses } => pad(called(uses, |round| round.padded(0, permutations))),
            Kind::Addresses => pad(rows.div_ceil(ADDRESSES_PER_ROW)) * ADDRESSES_PER_ROW,
            Kind::LargeValues => {
                // Full tables, and the rest.
                let table = 1 << LOG_TABLE_ROWS;
                match rows % table {
                    0 if rows > 0 => rows,
                    rest => rows - rest + pad(rest),
                }
            }
            Kind::Table { log_rows, .. } => 1 << log_rows,
            Kind::Opcode
            | Kind::Instructions
            | Kind::Builtin { .. }
            | Kind::SmallValues
            | Kind::Foreign { .. } => pad(rows),
        }
    }

    /// Cells of the lookup tables that every proof has.
    pub fn table_cells() -> u64 {
        let all = Component::ALL.iter();
        let tables = all.filter_map(|component| match component.kind() {
            Kind::Table {
                log_rows,
                with: None,
            } => Some(component.cells_per_row() << log_rows),
            _ => None,
        });
        tables.sum()
    }

    /// Most rows in a proof whose parameters allow `2^log_rows` rows for a component, and so many tables of large values.
    pub fn max_rows(self, log_rows: u32, value_tables: usize) -> u64 {
        let counter = 1 << LOG_TABLE_ROWS;
        match self.kind() {
            Kind::Table { log_rows, .. } => 1 << log_rows,
            Kind::Addresses => ADDRESSES_PER_ROW * counter,
            Kind::LargeValues => value_tables as u64 * counter,
            _ if self.reads_counter() => counter,
            _ => 1 << log_rows,
        }
    }
}

/// The calls of the rows that each component of [`ROUNDS`] has.
fn called(uses: [u64; 3], rows: impl Fn(Component) -> u64) -> u64 {
    let rounds = ROUNDS.into_iter().zip(uses);
    rounds.map(|(round, each)| each * rows(round)).sum()
}

/// Rows of one table after padding to a power of two, at least the SIMD prover's smallest component.
fn pad(rows: u64) -> u64 {
    rows.next_power_of_two().max(MIN_ROWS)
}

impl Ord for Component {
    fn cmp(&self, other: &Component) -> Ordering {
        self.name().cmp(other.name())
    }
}

impl PartialOrd for Component {
    fn partial_cmp(&self, other: &Component) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Component {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
