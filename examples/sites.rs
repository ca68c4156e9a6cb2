//! Where the integers of a model lose precision: divergence from the floats with the operations of one kind in integers, and all others in floats.
//!
//! usage: cargo run --release --example sites -- MODEL [TOKENS]

use std::collections::BTreeSet;
use std::error::Error;
use std::path::Path;

use cairo_decode::model::Model;
use cairo_decode::quantize::{Documents, Follower, NoProof, follow, texts};
use cairo_decode::scales::sites::Hybrid;
use cairo_decode::scales::{Floats, Options, quantise};

/// A model of which some operations are integers.
struct Mixed<'a>(Hybrid<'a>);

impl Follower for Mixed<'_> {
    fn restart(&mut self) {
        self.0.restart();
    }

    fn logits(&mut self, token: u32) -> Result<Vec<f64>, NoProof> {
        let logits = self.0.step(token);
        logits.map_err(|refusal| NoProof(refusal.to_string()))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (model, tokens) = match &arguments[..] {
        [model] => (model, 32),
        [model, tokens] => (model, tokens.parse()?),
        _ => return Err("usage: sites MODEL [TOKENS]".into()),
    };
    let model = Model::load(Path::new(model))?;
    let context = model.config.max_position_embeddings.min(256);
    let options = Options {
        context: Some(context),
        ..Options::default()
    };
    let of = quantise(&model, texts::CALIBRATION, &options)?;
    let first = texts::HELDOUT.split("\n\n").next().unwrap_or_default();
    let heldout = Documents::encode(first, &model.tokenizer)?;
    let parts: BTreeSet<&str> = of.network.sites.iter().map(|site| site.part).collect();
    let kinds = parts.into_iter().map(Some).chain([None]);
    for kind in kinds {
        let is_integer = |part| kind.is_none_or(|kind| kind == part);
        let sites = of.network.sites.iter();
        let integer = sites.map(|site| is_integer(site.part)).collect();
        let mut mixed = Mixed(Hybrid::new(&of, integer));
        let mut floats = Floats::new(&of.network);
        let report = follow(&mut floats, tokens, &mut mixed, &heldout)?;
        println!(
            "{:18} {:.6} nats, top-1 agreement {:.1} % of {}",
            kind.unwrap_or("all"),
            report.kl_divergence,
            100.0 * report.top1_agreement,
            report.tokens
        );
    }
    Ok(())
}
