//! What generated programs look like, and what they cost.

use cairo_decode::program::{Call, Cell, Name, Roots, Schedule, Step, Views, package};
use cairo_decode::program::{Compiled, Work, declare};
use starknet_types_core::felt::Felt;

fn call(layer: Option<u32>, cells: Vec<Cell>) -> Step {
    let name = Name {
        layer,
        name: "operation".to_string(),
    };
    Step::Call(Call { name, cells })
}

/// Addresses of roots.
pub fn roots(first: u32) -> Roots {
    let views = |first: u32| Views {
        kv: first,
        tokens: first + 8,
        chosen: first + 16,
    };
    Roots {
        before: views(first),
        after: views(first + 24),
    }
}

#[test]
fn measure() {
    let n = Cell::Number;
    let one = |cells: Vec<Cell>| vec![call(None, cells)];
    let layer = |number, steps| Step::Layer { number, steps };
    let all = [
        vec![],
        one(vec![n(1), n(2)]),
        one(vec![n(1), n(2), n(3)]),
        [one(vec![n(1), n(2), n(3)]), one(vec![n(2), n(2), n(3)])].concat(),
        [one(vec![n(1), n(2), n(3)]), one(vec![n(2), n(2)])].concat(),
        one(vec![n(1), Cell::Position, n(3)]),
        [
            one(vec![n(1), Cell::Position, n(3)]),
            one(vec![n(2), Cell::Position, n(3)]),
        ]
        .concat(),
        one(vec![n(1), Cell::Blocks, n(3)]),
        one(vec![n(1), Cell::Blocks, Cell::LastKeys]),
        one(vec![n(1), Cell::Blocks, Cell::Position]),
        one(vec![n(1), Cell::Blocks, Cell::LastKeys, Cell::Group]),
        [
            one(vec![n(1), Cell::Blocks, Cell::LastKeys, Cell::Group]),
            vec![Step::NextHead],
            one(vec![n(2), Cell::Blocks, Cell::LastKeys, Cell::Group]),
        ]
        .concat(),
        vec![layer(0, one(vec![n(1), n(2), n(3)]))],
        vec![
            layer(0, one(vec![n(1), n(2), n(3)])),
            layer(1, one(vec![n(2), n(2), n(3)])),
        ],
        vec![
            layer(0, one(vec![n(1), n(2), n(3)])),
            layer(1, one(vec![n(2), n(2), Cell::Position])),
        ],
        vec![
            layer(0, one(vec![n(1), n(2), n(3)])),
            layer(1, one(vec![n(2), n(2), Cell::Position])),
            layer(2, one(vec![n(3), n(2), Cell::Position])),
        ],
        vec![
            layer(0, one(vec![n(1), n(2), Cell::Blocks])),
            layer(1, one(vec![n(2), n(2), Cell::Blocks])),
        ],
        vec![
            layer(
                0,
                one(vec![
                    n(1),
                    Cell::Position,
                    Cell::Blocks,
                    Cell::LastKeys,
                    Cell::Group,
                ]),
            ),
            layer(
                1,
                [
                    one(vec![
                        n(2),
                        Cell::Position,
                        Cell::Blocks,
                        Cell::LastKeys,
                        Cell::Group,
                    ]),
                    vec![Step::NextHead],
                    one(vec![
                        n(3),
                        Cell::Position,
                        Cell::Blocks,
                        Cell::LastKeys,
                        Cell::Group,
                    ]),
                ]
                .concat(),
            ),
        ],
        vec![
            layer(
                0,
                one(vec![
                    n(1),
                    Cell::Position,
                    Cell::Blocks,
                    Cell::LastKeys,
                    Cell::Group,
                ]),
            ),
            layer(
                1,
                [
                    vec![Step::NextHead],
                    one(vec![
                        n(2),
                        Cell::Position,
                        Cell::Blocks,
                        Cell::LastKeys,
                        Cell::Group,
                    ]),
                    vec![Step::NextHead],
                    one(vec![
                        n(3),
                        Cell::Position,
                        Cell::Blocks,
                        Cell::LastKeys,
                        Cell::Group,
                    ]),
                ]
                .concat(),
            ),
        ],
    ];
    for (i, steps) in all.into_iter().enumerate() {
        for roots in [None, Some(roots(100))] {
            let schedule = Schedule {
                lanes: 8,
                tokens: 0,
                roots,
                steps: steps.clone(),
            };
            let compiled =
                Compiled::new(&package("model", &schedule, Felt::from(5))).expect("compiles");
            let mut line = format!("{i} {} words {}", roots.is_some(), compiled.words().len());
            for (position, length, steps) in [
                (9, 3, 1),
                (9, 3, 2),
                (9, 3, 8),
                (9, 20, 1),
                (9, 20, 2),
                (9, 11, 4),
                (9, 10, 4),
                (0, 1, 1),
                (0, 2, 1),
                (0, 2, 2),
                (32, 1, 1),
            ] {
                let input = crate::necessity::input(&schedule, position, length, steps);
                let run = compiled.run(&input).expect("runs");
                line += &format!(" {}", run.steps());
            }
            println!("{line}");
        }
    }
    let _ = declare;
    let _ = Work {
        forced: 0,
        choosing: 0,
    };
}
