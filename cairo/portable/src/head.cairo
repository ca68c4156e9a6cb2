//! The choice of a token.

use crate::matrix::Matrix;
use crate::product::dot;
use crate::rounding::signed;

/// The lowest token with the largest logit, where the logit of token `i` is `Σ_j O[i][j] x[j]`.
pub fn head(x: Span<i64>, output: Matrix) -> u32 {
    let mut best: Option<i64> = None;
    let mut chosen = 0;
    let mut token = 0;
    for array in output.arrays {
        let mut rows = *array;
        while !rows.is_empty() {
            let logit = signed(dot(ref rows, x));
            let larger = match best {
                Some(best) => best < logit,
                None => true,
            };
            if larger {
                best = Some(logit);
                chosen = token;
            }
            token += 1;
        }
    }
    chosen
}
