/** Tokens as text: bytes as letters, bytes beside words, and what is hidden. Run by node --test. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { decode, readTokenizer, shown } from '../page/text.js';

const read = (decoder, vocab, added_tokens = []) => readTokenizer(JSON.stringify({ decoder, model: { vocab }, added_tokens }));
const text = (tokenizer, ids, first) => decode(tokenizer, ids, first).map((run) => run.text).join('|');

test('letters stand for bytes, and a character may be in several tokens', () => {
  const tokenizer = read({ type: 'ByteLevel' }, { 'Ġa': 0, 'Ã': 1, '©': 2, 'Ċ': 3 }, [{ id: 4, content: '<|eos|>' }]);
  assert.equal(text(tokenizer, [0, 1, 2, 3, 4, 0]), ' aé\n|<|eos|>| a');
  assert.equal(decode(tokenizer, [4])[0].special, true);
});

test('words have a mark for a space, and bytes where there is no word', () => {
  const decoder = { type: 'Sequence', decoders: [{ type: 'Replace' }, { type: 'ByteFallback' }, { type: 'Fuse' }, { type: 'Strip', content: ' ', start: 1, stop: 0 }] };
  const tokenizer = read(decoder, { '▁Once': 0, '▁a': 1, '<0xC3>': 2, '<0xA9>': 3 });
  assert.equal(text(tokenizer, [0, 1, 2, 3], true), 'Once aé');
  assert.equal(text(tokenizer, [1]), ' a');
  assert.equal(text(read({ type: 'Metaspace' }, [['▁b', 0]]), [0], true), 'b');
});

test('an unknown token is its number, an unknown kind of tokenizer none', () => {
  assert.equal(text(read({ type: 'ByteLevel' }, {}), [7]), 'token 7');
  assert.equal(read({ type: 'WordPiece' }, {}), null);
  assert.equal(read(null, {}), null);
});

test('hidden characters are written out', () => {
  assert.equal(shown('a\u202eb\u0000\n\tc\u{e0041}'), 'a\\u{202e}b\\u{0}\n\tc\\u{e0041}');
});
