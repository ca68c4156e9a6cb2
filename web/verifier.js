/**
 * Verifies sessions of cairo-decode in JavaScript: bindings of the WebAssembly module, types in `verifier.d.ts`.
 *
 * The module imports nothing. It is given files, and answers with JSON; what it checks, and the words of a refusal, are the
 * native verifier's. Each session has an instance of its own, so what a session does to an instance ends with it.
 */

/** A session that does not hold: `file` and `field` say where, the message says why. */
export class Rejected extends Error {
  constructor({ message, file = null, field = null }) {
    super(message);
    this.name = 'Rejected';
    this.file = file;
    this.field = field;
  }
}

/** Most bytes of a bundle's first line, as in the verifier. */
const MOST_CONTENTS = 1 << 20;

/** The compiled module. One is enough for any number of sessions. */
export class Verifier {
  #module;

  constructor(module) {
    this.#module = module;
  }

  /** Compiles the module from its bytes. */
  static async load(wasm) {
    return new Verifier(wasm instanceof WebAssembly.Module ? wasm : await WebAssembly.compile(wasm));
  }

  /**
   * Verifies a session. Proofs are read one at a time, so the session may be larger than the memory.
   * Throws `Rejected`; another error means that a file could not be read, and says nothing about the session.
   */
  async verifySession(files, manifest, options = {}) {
    const { expect = {}, onOpened, onReceipt } = options;
    if (!(files instanceof Map)) files = await this.openBundle(files, options.session);
    const instance = await Instance.of(this.#module);
    const names = [...files.keys()];
    const request = {
      session: options.session ?? 'session',
      model: options.model ?? 'model.json',
      files: names.map((name) => ({ name, bytes: sizeOf(files.get(name)) })),
      expect,
    };
    const { wanted } = instance.call('begin', [encode(JSON.stringify(request)), await read(manifest)]);
    for (const name of wanted) instance.call('give', [encode(name), await read(files.get(name))]);
    const opened = instance.call('open');
    onOpened?.(opened);
    for (const [index, name] of opened.proofs.entries()) {
      const proof = name === null ? [] : [await read(files.get(name))];
      const start = performance.now();
      const answer = instance.call('receipt', proof, index);
      onReceipt?.({ index, ...answer, milliseconds: performance.now() - start });
    }
    return instance.call('finish');
  }

  /**
   * The files of a session's bundle by name, each a part of it; their contents are not looked at. Throws `Rejected` for a file that is
   * no bundle.
   */
  async openBundle(bundle, name = 'session') {
    const instance = await Instance.of(this.#module);
    const request = { name, bytes: sizeOf(bundle) };
    const start = await read(part(bundle, 0, MOST_CONTENTS));
    const { files } = instance.call('bundle', [encode(JSON.stringify(request)), start]);
    return new Map(files.map(({ name, at, bytes }) => [name, part(bundle, at, at + bytes)]));
  }
}

/** One run of the module: inputs go in by pointer and length, and so do answers come out. */
class Instance {
  #exports;

  constructor(exports) {
    this.#exports = exports;
  }

  static async of(module) {
    return new Instance((await WebAssembly.instantiate(module, {})).exports);
  }

  /** Gives the inputs to a command. Its answer, or what it threw as a refusal: a trap is one too. */
  call(command, inputs = [], ...numbers) {
    const wasm = this.#exports;
    let trap = null;
    try {
      for (const bytes of inputs) {
        const at = wasm.input(bytes.byteLength) >>> 0;
        new Uint8Array(wasm.memory.buffer, at, bytes.byteLength).set(bytes);
      }
      wasm[command](...numbers);
    } catch (error) {
      trap = error;
    }
    const answer = this.#answer();
    if (trap && !answer?.rejected) throw new Rejected({ message: `the verifier stopped: ${trap.message}` });
    if (answer.rejected) throw new Rejected(answer.rejected);
    if (answer.failed) throw new Error(answer.failed);
    return answer;
  }

  #answer() {
    const wasm = this.#exports;
    const length = wasm.answer_length() >>> 0;
    if (length === 0) return null;
    const bytes = new Uint8Array(wasm.memory.buffer, wasm.answer() >>> 0, length);
    return JSON.parse(new TextDecoder().decode(bytes));
  }
}

const encode = (text) => new TextEncoder().encode(text);

const part = (file, from, to) => (file instanceof Blob ? file.slice(from, to) : file.subarray(from, to));

const sizeOf = (file) => (file instanceof Blob ? file.size : file.byteLength);

const read = async (file) => (file instanceof Blob ? new Uint8Array(await file.arrayBuffer()) : file);
