/**
 * Holds the WebAssembly verifier against the native one: on a session, and on every attack on it, both must say the same, word for
 * word. Usage: node verdicts.mjs DIST NATIVE SESSION MANIFEST
 */

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { attacks, bundleAttacks, readSession } from './attacks.mjs';
import { alike } from './words.mjs';

const [dist, native, sessionFolder, manifestFile] = process.argv.slice(2);
const { Rejected, Verifier } = await import(pathToFileURL(join(dist, 'verifier.js')));
const verifier = await Verifier.load(readFileSync(join(dist, 'verifier.wasm')));
const work = mkdtempSync(join(tmpdir(), 'cairo-decode-verdicts-'));
const [folder, bundle, manifest] = ['session', 'session.bundle', 'model.json'].map((name) => join(work, name));

/** Where an attack is laid. */
const placeOf = (attack) => (attack.bundle ? bundle : folder);

/** The texts that differ: those of a number beyond 32 bits; and a folder without a session is refused by the command line before it is verified. */
function likeNative(message) {
  const missing = `${join(folder, 'session.json')}: no such file or folder`;
  if (message === missing) return `${folder}: no session.json, not a session folder`;
  return alike(message);
}

/** What the native verifier says of the session there. */
function nativeVerdict(session) {
  const run = { maxBuffer: 1 << 26 };
  return new Promise((take) => {
    execFile(native, [session, '--model', manifest, '--json'], run, (error, out, err) => {
      try {
        const said = JSON.parse(out);
        take(said.ok ? { ok: true, tokens: said.generated_tokens.join() } : { ok: false, message: alike(said.rejected ?? said.error) });
      } catch {
        take({ ok: false, message: `no verdict, but ${error?.signal ?? error?.code}: ${err}` });
      }
    });
  });
}

/** What the module says of the same files. */
async function webVerdict(attack) {
  try {
    const accepted = await verifier.verifySession(attack.files ?? attack.bundle, attack.manifest, { session: placeOf(attack), model: manifest });
    return { ok: true, tokens: accepted.generated_tokens.join() };
  } catch (error) {
    if (!(error instanceof Rejected)) throw error;
    return { ok: false, message: likeNative(error.message) };
  }
}

/** Brings the folder from the files that it has to those of an attack, or writes its bundle. What then is in the folder. */
function lay(before, attack) {
  writeFileSync(manifest, attack.manifest);
  if (attack.bundle) {
    writeFileSync(bundle, attack.bundle);
    return before;
  }
  for (const name of before.files.keys()) if (!attack.files.has(name)) rmSync(join(folder, name));
  for (const [name, bytes] of attack.files) if (before.files.get(name) !== bytes) writeFileSync(join(folder, name), bytes);
  return attack;
}

// What nothing binds, or what the verifier takes from the manifest, which it trusts: docs/non-claims.md.
const FREE = [
  'the session itself',
  'bundle: as it is',
  'session.json: prompt changed',
  'session.json: chunk_size changed',
  ...['name', 'vocab_size', 'context_length', 'kv_words_per_position', 'parameters', 'source'].map((field) => `model.json: ${field} changed`),
];

const session = readSession(sessionFolder, manifestFile);
const accepted = [];
const counts = { accepted: 0, rejected: 0, different: 0, panics: 0 };
try {
  mkdirSync(folder);
  let laid = { files: new Map() };
  for (const attack of [{ name: 'the session itself', ...session }, ...attacks(session), ...bundleAttacks(session)]) {
    laid = lay(laid, attack);
    const [said, expected] = [await webVerdict(attack), await nativeVerdict(placeOf(attack))];
    if (said.ok) counts.accepted++;
    else counts.rejected++;
    if (/assertion .* failed|called `Option::unwrap/.test(said.message)) counts.panics++;
    if (JSON.stringify(said) !== JSON.stringify(expected)) {
      counts.different++;
      console.error(`${attack.name}:\n  native ${JSON.stringify(expected)}\n  web    ${JSON.stringify(said)}`);
    }
    if (said.ok) accepted.push(attack.name);
  }
} finally {
  rmSync(work, { recursive: true });
}
const all = counts.accepted + counts.rejected;
console.log(`${all} sessions: ${counts.accepted} accepted, ${counts.rejected} rejected (${counts.panics} by a panic of the library), ${counts.different} verdicts differ`);
const odd = [...accepted.filter((name) => !FREE.includes(name)), ...FREE.filter((name) => !accepted.includes(name))];
if (odd.length > 0) console.error(`accepted, and not expected to be, or the other way round: ${odd.join('; ')}`);
if (counts.different > 0 || odd.length > 0 || counts.rejected < 100 || counts.panics === 0) process.exit(1);
