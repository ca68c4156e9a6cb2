//! The carried keys and values, laid out for the loops that read them.

/// Cache of one key/value head of one layer.
#[derive(Drop)]
pub struct HeadCache {
    /// Keys, position after position.
    pub keys: Array<felt252>,
    /// Values, one array of positions per channel.
    pub values: Array<Array<felt252>>,
}

/// Cache of one layer: its key/value heads.
pub type LayerCache = Array<HeadCache>;

/// An empty cache of `heads` heads of `head_dim` channels.
pub fn empty_cache(heads: u32, head_dim: u32) -> LayerCache {
    let mut cache = array![];
    for _ in 0..heads {
        let mut values = array![];
        for _ in 0..head_dim {
            values.append(array![]);
        }
        cache.append(HeadCache { keys: array![], values });
    }
    cache
}

/// Appends one position's key row and value row (heads × head_dim each) to a layer's cache, and to
/// `row`, the record of everything this position appends.
pub fn kv_append(
    ref cache: LayerCache, mut k: Span<felt252>, mut v: Span<felt252>, ref row: Array<felt252>,
) {
    row.append_span(k);
    row.append_span(v);
    let mut heads = array![];
    while let Some(head) = cache.pop_front() {
        let HeadCache { mut keys, values: mut old } = head;
        let mut values = array![];
        while let Some(channel) = old.pop_front() {
            let mut channel = channel;
            keys.append(*k.pop_front().unwrap());
            channel.append(*v.pop_front().unwrap());
            values.append(channel);
        }
        heads.append(HeadCache { keys, values });
    }
    cache = heads;
}
