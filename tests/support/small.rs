//! Small random models, quantised and compiled in this process.

#![allow(dead_code)]

use cairo_decode::decode::{Build, Cut};
use cairo_decode::integers::{Carried, Description, step};
use cairo_decode::quantize::{Options, quantise};

use super::identity::identity;
use super::model_dir::{Shape, random_model, text};

/// Steps that a proof of such a model has at most.
pub const LANES: usize = 8;

/// Positions that such a model has.
pub const CONTEXT: usize = 24;

/// Two layers, two heads of queries that share keys and values.
pub const SHAPE: Shape = Shape {
    hidden: 16,
    mlp: 24,
    layers: 2,
    heads: 2,
    kv_heads: 1,
    head_dim: 8,
    vocab: 40,
    tied: true,
};

/// A model's integers, and what decodes and proves its chunks.
pub struct Small {
    pub description: Description,
    pub build: Build,
}

/// The model of [`SHAPE`] with random weights from a seed, and no end-of-sequence token.
pub fn small(seed: u64) -> Small {
    let model = random_model(&SHAPE, seed);
    let options = Options {
        context: Some(CONTEXT),
        ..Options::default()
    };
    let quantised = quantise(&model, &text(6, 1), &options).expect("scales");
    let description = quantised.description;
    let cut = Cut {
        lanes: Some(LANES),
        block: Some(8),
        set: None,
    };
    let build = Build::new(&description, &identity("small", &model, None), cut).expect("a build");
    Small { description, build }
}

/// The tokens of so many steps: the prompt's, then those that the reference chooses, each step from an empty cache anew; one token more than
/// steps. And what is carried behind the last step.
pub fn recomputed(description: &Description, prompt: &[u32], steps: usize) -> (Vec<u32>, Carried) {
    let mut tokens = prompt.to_vec();
    let mut carried = Carried::new(description);
    for place in 0..steps {
        carried = Carried::new(description);
        let mut chosen = 0;
        for &token in &tokens[..=place] {
            chosen = step(description, &mut carried, token)
                .expect("in range")
                .token;
        }
        if tokens.len() == place + 1 {
            tokens.push(chosen);
        }
    }
    tokens.truncate(steps + 1);
    (tokens, carried)
}
