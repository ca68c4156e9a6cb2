use crate::blake_test::digest_at;
use crate::channel::ChannelTrait;
use crate::fields::qm31::from_words;
use crate::vectors::{DRAWN, MIXED, NONCES, QUERIES};

#[test]
fn the_transcript_is_the_crates() {
    let mixed = MIXED.span();
    let mut channel = ChannelTrait::new();
    channel.mix_elements([from_words([1, 2, 3, 4])].span());
    assert!(channel.digest == digest_at(mixed, 0));
    let mut elements = array![];
    for i in 0..5_u32 {
        elements.append(from_words([i, i + 1, i + 2, i + 3]));
    }
    channel.mix_elements(elements.span());
    assert!(channel.digest == digest_at(mixed, 1));
    let digest = channel.digest;
    channel.mix_digest(digest);
    assert!(channel.digest == digest_at(mixed, 2));
    channel.mix_u64(0x123456789abcdef0);
    assert!(channel.digest == digest_at(mixed, 3));

    let [a, b, c, d, e, f, g, h, i, j, k, l] = DRAWN;
    assert!(channel.draw_secure() == from_words([a, b, c, d]));
    assert!(channel.draw_two_secure() == (from_words([e, f, g, h]), from_words([i, j, k, l])));
    assert!(channel.draw_queries(22, 0x800000).span() == QUERIES.span());

    let [good, bad] = NONCES;
    assert!(channel.has_work(12, 0x1000, good.into()));
    assert!(!channel.has_work(12, 0x1000, bad.into()));
    // The number of bits is part of what is hashed, so work for 12 bits is none for 11.
    assert!(!channel.has_work(11, 0x800, good.into()));
}

#[test]
fn mixing_restarts_the_draws() {
    let mut channel = ChannelTrait::new();
    let first = channel.draw_secure();
    assert!(channel.draw_secure() != first);
    let mut other = ChannelTrait::new();
    other.mix_u64(0);
    channel.mix_u64(0);
    assert!(channel.draw_secure() == other.draw_secure());
}

#[test]
fn equal_queries_count_once() {
    let mut channel = ChannelTrait::new();
    assert!(channel.draw_queries(9, 1) == array![0]);
    let queries = channel.draw_queries(64, 4);
    assert!(queries == array![0, 1, 2, 3]);
}
