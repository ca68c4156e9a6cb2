//! The cases, and what each is to cost at most.

use serde::Serialize;

use super::integers::Gpt2;
use crate::model::random::Shape;
use crate::verify::params::{COMPACT, ParamSet};

/// Which model a case has.
#[derive(Debug, Clone, Copy)]
pub enum Subject {
    /// A model directory of random weights of a shape, imported and quantised.
    Random(Shape),
    /// `models/stories`, a trained model, imported and quantised.
    Demo,
    /// Random integers in the shape of GPT-2: no import reads that family, and random weights of that size would take longer to calibrate
    /// than everything that is measured.
    Gpt2(Gpt2),
}

/// A number that a case has a target for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Seconds by the clock of decoding, trace and proof.
    Seconds,
    /// The same for each step.
    SecondsPerStep,
    /// Seconds of cores of decoding, trace and proof.
    CoreSeconds,
    /// Share of decoding and trace in the seconds of cores of the proof.
    TraceShare,
    VerifyMilliseconds,
    ProofMegabytes,
    MemoryGigabytes,
    Words,
}

/// What a number is to be at most.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Target {
    pub measure: Measure,
    pub most: f64,
}

/// A benchmark: one chunk of a model, in which every step chooses its token.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    pub name: &'static str,
    pub about: &'static str,
    pub subject: Subject,
    pub lanes: usize,
    /// Parameters of its proof, where they are not those that a build has by itself.
    pub set: Option<&'static ParamSet>,
    /// Positions of the model.
    pub context: usize,
    /// Positions before the chunk, which are decoded and not proven.
    pub before: u32,
    /// Steps of the chunk.
    pub steps: usize,
    /// How often it is proven: the first proof of a process also waits for memory.
    pub proofs: usize,
    /// Targets that it has beside [`ALL`].
    targets: &'static [Target],
}

impl Case {
    /// What it is to cost at most.
    pub fn targets(&self) -> impl Iterator<Item = Target> {
        self.targets.iter().chain(&ALL).copied()
    }
}

const fn target(measure: Measure, most: f64) -> Target {
    Target { measure, most }
}

/// Targets of all cases.
const ALL: [Target; 4] = [
    target(Measure::TraceShare, 0.1),
    target(Measure::VerifyMilliseconds, 40.0),
    target(Measure::ProofMegabytes, 3.0),
    target(Measure::Words, 3000.0),
];

const fn shape(layers: usize) -> Shape {
    Shape {
        hidden: 64,
        mlp: 256,
        layers,
        heads: 4,
        kv_heads: 4,
        head_dim: 16,
        vocab: 65,
        tied: true,
    }
}

const WIDE: Shape = Shape {
    hidden: 288,
    mlp: 768,
    layers: 6,
    heads: 6,
    kv_heads: 6,
    head_dim: 48,
    vocab: 4096,
    tied: true,
};

const SMALL: Gpt2 = Gpt2 {
    layers: 12,
    width: 768,
    heads: 12,
    vocabulary: 50_257,
};

/// All cases.
pub const CASES: [Case; 6] = [
    Case {
        name: "A",
        about: "one decode step behind 16 positions: 1 layer, d 64, 4 heads, hidden 256, vocabulary 65",
        subject: Subject::Random(shape(1)),
        lanes: 8,
        set: None,
        context: 64,
        before: 16,
        steps: 1,
        proofs: 2,
        targets: &[target(Measure::Seconds, 2.0)],
    },
    Case {
        name: "B",
        about: "64 steps from the start: 4 layers, d 64, 4 heads, hidden 256, vocabulary 65",
        subject: Subject::Random(shape(4)),
        lanes: 64,
        set: None,
        context: 64,
        before: 0,
        steps: 64,
        proofs: 1,
        targets: &[target(Measure::Seconds, 5.0)],
    },
    Case {
        name: "C",
        about: "64 steps of the demo model from the start",
        subject: Subject::Demo,
        lanes: 64,
        set: None,
        context: 256,
        before: 0,
        steps: 64,
        proofs: 1,
        targets: &[target(Measure::SecondsPerStep, 0.08)],
    },
    Case {
        name: "D",
        about: "16 steps from the start: 6 layers, d 288, 6 heads, hidden 768, vocabulary 4096",
        subject: Subject::Random(WIDE),
        lanes: 16,
        set: None,
        context: 64,
        before: 0,
        steps: 16,
        proofs: 1,
        targets: &[target(Measure::Seconds, 6.0)],
    },
    Case {
        // A build takes parameters for its dearest chunk, behind 960 positions, which has no memory for these.
        name: "E",
        about: "64 steps of GPT-2 small's shape from the start: 12 layers, d 768, 12 heads, hidden 3072, vocabulary 50257; short proofs",
        subject: Subject::Gpt2(SMALL),
        lanes: 64,
        set: Some(&COMPACT),
        context: 1024,
        before: 0,
        steps: 64,
        proofs: 1,
        targets: &[
            target(Measure::CoreSeconds, 50.0),
            target(Measure::MemoryGigabytes, 14.0),
        ],
    },
    Case {
        name: "E512",
        about: "the same behind 512 positions; long proofs",
        subject: Subject::Gpt2(SMALL),
        lanes: 64,
        set: None,
        context: 1024,
        before: 512,
        steps: 64,
        proofs: 1,
        targets: &[
            target(Measure::CoreSeconds, 100.0),
            target(Measure::MemoryGigabytes, 18.0),
        ],
    },
];
