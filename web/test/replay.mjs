/**
 * Asks the verifier as a WebAssembly module everything that the tests of the native one asked it, and compares the verdicts, word for
 * word. The tests have written questions and verdicts: `tests/verdicts/src/record.rs`.
 * Usage: node replay.mjs WASM FOLDER
 */

import { createHash } from 'node:crypto';
import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';

import { alike } from './words.mjs';

const [wasm, folder] = process.argv.slice(2);
const module = await WebAssembly.compile(readFileSync(wasm));

let exports = null;

/** What the module says; an instance that has ended is replaced. */
async function judge(inputs) {
  exports ??= (await WebAssembly.instantiate(module, {})).exports;
  const { memory, input, judge, answer, answer_length } = exports;
  let trap = null;
  try {
    for (const bytes of inputs) {
      const at = input(bytes.byteLength) >>> 0;
      new Uint8Array(memory.buffer, at, bytes.byteLength).set(bytes);
    }
    judge();
  } catch (error) {
    trap = error;
  }
  if (trap) exports = null;
  const length = answer_length() >>> 0;
  if (length === 0) return { said: `the verifier stopped: ${trap?.stack}`, trap };
  return { said: JSON.parse(new TextDecoder().decode(new Uint8Array(memory.buffer, answer() >>> 0, length))), trap };
}

function read(file, places) {
  const parts = places.map(([at, length]) => {
    const bytes = Buffer.alloc(length);
    if (length > 0 && readSync(file, bytes, 0, length, at) !== length) throw new Error('a recorded input is cut off');
    return bytes;
  });
  return parts.length === 1 ? parts[0] : Buffer.concat(parts);
}

const seen = new Set();
const counts = { calls: 0, unrecorded: 0, accepted: 0, rejected: 0, traps: 0, alike: 0, different: 0 };
const kinds = {};
for (const name of readdirSync(folder).filter((name) => name.endsWith('.cases')).sort()) {
  const bytes = openSync(join(folder, name.replace(/cases$/, 'bytes')));
  for (const line of readFileSync(join(folder, name), 'utf8').split('\n')) {
    if (line === '') continue;
    counts.calls++;
    const { kind, inputs, said } = JSON.parse(line);
    if (!kind) {
      counts.unrecorded++;
      continue;
    }
    const asked = [Buffer.from(kind), ...inputs.map((places) => read(bytes, places))];
    const hash = createHash('sha256');
    for (const part of asked) hash.update(`${part.length} `).update(part);
    const digest = hash.digest('hex');
    if (seen.has(digest)) continue;
    seen.add(digest);
    const found = await judge(asked);
    kinds[kind] = (kinds[kind] ?? 0) + 1;
    counts[said.startsWith('accepted') ? 'accepted' : 'rejected']++;
    if (found.trap) counts.traps++;
    if (found.said === said) continue;
    if (alike(found.said) === alike(said)) counts.alike++;
    else {
      counts.different++;
      console.error(`${name}, ${kind}:\n  native ${said}\n  web    ${found.said}`);
    }
  }
  closeSync(bytes);
}
const { calls, unrecorded, accepted, rejected, traps, alike: other, different } = counts;
const shown = Object.entries(kinds).map(([kind, count]) => `${count} ${kind}`);
console.log(`${calls} calls of the native verifier, ${unrecorded} of them with what is no file; ${accepted + rejected} different ones asked again (${shown.join(', ')}): ` +
  `${accepted} accepted, ${rejected} rejected (${traps} by a panic of the library, ${other} of a number beyond 32 bits, in other words), ${different} verdicts differ`);
if (different > 0 || accepted + rejected === 0) process.exit(1);
