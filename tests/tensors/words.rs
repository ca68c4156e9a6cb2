//! What generated programs look like, and what they cost: words and steps are declared before anything is compiled.

use std::collections::{BTreeMap, BTreeSet};

use cairo_decode::compile::{CompileError, Instruction, compile_instructions};
use cairo_decode::program::{
    Call, Cell, Compiled, Declared, Name, Package, Roots, Schedule, ScheduleError, Step, Views,
    Work, declare, package,
};
use cairo_decode::tensor::Plan;
use cairo_decode::verify::statement::MAX_POSITION;
use starknet_types_core::felt::Felt;

use crate::Numbers;
use crate::generated::names;
use crate::necessity::input;

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

/// What a program is measured at: words of the compiled program, steps of a run.
fn measured(schedule: &Schedule, program: &Compiled, work: Work) -> Declared {
    let steps = (work.forced + work.choosing) as u32;
    let input = input(schedule, work.position as u32, work.prompt as usize, steps);
    Declared {
        words: program.words().len() as u64,
        steps: program.run(&input).expect("an honest chunk").steps() as u64,
    }
}

/// A chunk of so many steps from a position on, of a prompt of so many tokens.
fn work(position: u64, prompt: u64, steps: u64) -> Work {
    let forced = (prompt - 1).saturating_sub(position).min(steps);
    Work {
        position,
        prompt,
        forced,
        choosing: steps - forced,
    }
}

fn any_cell(numbers: &mut Numbers, in_layer: bool) -> Cell {
    let variable = numbers.between(0, if in_layer { 4 } else { 3 });
    match variable {
        0 => Cell::Number(numbers.between(0, 5000) as u32),
        1 => Cell::Position,
        2 => Cell::Blocks,
        3 => Cell::LastKeys,
        _ => Cell::Group,
    }
}

/// A call with up to ten cells; the first one is a number.
fn any_call(numbers: &mut Numbers, layer: Option<u32>, plain: bool) -> Step {
    let number = Cell::Number(numbers.between(1, 999) as u32);
    let cell = |numbers: &mut Numbers| match plain {
        true => Cell::Number(numbers.between(0, 5000) as u32),
        false => any_cell(numbers, layer.is_some()),
    };
    let more = numbers.between(0, 9);
    let cells = [number].into_iter().chain((0..more).map(|_| cell(numbers)));
    Step::Call(Call {
        name: Name {
            layer,
            name: "operation".to_string(),
        },
        cells: cells.collect(),
    })
}

/// A program of random calls, in layers and outside.
fn any_schedule(numbers: &mut Numbers) -> Schedule {
    let plain = numbers.between(0, 3) == 0;
    let mut steps = vec![any_call(numbers, None, plain)];
    for number in 0..numbers.between(0, 3) as u32 {
        let mut layer = vec![];
        for _ in 0..numbers.between(1, 5) {
            if !plain && numbers.between(0, 2) == 0 {
                layer.push(Step::NextHead);
            }
            layer.push(any_call(numbers, Some(number), plain));
        }
        steps.push(Step::Layer {
            number,
            steps: layer,
        });
    }
    steps.push(any_call(numbers, None, plain));
    let with_roots = numbers.between(0, 1) == 1;
    Schedule {
        lanes: [8, 16, 32, 64][numbers.between(0, 3)],
        context: MAX_POSITION,
        tokens: 0,
        roots: with_roots.then(|| roots(100)),
        steps,
    }
}

/// Words and steps of random programs are those that were declared.
#[test]
fn declared_costs_are_exact() {
    for seed in 0..10 {
        let mut numbers = Numbers(4000 + seed);
        let schedule = any_schedule(&mut numbers);
        let program = Compiled::new(&package("model", &schedule, Felt::from(5))).expect("compiles");
        for (position, prompt) in [(0, 1), (0, 4), (0, 90), (5, 9), (7, 8), (7, 7), (300, 2)] {
            let steps = numbers.between(1, schedule.lanes) as u64;
            let work = work(position, prompt, steps);
            let measured = measured(&schedule, &program, work);
            assert_eq!(
                declare(&schedule, work),
                measured,
                "seed {seed}, {work:?}: {schedule:?}"
            );
        }
    }
}

/// The calls of a model of a shape: norms, queries, keys, values, an operation with ten cells for each head, and so on.
fn shape(lanes: usize, layers: u32, heads: u32) -> Schedule {
    let number = |_| Cell::Number(1 << 20);
    let call = |layer, name: &str, cells: usize| {
        Step::Call(Call {
            name: Name {
                layer,
                name: name.to_string(),
            },
            cells: (0..cells).map(number).collect(),
        })
    };
    let layer = |layer: u32| {
        let own = |name: &str, cells| call(Some(layer), name, cells);
        let mut steps = vec![own("norm", 4), own("q", 5), own("k", 5), own("v", 3)];
        for head in 0..heads {
            let mut cells: Vec<Cell> = (0..6).map(number).collect();
            cells.extend([Cell::Group, Cell::Blocks, Cell::LastKeys]);
            steps.push(Step::NextHead);
            steps.push(Step::Call(Call {
                name: Name::in_layer(layer, &format!("head_{head}")),
                cells,
            }));
        }
        steps.extend([
            own("o", 4),
            own("ffn_norm", 4),
            own("gated", 3),
            own("down", 4),
        ]);
        Step::Layer {
            number: layer,
            steps,
        }
    };
    let mut steps = vec![
        call(None, "positions", 3),
        call(None, "angles", 3),
        call(None, "embed", 3),
    ];
    steps.extend((0..layers).map(layer));
    steps.extend([
        call(None, "final_norm", 4),
        call(None, "head", 4),
        call(None, "chains", 3),
    ]);
    steps.push(call(None, "records", 3));
    Schedule {
        lanes,
        context: MAX_POSITION,
        tokens: 0,
        roots: Some(roots(100)),
        steps,
    }
}

/// Programs of models' shapes have a few thousand words, and a chunk of 64 lanes a few thousand steps.
#[test]
fn programs_are_small() {
    let cost = |layers, heads| declare(&shape(64, layers, heads), work(512, 2, 64));
    let of = |words, steps| Declared { words, steps };
    // The demo model, GPT-2 small, SmolLM2-135M.
    assert_eq!(cost(3, 4), of(1409, 4616));
    assert_eq!(cost(12, 12), of(4445, 6767));
    assert_eq!(cost(30, 9), of(8171, 9413));
    // Twelve layers are more calls than the compiler would put in place by itself.
    for (layers, heads) in [(3, 4), (12, 2)] {
        let schedule = shape(64, layers, heads);
        let program = Compiled::new(&package("model", &schedule, Felt::from(5))).expect("compiles");
        let work = work(512, 2, 64);
        assert_eq!(
            declare(&schedule, work),
            measured(&schedule, &program, work)
        );
    }
}

/// The text of a plan's program.
#[test]
fn a_program_reads_as_a_list_of_calls() {
    let plan = crate::plan();
    let mut schedule = Schedule::new(&plan, &names(&plan), MAX_POSITION).expect("a schedule");
    assert_eq!(schedule.roots, None, "no operation makes them");
    schedule.roots = Some(roots(8 * 40));
    let package = package("example", &schedule, Felt::from(0xabc));
    let golden = expect_test::expect_file!["../golden/tensor_program.cairo"];
    golden.assert_eq(&package.files["src/lib.cairo"]);
    // Each line with a call has the operation's label.
    let lines: Vec<&str> = package.files["src/lib.cairo"].lines().collect();
    let labels = package.calls.clone();
    assert_eq!(labels.len(), plan.operations.len());
    // So has the code that the line becomes.
    let program = Compiled::new(&package).expect("compiles");
    let code = (0..program.words().len()).filter_map(|at| program.program().call(at));
    let code: BTreeSet<&str> = code.collect();
    assert_eq!(code, labels.values().map(String::as_str).collect());
    for (line, label) in labels {
        let name = label.rsplit('.').next().expect("a name");
        assert!(
            lines[line - 1].ends_with(&format!("// {name}")),
            "{label}: {}",
            lines[line - 1]
        );
    }
}

/// Names and calls that no program has are refused, each by the name of its check.
#[test]
fn schedules_are_refused() {
    let mut plan = Plan::new(8, 12, Numbers(3).matrix(8, 2, 100)).expect("a plan");
    let x = plan.embed();
    plan.head(x).expect("in range");
    let refusal = |names: &[Name]| Schedule::new(&plan, names, MAX_POSITION).expect_err("refused");
    let [embed, head] = ["embed", "head"].map(Name::outside);
    let both = [embed.clone(), head.clone()];
    assert!(Schedule::new(&plan, &both, MAX_POSITION).is_ok());
    let counts = ScheduleError::Names {
        operations: 2,
        names: 1,
    };
    assert_eq!(refusal(&both[..1]), counts);
    for name in ["", "Embed", "1st", "a b", "a\n"] {
        let refused = refusal(&[Name::outside(name), head.clone()]);
        let name = name.to_string();
        assert_eq!(refused, ScheduleError::Name { name });
    }
    let mut other = plan.clone();
    other.tokens.chosen = 3;
    let refused = Schedule::new(&other, &both, MAX_POSITION);
    let tokens = ScheduleError::Tokens {
        given: 0,
        listed: 1,
        chosen: 3,
    };
    assert_eq!(refused, Err(tokens));
    let mut three = plan.clone();
    let of = Numbers(4).product(8, 8, 3, 5);
    three.linear(x, of, 14).expect("in range");
    let pieces = [
        Name::in_layer(0, "a"),
        Name::in_layer(1, "b"),
        Name::in_layer(0, "c"),
    ];
    let refused = Schedule::new(&three, &pieces, MAX_POSITION);
    assert_eq!(refused, Err(ScheduleError::Layer { layer: 0 }));
}

/// A function that is not what an instruction needs is refused: another number of cells, or a result.
#[test]
fn instructions_need_their_functions() {
    let schedule = Schedule {
        lanes: 8,
        context: MAX_POSITION,
        tokens: 0,
        roots: Some(roots(100)),
        steps: vec![any_call(&mut Numbers(1), None, true)],
    };
    let package = package("model", &schedule, Felt::from(5));
    let refusal = |path: &'static str, cells: usize| {
        let instruction = Instruction {
            path,
            cells,
            word: 0,
            stand_in: 0,
        };
        let compiled =
            compile_instructions("model", &package.files, &BTreeMap::new(), &[instruction]);
        compiled.expect_err("no such instruction").to_string()
    };
    let refused = refusal("calls::code_cells", 9);
    assert!(
        refused.contains("it takes 10 cells and returns 0"),
        "{refused}"
    );
    let refused = refusal("digest::shifted", 1);
    assert!(
        refused.contains("it takes 1 cells and returns 1"),
        "{refused}"
    );
}

/// Whatever a package is called, it is the same program: the compiler knows it by a name of its own.
#[test]
fn a_package_may_have_any_name() {
    let plan = crate::plan();
    let schedule = Schedule::new(&plan, &names(&plan), MAX_POSITION).expect("a schedule");
    let compiled = |name: &str| Compiled::new(&package(name, &schedule, Felt::from(5)));
    let first = compiled("model").expect("compiles").words();
    // A crate of the compiler, and the library.
    for name in ["core", "decode_tensors"] {
        let words = compiled(name).expect("compiles").words();
        assert!(words == first, "{name}: another program");
    }
    for name in ["", "Model", "1a", "a-b", "a\"]\nb"] {
        let error = compiled(name).expect_err("no identifier");
        assert!(matches!(error, CompileError::Name(_)), "{name}: {error}");
    }
}

/// An array that the compiler cannot express makes it panic: that is one line of an error, and nothing is printed.
#[test]
fn a_panic_of_the_compiler_is_an_error() {
    let words = "1, ".repeat(1 << 15);
    let source = format!(
        "const LONG: [felt252; {}] = [{words}];\n\n#[executable_raw]\nfn main(input: Span<felt252>, ref output: Array<felt252>) {{\n    \
         output.append(*LONG.span().at(input.len()));\n}}\n",
        1 << 15
    );
    let package = Package {
        name: "long".to_string(),
        files: BTreeMap::from([("src/lib.cairo".to_string(), source)]),
        calls: BTreeMap::new(),
    };
    let error = Compiled::new(&package).expect_err("too long an array");
    let text = error.to_string();
    assert!(matches!(error, CompileError::Panic(_)), "{text}");
    assert!(
        text.contains("bug of cairo-decode") && text.lines().count() == 1,
        "{text}"
    );
}
