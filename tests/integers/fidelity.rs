//! How closely integer models follow float models: the demo model always, a model of somebody else where it is beside the checkout.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use cairo_decode::fidelity::{
    Documents, FidelityReport, Follower, NoProof, Verdict, divergence, follow,
};
use cairo_decode::integers::{Carried, step};
use cairo_decode::model::Model;
use cairo_decode::quantize::network::Network;
use cairo_decode::quantize::sites::{Hybrid, losses as losses_of};
use cairo_decode::quantize::{Floats, Options, Quantised, coarse, quantise};

/// Paragraphs that are compared: more say the same.
const PARAGRAPHS: usize = 12;

/// Logits of the reference, which requires every value to be in its proven range.
struct Reference<'a> {
    of: &'a Quantised,
    carried: Carried,
}

impl Follower for Reference<'_> {
    fn restart(&mut self) {
        self.carried = Carried::new(&self.of.description);
    }

    fn logits(&mut self, token: u32) -> Result<Vec<f64>, NoProof> {
        let step = step(&self.of.description, &mut self.carried, token).unwrap();
        for (values, reach) in step.values.iter().zip(&self.of.reaches) {
            let squares: i128 = values.iter().map(|&x| i128::from(x).pow(2)).sum();
            assert!(values.iter().all(|x| x.abs() <= reach.each));
            assert!(squares <= i128::from(reach.length).pow(2));
        }
        let (scale, logits) = (self.of.scales.last(), step.values.last());
        let logits = logits.unwrap().iter();
        Ok(logits.map(|&x| x as f64 / scale.unwrap()).collect())
    }
}

fn demo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models/stories")
}

fn text(name: &str) -> String {
    fs::read_to_string(demo().join(name)).unwrap()
}

/// The first paragraphs of the held-out text.
fn heldout(model: &Model, paragraphs: usize) -> Documents {
    let text = text("heldout.txt");
    let first: Vec<&str> = text.split("\n\n").take(paragraphs).collect();
    Documents::encode(&first.join("\n\n"), &model.tokenizer).unwrap()
}

fn quantised(model: &Model) -> Quantised {
    quantise(model, &text("calibration.txt"), &Options::default()).unwrap()
}

fn report(model: &Model, of: &Quantised) -> FidelityReport {
    let mut reference = Reference {
        of,
        carried: Carried::new(&of.description),
    };
    let documents = heldout(model, PARAGRAPHS);
    let mut floats = Floats::new(&of.network);
    follow(&mut floats, of.network.context, &mut reference, &documents).unwrap()
}

/// How many tokens behind a prompt are the float model's, up to the context.
fn greedy(model: &Model, of: &Quantised, prompt: &str) -> usize {
    let prompt = model.tokenizer.encode(prompt).unwrap();
    let (mut floats, mut carried) = (Floats::of(model), Carried::new(&of.description));
    let mut token = prompt[0];
    for position in 1..of.network.context {
        let logits = floats.logits(token).unwrap();
        let chosen = step(&of.description, &mut carried, token).unwrap().token;
        let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let expected = logits.iter().position(|&x| x == largest).unwrap() as u32;
        match prompt.get(position) {
            Some(&given) => token = given,
            None if chosen == expected => token = chosen,
            None => return position - prompt.len(),
        }
    }
    of.network.context - prompt.len()
}

#[test]
fn the_demo_model_is_followed() {
    let model = Model::load(&demo()).unwrap();
    let of = quantised(&model);
    let report = report(&model, &of);
    assert!(report.tokens > 1_500, "{report:?}");
    assert!(report.top1_agreement >= 0.999, "{report:?}");
    assert!((report.perplexity_ratio - 1.0).abs() < 0.001, "{report:?}");
    assert!(report.kl_divergence < 2e-6, "{report:?}");
    assert!(greedy(&model, &of, "Once upon a time") > 120);
    assert_eq!(coarse(&of), None);
}

/// Where one weight is so large that others of its matrix round to zero, the integers do not follow, and the matrix is named.
#[test]
fn a_matrix_with_one_large_weight_is_named() {
    let mut model = Model::load(&demo()).unwrap();
    let queries = "model.layers.1.self_attn.q_proj.weight";
    model.weights.tensors.get_mut(queries).unwrap().data[0] = 3e4;
    let of = quantised(&model);
    let report = report(&model, &of);
    assert_eq!(report.verdict(), Verdict::Useless, "{report:?}");
    let cause = coarse(&of).expect("a cause").to_string();
    let named = "`queries` of layer 1 has weights up to 3.0e4";
    assert!(cause.contains(named), "{cause}");
}

/// A model of somebody else, which no setting was chosen for.
#[test]
fn another_model_is_followed() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/models/stories260K");
    if !shared.is_dir() {
        println!("{} is not there: it is not tested", shared.display());
        return;
    }
    let model = Model::load(&shared).unwrap();
    let of = quantised(&model);
    let report = report(&model, &of);
    assert!(report.tokens > 2_000, "{report:?}");
    assert!(report.top1_agreement >= 0.99, "{report:?}");
    assert!((report.perplexity_ratio - 1.0).abs() < 0.005, "{report:?}");
    let greedy = greedy(&model, &of, "Once upon a time");
    assert!(greedy >= 100, "{greedy}");
}

/// With all operations in integers a hybrid is the reference; with none it is the float model; with one kind of them the error is that
/// kind's.
#[test]
fn hybrids_say_where_precision_is_lost() {
    let model = Model::load(&demo()).unwrap();
    let of = quantised(&model);
    let documents = heldout(&model, 2);
    let tokens = &documents.iter().next().unwrap()[..48];
    let hybrid = Hybrid::new(&of);
    let logits = |integer: &dyn Fn(&str) -> bool| hybrid.logits(tokens, integer).unwrap();
    let mut reference = Reference {
        of: &of,
        carried: Carried::new(&of.description),
    };
    let (expected, stop) = reference.block(tokens);
    assert_eq!((logits(&|_| true), stop), (expected.clone(), None));
    // Not the network of the integers, so that both are compared.
    let (floats, _) = Floats::of(&model).block(tokens);
    let apart = |logits: &[Vec<f64>]| -> f64 {
        let pairs = floats.iter().zip(logits);
        let sum: f64 = pairs.map(|(floats, own)| divergence(floats, own)).sum();
        sum / floats.len() as f64
    };
    let real = apart(&logits(&|_| false));
    let embed = apart(&logits(&|part| part == "embed"));
    let gated = apart(&logits(&|part| part == "gated"));
    assert!(real < 1e-12, "{real}");
    assert!(real < embed && embed < gated, "{real} {embed} {gated}");
    assert!(gated < 1.2 * apart(&expected), "{gated}");

    let losses = losses_of(&of, tokens);
    let names: BTreeSet<&str> = of.network.sites.iter().map(|site| site.part).collect();
    assert_eq!(losses.len(), names.len(), "{losses:?}");
    assert!(losses.is_sorted_by(|a, b| a.kl_divergence >= b.kl_divergence));
    let named = losses.iter().find(|loss| loss.part == "gated").unwrap();
    let difference = (named.kl_divergence - gated).abs();
    assert!(difference < 1e-3 * gated, "{named:?} {gated}");
    // Of a kind that is made worse the loss is larger, and it comes first.
    let coarse = Options {
        argument_bits: 8,
        ..Options::default()
    };
    let of = quantise(&model, &text("calibration.txt"), &coarse).unwrap();
    let losses = losses_of(&of, tokens);
    assert_eq!(losses[0].part, "gated", "{losses:?}");
    assert!(losses[0].kl_divergence > 10.0 * gated, "{losses:?}");
}

/// A text that leads far out of the ranges that were calibrated: what reads such numbers has no integers, and no loss.
#[test]
fn integers_beyond_their_ranges_are_not_computed_with() {
    let mut model = Model::load(&demo()).unwrap();
    let of = quantised(&model);
    let token = 5;
    let hidden = model.config.hidden_size;
    let row = token * hidden..(token + 1) * hidden;
    let name = "model.embed_tokens.weight";
    let rows = &mut model.weights.tensors.get_mut(name).unwrap().data;
    rows[row].iter_mut().for_each(|x| *x *= 1e12);
    let network = Network::of(&model);
    let of = Quantised { network, ..of };
    let hybrid = Hybrid::new(&of);
    let tokens = [1, token as u32, 2];
    assert!(hybrid.logits(&tokens, |_| false).is_some());
    for part in ["attention_norm", "attention_output", "mlp_output"] {
        assert!(hybrid.logits(&tokens, |of| of == part).is_none(), "{part}");
    }
    let losses = losses_of(&of, &tokens);
    assert!(losses.iter().all(|loss| loss.part != "attention_norm"));
}
