/**
 * The page in a headless Chromium, as a person uses it: by drop, by choosing, by keyboard; in light and dark, on a phone. Accepts the
 * session, rejects attacks with their message, and asks nobody for anything. Writes screenshots.
 * Usage: node page.mjs DIST SESSION MANIFEST TOKENIZER SCREENSHOTS
 */

import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { decode, readTokenizer } from '../page/text.js';
import { bundle, readSession } from './attacks.mjs';
import { Browser, browserName } from './browser.mjs';

const [dist, session, manifest, tokenizer, screenshots] = process.argv.slice(2).map((path) => resolve(path));
const url = pathToFileURL(join(dist, 'verify.html')).href;
const work = mkdtempSync(join(tmpdir(), 'cairo-decode-page-'));
mkdirSync(screenshots, { recursive: true });
const browser = await Browser.start();
let passed = 0;

async function test(name, view, body) {
  const page = await browser.open(url, view);
  try {
    await body(page);
    assert.deepEqual(page.problems, [], 'the console is silent');
    const outside = page.requests.filter((request) => !/^(file|blob|data):/.test(request));
    assert.deepEqual(outside, [], 'nothing is fetched');
  } catch (error) {
    writeFileSync(join(screenshots, 'failed.png'), await page.screenshot());
    throw new Error(`${name}: ${error.stack}`);
  }
  await page.close();
  passed++;
  console.log(`ok  ${name}`);
}

const click = (page, id) => page.value(`document.getElementById(${JSON.stringify(id)}).click()`);
const text = (page, selector) => page.value(`document.querySelector(${JSON.stringify(selector)})?.innerText ?? null`);
const ready = (page) => page.until('!document.getElementById("verify").disabled', 'session and manifest are there');
const shot = async (page, name) => writeFileSync(join(screenshots, `${name}.png`), await page.screenshot());

async function verdict(page) {
  await page.until('!document.getElementById("result").hidden || !document.getElementById("trouble").hidden', 'there is a verdict');
  assert.equal(await text(page, '#trouble'), '', 'no trouble');
  return (await text(page, '#verdict')).trim();
}

/** No text is wider than the page, and every control has a name. */
async function fits(page) {
  assert.equal(await page.value('document.documentElement.scrollWidth <= innerWidth'), true, 'the page is not wider than the screen');
  const nameless = `[...document.querySelectorAll('button, input, summary, progress')].filter((control) => !control.hidden &&
    !(control.innerText || control.labels?.length || control.ariaLabel || control.getAttribute('aria-labelledby'))).map((c) => c.outerHTML)`;
  assert.deepEqual(await page.value(nameless), [], 'every control has a name');
}

/** Text and its background differ enough to be read (WCAG 2, 4.5 to 1), in the colours of the style's variables. */
async function contrast(page) {
  const pairs = [
    ['ink', 'paper'], ['ink', 'card'], ['faint', 'paper'], ['faint', 'card'], ['accent', 'card'], ['accent-ink', 'accent'],
    ['good', 'paper'], ['good', 'card'], ['good', 'good-paper'], ['bad', 'bad-paper'], ['bad', 'paper'], ['faint', 'good-paper'], ['faint', 'bad-paper'],
  ];
  const colors = await page.value(`Object.fromEntries(${JSON.stringify([...new Set(pairs.flat())])}.map((name) =>
    [name, getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim()]))`);
  const luminance = (color) => {
    const [r, g, b] = [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  for (const [front, back] of pairs) {
    const [dark, light] = [luminance(colors[front]), luminance(colors[back])].sort((a, b) => a - b);
    const ratio = (light + 0.05) / (dark + 0.05);
    assert.ok(ratio >= 4.5, `${front} on ${back}: ${ratio.toFixed(2)} to 1`);
  }
}

async function choose(page, folder, model = manifest, words = null) {
  await page.choose('#choose-folder', [folder]);
  await page.choose('#choose-manifest', [model]);
  if (words) await page.choose('#choose-tokenizer', [words]);
  await ready(page);
}

/** A copy of the session that an attack may change. */
function copy(name) {
  const folder = join(work, name, 'session');
  cpSync(session, folder, { recursive: true });
  return folder;
}

const document = JSON.parse(readFileSync(join(session, 'session.json')));
const words = readTokenizer(readFileSync(tokenizer, 'utf8'));
const answer = decode(words, document.generated_tokens).map((run) => run.text).join('');
const proofs = document.chunks;

for (const [name, view] of Object.entries({ light: {}, dark: { dark: true }, phone: { width: 390, height: 844, mobile: true } })) {
  await test(`${name}: accepts the session, by choosing`, view, async (page) => {
    await fits(page);
    await contrast(page);
    await shot(page, `empty-${name}`);
    await choose(page, session, manifest, tokenizer);
    await shot(page, `ready-${name}`);
    await click(page, 'verify');
    assert.equal(await verdict(page), 'Accepted');
    assert.equal(await text(page, '.generated .chosen'), answer);
    assert.equal(await page.value('document.querySelectorAll(".chain .verified").length'), proofs);
    assert.equal(await page.value('document.querySelectorAll(".chain .frontier").length'), proofs + 1);
    assert.match(await text(page, '.pins'), new RegExp(document.model_root));
    assert.match(await text(page, '#result'), /What this does not say/);
    await fits(page);
    await shot(page, `accepted-${name}`);
  });
}

await test('accepts the session, by drop and keyboard, without a tokenizer', {}, async (page) => {
  await page.drop([session, manifest]);
  await ready(page);
  await page.value('document.getElementById("verify").focus()');
  await page.press('Enter');
  assert.equal(await verdict(page), 'Accepted');
  assert.equal(await page.value('document.activeElement.id'), 'verdict');
  assert.equal(await text(page, '.generated .chosen'), document.generated_tokens.join(' '));
});

/** A file with these bytes. */
function written(name, bytes) {
  const file = join(work, name);
  writeFileSync(file, bytes);
  return file;
}

const { files } = readSession(session, manifest);
const whole = bundle(files);

await test('accepts a bundle, by drop and by choosing', {}, async (page) => {
  const file = written('story.bundle', whole);
  await page.drop([file, manifest]);
  await ready(page);
  assert.match(await text(page, '#slot-session'), /story\.bundle, /);
  await click(page, 'verify');
  assert.equal(await verdict(page), 'Accepted');
  await page.value('[...document.querySelectorAll("#result button")].find((b) => b.innerText === "Verify another").click()');
  await page.choose('#choose-files', [file, tokenizer]);
  await ready(page);
  await click(page, 'verify');
  assert.equal(await verdict(page), 'Accepted');
  assert.equal(await text(page, '.generated .chosen'), answer);
  await shot(page, 'accepted-bundle');
});

await test('every control is reached with the Tab key', {}, async (page) => {
  await choose(page, session);
  const seen = [];
  for (let i = 0; i < 12; i++) {
    await page.press('Tab');
    seen.push(await page.value('document.activeElement.innerText || document.activeElement.id'));
  }
  for (const name of ['Choose folder', 'or its files, or a bundle', 'Choose file', 'What you expect of it', 'Verify']) assert.ok(seen.includes(name), `${name} of ${seen}`);
});

await test('hidden characters of a name are written out', {}, async (page) => {
  const model = join(work, 'odd.json');
  writeFileSync(model, JSON.stringify({ ...JSON.parse(readFileSync(manifest)), source: 'a\u202eb<img src=x>' }));
  await choose(page, session, model);
  await click(page, 'verify');
  assert.equal(await verdict(page), 'Accepted');
  assert.ok((await text(page, '.pins')).includes('a\\u{202e}b<img src=x>'));
  assert.equal(await page.value('document.querySelectorAll("img").length'), 0);
});

/** A page that rejects: its message, the file and the field that it names. */
async function rejects(name, folder, { model = manifest, message, file, field = null, view = {} }) {
  await test(`rejects ${name}`, view, async (page) => {
    if (folder.endsWith('.bundle')) await page.choose('#choose-files', [folder, model]);
    else await choose(page, folder, model, tokenizer);
    await ready(page);
    await click(page, 'verify');
    assert.equal(await verdict(page), 'Rejected');
    assert.match(await text(page, '.reason'), message);
    const where = (await text(page, '.where')).replace(/\s+/g, ' ');
    assert.equal(where, `file ${file}${field ? ` field ${field}` : ''}`);
    if (field) {
      const line = await text(page, '.document .wrong');
      assert.ok(line?.includes(field.split('.').at(-1)), `the red line is ${line}`);
      const seen = `(([box, line]) => line.top >= box.top && line.bottom <= box.bottom)(
        ['.document', '.document .wrong'].map((part) => document.querySelector(part).getBoundingClientRect()))`;
      assert.equal(await page.value(seen), true, 'the red line is in sight');
    }
    await fits(page);
    await shot(page, `rejected-${name.replaceAll(' ', '-')}`);
  });
}

const receipt = (folder, index) => join(folder, `chunk-${String(index).padStart(4, '0')}.receipt.json`);
const last = proofs - 1;
const chunk = `session/chunk-${String(last).padStart(4, '0')}`;
for (const [name, view] of Object.entries({ '': {}, ' in the dark': { dark: true }, ' on a phone': { width: 390, height: 844, mobile: true } })) {
  const folder = copy(`field${name}`);
  const changed = JSON.parse(readFileSync(receipt(folder, last)));
  changed.statement.frontier_in.kv_root = '0x123';
  writeFileSync(receipt(folder, last), JSON.stringify(changed, null, 2));
  const expected = { message: /kv_root: is 0x123, /, file: `${chunk}.receipt.json`, field: 'statement.frontier_in.kv_root', view };
  await rejects(`a changed field${name}`, folder, expected);
}
{
  const folder = copy('emitted');
  const changed = JSON.parse(readFileSync(receipt(folder, last)));
  changed.emitted_tokens[0] += 1;
  writeFileSync(receipt(folder, last), JSON.stringify(changed, null, 2));
  await test('rejects another token', {}, async (page) => {
    await choose(page, folder);
    await click(page, 'verify');
    assert.equal(await verdict(page), 'Rejected');
  });
}
{
  const folder = copy('flipped');
  const proof = readFileSync(join(folder, `${basename(chunk)}.proof`));
  proof[proof.length >> 1] ^= 1;
  writeFileSync(join(folder, `${basename(chunk)}.proof`), proof);
  await rejects('a flipped byte', folder, { message: /has digest [0-9a-f]+, its receipt says/, file: `${chunk}.proof`, field: 'proof.blake2s' });
}
{
  const folder = copy('missing');
  rmSync(receipt(folder, last));
  rmSync(join(folder, `${basename(chunk)}.proof`));
  await rejects('a missing chunk', folder, { message: /missing receipt/, file: `${chunk}.receipt.json` });
}
{
  const model = join(work, 'model.json');
  const other = JSON.parse(readFileSync(manifest));
  other.program_hash = '0x1';
  writeFileSync(model, JSON.stringify(other));
  await rejects('a wrong manifest', session, { model, message: /program_hash: is 0x[0-9a-f]+, the model manifest has 0x1/, file: 'session/session.json', field: 'program_hash' });
}
{
  const folder = copy('trailing');
  const path = receipt(folder, 0);
  writeFileSync(path, `${readFileSync(path)}x`);
  await rejects('a document that is none', folder, { message: /document/, file: 'session/chunk-0000.receipt.json' });
}
{
  const changed = JSON.parse(files.get('session.json'));
  changed.program_hash = '0x1';
  const file = written('field.bundle', bundle(new Map(files).set('session.json', Buffer.from(JSON.stringify(changed, null, 2)))));
  await rejects('a changed field of a bundle', file, { message: /program_hash: is 0x1, /, file: 'field.bundle/session.json', field: 'program_hash' });
  const short = written('short.bundle', whole.subarray(0, whole.length - 1));
  await rejects('a bundle that is cut off', short, { message: /its first line says/, file: 'short.bundle' });
}
await test('rejects another prompt than the expected one, and then accepts', {}, async (page) => {
  await choose(page, session);
  await page.value('document.getElementById("expect-prompt").value = "0,1"');
  await click(page, 'verify');
  assert.equal(await verdict(page), 'Rejected');
  assert.match(await text(page, '.reason'), /prompt_tokens: is [\d,]+, expected 0,1/);
  await page.value('[...document.querySelectorAll("#result button")].find((b) => b.innerText === "Verify another").click()');
  await page.value('document.getElementById("expect-prompt").value = ""');
  await click(page, 'verify');
  assert.equal(await verdict(page), 'Accepted');
});
await test('says what is wrong with an expectation, which is no verdict', {}, async (page) => {
  await choose(page, session);
  await page.value('document.getElementById("expect-session").value = "seven"');
  await click(page, 'verify');
  await page.until('!document.getElementById("trouble").hidden', 'there is trouble');
  assert.match(await text(page, '#trouble'), /says nothing about the session: session id/);
});

await browser.close();
rmSync(work, { recursive: true });
console.log(`${passed} passed, 0 failed; ${browserName().version}`);
