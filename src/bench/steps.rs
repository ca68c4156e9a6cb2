//! Builds of the kind whose programs have the weights, for [`boundary`](super::boundary).

use std::path::{Path, PathBuf};

use super::BenchError;
use super::integers::written;
use crate::bundle::{BuildRequest, Bundle};
use crate::lower::WeightLayout;
use crate::model::random::{Random, SPECIAL, Shape};
use crate::profile::Component;
use crate::quantize::QuantOptions;

/// Which model is compared.
#[derive(Debug, Clone, Copy)]
pub(super) enum Subject {
    /// Random weights of a shape.
    Random(Shape),
    /// `models/stories`, a trained model.
    Demo,
}

/// What builds a model in the folder `build` of `work`.
pub(super) fn request(
    subject: Subject,
    weights: WeightLayout,
    demo: &Path,
    work: &Path,
) -> Result<BuildRequest, BenchError> {
    let dir: PathBuf = match subject {
        Subject::Random(shape) => written(&shape, 1, work)?,
        Subject::Demo => demo.to_path_buf(),
    };
    Ok(BuildRequest {
        model: dir,
        name: Some("bench".to_string()),
        calibration: None,
        heldout: None,
        // Random weights are measured, too: what is of interest is their cost.
        accept_fidelity: true,
        eos: None,
        out: work.join("build"),
        options: QuantOptions::default(),
        weights,
    })
}

/// A prompt of one token more than there are steps before the measured one, which so chooses its token.
pub(super) fn prompt(bundle: &Bundle, before: usize) -> Vec<u32> {
    let vocab = bundle.graph.shape.vocab as u64;
    let mut random = Random(4);
    let ordinary = SPECIAL.len() as u64;
    (0..=before)
        .map(|_| (ordinary + random.next() % (vocab - ordinary)) as u32)
        .collect()
}

/// Cells of rows in use.
pub(super) fn used_cells(components: &[Component]) -> u64 {
    let own = components.iter().filter(|c| !c.fixed);
    own.map(|c| c.rows * c.cells_per_row).sum()
}
