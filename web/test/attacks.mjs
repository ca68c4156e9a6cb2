/**
 * Sessions that do not hold, made of one that does: every field of its documents changed, taken away or joined by another,
 * bytes of its proofs flipped at places from a seed, files missing, exchanged and added.
 */

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A session and its manifest as bytes: `{ files, manifest }`. */
export function readSession(folder, manifest) {
  const files = readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]);
  return { files: new Map(files), manifest: readFileSync(manifest) };
}

const text = (value) => Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
const blake2s = (bytes) => createHash('blake2s256').update(bytes).digest('hex');

/** Numbers below a bound, from a seed (Lehmer's generator). */
function numbers(seed) {
  let state = seed;
  return (below) => {
    state = (state * 48271) % 0x7fffffff;
    return state % below;
  };
}

/** The session with one file replaced; without it, for `null`. */
export function changed(session, name, bytes) {
  const files = new Map(session.files);
  if (bytes === null) files.delete(name);
  else files.set(name, bytes);
  return { ...session, files };
}

/** A session's bundle, with any first line. */
export function bundle(files, line = null) {
  const names = [...files.keys()].sort();
  const listed = names.map((name) => ({ name, bytes: files.get(name).length }));
  const first = line ?? JSON.stringify({ format: 'cairo-decode-bundle/1', files: listed });
  return Buffer.concat([Buffer.from(`${first}\n`), ...names.map((name) => files.get(name))]);
}

/** How every bundle begins: the command line knows it by that. */
const BUNDLE_START = '{"format":"cairo-decode-bundle/';

/** Bundles that do not hold, and first of all one that does: `{ name, bundle, manifest }`. */
export function* bundleAttacks({ files, manifest }, { flips = 150, seed = 2 } = {}) {
  const whole = bundle(files);
  const first = JSON.parse(whole.subarray(0, whole.indexOf(10)));
  const attack = (name, bytes) => ({ name: `bundle: ${name}`, bundle: bytes, manifest });
  yield attack('as it is', whole);
  for (const [what, line] of edits(first)) {
    if (JSON.stringify(line).startsWith(BUNDLE_START)) yield attack(what, bundle(files, JSON.stringify(line)));
  }
  const listed = (change) => {
    const all = structuredClone(first);
    change(all.files);
    return bundle(files, JSON.stringify(all));
  };
  yield attack('two names exchanged', listed((list) => ([list[0].name, list[1].name] = [list[1].name, list[0].name])));
  yield attack('a name twice', listed((list) => (list[1].name = list[0].name)));
  for (const name of ['../session.json', 'notes.txt', 'chunk-1.proof', 'chunk-10000.proof', 'wrapped-0000.json', '', 'session.json']) {
    yield attack(`a file called ${name}`, listed((list) => (list[0].name = name)));
  }
  for (const bytes of [-1, 0.5, 1e9, 2 ** 53, null]) {
    yield attack(`a file of ${bytes} bytes`, listed((list) => (list[0].bytes = bytes)));
    yield attack(`a document of ${bytes} bytes`, listed((list) => (list.at(-1).bytes = bytes)));
  }
  yield attack('a line with a space', bundle(files, JSON.stringify(first).replace(',', ', ')));
  yield attack('a line and an empty one', bundle(files, `${JSON.stringify(first)}\n`));
  yield attack('a line that nothing ends', Buffer.from(JSON.stringify(first)));
  yield attack('a line of 2 MiB', Buffer.concat([Buffer.from(BUNDLE_START), Buffer.alloc(1 << 21, 32), whole]));
  for (const length of [40, whole.indexOf(10), whole.indexOf(10) + 1, whole.length >> 1, whole.length - 1]) {
    yield attack(`of ${length} bytes`, whole.subarray(0, length));
  }
  yield attack('with a byte more', Buffer.concat([whole, Buffer.alloc(1)]));
  for (const name of files.keys()) yield attack(`without ${name}`, bundle(changed({ files }, name, null).files));
  const next = numbers(seed);
  for (let i = 0; i < flips; i++) {
    // Half of the places is in the first line.
    const end = i % 2 === 0 ? whole.indexOf(10) + 1 : whole.length;
    const place = BUNDLE_START.length + next(end - BUNDLE_START.length);
    const flipped = Buffer.from(whole);
    flipped[place] ^= 1 << next(8);
    yield attack(`byte ${place} flipped`, flipped);
  }
}

/** Another value of the same type. */
function other(value) {
  if (typeof value === 'number') return value + 1;
  if (value === null) return 1;
  if (typeof value === 'boolean') return !value;
  const last = value.slice(-1);
  return /^[0-9a-f]$/.test(last) ? value.slice(0, -1) + (last === '1' ? '2' : '1') : `${value}x`;
}

/** Changes of every value in a document: `[what, document]`. Of a long list the first value, its end, and nothing else. */
function* edits(document) {
  const copy = () => structuredClone(document);
  function* below(path) {
    const at = path.reduce((value, key) => value[key], document);
    const edit = (what, change) => {
      const all = copy();
      change(path.slice(0, -1).reduce((value, key) => value[key], all), path.at(-1));
      return [`${path.join('.')} ${what}`, all];
    };
    if (at === null || typeof at !== 'object') {
      yield edit('changed', (parent, key) => (parent[key] = other(parent[key])));
      yield edit('of another type', (parent, key) => (parent[key] = [parent[key]]));
      return;
    }
    const empty = Object.keys(at).length === 0;
    if (path.length > 0 && !empty) yield edit('emptied', (parent, key) => (parent[key] = Array.isArray(at) ? [] : {}));
    if (!Array.isArray(at)) {
      for (const key of Object.keys(at)) {
        yield* below([...path, key]);
        const all = copy();
        delete path.reduce((value, name) => value[name], all)[key];
        yield [`${[...path, key].join('.')} missing`, all];
      }
      const all = copy();
      path.reduce((value, name) => value[name], all).another = 1;
      yield [`${path.join('.')} with another field`, all];
      return;
    }
    if (empty) return;
    yield* below([...path, 0]);
    if (at.length > 1) yield* below([...path, at.length - 1]);
    yield edit('shorter', (parent, key) => parent[key].pop());
    yield edit('longer', (parent, key) => parent[key].push(parent[key].at(-1)));
  }
  yield* below([]);
}

/** A session whose proof has other bytes, and a receipt that says so. */
function withProof(session, index, proof) {
  const [name, receipt] = [`chunk-${index}.proof`, `chunk-${index}.receipt.json`];
  const document = JSON.parse(session.files.get(receipt));
  Object.assign(document.proof, { bytes: proof.length, blake2s: blake2s(proof) });
  return changed(changed(session, name, proof), receipt, text(document));
}

/**
 * Proofs in which a list is shorter by its first entry, and says so: they are read as proofs, and the library asserts what they break. Where a
 * list begins and how long an entry is, is guessed: a number of 8 bytes with 6 zeros, entries of one, four or eight words.
 */
function* shortened(session, index, count, next) {
  const proof = session.files.get(`chunk-${index}.proof`);
  const places = [];
  for (let at = 0; at + 8 <= proof.length; at++) {
    const zeros = proof.readUIntLE(at + 2, 6) === 0;
    if (zeros && proof.readUInt16LE(at) > 0) places.push(at);
  }
  for (let i = 0; i < count; i++) {
    const at = places[next(places.length)];
    for (const entry of [4, 16, 32]) {
      const shorter = Buffer.concat([proof.subarray(0, at + 8), proof.subarray(at + 8 + entry)]);
      shorter.writeUInt16LE(proof.readUInt16LE(at) - 1, at);
      const name = `chunk-${index}.proof: the list at byte ${at} without an entry of ${entry} bytes`;
      yield { name, ...withProof(session, index, shorter) };
    }
  }
}

/** All attacks: `{ name, files, manifest }`. */
export function* attacks(session, { flips = 120, lists = 50, seed = 1 } = {}) {
  const named = (name, attack) => ({ name, ...attack });
  const receipts = [...session.files.keys()].filter((name) => name.endsWith('.receipt.json')).sort();
  const documents = ['session.json', receipts[0], receipts.at(-1)];
  for (const file of new Set(documents)) {
    for (const [what, document] of edits(JSON.parse(session.files.get(file)))) {
      yield named(`${file}: ${what}`, changed(session, file, text(document)));
    }
  }
  for (const [what, document] of edits(JSON.parse(session.manifest))) {
    yield named(`model.json: ${what}`, { ...session, manifest: text(document) });
  }
  const next = numbers(seed);
  const chunks = receipts.map((name) => /chunk-(\d+)/.exec(name)[1]);
  for (let i = 0; i < flips; i++) {
    const index = chunks[next(chunks.length)];
    const proof = Buffer.from(session.files.get(`chunk-${index}.proof`));
    // A third of the places is near the start, where the claim is.
    const place = i % 3 === 0 ? next(Math.min(4096, proof.length)) : next(proof.length);
    proof[place] ^= 1 << next(8);
    const kept = i % 8 === 7;
    const what = `chunk-${index}.proof: byte ${place} flipped, the receipt ${kept ? 'as before' : 'knows'}`;
    yield named(what, kept ? changed(session, `chunk-${index}.proof`, proof) : withProof(session, index, proof));
  }
  yield* shortened(session, chunks[0], lists, next);
  const first = chunks[0];
  const proof = session.files.get(`chunk-${first}.proof`);
  for (const length of [0, 1, 8, 1000, proof.length >> 1, proof.length - 1]) {
    yield named(`proof of ${length} bytes`, withProof(session, first, proof.subarray(0, length)));
  }
  yield named('a proof with a byte more', withProof(session, first, Buffer.concat([proof, Buffer.alloc(1)])));
  for (const bytes of [Buffer.alloc(0), Buffer.from('{}'), Buffer.from('null'), Buffer.from([0xff, 0xfe]), Buffer.from('[1,')]) {
    const shown = JSON.stringify(bytes.toString('latin1'));
    for (const file of documents) yield named(`${file} is ${shown}`, changed(session, file, bytes));
    yield named(`model.json is ${shown}`, { ...session, manifest: bytes });
  }
  for (const file of session.files.keys()) yield named(`${file} missing`, changed(session, file, null));
  yield named('a receipt more', changed(session, `chunk-${chunks.length.toString().padStart(4, '0')}.receipt.json`, session.files.get(receipts[0])));
  yield named('a proof more', changed(session, `chunk-${chunks.length.toString().padStart(4, '0')}.proof`, proof));
  yield named('a name that is almost a chunk’s', changed(session, 'chunk-1.proof', proof));
  yield named('a document of 2 MiB', changed(session, receipts[0], Buffer.alloc(1 << 21, 32)));
  yield named('a proof of 33 MiB', changed(session, `chunk-${first}.proof`, Buffer.alloc(33 << 20)));
  yield named('a manifest of 2 MiB', { ...session, manifest: Buffer.alloc(1 << 21, 32) });
  if (chunks.length > 1) {
    const last = chunks.at(-1);
    const swap = (end) => {
      const [a, b] = [`chunk-${first}.${end}`, `chunk-${last}.${end}`];
      return changed(changed(session, a, session.files.get(b)), b, session.files.get(a));
    };
    yield named('two proofs exchanged', swap('proof'));
    yield named('two receipts exchanged', swap('receipt.json'));
    const proofs = swap('proof');
    const both = changed(proofs, `chunk-${first}.receipt.json`, session.files.get(`chunk-${last}.receipt.json`));
    yield named('two chunks exchanged', changed(both, `chunk-${last}.receipt.json`, session.files.get(`chunk-${first}.receipt.json`)));
    yield named('the first proof twice', withProof(session, last, session.files.get(`chunk-${first}.proof`)));
  }
}
