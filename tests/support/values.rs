//! The values that a program made of a graph's operations, as they lie in the VM's memory after a run.

#![allow(dead_code)]

use std::collections::BTreeMap;

use cairo_decode::compile::Program;
use cairo_decode::ir::{Graph, Len, Node, Op, StepValues, ValueId};
use cairo_decode::trace::Trace;
use starknet_types_core::felt::Felt;
use stwo_cairo_adapter::memory::{Memory, MemoryValue};

/// For each operation's label its value at each step that ran it, in the order of the steps.
pub struct Values(BTreeMap<String, Vec<Vec<i64>>>);

/// What the last call of each operation's line returned. A line without a call is another name of its operand, and
/// `kv_append` returns no value: neither is among them.
///
/// A function's result is on top of the stack when it returns: one felt, or where an array begins and ends.
pub fn values(program: &Program, graph: &Graph, trace: Trace) -> Values {
    let registers: Vec<_> = trace.registers().collect();
    let input = trace.into_prover_input().expect("a prover input");
    let stack = input.state_transitions.initial_state.ap.0 - registers[0].ap as u32;
    // Running calls: label, when, place of the call, frame. Then by label and place, `ap` after each return.
    let mut running: Vec<(&str, usize, usize, usize)> = vec![];
    let mut returned: BTreeMap<&str, BTreeMap<usize, Vec<usize>>> = BTreeMap::new();
    for (now, (here, next)) in registers.iter().zip(&registers[1..]).enumerate() {
        if let Some(&(label, called, pc, fp)) = running.last()
            && here.fp == fp
            && here.pc == pc + 2
        {
            running.pop();
            // What returns at once is no function: it only says where a constant array is.
            if now > called + 2 {
                let calls = returned.entry(label).or_default();
                calls.entry(pc).or_default().push(here.ap);
            }
        }
        if next.fp == here.ap + 2
            && next.fp != here.fp
            && let Some(label) = program.call(here.pc)
        {
            running.push((label, now, here.pc, here.fp));
        }
    }
    let memory = &input.memory;
    let value = |node: &Node| {
        let (_, ends) = returned.get(node.label.as_str())?.last_key_value()?;
        let value = |&ap: &usize| read(memory, node, stack + ap as u32);
        Some((node.label.clone(), ends.iter().map(value).collect()))
    };
    let valued = |node: &&Node| !matches!(node.op, Op::KvAppend { .. });
    Values(
        graph
            .nodes
            .iter()
            .filter(valued)
            .filter_map(value)
            .collect(),
    )
}

impl Values {
    /// The value of a node at a step of a chunk of `steps` steps; `None` if the program did not run it there.
    ///
    /// Operations behind the last append run at the last steps only, from where the prompt ends.
    pub fn get(&self, graph: &Graph, id: ValueId, step: usize, steps: usize) -> Option<&[i64]> {
        let node = graph.node(id);
        match (self.0.get(&node.label), node.op) {
            (Some(values), _) => {
                let left = steps - step;
                let at = values.len().checked_sub(left)?;
                Some(&values[at])
            }
            // Nothing is left to do: the operand.
            (None, Op::Requantize { x, .. }) => self.get(graph, x, step, steps),
            (None, _) => None,
        }
    }

    /// Every operation has the reference's value, at every step of a chunk; `decided` of its steps chose a token. Returns
    /// how many values were compared.
    pub fn equal(&self, graph: &Graph, reference: &[StepValues], decided: usize) -> usize {
        let mut compared = 0;
        let ids = (0..graph.nodes.len() as u32).map(ValueId);
        let appended = |node: &Node| matches!(node.op, Op::KvAppend { .. });
        let cut = graph.nodes.iter().rposition(appended).expect("an append");
        for id in ids.filter(|id| !appended(graph.node(*id))) {
            for (step, values) in reference.iter().enumerate() {
                if id.0 as usize <= cut || step + decided >= reference.len() {
                    let found = self.get(graph, id, step, reference.len());
                    let label = &graph.node(id).label;
                    assert_eq!(found, Some(values.get(id)), "{label} at step {step}");
                    compared += 1;
                }
            }
        }
        compared
    }
}

/// A value whose result is below `ap`, flattened.
fn read(memory: &Memory, node: &Node, ap: u32) -> Vec<i64> {
    let array = |at: u32| address(memory, at)..address(memory, at + 1);
    match (node.op, node.len) {
        (Op::Argmax { .. }, _) => vec![integer(memory, ap - 1)],
        (_, Len::Fixed(_)) => array(ap - 2).map(|at| integer(memory, at)).collect(),
        (_, Len::PerPosition) => array(ap - 2)
            .step_by(2)
            .flat_map(array)
            .map(|at| integer(memory, at))
            .collect(),
    }
}

fn address(memory: &Memory, at: u32) -> u32 {
    u32::try_from(integer(memory, at)).expect("an address")
}

/// The integer that a felt stands for.
fn integer(memory: &Memory, at: u32) -> i64 {
    let felt = match memory.get(at) {
        MemoryValue::Small(value) => Felt::from(value),
        MemoryValue::F252(limbs) => {
            let bytes: Vec<u8> = limbs.iter().flat_map(|limb| limb.to_le_bytes()).collect();
            Felt::from_bytes_le_slice(&bytes)
        }
    };
    let positive = |felt: Felt| u64::try_from(felt).ok().and_then(|x| i64::try_from(x).ok());
    let negative = || positive(-felt).map(|x| -x);
    positive(felt)
        .or_else(negative)
        .expect("a number of 64 bits")
}
