//! How many cells a row of each component has: what the components' comments say.

use cairo_decode::air::challenges::Challenges;
use cairo_decode::air::components::{Component, Evaluator};
use cairo_decode::air::layout::{Layout, Placed};
use cairo_decode::spec::record::Packing;

/// Cells of a row in the trees of trace and interaction.
fn cells(component: Component, lanes: usize) -> [usize; 2] {
    let layout = Layout {
        lanes,
        components: vec![Placed {
            component,
            log_rows: 4,
        }],
        messages: 0,
    };
    let challenges = Challenges::without_values(&layout);
    let columns = Evaluator::new(component, lanes, 4, &challenges).columns();
    [columns.trace, columns.interaction]
}

#[test]
fn rows_have_the_cells_that_comments_say() {
    let start = 0;
    for lanes in [8, 16, 32, 64] {
        let fractions = |lookups: usize| 4 * (lookups.div_ceil(2) + 2);
        let attend = |head_dim: usize, far: bool| {
            let more = usize::from(far) * lanes;
            let values = 19 + head_dim + 13 * lanes + 3 * more;
            let lookups = 7 + head_dim / 8 + 5 * lanes + more;
            let component = Component::Attend { head_dim, far };
            (component, [values, 4 + fractions(lookups)])
        };
        let lookups = |lookups: usize| 4 * lookups.div_ceil(2);
        let (part, shift) = (96, 8);
        let said = [
            (Component::Product { block: 12 }, [lanes + 3, 16]),
            (Component::Round, [2 * lanes + 2, fractions(2 * lanes + 3)]),
            (Component::Table, [1, 4]),
            (
                Component::Function { start },
                [3 * lanes + 2, fractions(2 * lanes + 3)],
            ),
            (
                Component::Residual { start },
                [4 * lanes + 3, fractions(3 * lanes + 4)],
            ),
            (
                Component::Gated { start },
                [7 * lanes + 2, fractions(6 * lanes + 3)],
            ),
            (Component::Masks, [1, 8]),
            (
                Component::Softmax { head_dim: 64 },
                [8 * lanes + 9, fractions(7 * lanes + 9)],
            ),
            (Component::Qk { head_dim: 64 }, [2 * lanes + 9, 16]),
            (
                Component::CarriedLanes { base: 8 },
                [9 * lanes + 1, 4 * (lanes + 8).div_ceil(2)],
            ),
            attend(64, false),
            attend(64, true),
            (Component::Mixed, [2 * lanes + 8, fractions(2 * lanes + 3)]),
            (
                Component::Rotary { start, half: 32 },
                [10 * lanes + 3, fractions(8 * lanes + 6)],
            ),
            (Component::Positions, [2, lookups(3)]),
            (Component::AngleTable, [1, 4]),
            (Component::PositionTable { part }, [1, 4]),
            (Component::EmbeddingTable { part }, [1, 4]),
            (Component::Angles, [26, 12]),
            (
                Component::Embed { part, shift },
                [part + 10, lookups(4 + part / 8)],
            ),
            (
                Component::EmbedPositions { part, shift },
                [2 * part + 10, lookups(5 + part / 8)],
            ),
            (
                Component::Norm { centred: false },
                [10 * lanes + 3, fractions(4 * lanes + 7)],
            ),
            (
                Component::Norm { centred: true },
                [11 * lanes + 3, fractions(4 * lanes + 8)],
            ),
            (Component::NormRoot { centred: false }, [37, fractions(32)]),
            (Component::NormRoot { centred: true }, [40, fractions(37)]),
        ];
        let packed = [Packing::Two, Packing::Three].map(|packing| {
            let values = packing.values();
            (
                Component::Record { packing },
                [17 + 16 * values, 4 * (9 * values + 2)],
            )
        });
        let digests = [
            (Component::Compress, [24 + 2 * 214 + 1, 4]),
            (Component::Roots { blocks: 5 }, [10, 16]),
            (Component::Tokens, [42, 20]),
        ];
        for (component, said) in said.into_iter().chain(packed).chain(digests) {
            let found = cells(component, lanes);
            assert_eq!(found, said, "{component}, {lanes} lanes");
            let all = found[0] + found[1];
            let each = all as f64 / lanes as f64;
            eprintln!("{component}, {lanes} lanes: {all} cells, {each:.1} for each lane");
        }
    }
}
