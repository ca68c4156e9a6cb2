//! The builtins of a claim: each that the program used has a component, which lies where the public segment says.
//!
//! A component's first address is not part of the transcript. So it counts only where it is compared with a segment's,
//! which is: a builtin without a segment has no component.

use cairo_air::air::SegmentRange;
use cairo_air::claims::CairoClaim;
use stwo_cairo_common::builtins::{
    ADD_MOD_BUILTIN_MEMORY_CELLS, BITWISE_BUILTIN_MEMORY_CELLS, EC_OP_BUILTIN_MEMORY_CELLS,
    MUL_MOD_BUILTIN_MEMORY_CELLS, PEDERSEN_BUILTIN_MEMORY_CELLS, POSEIDON_BUILTIN_MEMORY_CELLS,
    RANGE_CHECK_96_BUILTIN_MEMORY_CELLS, RANGE_CHECK_BUILTIN_MEMORY_CELLS,
};

use super::ProofError;
use super::checks::Check;
use super::claim::of_claim;

/// A builtin in a claim: first address and rows' logarithm of its component, its public segment, cells of an instance.
struct Builtin {
    component: Option<(u32, u32)>,
    segment: Option<SegmentRange>,
    cells: usize,
}

impl Builtin {
    /// The segment, unless it is empty.
    fn used(&self) -> Option<SegmentRange> {
        self.segment.filter(|segment| !segment.is_empty())
    }

    /// Whether the component and the segment, if the builtin has both, are as they must be.
    fn fits(&self, holds: impl Fn(Fit) -> bool) -> bool {
        let (Some((first, log_rows)), Some(segment)) = (self.component, self.used()) else {
            return true;
        };
        holds(Fit {
            first: first.into(),
            end: u64::from(first) + ((self.cells as u64) << log_rows),
            start: segment.start_ptr.value.into(),
            stop: segment.stop_ptr.value.into(),
            cells: self.cells as u64,
        })
    }
}

/// Addresses of a builtin's component, from `first` to `end`, and of its segment, from `start` to `stop`.
struct Fit {
    first: u64,
    end: u64,
    start: u64,
    stop: u64,
    cells: u64,
}

fn builtins(claim: &CairoClaim) -> [Builtin; 8] {
    let segments = &claim.public_data.public_memory.public_segments;
    macro_rules! place {
        ($component:ident, $start:ident) => {
            claim.$component.as_ref().map(|c| (c.$start, c.log_size))
        };
    }
    let pedersen = place!(pedersen_builtin, pedersen_builtin_segment_start);
    let narrow = place!(
        pedersen_builtin_narrow_windows,
        pedersen_builtin_segment_start
    );
    let of = |component, segment, cells| Builtin {
        component,
        segment,
        cells,
    };
    [
        of(
            place!(add_mod_builtin, add_mod_builtin_segment_start),
            segments.add_mod,
            ADD_MOD_BUILTIN_MEMORY_CELLS,
        ),
        of(
            place!(bitwise_builtin, bitwise_builtin_segment_start),
            segments.bitwise,
            BITWISE_BUILTIN_MEMORY_CELLS,
        ),
        of(
            place!(mul_mod_builtin, mul_mod_builtin_segment_start),
            segments.mul_mod,
            MUL_MOD_BUILTIN_MEMORY_CELLS,
        ),
        of(
            pedersen.or(narrow),
            segments.pedersen,
            PEDERSEN_BUILTIN_MEMORY_CELLS,
        ),
        of(
            place!(poseidon_builtin, poseidon_builtin_segment_start),
            segments.poseidon,
            POSEIDON_BUILTIN_MEMORY_CELLS,
        ),
        of(
            place!(range_check96_builtin, range_check96_builtin_segment_start),
            segments.range_check_96,
            RANGE_CHECK_96_BUILTIN_MEMORY_CELLS,
        ),
        of(
            place!(range_check_builtin, range_check_builtin_segment_start),
            segments.range_check_128,
            RANGE_CHECK_BUILTIN_MEMORY_CELLS,
        ),
        of(
            place!(ec_op_builtin, ec_op_builtin_segment_start),
            segments.ec_op,
            EC_OP_BUILTIN_MEMORY_CELLS,
        ),
    ]
}

/// Each builtin that the program used has a component, which lies where the public segment says.
pub(super) fn builtin_checks(claim: &CairoClaim) -> [Check<'_, ProofError>; 9] {
    let every = move |holds: fn(Fit) -> bool| builtins(claim).iter().all(|b| b.fits(holds));
    let segments = &claim.public_data.public_memory.public_segments;
    [
        of_claim(
            "builtins without a component",
            move || {
                [segments.ecdsa, segments.keccak]
                    .iter()
                    .flatten()
                    .all(SegmentRange::is_empty)
            },
            "a builtin is used that no component stands for",
        ),
        // Without one a prover could choose the component's first address after the challenges.
        of_claim(
            "builtins have segments",
            move || {
                builtins(claim)
                    .iter()
                    .all(|b| b.component.is_none() || b.used().is_some())
            },
            "a builtin's component has no segment",
        ),
        of_claim(
            "segments have builtins",
            move || {
                builtins(claim)
                    .iter()
                    .all(|b| b.used().is_none() || b.component.is_some())
            },
            "a builtin's segment has no component",
        ),
        of_claim(
            "one Pedersen builtin",
            || claim.pedersen_builtin.is_none() || claim.pedersen_builtin_narrow_windows.is_none(),
            "a builtin has two components",
        ),
        of_claim(
            "start of a builtin",
            move || every(|fit| fit.first == fit.start),
            "a builtin's component starts elsewhere than its segment",
        ),
        of_claim(
            "order of a builtin's segment",
            move || every(|fit| fit.start <= fit.stop),
            "a builtin's segment ends before it starts",
        ),
        of_claim(
            "whole instances of a builtin",
            move || every(|fit| fit.stop.abs_diff(fit.start) % fit.cells == 0),
            "a builtin's segment has a part of an instance",
        ),
        of_claim(
            "end of a builtin",
            move || every(|fit| fit.stop <= fit.end),
            "a builtin's segment ends behind its component",
        ),
        of_claim(
            "last address of a builtin",
            move || every(|fit| fit.end < 1 << 31),
            "a builtin's component ends behind the last address",
        ),
    ]
}
