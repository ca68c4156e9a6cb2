//! Loops of kernels: how often they run, and what goes from turn to turn.

use super::{Asm, Cell, Next};

impl Asm {
    /// How many batches of each size make `count` elements; the last size is 1.
    ///
    /// The numbers of batches are the prover's, but for `count = Σ sizes[i]·batches[i]`, which is checked.
    pub fn split_count<const K: usize>(
        &mut self,
        count: Cell,
        sizes: [i16; K],
    ) -> [(i16, Cell); K] {
        let mut rest = count;
        sizes.map(|size| {
            if size == 1 {
                return (size, rest);
            }
            let batches = self.reserve();
            let remainder = self.reserve();
            self.hint_div_rem(rest, size, batches, remainder);
            let product = self.mul(batches, size);
            self.assert_sum(rest, remainder, product);
            rest = remainder;
            (size, batches)
        })
    }

    /// Runs `body` once for each batch, the sizes in order. `state` goes from batch to batch.
    ///
    /// A loop ends only when its number has been counted down to 0. So with the numbers of
    /// [`Asm::split_count`] every element is visited once, in order, whatever the numbers are.
    pub fn batches<const N: usize>(
        &mut self,
        counts: &[(i16, Cell)],
        state: [Cell; N],
        mut body: impl FnMut(&mut Asm, [Cell; N], i16) -> [Next; N],
    ) -> [Cell; N] {
        let mut state = state;
        for &(size, count) in counts {
            state = self.repeat(count, state, |asm, state| body(asm, state, size));
        }
        state
    }

    /// Runs `body` `count` times; returns the state after the last time.
    #[allow(
        clippy::expect_used,
        reason = "the counter is put there a few lines above"
    )]
    pub fn repeat<const N: usize>(
        &mut self,
        count: Cell,
        state: [Cell; N],
        body: impl FnOnce(&mut Asm, [Cell; N]) -> [Next; N],
    ) -> [Cell; N] {
        let outer = std::mem::take(&mut self.counters);
        self.settle();
        let claims = self.claims_array();
        for cell in outer.iter().copied().chain(claims).chain(state) {
            self.copy(cell);
        }
        let left = self.copy(count);
        let outside = self.meter.as_mut().map(|meter| meter.enter(count));
        let enter = self.jump_unless_zero(left);
        let skip = self.jump_always();
        self.arrive_only(enter);
        // From here on cells are counted from the loop's start: outer counters, claims, state, counter.
        let (outer, depth) = (outer.len(), outer.len() + usize::from(claims.is_some()));
        let first = -((depth + N + 1) as i16);
        let cells: [Cell; N] = std::array::from_fn(|i| Cell::Loop(first + (depth + i) as i16));
        let claims = claims.map(|_| Cell::Loop(first + outer as i16));
        let outer = (0..outer).map(|i| Cell::Loop(first + i as i16));
        self.carry_claims(claims);
        self.in_loop = true;
        (self.top, self.ap) = (0, 0);
        let start = self.code.len();
        self.counters = outer.clone().chain([Cell::Loop(-1)]).collect();
        let state = body(self, cells);
        self.settle();
        let mut counters = std::mem::take(&mut self.counters);
        let counter = counters.pop().expect("the loop's own");
        for cell in counters {
            self.copy(cell);
        }
        self.level();
        for next in state {
            match next {
                Next::Same(cell) => self.copy(cell),
                Next::Plus(cell, number) => self.add(cell, number),
            };
        }
        self.add(counter, -1);
        (self.top, self.ap) = (0, 0);
        self.counters = outer.collect();
        self.carry_claims(claims);
        self.jump_back(start);
        if let (Some(meter), Some(times)) = (&mut self.meter, outside) {
            meter.times = times;
        }
        self.patch(skip.instruction);
        cells
    }
}
