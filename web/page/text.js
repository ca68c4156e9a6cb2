/**
 * Token ids as text, by the vocabulary of a `tokenizer.json`.
 *
 * Knows the two common ways of writing bytes in a vocabulary: one letter for each byte (`ByteLevel`), and words with `▁` for a
 * space beside `<0x0A>` for a byte. Deliberately absent: encoding, and everything else that a tokenizer does. That the text is the
 * tokens' is not proven; it is shown for people.
 */

/** Reads a tokenizer; `null` if its way of writing bytes is not known here. */
export function readTokenizer(json) {
  const tokenizer = JSON.parse(json);
  const tokens = new Map();
  const vocabulary = tokenizer.model?.vocab ?? {};
  if (Array.isArray(vocabulary)) vocabulary.forEach(([token], id) => tokens.set(id, token));
  else for (const [token, id] of Object.entries(vocabulary)) tokens.set(id, token);
  const added = new Map((tokenizer.added_tokens ?? []).map(({ id, content }) => [id, content]));
  const kinds = steps(tokenizer.decoder).map((step) => step.type);
  const ends = steps(tokenizer.decoder).some((step) => step.type === 'Strip' && step.start > 0);
  if (kinds.includes('ByteLevel')) return { tokens, added, bytes: letterBytes(), ends: false };
  if (kinds.includes('ByteFallback') || kinds.includes('Metaspace')) {
    return { tokens, added, bytes: wordBytes, ends: ends || kinds.includes('Metaspace') };
  }
  return null;
}

/** The steps of a decoder, which may be a sequence. */
function steps(decoder) {
  if (!decoder) return [];
  return decoder.type === 'Sequence' ? decoder.decoders : [decoder];
}

/**
 * Tokens as runs of text: `{ text, special }`, where a special token is a run of its own. `first` says that the text begins here;
 * then a vocabulary of words has a space too many in front.
 */
export function decode(tokenizer, ids, first = false) {
  const runs = [];
  let bytes = [];
  const flush = () => {
    if (bytes.length === 0) return;
    runs.push({ text: new TextDecoder().decode(new Uint8Array(bytes)), special: false });
    bytes = [];
  };
  for (const id of ids) {
    if (tokenizer.added.has(id)) {
      flush();
      runs.push({ text: tokenizer.added.get(id), special: true });
    } else if (tokenizer.tokens.has(id)) {
      bytes.push(...tokenizer.bytes(tokenizer.tokens.get(id)));
    } else {
      flush();
      runs.push({ text: `token ${id}`, special: true });
    }
  }
  flush();
  const start = runs.find((run) => !run.special);
  if (first && tokenizer.ends && start) start.text = start.text.replace(/^ /, '');
  return runs;
}

/** A token of words: `▁` is a space, `<0x0A>` a byte. */
function wordBytes(token) {
  const byte = /^<0x([0-9A-Fa-f]{2})>$/.exec(token);
  if (byte) return [parseInt(byte[1], 16)];
  return new TextEncoder().encode(token.replaceAll('▁', ' '));
}

/** The letters that stand for bytes: printable ones for themselves, the others from U+0100 on, in order. */
function letterBytes() {
  const byteOf = new Map();
  let next = 0x100;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    byteOf.set(String.fromCodePoint(printable ? byte : next++), byte);
  }
  return (token) => {
    const found = [...token].map((letter) => byteOf.get(letter));
    return found.includes(undefined) ? new TextEncoder().encode(token) : found;
  };
}

// The characters that could change how the text around them is shown, as src/escape.rs of the project has them.
const HIDDEN =
  /[\p{Cc}\u{ad}\u{34f}\u{115f}\u{1160}\u{17b4}\u{17b5}\u{180b}-\u{180f}\u{2800}\u{3164}\u{fe00}-\u{fe0f}\u{ffa0}\u{fff0}-\u{fff8}\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{61c}\u{200b}\u{200e}\u{200f}\u{2028}-\u{202e}\u{2060}-\u{206f}\u{feff}\u{fff9}-\u{fffb}\u{e0000}-\u{e0fff}]/gu;

/** A text of several lines in which every hidden character is written out. */
export function shown(text) {
  return text.replace(HIDDEN, (c) => (c === '\n' || c === '\t' ? c : `\\u{${c.codePointAt(0).toString(16)}}`));
}
