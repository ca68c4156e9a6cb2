//! How many steps a chunk of an earlier run has: what the receipts say, its own, or those behind it.

use std::collections::{BTreeMap, BTreeSet};

use super::Read;
use crate::decode::{DecodeError, Decoded, Session};
use crate::verify::statement::Frontier;

/// The frontiers of this build's own session at the positions where receipts begin. The session is decoded once, as far as anybody asks: a folder
/// with many receipts that fit nothing is not decoded again for each of them.
pub(super) struct Path<'a> {
    session: Session<'a>,
    /// Positions that may be asked for, and are not reached yet.
    ahead: BTreeSet<u32>,
    passed: BTreeMap<u32, Frontier>,
}

impl<'a> Path<'a> {
    /// From where a session is.
    pub(super) fn new(session: Session<'a>, receipts: &[Read]) -> Path<'a> {
        let read = receipts.iter().filter_map(|read| read.as_ref().ok());
        Path {
            ahead: read.map(|r| r.statement.frontier_in.position).collect(),
            passed: BTreeMap::new(),
            session,
        }
    }

    /// Whether the session passes this frontier, where a receipt begins.
    fn passes(&mut self, frontier: &Frontier) -> bool {
        while let Some(next) = self.ahead.first().copied() {
            if next > frontier.position {
                break;
            }
            self.ahead.pop_first();
            let steps = (next as usize).saturating_sub(self.session.position());
            match self.session.skip(steps) {
                Ok(()) => {
                    self.passed.insert(next, *self.session.frontier());
                }
                // Behind its end the session passes nothing, and is not tried again for each position.
                Err(_) => self.ahead.clear(),
            }
        }
        self.passed.get(&frontier.position) == Some(frontier)
    }
}

/// The chunk that begins here, of the steps that its receipt says, or of its share of what leads to the next receipt's beginning. Lengths
/// that lead to a frontier that a later receipt begins with come first. `None` if no receipt says a length.
pub(super) fn chunk(
    receipts: &[Read],
    path: &mut Path<'_>,
    decoder: &Session<'_>,
    left: usize,
) -> Result<Option<Decoded>, DecodeError> {
    let longest = left.min(decoder.longest());
    let statements = receipts.iter().enumerate();
    let statements =
        statements.filter_map(|(chunks, read)| Some((chunks, &read.as_ref().ok()?.statement)));
    let mut statements = statements.peekable();
    let own = statements.next_if(|(chunks, _)| *chunks == 0);
    let own = own.map(|(_, statement)| statement.steps as usize);
    let own = own.filter(|steps| (1..=longest).contains(steps));
    let later: Vec<(usize, &Frontier)> = statements
        .map(|(chunks, statement)| (chunks, &statement.frontier_in))
        .collect();
    let next = later.first().filter(|(chunks, _)| *chunks == 1);
    // 1. The own length, if the next receipt does not contradict it.
    if let Some(own) = own {
        let chunk = decoder.decode(own)?;
        if next.is_none_or(|(_, next)| chunk.statement().frontier_out == **next) {
            return Ok(Some(chunk));
        }
    }
    // 2. The share of what leads to a later receipt. 3. What no receipt confirms.
    let here = decoder.position();
    let next = next.and_then(|(_, next)| next.position.try_into().ok());
    let next = next.and_then(|next: usize| next.checked_sub(here));
    let steps = share(&later, path, decoder, own, left).or(own);
    let steps = steps.or(next.filter(|steps| (1..=longest).contains(steps)));
    steps.map(|steps| decoder.decode(steps)).transpose()
}

/// The steps of a chunk up to the first later receipt that is reached from here: its own, if the chunks between have room for the others,
/// else an equal part.
fn share(
    later: &[(usize, &Frontier)],
    path: &mut Path<'_>,
    decoder: &Session<'_>,
    own: Option<usize>,
    left: usize,
) -> Option<usize> {
    // Each chunk has a step at least.
    let fits = |steps: usize, chunks: usize| {
        (chunks..=chunks.saturating_mul(decoder.longest())).contains(&steps)
    };
    later.iter().find_map(|&(chunks, frontier)| {
        let end = frontier.position as usize;
        let steps = end.checked_sub(decoder.position())?;
        let reached = steps <= left && fits(steps, chunks) && path.passes(frontier);
        let kept = own.filter(|own| chunks > 1 && fits(steps.saturating_sub(*own), chunks - 1));
        reached.then(|| kept.unwrap_or(steps.div_ceil(chunks)))
    })
}
