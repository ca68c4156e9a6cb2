//! Texts that a model is calibrated and measured on, as large as they may be: what a tokenizer needs for them.

use super::{ONE, Worst};
use cairo_decode::fidelity::Documents;
use cairo_decode::model::Text;
use std::path::Path;

/// The most memory that encoding a text of so many bytes may need: docs/security.md, "Bounds".
fn text_bound(bytes: usize) -> usize {
    256 * bytes + (16 << 20)
}

#[test]
fn texts_of_the_largest_size() {
    let _one = ONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/stories");
    let text = Text::load(&model).expect("a model");
    let (largest, most) = (1 << 20, 20_000);
    let mut worst = Worst::default();
    for (sample, accepted) in [
        ("a".repeat(largest), true),
        ("\u{1f680}".repeat(largest / 4), true),
        ("a ".repeat(largest / 2), true),
        ("a\n\n".repeat(most), true),
        ("\n\na".repeat(most + 1), false),
        ("a\n\n".repeat(largest / 3), false),
    ] {
        let mut taken = false;
        worst.measure(text_bound(sample.len()), || {
            taken = Documents::encode(&sample, &text.tokenizer).is_ok();
            taken
        });
        assert_eq!(taken, accepted, "{}", &sample[..8]);
    }
    eprintln!("texts: {worst:?}");
}
