//! Greedy choice of a token.

/// Index of the largest logit; the lowest index wins a tie. 0 for an empty slice.
pub fn argmax(logits: &[i64]) -> usize {
    let mut best = 0;
    for (i, &x) in logits.iter().enumerate() {
        if x > logits[best] {
            best = i;
        }
    }
    best
}
