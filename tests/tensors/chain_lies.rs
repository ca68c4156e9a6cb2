//! Lies about chains of tokens, with a memory that says what they claim: of each, one lookup refuses it, and nothing else does.

use cairo_decode::air::components::relations::{COMPRESS, LANES as VIEWS};
use cairo_decode::prove::tensor::tally;
use cairo_decode::spec::poseidon2::{Digest, permute_seen, start};
use cairo_decode::spec::token_chain::{append, block};
use cairo_decode::tensor::chains::Chains;
use stwo::core::fields::m31::M31;

use crate::balance::{Honest, Misfit};
use crate::digests::{carried, chunk_from, digest, digested};
use crate::{Chunk, Numbers, chunk_unchecked};

/// A lane in the middle.
const LANE: usize = 3;

fn honest() -> (Chunk, Chains) {
    let (plan, _, chains) = digested(8, &[16, 24], 7, 0);
    let came = carried(&plan, 0, &mut Numbers(9));
    (chunk_from(plan, &came), chains)
}

/// A chunk in which the chain of given tokens has this digest behind the lane, and what follows behind the others.
fn with_chain(behind: Digest) -> Chunk {
    let (honest, chains) = honest();
    let mut values = honest.values.clone();
    let mut next = behind;
    for lane in LANE..8 {
        if lane > LANE {
            next = append(&next, values.rows[0][lane] as u32);
        }
        for (i, element) in next.into_iter().enumerate() {
            values.rows[chains.behind()[0] as usize + i][lane] = element.into();
        }
    }
    chunk_unchecked(honest.plan, values)
}

/// Says that the lane's row has this digest before it and this token, and a row of `compress` that it uses.
fn claims(chunk: &mut Chunk, before: Digest, token: u32) {
    let [tokens, compress] = ["tokens", "compress"].map(|name| chunk.index(name));
    let row = &mut chunk.witness.tables[tokens];
    let old: Vec<M31> = row[10..18].iter().map(|column| column[LANE]).collect();
    let said = row[2][LANE];
    row[2][LANE] = M31::from(token);
    for (column, element) in row[10..18].iter_mut().zip(before) {
        column[LANE] = M31::from(element);
    }
    let table = &mut chunk.witness.tables[compress];
    let is_own = |row: &usize| (0..8).all(|i| table[i][*row] == old[i]) && table[8][*row] == said;
    let own = (0..table[0].len())
        .find(is_own)
        .expect("the row's compression");
    let start = start(&before, &block(token));
    let mut row: Vec<M31> = start.iter().map(|&x| M31::from(x)).collect();
    permute_seen(start, |powers| row.extend(powers.map(M31::from)));
    for (column, value) in table.iter_mut().zip(row) {
        column[own] = value;
    }
}

/// A chain in which the lane's row has another token, with all multiplicities.
fn with_another_token() -> Chunk {
    let (chunk, chains) = honest();
    let before = digest(&chunk, chains.behind()[0], LANE - 1);
    let token = chunk.values.rows[0][LANE] as u32 + 1;
    let mut lie = with_chain(append(&before, token));
    claims(&mut lie, before, token);
    lie
}

fn refused_by(mut chunk: Chunk, relation: M31) {
    tally::write(&chunk.constants, &mut chunk.witness);
    let misfit = Honest::check(&chunk.constants, &chunk.witness, 1)
        .err()
        .expect("accepted");
    assert!(!misfit.open.is_empty(), "{misfit:?}");
    let only = Misfit {
        open: vec![relation.0; misfit.open.len()],
        ..Misfit::default()
    };
    assert_eq!(misfit, only);
}

/// Attack: a token is left out of the chain: a lane takes the digest before the lane before. Stopped by: the view of that digest.
#[test]
fn requirement_22_a_token_left_out_of_a_chain() {
    let (chunk, chains) = honest();
    let before = digest(&chunk, chains.behind()[0], LANE - 2);
    let token = chunk.values.rows[0][LANE] as u32;
    let mut lie = with_chain(append(&before, token));
    claims(&mut lie, before, token);
    refused_by(lie, VIEWS);
}

/// Attack: another token than the lane's. Stopped by: the view of tokens.
#[test]
fn requirement_22_another_token_in_a_chain() {
    refused_by(with_another_token(), VIEWS);
}

/// Attack: a digest behind a lane that is not the compression. Stopped by: `compress`.
#[test]
fn requirement_22_another_digest_behind_a_token() {
    refused_by(with_chain([5; 8]), COMPRESS);
}
