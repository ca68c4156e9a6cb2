//! How many steps a chunk of an earlier run has: what the receipts say, its own, or those behind it.

use super::Read;
use crate::decode::{DecodeError, Decoded, Session};
use crate::verify::statement::Frontier;

/// The chunk that begins here, of the steps that its receipt says, or of its share of what leads to the next receipt's beginning. Lengths
/// that lead to a frontier that a later receipt begins with come first. `None` if no receipt says a length.
pub(super) fn chunk(
    receipts: &[Read],
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
    let steps = share(&later, decoder, own, left).or(own);
    let steps = steps.or(next.filter(|steps| (1..=longest).contains(steps)));
    steps.map(|steps| decoder.decode(steps)).transpose()
}

/// The steps of a chunk up to the first later receipt that is reached from here: its own, if the chunks between have room for the others,
/// else an equal part.
fn share(
    later: &[(usize, &Frontier)],
    decoder: &Session<'_>,
    own: Option<usize>,
    left: usize,
) -> Option<usize> {
    let leads_to = |steps: usize, frontier: &Frontier| {
        let mut ahead = decoder.clone();
        ahead.skip(steps).is_ok() && *ahead.frontier() == *frontier
    };
    // Each chunk has a step at least.
    let fits = |steps: usize, chunks: usize| {
        (chunks..=chunks.saturating_mul(decoder.longest())).contains(&steps)
    };
    later.iter().find_map(|&(chunks, frontier)| {
        let end = frontier.position as usize;
        let steps = end.checked_sub(decoder.position())?;
        let reached = steps <= left && fits(steps, chunks) && leads_to(steps, frontier);
        let kept = own.filter(|own| chunks > 1 && fits(steps.saturating_sub(*own), chunks - 1));
        reached.then(|| kept.unwrap_or(steps.div_ceil(chunks)))
    })
}
