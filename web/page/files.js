/**
 * The files that a person drops or chooses: which are a session, which is the manifest, which the tokenizer.
 *
 * A file is looked at by its name only; nothing is read here. What the session's files say is the verifier's business.
 */

/** Most files that are listed, as in the verifier; a folder with more is not a session's. */
const MAX_FILES = 1 << 16;

/** All files of a drop, with their paths; folders are opened. */
export async function dropped(transfer) {
  const items = [...transfer.items].filter((item) => item.kind === 'file');
  // A page from a file may open folders by handles only, and some browsers have none. Both must be asked for before anything is waited for.
  const handles = items.map((item) => item.getAsFileSystemHandle?.());
  const entries = items.map((item) => item.webkitGetAsEntry?.());
  const found = [];
  for (const [i, item] of entries.entries()) {
    const handle = await handles[i];
    if (handle) await walkHandle(handle, '', found);
    else if (item) await walkEntry(item, found);
  }
  return found;
}

function add(found, path, file) {
  if (found.length === MAX_FILES) throw new Error(`there are more than ${MAX_FILES} files`);
  found.push({ path, file });
}

async function walkHandle(handle, folder, found) {
  const path = folder + handle.name;
  if (handle.kind === 'file') return add(found, path, await handle.getFile());
  for await (const child of handle.values()) await walkHandle(child, `${path}/`, found);
}

async function walkEntry(entry, found) {
  if (entry.isFile) {
    const file = await new Promise((take, fail) => entry.file(take, fail));
    return add(found, entry.fullPath.replace(/^\//, ''), file);
  }
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((take, fail) => reader.readEntries(take, fail));
    if (some.length === 0) return;
    for (const child of some) await walkEntry(child, found);
  }
}

/** All files of an input. */
export function chosen(files) {
  return [...files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
}

const nameOf = (path) => path.slice(path.lastIndexOf('/') + 1);
const folderOf = (path) => path.slice(0, Math.max(0, path.lastIndexOf('/')));
const depth = (path) => path.split('/').length;

/**
 * What the files are: `{ session, manifest, tokenizer }`, each missing if there is none. A session is the folder of a
 * `session.json`, with `files`, or a `bundle`; files that were chosen without a folder are in one.
 */
export function sorted(found) {
  const named = (name) => found.filter(({ path }) => nameOf(path) === name).sort((a, b) => depth(a.path) - depth(b.path));
  const sorted = {};
  const bundles = found.filter(({ path }) => path.endsWith('.bundle'));
  const sessions = [...named('session.json'), ...bundles];
  if (sessions.length > 1) {
    throw new Error(`${sessions.length} sessions at once (${sessions[0].path}, ${sessions[1].path}): give one`);
  }
  const chunk = found.find(({ path }) => /^chunk-.*\.(receipt\.json|proof)$/.test(nameOf(path)));
  const start = sessions[0] ?? chunk;
  if (bundles.length === 1) {
    sorted.session = { name: nameOf(bundles[0].path), bundle: bundles[0].file };
  } else if (start) {
    const folder = folderOf(start.path);
    const inside = found.filter(({ path }) => folderOf(path) === folder);
    sorted.session = {
      name: nameOf(folder) || 'session',
      files: new Map(inside.map(({ path, file }) => [nameOf(path), file])),
    };
  }
  const [manifest] = named('model.json');
  if (manifest) sorted.manifest = manifest;
  const [tokenizer] = named('tokenizer.json');
  if (tokenizer) sorted.tokenizer = tokenizer;
  return sorted;
}
