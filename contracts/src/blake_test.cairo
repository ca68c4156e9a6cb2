use crate::blake::{Digest, hash_block, hash_pair, hash_words};
use crate::vectors::HASHES;

/// The digest at a place of a list of digests.
pub fn digest_at(words: Span<u32>, place: u32) -> Digest {
    let mut eight = words.slice(8 * place, 8);
    (*eight.multi_pop_front::<8>().unwrap()).unbox()
}

/// The words of the vectors.
fn message(n: u32) -> Array<u32> {
    let mut words = array![];
    for i in 0..n {
        let product: u64 = i.into() * 0x9e3779b9;
        words.append((product % 0x100000000).try_into().unwrap());
    }
    words
}

#[test]
fn digests_are_those_of_the_crate() {
    let mut place = 0;
    for n in array![1, 8, 15, 16, 17, 32, 45, 152] {
        let words = message(n);
        assert!(hash_words(words.span(), 4 * n) == digest_at(HASHES.span(), place), "{n} words");
        place += 1;
    }
}

#[test]
fn a_pair_is_a_block() {
    let [a, b, c, d, e, f, g, h] = [1, 2, 3, 4, 5, 6, 7, 8];
    let words = [a, b, c, d, e, f, g, h, a, b, c, d, e, f, g, h];
    let pair = hash_pair([1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 3, 4, 5, 6, 7, 8]);
    assert!(pair == hash_block(words, 64));
    assert!(pair == hash_words(words.span(), 64));
    // The length is hashed.
    assert!(pair != hash_block(words, 63));
}

/// Words of a message behind its length do not count as its end.
#[test]
#[should_panic(expected: 'message too short')]
fn a_message_has_its_length() {
    hash_words(message(16).span(), 68);
}
