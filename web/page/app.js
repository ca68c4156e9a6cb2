/**
 * The page: takes files, has them verified in a worker, shows what came out.
 *
 * Owns the state of the page: what was given, and the one verification that runs. Invariant: a result is drawn only from what the
 * verifier said about the files that are named beside it; whatever is given later begins anew.
 */

import { chosen, dropped, sorted } from './files.js';
import { readTokenizer, shown } from './text.js';
import { chain, claim, element, marked, pins, size, texts } from './view.js';

const $ = (id) => document.getElementById(id);

/** What was given: `session` has `name`, and `files` or a `bundle`; manifest and tokenizer `path` and `file`. */
const given = {};

/** The verification that runs, or has ended: its receipts, how many there are, since when. */
let run = null;

let worker = null;

/** Starts the worker, which compiles the module at once. */
async function startWorker() {
  worker?.terminate();
  const code = URL.createObjectURL(new Blob([$('worker').textContent], { type: 'text/javascript' }));
  worker = new Worker(code);
  worker.addEventListener('message', ({ data }) => heard(data));
  worker.addEventListener('error', (event) => failed(event.message || 'the worker could not be started'));
  const packed = Uint8Array.from(atob($('wasm').textContent), (letter) => letter.charCodeAt(0));
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
  const wasm = await new Response(unpacked).arrayBuffer();
  worker.postMessage({ wasm }, [wasm]);
}

// What is given.

function take(found) {
  say(null);
  let next;
  try {
    next = sorted(found);
  } catch (error) {
    return say(error.message);
  }
  if (Object.keys(next).length === 0) {
    say('There is no session here (a folder with session.json, or a file that ends in .bundle), no model.json and no tokenizer.json.');
  }
  Object.assign(given, next);
  show('intake');
  draw();
}

/** A file that was chosen for its place has it, whatever its name. */
function takeAs(place, files) {
  say(null);
  const [file] = files;
  if (file) given[place] = { path: file.name, file };
  draw();
}

function draw() {
  const { session, manifest, tokenizer } = given;
  fill('session', session && extent(session));
  fill('manifest', manifest && manifest.path);
  fill('tokenizer', tokenizer && tokenizer.path);
  const missing = [session ? null : 'a session', manifest ? null : 'a manifest'].filter(Boolean);
  $('verify').disabled = missing.length > 0;
  $('missing').textContent = missing.length > 0 ? `needs ${missing.join(' and ')}` : '';
}

function extent({ name, files, bundle }) {
  if (bundle) return `${name}, ${size(bundle.size)}`;
  let bytes = 0;
  for (const file of files.values()) bytes += file.size;
  return `${name}, ${files.size} files, ${size(bytes)}`;
}

function fill(slot, text) {
  const row = $(`slot-${slot}`);
  row.classList.toggle('filled', Boolean(text));
  const what = row.querySelector('.what');
  what.textContent = text ? shown(text) : what.dataset.empty;
}

function say(trouble) {
  $('trouble').hidden = trouble === null;
  $('trouble').textContent = trouble ?? '';
}

function show(section) {
  for (const id of ['intake', 'running', 'result']) $(id).hidden = id !== section;
}

// Verification.

function expectations() {
  const value = (id) => $(id).value.trim() || null;
  return { prompt_tokens: value('expect-prompt'), session_id: value('expect-session'), domain: value('expect-domain') };
}

function verify() {
  const { session, manifest } = given;
  // Of a bundle, the worker says which files are in it.
  run = { receipts: [], opened: null, session, files: session.files, manifest, start: performance.now() };
  show('running');
  $('progress').removeAttribute('value');
  $('running-text').textContent = 'Reading the documents';
  $('running-title').focus();
  worker.postMessage({
    files: session.files,
    bundle: session.bundle,
    manifest: manifest.file,
    options: { session: session.name, model: manifest.path, expect: expectations() },
  });
}

/** What the worker says. */
function heard({ files, opened, receipt, accepted: result, rejected: refusal, failed: reason }) {
  if (run === null) return;
  if (files) {
    run.files = files;
  } else if (opened) {
    run.opened = opened;
    progress();
  } else if (receipt) {
    run.receipts.push(receipt);
    progress();
  } else if (result) {
    finished(accepted(result));
  } else if (refusal) {
    finished(rejected(refusal));
  } else if (reason) {
    failed(reason);
  }
}

function progress() {
  const [done, all] = [run.receipts.length, run.opened.proofs.length];
  $('progress').max = all;
  $('progress').value = done;
  $('running-text').textContent = `${done} of ${all} receipts verified`;
}

function failed(reason) {
  run = null;
  show('intake');
  say(`This says nothing about the session: ${reason}`);
}

function cancel() {
  run = null;
  show('intake');
  startWorker();
  $('verify').focus();
}

/** Shows a result, once it is drawn. */
async function finished(drawing) {
  let parts;
  try {
    parts = await drawing;
  } catch (error) {
    return failed(error.message);
  }
  const again = element('button', { type: 'button', class: 'secondary' }, 'Verify another');
  again.addEventListener('click', () => {
    show('intake');
    $('verify').focus();
  });
  $('result').replaceChildren(...parts, element('p', { class: 'actions' }, again));
  show('result');
  const wrong = document.querySelector('.document .wrong');
  if (wrong) wrong.parentElement.scrollTop = wrong.offsetTop - wrong.parentElement.clientHeight / 3;
  $('verdict').focus();
  scrollTo(0, 0);
}

// What came out.

function banner(kind, title, ...inside) {
  const about = `${run.session.name} · ${run.manifest.path}`;
  return element(
    'div',
    { class: `banner ${kind}` },
    element('h1', { id: 'verdict', tabindex: '-1' }, element('span', { class: 'mark', 'aria-hidden': 'true' }), title),
    ...inside,
    element('p', { class: 'note about' }, shown(about)),
  );
}

function part(title, ...inside) {
  return element('section', { class: 'part' }, element('h2', {}, title), ...inside);
}

async function tokenizer() {
  if (!given.tokenizer) return null;
  try {
    const read = readTokenizer(await given.tokenizer.file.text());
    if (read === null) say('The tokenizer writes bytes in a way that this page does not know: tokens are shown as numbers.');
    return read;
  } catch (error) {
    say(`The tokenizer cannot be read: ${error.message}`);
    return null;
  }
}

function nonClaims() {
  return part('What this does not say', $('non-claims').content.cloneNode(true));
}

async function accepted(result) {
  const words = await tokenizer();
  const { manifest, session } = run.opened;
  const seconds = ((performance.now() - run.start) / 1000).toFixed(2);
  const count = run.receipts.length;
  const facts = `${count} ${count === 1 ? 'receipt' : 'receipts'}, all proofs verified in this browser in ${seconds} s`;
  return [
    banner('good', 'Accepted', claim(result, manifest), element('p', { class: 'note' }, facts)),
    part('What the model chose', ...texts(result, words)),
    nonClaims(),
    part(
      'What was pinned',
      element('p', { class: 'note' }, 'Compare model root, program hash and policy with what somebody you trust has.'),
      pins(manifest, session, run.receipts),
    ),
    part(
      'The chain',
      element(
        'p',
        { class: 'note' },
        'The first frontier is the prompt’s. Each receipt starts from the frontier that the one before it left: position, last token, and the roots of keys, values and tokens.',
      ),
      chain(run.receipts, words, count),
    ),
  ];
}

async function rejected({ message, file, field }) {
  const where = element('dl', { class: 'where' });
  const row = (name, value) => where.append(element('dt', {}, name), element('dd', {}, element('code', {}, shown(value))));
  if (file) row('file', file);
  if (field) row('field', field);
  const parts = [banner('bad', 'Rejected', element('p', { class: 'reason' }, shown(message)), where)];
  const about = field && (await contents(file));
  if (about) parts.push(part(`The field in ${shown(about.name)}`, marked(about.text, field)));
  if (run.opened && run.receipts.length < run.opened.proofs.length) {
    const words = await tokenizer();
    const [done, all] = [run.receipts.length, run.opened.proofs.length];
    parts.push(part('How far the chain holds', chain(run.receipts, words, all, done)));
  }
  const note = 'Nothing that a rejected session says counts. A file that was damaged on its way is rejected too: get it again.';
  parts.push(element('p', { class: 'note' }, note));
  return parts;
}

/** The document that has the field: the file that the verifier named, the manifest, or the receipt of a proof. */
async function contents(file) {
  const name = file.slice(file.lastIndexOf('/') + 1).replace(/\.proof$/, '.receipt.json');
  const found = file === run.manifest.path ? run.manifest.file : run.files?.get(name);
  return found && found.size < 1 << 21 ? { name, text: await found.text() } : null;
}

// The page.

let dragging = 0;
const overlay = (over) => {
  dragging = Math.max(0, dragging + over);
  $('overlay').hidden = dragging === 0;
};
addEventListener('dragenter', () => overlay(1));
addEventListener('dragleave', () => overlay(-1));
addEventListener('dragover', (event) => event.preventDefault());
addEventListener('drop', async (event) => {
  event.preventDefault();
  dragging = 0;
  overlay(0);
  if (run !== null && !$('running').hidden) return;
  try {
    take(await dropped(event.dataTransfer));
  } catch (error) {
    say(error.message);
  }
});
for (const button of document.querySelectorAll('[data-for]')) {
  button.addEventListener('click', () => $(button.dataset.for).click());
}
const input = (id, taking) =>
  $(id).addEventListener('change', ({ target }) => {
    taking(target.files);
    target.value = '';
  });
input('choose-folder', (files) => take(chosen(files)));
input('choose-files', (files) => take(chosen(files)));
input('choose-manifest', (files) => takeAs('manifest', files));
input('choose-tokenizer', (files) => takeAs('tokenizer', files));
$('verify').addEventListener('click', verify);
$('cancel').addEventListener('click', cancel);
draw();
startWorker().catch((error) => failed(error.message));
