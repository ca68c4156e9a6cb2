//! How many cells a row of each component has: what the components' comments say.

use cairo_decode::air::challenges::Challenges;
use cairo_decode::air::components::{Component, Evaluator};
use cairo_decode::air::layout::{Layout, Placed};

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
        for (component, said) in said {
            let found = cells(component, lanes);
            assert_eq!(found, said, "{component}, {lanes} lanes");
            let all = found[0] + found[1];
            let each = all as f64 / lanes as f64;
            eprintln!("{component}, {lanes} lanes: {all} cells, {each:.1} for each lane");
        }
    }
}
