//! Where an integer model loses precision: a decode step of which the operations of one kind are integers and all others real numbers.

use std::collections::BTreeSet;

use serde::Serialize;

use super::block;
use super::choose::Quantised;
use super::integer_block::Blocks;
use super::real::RealState;
use crate::fidelity::{divergence, in_json};
use crate::integers::Carried;

/// What the operations of one kind lose by themselves.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Loss {
    /// The kind: the name of its operations in all layers.
    pub part: &'static str,
    /// Mean KL divergence of the distributions from those of the floats, in nats.
    #[serde(serialize_with = "in_json")]
    pub kl_divergence: f64,
}

/// A model of which some operations are integers.
pub struct Hybrid<'a> {
    of: &'a Quantised,
    blocks: Blocks<'a>,
}

impl<'a> Hybrid<'a> {
    pub fn new(of: &'a Quantised) -> Hybrid<'a> {
        let blocks = Blocks::of(&of.description);
        Hybrid { of, blocks }
    }

    /// The logits behind each of the first tokens of a document, with integers in the kinds of operations that `integer` says; none if one of these reads a
    /// number that no integer model would give it, or has a result that no proof can have.
    pub fn logits(&self, tokens: &[u32], integer: impl Fn(&str) -> bool) -> Option<Vec<Vec<f64>>> {
        let of = self.of;
        let mut state = RealState::new(&of.network);
        let mut carried = Carried::new(&of.description);
        let mut values: Vec<Vec<Vec<f64>>> = vec![];
        let mut integers: Vec<Vec<Vec<i64>>> = vec![];
        for (number, &scale) in of.scales.iter().enumerate() {
            if integer(of.network.sites[number].part) {
                let reads = of.description.operations[number].reads();
                let fit = |input: &usize| {
                    let mut positions = integers[*input].iter();
                    positions.all(|x| self.is_within(*input, x))
                };
                if !reads.iter().all(fit) {
                    return None;
                }
                let (written, refusal) =
                    self.blocks
                        .operation(&mut carried, tokens, number, &integers);
                if refusal.is_some() {
                    return None;
                }
                let real = |x: &Vec<i64>| x.iter().map(|&x| x as f64 / scale).collect();
                values.push(written.iter().map(real).collect());
                integers.push(written);
            } else {
                let written = block::operation(&of.network, &mut state, tokens, number, &values);
                let whole = |x: &Vec<f64>| x.iter().map(|x| (x * scale).round() as i64).collect();
                integers.push(written.iter().map(whole).collect());
                values.push(written);
            }
        }
        values.pop()
    }

    /// Whether what an operation writes is in its range: what reads it computes with nothing else.
    fn is_within(&self, number: usize, x: &[i64]) -> bool {
        let heads = self.of.description.operations[number].heads();
        let reach = self.of.reaches[number];
        let square = |x: &i64| i128::from(*x) * i128::from(*x);
        let most = i128::from(reach.length) * i128::from(reach.length);
        let mut parts = x.chunks((x.len() / heads).max(1));
        parts.all(|x| x.iter().map(square).sum::<i128>() <= most)
            && x.iter()
                .all(|x| x.unsigned_abs() <= reach.each.unsigned_abs())
    }
}

/// What each kind of operations loses over these tokens, the most first. A kind whose integers no proof can have is not there.
pub fn losses(of: &Quantised, tokens: &[u32]) -> Vec<Loss> {
    let hybrid = Hybrid::new(of);
    let Some(floats) = hybrid.logits(tokens, |_| false) else {
        return vec![];
    };
    let sites = of.network.sites.iter();
    let parts: BTreeSet<&'static str> = sites.map(|site| site.part).collect();
    let loss = |part: &'static str| {
        let logits = hybrid.logits(tokens, |other| other == part)?;
        let pairs = floats.iter().zip(&logits);
        let sum: f64 = pairs.map(|(floats, own)| divergence(floats, own)).sum();
        Some(Loss {
            part,
            kl_divergence: sum / floats.len().max(1) as f64,
        })
    };
    let mut losses: Vec<Loss> = parts.into_iter().filter_map(loss).collect();
    losses.sort_by(|a, b| b.kl_divergence.total_cmp(&a.kl_divergence));
    losses
}
