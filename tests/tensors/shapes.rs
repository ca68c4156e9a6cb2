//! What whole models cost, exactly: cells of all components, words of the program, and steps of its run.

use cairo_decode::tensor::constants;
use cairo_decode::tensor::values::compute;

use crate::shape::SHAPES;

/// Cells of trace and interaction, words and steps of a model whose chunk of all lanes the prompt gives.
fn cost(name: &str, lanes: usize) -> [usize; 3] {
    let shape = SHAPES.iter().find(|shape| shape.name == name);
    let model = shape.expect("a shape").model(lanes, 0);
    let sets = constants::constants(&model.plan, model.schedule.reads()).expect("one writer each");
    let sizes = constants::sizes(&model.plan, &sets.layouts, 0);
    let layout = sets.at(&sizes).expect("allowed sizes").layout;
    let columns = layout.components.iter().zip(layout.columns());
    let cells = columns.map(|(of, own)| (own.trace + own.interaction) << of.log_rows);
    let values = compute(&model.plan, &model.chunk(0, true)).expect("no stream");
    let trace = model.program.run(&model.input(&values).input);
    let steps = trace.expect("an honest input").steps();
    [cells.sum(), model.program.words().len(), steps]
}

#[test]
fn whole_models_cost_what_they_did() {
    assert_eq!(cost("demo", 64), [6_202_512, 1401, 4343]);
    assert_eq!(cost("d", 16), [13_066_336, 2061, 3206]);
}
