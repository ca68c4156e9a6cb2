use crate::layout::{LEVEL_1_ROOT, UPPER_ROOT};
use crate::tree::{STATEMENT, top, unpack};

/// The statements with these numbers, one after the other.
fn statements(numbers: Span<felt252>) -> Array<felt252> {
    let mut felts = array![];
    for number in numbers {
        for i in 0..STATEMENT {
            felts.append(*number * 0x100000000 + i.into());
        }
    }
    felts
}

fn many(n: u32) -> Array<felt252> {
    let mut numbers = array![];
    for i in 0..n {
        numbers.append(i.into());
    }
    statements(numbers.span())
}

#[test]
fn the_top_is_the_circuit_of_its_level() {
    for (n, expected) in array![
        (1, LEVEL_1_ROOT), (2, LEVEL_1_ROOT), (3, UPPER_ROOT), (5, UPPER_ROOT), (16, UPPER_ROOT),
    ] {
        let (root, _) = top(7, many(n).span());
        assert!(root == unpack(expected), "{n} statements");
    }
}

#[test]
fn a_node_without_a_partner_is_its_own() {
    assert!(top(7, statements([1].span()).span()) == top(7, statements([1, 1].span()).span()));
    let three = statements([1, 2, 3].span());
    assert!(top(7, three.span()) == top(7, statements([1, 2, 3, 3].span()).span()));
    assert!(top(7, three.span()) != top(7, statements([1, 2, 2, 3].span()).span()));
    assert!(top(7, three.span()) != top(7, statements([2, 1, 3].span()).span()));
}

#[test]
fn every_felt_and_the_leaf_circuit_count() {
    let honest = many(2);
    let (_, value) = top(7, honest.span());
    for place in 0..honest.len() {
        let mut other = array![];
        other.append_span(honest.span().slice(0, place));
        other.append(*honest[place] + 1);
        other.append_span(honest.span().slice(place + 1, honest.len() - place - 1));
        let (_, found) = top(7, other.span());
        assert!(found != value, "felt {place}");
    }
    let (_, found) = top(8, honest.span());
    assert!(found != value);
}

#[test]
#[should_panic(expected: 'statements: wrong number')]
fn there_is_a_statement() {
    top(7, array![].span());
}

/// Felts behind the last whole statement would be proven by nothing.
#[test]
#[should_panic(expected: 'statements: wrong number')]
fn statements_are_whole() {
    let mut felts = many(2);
    felts.append(0);
    top(7, felts.span());
}

#[test]
#[should_panic(expected: 'statements: wrong number')]
fn sixteen_statements_are_all() {
    top(7, many(17).span());
}

#[test]
#[should_panic(expected: 'proof: limb not canonical')]
fn the_leaf_circuit_is_a_digest() {
    top(0x7fffffff, many(1).span());
}
