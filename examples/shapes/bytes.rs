//! Where a proof's bytes are, and what verifying it takes.

use std::collections::BTreeMap;
use std::time::Instant;

use bincode::Options;
use cairo_decode::air::layout::{Layout, Layouts, Source, constants};
use cairo_decode::air::verify::verify;
use cairo_decode::verify::parameter_set;
use cairo_decode::verify::proof::{TensorProof, decode_tensors, encode_tensors};
use serde::Serialize;

/// Trees of constants, trace, interaction.
const TREES: [usize; 3] = [0, 1, 2];

/// Bytes of a part as the file has it, but for what is packed there.
fn size(part: &impl Serialize) -> u64 {
    let options = bincode::DefaultOptions::new().with_fixint_encoding();
    options.serialized_size(part).expect("plain data")
}

/// Columns of one row of the table.
#[derive(Default)]
struct Row {
    columns: [usize; 3],
    bytes: u64,
}

/// A table of columns and of bytes of queried and sampled values by component, and of the other parts.
pub fn table(proof: &TensorProof, layouts: &Layouts, layout: &Layout) {
    let stark = &proof.proof.stark_proof;
    let tables = proof
        .proof
        .preprocessed_trace_variant
        .to_preprocessed_trace();
    let name = |i: usize| layouts.components[i].component.to_string();
    let fixed = constants(&tables, layouts);
    let fixed = fixed.iter().map(|column| match column.source {
        Source::Cairo(_) => "Cairo's".to_string(),
        Source::Component(i, log_rows, _) if log_rows == layout.components[i].log_rows => name(i),
        Source::Component(..) => "other sizes".to_string(),
    });
    let mut owners: Vec<Vec<String>> = vec![fixed.collect()];
    let cairo = proof.proof.claim.log_sizes().0;
    for (tree, sizes) in cairo.into_iter().enumerate() {
        let mut of_tree = vec!["Cairo's".to_string(); sizes.len()];
        for (i, columns) in layout.columns().iter().enumerate() {
            let own = [columns.trace, columns.interaction][tree];
            of_tree.extend(vec![name(i); own]);
        }
        owners.push(of_tree);
    }
    let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
    for tree in TREES {
        let values = stark.queried_values[tree]
            .iter()
            .zip(&stark.sampled_values[tree]);
        for ((queried, sampled), owner) in values.zip(&owners[tree]) {
            let row = rows.entry(owner).or_default();
            row.columns[tree] += 1;
            row.bytes += 4 * queried.len() as u64 + 16 * sampled.len() as u64;
        }
    }
    let file = encode_tensors(proof).len() as u64;
    let [constants, trace, interaction] = ["constants", "trace", "interaction"];
    println!(
        "\n{:<24}{constants:>10}{trace:>10}{interaction:>13}{:>10}",
        "values of", "kB"
    );
    let mut rows: Vec<(&str, Row)> = rows.into_iter().collect();
    rows.sort_by_key(|(_, row)| std::cmp::Reverse(row.bytes));
    let mut values = 0;
    for (owner, row) in rows {
        let [constants, trace, interaction] = row.columns;
        let kilobytes = row.bytes as f64 / 1e3;
        println!("{owner:<24}{constants:>10}{trace:>10}{interaction:>13}{kilobytes:>10.1}");
        values += row.bytes;
    }
    let parts = [
        ("values of these columns", values),
        ("paths of four trees", size(&stark.decommitments)),
        ("layers of FRI", size(&stark.fri_proof)),
        ("claim, program, sums", {
            let claim = size(&proof.proof.claim) + size(&proof.proof.interaction_claim);
            claim + size(&proof.tensors)
        }),
        ("the file", file),
    ];
    println!();
    for (part, bytes) in parts {
        println!("{part:<57}{:>10.1}", bytes as f64 / 1e3);
    }
    println!();
}

/// The shortest of several verifications, from the bytes of the file, in milliseconds: reading, and all else.
pub fn fastest(proof: &TensorProof, layouts: &Layouts) -> [f64; 2] {
    let bytes = encode_tensors(proof);
    let fixed = parameter_set(&proof.proof).fixed();
    let mut least = [f64::INFINITY; 2];
    for _ in 0..20 {
        let start = Instant::now();
        let read = decode_tensors(&bytes).expect("a proof");
        let middle = Instant::now();
        verify(read.proof, (layouts, &read.tensors), &fixed).expect("verifies");
        let end = Instant::now();
        for (least, taken) in least.iter_mut().zip([middle - start, end - middle]) {
            *least = least.min(taken.as_secs_f64() * 1e3);
        }
    }
    least
}
