/**
 * What a receipt takes in a headless Chromium: cold, from the bytes of the module to the first verified receipt in a browser that has just
 * started, documents included; warm, for the receipts after that. And the processor time of a warm receipt in Node, which depends less on
 * what else the machine does. Usage: node times.mjs DIST SESSION MANIFEST
 */

import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { readSession } from './attacks.mjs';
import { Browser, browserName } from './browser.mjs';

const { Verifier } = await import(pathToFileURL(resolve(process.argv[2], 'verifier.js')));
const COLD = 5;
const WARM = 10;
const [dist, session, manifest] = process.argv.slice(2).map((path) => resolve(path));
const url = pathToFileURL(join(dist, 'verify.html')).href;

/** Runs in a worker of the page, behind the bindings. */
async function measure({ wasm, files, manifest, warm }) {
  const start = performance.now();
  const verifier = await Verifier.load(wasm);
  let cold = null;
  const receipts = [];
  const options = {
    onReceipt: ({ milliseconds }) => {
      cold ??= performance.now() - start;
      receipts.push(milliseconds);
    },
  };
  for (let i = 0; i <= warm; i++) await verifier.verifySession(files, manifest, options);
  // The first session is the cold one.
  return { cold, warm: receipts.slice(receipts.length / (warm + 1)) };
}

/** Runs in the page: starts the worker with what is in base64 here. */
function start(bindings, task, packed, warm) {
  const bytes = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const plain = bindings.replaceAll('export class', 'class');
  const answer = `addEventListener('message', async ({ data }) => postMessage(await (${task})(data)))`;
  const worker = new Worker(URL.createObjectURL(new Blob([plain, answer], { type: 'text/javascript' })));
  return new Promise((take, fail) => {
    worker.onmessage = ({ data }) => take(data);
    worker.onerror = (event) => fail(new Error(event.message));
    const files = new Map(packed.files.map(([name, base64]) => [name, bytes(base64)]));
    worker.postMessage({ wasm: bytes(packed.wasm), files, manifest: bytes(packed.manifest), warm });
  });
}

const read = readSession(session, manifest);
const packed = {
  wasm: readFileSync(join(dist, 'verifier.wasm')).toString('base64'),
  manifest: read.manifest.toString('base64'),
  files: [...read.files].map(([name, bytes]) => [name, bytes.toString('base64')]),
};
const bindings = readFileSync(join(dist, 'verifier.js'), 'utf8');
const cold = [];
const warm = [];
for (let i = 0; i < COLD; i++) {
  const browser = await Browser.start();
  const page = await browser.open(url);
  const call = [bindings, measure.toString(), packed, i === 0 ? WARM : 0].map((value) => JSON.stringify(value)).join();
  const times = await page.value(`(${start})(${call})`);
  cold.push(times.cold);
  if (i === 0) warm.push(...times.warm);
  await browser.close();
}
const shown = (times) => {
  const sorted = [...times].sort((a, b) => a - b);
  return `${sorted[sorted.length >> 1].toFixed(0)} ms (median of ${times.length}, ${sorted[0].toFixed(0)} to ${sorted.at(-1).toFixed(0)})`;
};
console.log(`a receipt in ${browserName().version}: cold ${shown(cold)}, warm ${shown(warm)}`);

const verifier = await Verifier.load(readFileSync(join(dist, 'verifier.wasm')));
let receipts = 0;
const verify = () => verifier.verifySession(read.files, read.manifest, { onReceipt: () => receipts++ });
// The engine's compiler works in the background until then.
for (let i = 0; i < WARM; i++) await verify();
receipts = 0;
const before = process.cpuUsage();
for (let i = 0; i < WARM; i++) await verify();
const { user, system } = process.cpuUsage(before);
console.log(`a warm receipt in Node ${process.version}: ${((user + system) / 1000 / receipts).toFixed(0)} ms of processor time`);
