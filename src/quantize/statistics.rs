//! What calibration learns about the float model: a histogram per site, and how strongly each input
//! channel of a linear layer is driven.

use super::QuantizeError;
use super::documents::Documents;
use super::float::{FloatModel, Observer, Site};
use crate::model::Model;
use std::collections::BTreeMap;

/// Bits of an `f32` that a histogram's bin drops; five bits of mantissa stay.
const DROPPED_BITS: u32 = 18;

/// Counts of absolute values in bins of relative width 1/32, and the exact maximum.
#[derive(Debug, Clone, Default)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
    max: f32,
}

impl Histogram {
    fn add(&mut self, value: f32) {
        let magnitude = value.abs();
        let bin = (magnitude.to_bits() >> DROPPED_BITS) as usize;
        if bin >= self.counts.len() {
            self.counts.resize(bin + 1, 0);
        }
        self.counts[bin] += 1;
        self.total += 1;
        self.max = self.max.max(magnitude);
    }

    /// Largest absolute value seen.
    pub fn max(&self) -> f32 {
        self.max
    }

    /// The absolute value that a share `p` of all values does not exceed, up to a bin's width.
    pub fn percentile(&self, p: f64) -> f32 {
        let wanted = (p * self.total as f64).ceil() as u64;
        let mut seen = 0;
        for (bin, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return f32::from_bits((bin as u32 + 1) << DROPPED_BITS).min(self.max);
            }
        }
        self.max
    }

    /// Mean square error of rounding to multiples of `2^-exponent` and saturating at `limit` of them.
    pub fn error(&self, exponent: i32, limit: i64) -> f64 {
        let step = (-exponent as f64).exp2();
        let edge = limit as f64 * step;
        let rounding = step * step / 12.0;
        let mut sum = 0.0;
        for (bin, &count) in self
            .counts
            .iter()
            .enumerate()
            .filter(|(_, count)| **count > 0)
        {
            let middle = f64::from(f32::from_bits(
                (bin as u32) << DROPPED_BITS | 1 << (DROPPED_BITS - 1),
            ));
            let error = if middle <= edge {
                rounding
            } else {
                (middle - edge).powi(2)
            };
            sum += count as f64 * error;
        }
        sum / self.total.max(1) as f64
    }
}

/// Statistics of every site over the calibration text.
#[derive(Debug, Clone, Default)]
pub struct Statistics {
    histograms: BTreeMap<Site, Histogram>,
    /// Sum of squares per channel.
    energy: BTreeMap<Site, Vec<f64>>,
    bad: Option<Site>,
}

impl Statistics {
    /// Runs the float model over the documents, each from an empty state and up to `context` tokens.
    pub fn collect(
        model: &Model,
        documents: &Documents,
        context: usize,
    ) -> Result<Self, QuantizeError> {
        let float = FloatModel::new(model)?;
        let mut statistics = Self::default();
        for tokens in documents.iter() {
            let mut state = float.start();
            for &token in tokens.iter().take(context) {
                float.step(&mut state, token, &mut statistics);
            }
        }
        match statistics.bad {
            Some(site) => Err(QuantizeError::NotFinite { site }),
            None => Ok(statistics),
        }
    }

    /// The histogram of `site`; empty for a site that the model does not have.
    pub fn histogram(&self, site: Site) -> Histogram {
        self.histograms.get(&site).cloned().unwrap_or_default()
    }

    /// Sum of squares per channel of `site`, empty for scores, whose length varies.
    pub fn energy(&self, site: Site) -> &[f64] {
        self.energy.get(&site).map_or(&[], Vec::as_slice)
    }
}

impl Observer for Statistics {
    fn see(&mut self, site: Site, values: &[f32]) {
        if values.iter().any(|value| !value.is_finite()) {
            self.bad.get_or_insert(site);
            return;
        }
        let histogram = self.histograms.entry(site).or_default();
        values.iter().for_each(|&value| histogram.add(value));
        if !matches!(site, Site::Score(_)) {
            let energy = self
                .energy
                .entry(site)
                .or_insert_with(|| vec![0.0; values.len()]);
            energy
                .iter_mut()
                .zip(values)
                .for_each(|(sum, &v)| *sum += f64::from(v) * f64::from(v));
        }
    }
}
