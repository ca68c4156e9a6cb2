/**
 * What the page draws: the verdict, the texts, the chain of frontiers, the pins, a document with a field in red.
 *
 * Every text from a file becomes a text node, never markup, and its hidden characters are written out.
 */

import { decode, shown } from './text.js';

/** An element: `element('p', { class: 'note' }, 'text', child)`. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) made.setAttribute(key, value === true ? '' : value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

const plural = (count, what) => `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`;

export const size = (bytes) =>
  bytes >= 1e6 ? `${(bytes / 1e6).toFixed(2)} MB` : bytes >= 1e3 ? `${(bytes / 1e3).toFixed(1)} kB` : plural(bytes, 'byte');

const short = (felt) => (felt.length > 14 ? `${felt.slice(0, 8)}…${felt.slice(-4)}` : felt);

/** A hash in full, and a button that copies it. */
function hash(value) {
  const copy = element('button', { type: 'button', class: 'copy', 'aria-label': `Copy ${value}` }, 'copy');
  copy.addEventListener('click', async () => {
    await navigator.clipboard?.writeText(value).catch(() => {});
    copy.textContent = 'copied';
    setTimeout(() => (copy.textContent = 'copy'), 1500);
  });
  return element('span', { class: 'hash' }, element('code', {}, value), copy);
}

/** Tokens as text, or as numbers without a tokenizer. */
export function words(tokenizer, ids, className, first = false) {
  if (!tokenizer) return element('span', { class: `${className} ids` }, ids.join(' '));
  const runs = decode(tokenizer, ids, first).map(({ text, special }) =>
    special ? element('span', { class: 'special', title: 'a special token' }, shown(text)) : shown(text),
  );
  return element('span', { class: className }, ...runs);
}

/** The sentence under an accepted verdict. */
export function claim(accepted, manifest) {
  const chosen = plural(accepted.generated_tokens.length, 'token');
  const prompt = plural(accepted.prompt_tokens.length, 'token');
  return element(
    'p',
    { class: 'claim' },
    'The program of the model that its manifest calls ',
    element('strong', {}, shown(manifest.name)),
    `, given a prompt of ${prompt}, chose these ${chosen}, each the most likely one (greedy).`,
  );
}

/** Prompt and answer. */
export function texts(accepted, tokenizer) {
  const { prompt_tokens: prompt, generated_tokens: generated } = accepted;
  const text = element(
    'p',
    { class: 'generated', lang: '' },
    words(tokenizer, prompt, 'prompt', true),
    tokenizer ? '' : ' ',
    words(tokenizer, generated, 'chosen'),
  );
  const legend = element(
    'p',
    { class: 'legend' },
    element('span', { class: 'key prompt-key' }, `prompt, ${plural(prompt.length, 'token')}`),
    element('span', { class: 'key chosen-key' }, `chosen by the model, ${plural(generated.length, 'token')}`),
  );
  const ids = element(
    'details',
    {},
    element('summary', {}, 'Token ids, which are what is proven'),
    element('p', { class: 'ids' }, element('b', {}, 'prompt '), prompt.join(',')),
    element('p', { class: 'ids' }, element('b', {}, 'chosen '), generated.join(',')),
  );
  const note = tokenizer
    ? 'This text is how the tokenizer that you gave writes the token ids. That it is the model’s tokenizer is not checked here.'
    : 'Give the model’s tokenizer.json to read the tokens as text.';
  return [legend, text, element('p', { class: 'note' }, note), tokenizer ? ids : null].filter(Boolean);
}

/** A point of the chain. */
function frontier(at, state) {
  const roots = Object.entries(at).filter(([field]) => field.endsWith('_root'));
  const summary = element(
    'summary',
    {},
    element('span', { class: 'dot', 'aria-hidden': 'true' }),
    element('b', {}, `frontier at position ${at.position}`),
    element('span', { class: 'faint' }, ` last token ${at.last_token} · keys and values ${short(at.kv_root)}`),
  );
  const rows = roots.map(([field, value]) => [element('dt', {}, field), element('dd', {}, hash(value))]);
  return element('li', { class: `frontier ${state}` }, element('details', {}, summary, element('dl', {}, ...rows.flat())));
}

/** A receipt between two points of the chain. */
function link(receipt, tokenizer) {
  const { statement, forced_tokens: forced, emitted_tokens: emitted, proof } = receipt.receipt;
  const first = statement.frontier_in.position;
  const next = statement.frontier_out.position;
  const head = element(
    'p',
    { class: 'link-head' },
    element('b', {}, `receipt ${String(receipt.index).padStart(4, '0')}`),
    ` positions ${first} to ${next - 1}`,
    element('span', { class: 'tick', 'aria-hidden': 'true' }, ' ✓'),
  );
  const facts = `${plural(emitted.length, 'token')} chosen · proof of ${size(proof.bytes)} · ${proof.security_bits} bits · verified in ${receipt.milliseconds.toFixed(0)} ms`;
  const text = element('p', { class: 'link-text' }, words(tokenizer, forced, 'prompt'), words(tokenizer, emitted, 'chosen'));
  return element('li', { class: 'link verified' }, element('div', {}, head, text, element('p', { class: 'faint' }, facts)));
}

/** Most receipts that are drawn before somebody asks for all. */
const SHOWN = 40;

/**
 * The chain: a frontier, a receipt, the frontier that it leaves, and so on. `refused` is the number of a receipt that does not
 * hold, `total` how many there are.
 */
export function chain(receipts, tokenizer, total, refused = null) {
  const list = element('ol', { class: 'chain' });
  const draw = (some) => {
    for (const receipt of some) {
      if (receipt.index === 0) list.append(frontier(receipt.receipt.statement.frontier_in, 'pinned'));
      list.append(link(receipt, tokenizer), frontier(receipt.receipt.statement.frontier_out, 'reached'));
    }
  };
  draw(receipts.slice(0, SHOWN));
  if (receipts.length > SHOWN) {
    const rest = receipts.length - SHOWN;
    const more = element('button', { type: 'button', class: 'secondary' }, `Show ${plural(rest, 'more receipt')}`);
    const place = element('li', { class: 'more' }, more);
    list.append(place);
    more.addEventListener('click', () => {
      place.remove();
      draw(receipts.slice(SHOWN));
      end();
    });
  } else {
    end();
  }
  function end() {
    if (refused === null) return;
    list.append(
      element(
        'li',
        { class: 'link refused' },
        element('div', {}, element('b', {}, `receipt ${String(refused).padStart(4, '0')} `), 'does not hold'),
      ),
    );
    const left = total - refused - 1;
    if (left > 0) list.append(element('li', { class: 'link unseen' }, element('div', {}, `${plural(left, 'receipt')} not looked at`)));
  }
  return list;
}

/** Chain and contract, as the command line writes them. */
const where = ({ chain, verifier }) => (chain === 'local' ? chain : `${chain}/${verifier}`);

/** What was pinned: what a person has to compare with a source that he trusts, and what the session says of itself. */
export function pins(manifest, session, receipts) {
  const policy = `${session.policy.kind}${session.policy.eos === null ? '' : `, ends with token ${session.policy.eos}`}`;
  const rows = [
    ['model root', hash(manifest.model_root)],
    ['program hash', hash(manifest.program_hash)],
    ['specification', `${manifest.spec_version}, statements of version ${manifest.statement_version}`],
    ['name and source', shown(`${manifest.name}: ${manifest.source}`)],
    ['policy', policy],
    ['session', hash(session.session_id)],
    ['for', shown(where(session.domain))],
  ];
  const proof = receipts[0]?.receipt.proof;
  if (proof) {
    const { log_blowup: blowup, queries, pow_bits: work } = proof.params;
    rows.push(['proofs', `${proof.security_bits} bits: ${queries} queries at blow-up ${2 ** blowup}, ${work} bits of work`]);
  }
  return element('dl', { class: 'pins' }, ...rows.flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, value)]));
}

/** The lines of a JSON document with the path of each: lists of plain values stay on one line. */
function lines(value, path = '', indent = '', key = '', end = '') {
  const start = indent + (key === '' ? '' : `${JSON.stringify(key)}: `);
  const plain = (item) => item === null || typeof item !== 'object';
  if (plain(value)) return [{ path, text: start + JSON.stringify(value) + end }];
  const list = Array.isArray(value);
  if (list && value.every(plain)) {
    const items = value.map((item) => JSON.stringify(item));
    return [{ path, text: `${start}[${items.join(', ')}]${end}`, items, start: `${start}[`, end: `]${end}` }];
  }
  const entries = Object.entries(value);
  const inside = entries.flatMap(([name, item], i) => {
    const below = list ? `${path}[${name}]` : path === '' ? name : `${path}.${name}`;
    return lines(item, below, `${indent}  `, list ? '' : name, i + 1 < entries.length ? ',' : '');
  });
  return [{ path, text: start + (list ? '[' : '{') }, ...inside, { path, text: indent + (list ? ']' : '}') + end }];
}

/** A line with a list, and the one item that the field names marked in it. */
function item(line, field) {
  const index = Number(/\[(\d+)\]$/.exec(field)?.[1]);
  if (!line.items || !(index < line.items.length)) return [shown(line.text)];
  const before = line.items.slice(0, index).map((other) => `${other}, `);
  const after = line.items.slice(index + 1).map((other) => `, ${other}`);
  return [shown(line.start + before.join('')), element('mark', {}, shown(line.items[index])), shown(after.join('') + line.end)];
}

/** A document with one field in red; the field of which nothing is there is the nearest one around it. */
export function marked(text, field) {
  let all;
  try {
    all = lines(JSON.parse(text));
  } catch {
    return element('pre', { class: 'document' }, shown(text.slice(0, 4000)));
  }
  let path = field ?? '';
  const has = (wanted) => all.some((line) => line.path === wanted);
  while (path !== '' && !has(path)) path = path.replace(/(\.|^)[^.[]*$|\[[^\]]*\]$/, '');
  const rows = all.map((line) => {
    const hit = path !== '' && (line.path === path || line.path.startsWith(`${path}.`) || line.path.startsWith(`${path}[`));
    return element('span', { class: hit ? 'line wrong' : 'line' }, ...(hit ? item(line, field) : [shown(line.text)]), '\n');
  });
  return element('pre', { class: 'document', tabindex: '0', 'aria-label': 'the document, the wrong field is marked' }, ...rows);
}
