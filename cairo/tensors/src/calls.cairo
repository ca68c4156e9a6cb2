//! The instructions of tensor components: calls of operations, and reads of the tensor memory.
//!
//! A function `code_…` has a body of no meaning, which moves no stack: `src/compile/instructions.rs` makes it one instruction
//! after compilation. The instruction reads its cells from the frame, the last parameter first.

/// Calls the operation of number `op` with no operand.
#[inline(always)]
pub fn call_1(op: felt252) {
    code_1(op);
}

#[inline(never)]
fn code_1(op: felt252) {
    match op {
        0 => {},
        _ => {},
    }
}

/// Calls the operation of number `op` with one operand.
#[inline(always)]
pub fn call_2(op: felt252, a: felt252) {
    code_2(a, op);
}

#[inline(never)]
fn code_2(a: felt252, op: felt252) {
    match op {
        0 => {},
        _ => {},
    }
}

/// Calls the operation of number `op` with two operands.
#[inline(always)]
pub fn call_3(op: felt252, a: felt252, b: felt252) {
    code_3(b, a, op);
}

#[inline(never)]
fn code_3(b: felt252, a: felt252, op: felt252) {
    match op {
        0 => {},
        _ => {},
    }
}

/// Calls the operation of number `op` with three operands.
#[inline(always)]
pub fn call_4(op: felt252, a: felt252, b: felt252, c: felt252) {
    code_4(c, b, a, op);
}

#[inline(never)]
fn code_4(c: felt252, b: felt252, a: felt252, op: felt252) {
    match op {
        0 => {},
        _ => {},
    }
}

/// Calls the operation of number `op` with four operands.
#[inline(always)]
pub fn call_5(op: felt252, a: felt252, b: felt252, c: felt252, d: felt252) {
    code_5(d, c, b, a, op);
}

#[inline(never)]
fn code_5(d: felt252, c: felt252, b: felt252, a: felt252, op: felt252) {
    match op {
        0 => {},
        _ => {},
    }
}

/// Calls the operation of number `op` with five operands.
#[inline(always)]
pub fn call_6(op: felt252, a: felt252, b: felt252, c: felt252, d: felt252, e: felt252) {
    code_6(e, d, c, b, a, op);
}

#[inline(never)]
fn code_6(e: felt252, d: felt252, c: felt252, b: felt252, a: felt252, op: felt252) {
    match op {
        0 => {},
        _ => {},
    }
}

/// Calls the operation of number `op` with six operands.
#[inline(always)]
pub fn call_7(op: felt252, a: felt252, b: felt252, c: felt252, d: felt252, e: felt252, f: felt252) {
    code_7(f, e, d, c, b, a, op);
}

#[inline(never)]
fn code_7(f: felt252, e: felt252, d: felt252, c: felt252, b: felt252, a: felt252, op: felt252) {
    match op {
        0 => {},
        _ => {},
    }
}

/// Calls the operation of number `op` with seven operands.
#[inline(always)]
pub fn call_8(op: felt252, a: felt252, b: felt252, c: felt252, d: felt252, e: felt252, f: felt252, g: felt252) {
    code_8(g, f, e, d, c, b, a, op);
}

#[inline(never)]
fn code_8(g: felt252, f: felt252, e: felt252, d: felt252, c: felt252, b: felt252, a: felt252, op: felt252) {
    match op {
        0 => {},
        _ => {},
    }
}

/// Calls the operation of number `op` with eight operands.
#[inline(always)]
pub fn call_9(op: felt252, a: felt252, b: felt252, c: felt252, d: felt252, e: felt252, f: felt252, g: felt252, h: felt252) {
    code_9(h, g, f, e, d, c, b, a, op);
}

#[inline(never)]
fn code_9(h: felt252, g: felt252, f: felt252, e: felt252, d: felt252, c: felt252, b: felt252, a: felt252, op: felt252) {
    match op {
        0 => {},
        _ => {},
    }
}

/// Calls the operation of number `op` with nine operands.
#[inline(always)]
pub fn call_10(op: felt252, a: felt252, b: felt252, c: felt252, d: felt252, e: felt252, f: felt252, g: felt252, h: felt252, i: felt252) {
    code_10(i, h, g, f, e, d, c, b, a, op);
}

#[inline(never)]
fn code_10(i: felt252, h: felt252, g: felt252, f: felt252, e: felt252, d: felt252, c: felt252, b: felt252, a: felt252, op: felt252) {
    match op {
        0 => {},
        _ => {},
    }
}

/// Eight rows of the tensor memory in one lane: the view at `address`, whose values are the next ones of the input, the
/// last first. A proof exists only if they are what the memory holds.
#[inline(always)]
pub fn cells(address: felt252, lane: felt252, ref input: Span<felt252>) -> [felt252; 8] {
    let values = (*input.multi_pop_front::<8>().unwrap()).unbox();
    code_cells(values, lane, address);
    let [h, g, f, e, d, c, b, a] = values;
    [a, b, c, d, e, f, g, h]
}

#[inline(never)]
fn code_cells(values: [felt252; 8], lane: felt252, address: felt252) {
    match address {
        0 => {},
        _ => {},
    }
}
