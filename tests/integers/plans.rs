//! Plans of integer models: what a plan computes is what the reference computes, number by number, within ranges that are the same.

use std::path::Path;

use cairo_decode::fidelity::Documents;
use cairo_decode::integers::{Carried, Description, Operation, ranges, step};
use cairo_decode::model::Model;
use cairo_decode::quantize::{Options, quantise};
use cairo_decode::tensor::values::compute;
use cairo_decode::tensor::{Chunk, PlanError, Planned, plan};

use crate::model_dir::{Shape, random_model, text};
use crate::models::{everything, matrix, product};

pub const LANES: usize = 8;

/// Runs chunks of a plan beside steps of the reference, over these tokens: full chunks, each behind those before.
pub fn compare(description: &Description, planned: &Planned, tokens: &[u32]) {
    let mut reference = Carried::new(description);
    let mut carried = vec![];
    for (number, part) in tokens.chunks_exact(LANES).enumerate() {
        let chunk = Chunk {
            position: (number * LANES) as u32,
            forced: part.len(),
            carried: carried.clone(),
            ..Chunk::first(part)
        };
        let values = compute(&planned.plan, &chunk).unwrap();
        for (lane, &token) in part.iter().enumerate() {
            let expected = step(description, &mut reference, token).unwrap();
            let head = expected.values.len() - 1;
            for (i, written) in planned.written.iter().enumerate() {
                let found = written.addresses().map(|a| values.rows[a as usize][lane]);
                let found: Vec<i64> = found.collect();
                match i == head {
                    false => assert_eq!(found, expected.values[i], "operation {i}, lane {lane}"),
                    true => assert_eq!(found, [i64::from(expected.token)], "lane {lane}"),
                }
            }
        }
        let first = carried.len();
        let carries = &planned.plan.carried;
        carried.resize(first + carries.step as usize, vec![0; LANES]);
        for tensor in &carries.tensors {
            for (channel, address) in tensor.own.addresses().enumerate() {
                carried[first + tensor.offset as usize + channel] =
                    values.rows[address as usize].clone();
            }
        }
    }
}

/// The plan's ranges are those of the description, but that a plan counts whole blocks of positions.
fn same_ranges(description: &Description, planned: &Planned) {
    let reaches = ranges(description).unwrap();
    let head = reaches.len() - 1;
    for (i, (reach, written)) in reaches.iter().zip(&planned.written).enumerate().take(head) {
        let difference = (written.magnitude - reach.each).abs();
        assert!(difference <= reach.each >> 9, "{i}: {written:?} {reach:?}");
    }
}

const SHAPE: Shape = Shape {
    hidden: 32,
    mlp: 48,
    layers: 2,
    heads: 4,
    kv_heads: 2,
    head_dim: 8,
    vocab: 40,
    tied: true,
};

#[test]
fn random_models() {
    let shapes = [
        SHAPE,
        Shape {
            kv_heads: 4,
            layers: 1,
            ..SHAPE
        },
        Shape {
            hidden: 24,
            mlp: 40,
            kv_heads: 1,
            head_dim: 16,
            ..SHAPE
        },
        // An output matrix of its own.
        Shape {
            layers: 1,
            tied: false,
            ..SHAPE
        },
    ];
    for (seed, shape) in (1..).zip(shapes) {
        let options = Options {
            context: Some(28),
            ..Options::default()
        };
        let of = quantise(&random_model(&shape, seed), &text(6, 1), &options).unwrap();
        let planned = plan(&of.description, LANES, 16).unwrap();
        let tokens: Vec<u32> = (0..24).map(|i| (i * 7 + seed as u32) % 40).collect();
        compare(&of.description, &planned, &tokens);
        same_ranges(&of.description, &planned);
    }
}

/// The demo model over a held-out text, and the other model where it is.
#[test]
fn real_models() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| std::fs::read_to_string(root.join("models/stories").join(name));
    for folder in ["models/stories", "../shared/models/stories260K"] {
        let folder = root.join(folder);
        if !folder.is_dir() {
            println!("{} is not there: it is not tested", folder.display());
            continue;
        }
        let model = Model::load(&folder).unwrap();
        let calibration = read("calibration.txt").unwrap();
        let of = quantise(&model, &calibration, &Options::default()).unwrap();
        let planned = plan(&of.description, LANES, 64).unwrap();
        let heldout = Documents::encode(&read("heldout.txt").unwrap(), &model.tokenizer).unwrap();
        let tokens = heldout.iter().next().unwrap();
        compare(&of.description, &planned, &tokens[..64]);
        same_ranges(&of.description, &planned);
    }
}

/// What no component has is refused.
#[test]
fn models_without_a_plan() {
    let refused = |change: &dyn Fn(&mut Description)| {
        let mut description = everything();
        change(&mut description);
        plan(&description, LANES, 16).map(|_| ()).unwrap_err()
    };
    let short = |what| PlanError::Positions {
        what,
        found: 2,
        expected: 3,
    };
    let angles = refused(&|d| d.angles.sin.truncate(2));
    assert_eq!(angles, short("sines"));
    let learned = refused(&|d| d.embedding.positions = Some(matrix(&[&[1, 2], &[3, 4]])));
    assert_eq!(learned, short("learned positions"));
    // Two channels are no view.
    assert_eq!(refused(&|_| ()), PlanError::Width(2));
}

/// A product behind a norm of heads is one for each; heads whose tensors would leave gaps are refused by their size.
#[test]
fn products_of_heads() {
    let of_heads = |outputs: usize| {
        let mut description = everything();
        let numbers: Vec<i32> = (0..16).map(|i| 90 * i - 700).collect();
        description.embedding.tokens = matrix(&[&numbers, &[300; 16]]);
        let norm = description.operations.iter().find_map(|of| match of {
            Operation::Norm { norm, .. } => Some(*norm),
            _ => None,
        });
        let rows: Vec<Vec<i32>> = (0..outputs as i32)
            .map(|i| (0..8).map(|j| 3 * i - 2 * j).collect())
            .collect();
        let rows: Vec<&[i32]> = rows.iter().map(Vec::as_slice).collect();
        let norm = norm.unwrap();
        let linear = Operation::Linear {
            input: 1,
            of: product(&rows, 8),
            bits: 16,
        };
        let heads = Operation::HeadNorm {
            input: 0,
            norm,
            heads: 2,
        };
        let all: Vec<i32> = (0..2 * outputs as i32).map(|i| i - 7).collect();
        description.output = Some(matrix(&[&all, &all]));
        description.operations = vec![
            Operation::Embed,
            heads,
            linear,
            Operation::Head { input: 2 },
        ];
        description.context = LANES;
        description
    };
    let description = of_heads(8);
    let planned = plan(&description, LANES, 16).unwrap();
    compare(&description, &planned, &[0, 1, 0, 0, 1, 1, 0, 1]);
    same_ranges(&description, &planned);
    let refused = plan(&of_heads(12), LANES, 16).unwrap_err();
    assert_eq!(refused, PlanError::HeadChannels(12));
}
