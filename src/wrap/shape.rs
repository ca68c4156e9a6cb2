//! Shapes of circuits: how many rows each table of gates has.
//!
//! A circuit that verifies another one has the other's shape built in. So that one aggregation circuit
//! serves every model, circuits are padded to fixed shapes, whatever they contain.

use circuit_common::finalize::finalize_context;
use circuits::blake::{blake_g_gate, m31_to_u32, triple_xor};
use circuits::context::{Context, FinalizedContext};
use circuits::eval;
use circuits::ivalue::IValue;
use circuits::ops::eq;
use circuits_stark_verifier::order_hash_map::OrderedHashMap;
use stwo_constraint_framework::preprocessed_columns::PreProcessedColumnId;

use super::WrapError;

/// Rows of the five tables of gates, each as a power of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub eq: u32,
    pub qm31_ops: u32,
    pub triple_xor: u32,
    pub m31_to_u32: u32,
    pub blake_g_gate: u32,
}

/// Shape of a leaf with tensor components that is too large for [`AGGREGATE`].
pub const LARGE_LEAF: Shape = Shape {
    eq: 17,
    qm31_ops: 21,
    triple_xor: 17,
    m31_to_u32: 18,
    blake_g_gate: 20,
};

/// Shape of a leaf, and of a circuit that verifies two circuit proofs.
pub const AGGREGATE: Shape = Shape {
    eq: 17,
    qm31_ops: 20,
    triple_xor: 17,
    m31_to_u32: 18,
    blake_g_gate: 20,
};

/// Table sizes that no circuit changes: a range-check table of 16 bits and xor tables of 4, 7, 8, 9 and
/// 10 bits per operand.
const FIXED: [(&str, u32); 6] = [
    ("seq", 16),
    ("bitwise_xor_4", 8),
    ("bitwise_xor_7", 14),
    ("bitwise_xor_8", 16),
    ("bitwise_xor_9", 18),
    ("bitwise_xor_10", 20),
];

impl Shape {
    /// Log size of every fixed column, in the order in which they are committed: by size, and among
    /// equals in the order in which the circuit library makes them.
    pub fn columns(&self) -> Vec<(String, u32)> {
        let mut columns = vec![];
        let mut table = |prefix: &str, names: &[&str], log_size: u32| {
            columns.extend(
                names
                    .iter()
                    .map(|name| (format!("{prefix}_{name}"), log_size)),
            );
        };
        table("eq", &["in0_address", "in1_address"], self.eq);
        let ops = [
            "add_flag",
            "sub_flag",
            "mul_flag",
            "pointwise_mul_flag",
            "in0_address",
            "in1_address",
            "out_address",
            "mults",
        ];
        table("qm31_ops", &ops, self.qm31_ops);
        let xor = [
            "input_addr_0",
            "input_addr_1",
            "input_addr_2",
            "output_addr",
            "multiplicity",
        ];
        table("triple_xor", &xor, self.triple_xor);
        let split = ["input_addr", "output_addr", "multiplicity"];
        table("m31_to_u32", &split, self.m31_to_u32);
        let g = [
            "input_addr_a",
            "input_addr_b",
            "input_addr_c",
            "input_addr_d",
            "input_addr_f0",
            "input_addr_f1",
            "output_addr_a",
            "output_addr_b",
            "output_addr_c",
            "output_addr_d",
            "multiplicity",
        ];
        table("blake_g_gate", &g, self.blake_g_gate);
        for (name, log_size) in FIXED {
            match name {
                "seq" => table(name, &["16"], log_size),
                _ => table(name, &["0", "1", "2"], log_size),
            }
        }
        columns.sort_by_key(|&(_, log_size)| log_size);
        columns
    }

    /// [`Shape::columns`] as the circuit library wants them.
    pub fn column_log_sizes(&self) -> OrderedHashMap<PreProcessedColumnId, u32> {
        let id = |(id, log_size)| (PreProcessedColumnId { id }, log_size);
        self.columns().into_iter().map(id).collect()
    }

    /// Rows of the largest table, as a power of two.
    pub fn trace_log_size(&self) -> u32 {
        self.columns().last().map_or(0, |&(_, log_size)| log_size)
    }
}

/// A table's name, log size, and how many rows a circuit has in it.
type Table<Value> = (&'static str, u32, fn(&Context<Value>) -> usize);

/// Fills a circuit with gates without effect until it has the shape.
///
/// # Errors
/// [`WrapError::CircuitTooLarge`] if it has more rows than the shape in some table.
pub fn pad<Value: IValue>(
    circuit: &mut FinalizedContext<Value>,
    shape: &Shape,
) -> Result<(), WrapError> {
    check(circuit, shape)?;
    let context = &mut circuit.context;
    let zero = context.zero();
    for (table, log_rows, rows) in tables(shape) {
        for _ in rows(context)..1 << log_rows {
            match table {
                "eq" => eq(context, zero, zero),
                "qm31_ops" => {
                    eval!(context, (zero) + (zero));
                }
                "triple_xor" => {
                    triple_xor(context, zero, zero, zero);
                }
                "m31_to_u32" => {
                    m31_to_u32(context, zero);
                }
                _ => {
                    blake_g_gate(context, zero, zero, zero, zero, zero, zero);
                }
            }
        }
    }
    // Every table is a power of two now, so the library's own padding has nothing left to add.
    finalize_context(circuit);
    Ok(())
}

/// Refuses a circuit that has more rows than the shape in some table.
///
/// # Errors
/// [`WrapError::CircuitTooLarge`].
pub fn check<Value: IValue>(
    circuit: &FinalizedContext<Value>,
    shape: &Shape,
) -> Result<(), WrapError> {
    for (table, log_rows, rows) in tables(shape) {
        let (limit, found) = (1usize << log_rows, rows(&circuit.context));
        if found > limit {
            return Err(WrapError::CircuitTooLarge {
                table,
                rows: found,
                limit,
            });
        }
    }
    Ok(())
}

fn tables<Value: IValue>(shape: &Shape) -> [Table<Value>; 5] {
    [
        ("eq", shape.eq, |c| c.circuit.eq.len()),
        ("qm31_ops", shape.qm31_ops, |c| c.circuit.n_qm31_ops_rows()),
        ("triple_xor", shape.triple_xor, |c| {
            c.circuit.triple_xor.len()
        }),
        ("m31_to_u32", shape.m31_to_u32, |c| {
            c.circuit.m31_to_u32.len()
        }),
        ("blake_g_gate", shape.blake_g_gate, |c| {
            c.circuit.blake_g_gate.len()
        }),
    ]
}
