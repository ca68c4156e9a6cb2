//! What a model too large for this machine would cost, from its declared cost alone.

use std::path::Path;

use serde::Serialize;

use super::{BenchError, Case, model};
use crate::cost::Rows;
use crate::lower::{Chunk, LowerOptions, WeightLayout, declare};
use crate::model::Model;
use crate::quantize::{QuantOptions, quantize};

/// Cells that a core proves in a second, as case C on two cores (`cairo-decode bench C`).
const CELLS_PER_CORE_SECOND: f64 = 16.5e6;

/// A chunk's declared cost. Padding, the fixed tables and the program's words are not in it.
#[derive(Debug, Clone, Serialize)]
pub struct Estimate {
    pub case: &'static str,
    pub about: &'static str,
    pub parameters: u64,
    /// Steps of the chunk, from an empty cache; each chooses its token.
    pub steps: usize,
    pub vm_steps: u64,
    /// Cells of opcodes, builtins and addresses.
    pub cells: u64,
    /// Cells of the values in memory, as [`Rows::value_cells`] counts them.
    pub value_cells: u64,
    /// Cells of both, by operation and part around the operations, of the whole chunk.
    pub parts: Vec<(String, u64)>,
    pub cells_per_token: u64,
    pub core_seconds_per_token: f64,
}

/// Quantises the case's model and declares the cost of a chunk of `steps` steps from an empty cache.
///
/// # Errors
/// What a step of the pipeline gives.
pub fn run(case: &Case, steps: usize, demo: &Path, work: &Path) -> Result<Estimate, BenchError> {
    let dir = model(case.subject, demo, work)?;
    let text = dir.join("calibration.txt");
    let text = std::fs::read_to_string(&text).map_err(super::on(&text))?;
    let loaded = Model::load(&dir).map_err(|e| BenchError::Model(e.to_string()))?;
    let quantized = quantize(&loaded, &text, &QuantOptions::default());
    let graph = quantized
        .map_err(|e| BenchError::Model(e.to_string()))?
        .graph;
    let options = LowerOptions {
        weights: WeightLayout::Ready,
        ..LowerOptions::default()
    };
    let chunk = Chunk {
        position: 0,
        steps,
        prompt: 1,
        values: &[],
    };
    let declared = declare(&graph, options, chunk).map_err(|e| BenchError::Model(e.to_string()))?;
    // What the generated code does to call an operation is known after compiling only: a few dozen rows a call.
    let site = Rows::default();
    let mut all = Rows::default();
    let mut parts: Vec<(String, u64)> = vec![];
    let nodes = graph.nodes.iter().map(|node| node.op.name().to_string());
    let around = declared.around.iter();
    let around = around.map(|(part, cost)| (part.to_string(), cost));
    for (name, cost) in nodes.zip(&declared.nodes).chain(around) {
        let rows = cost.rows(&site)?;
        let cells = rows.cells() + rows.value_cells();
        match parts.iter_mut().find(|(part, _)| *part == name) {
            Some((_, sum)) => *sum += cells,
            None => parts.push((name, cells)),
        }
        all.add_all(&rows, 1);
    }
    parts.sort_by_key(|(_, cells)| std::cmp::Reverse(*cells));
    let (cells, value_cells) = (all.cells(), all.value_cells());
    let cells_per_token = (cells + value_cells) / steps as u64;
    Ok(Estimate {
        case: case.name,
        about: case.about,
        parameters: loaded.config.parameters(),
        steps,
        vm_steps: all.steps(),
        cells,
        value_cells,
        parts,
        cells_per_token,
        core_seconds_per_token: cells_per_token as f64 / CELLS_PER_CORE_SECOND,
    })
}
