/** Verifies sessions of cairo-decode. Nothing is fetched, and nothing but the given files is read. */

/** A file of a session: bytes, or a `File` that is read when it is needed. */
export type FileSource = Uint8Array | Blob;

/** What is expected of a session beside its model, written as the command line's options are. */
export interface Expectations {
  /** The prompt's tokens: `0,190,246`. */
  prompt_tokens?: string | null;
  /** The session's identity: `0x…`. */
  session_id?: string | null;
  /** Chain and contract that the receipts are for: `SN_SEPOLIA/0x1234`; `local` if nothing is said. */
  domain?: string | null;
}

/** A felt: `0x` and hexadecimal digits. */
export type Felt = `0x${string}`;

export interface Policy {
  kind: 'greedy';
  eos: number | null;
}

export interface Domain {
  chain: string;
  verifier: Felt;
}

/** The manifest, `model.json`. */
export interface Manifest {
  name: string;
  model_root: Felt;
  program_hash: Felt;
  spec_version: number;
  statement_version: number;
  policy: Policy;
  vocab_size: number;
  context_length: number;
  kv_words_per_position: number;
  parameters: number;
  source: string;
  /** Root of quantised parameters, configuration and tokenizer. */
  parameters_root: Felt;
  /** What is pinned of the components: layouts, and the root of their constants for each set of parameters. */
  tensors: {
    lanes: number;
    messages: number;
    components: { name: string; parameters: number[]; smallest: number; largest: number }[];
    roots: { parameters: string; root: string }[];
  };
}

/** The session's document, `session.json`. */
export interface Session {
  session_id: Felt;
  domain: Domain;
  model_root: Felt;
  program_hash: Felt;
  policy: Policy;
  /** For people: nothing binds it. */
  prompt: string;
  prompt_tokens: number[];
  chunk_size: number;
  requested_tokens: number;
  status: 'complete';
  chunks: number;
  generated_tokens: number[];
}

/** What a chunk starts from, and what it leaves. */
export interface Frontier {
  position: number;
  last_token: number;
  kv_root: Felt;
  tokens_root: Felt;
  chosen_root: Felt;
}

export interface Statement {
  spec_version: number;
  domain: Domain;
  session_id: Felt;
  model_root: Felt;
  program_hash: Felt;
  policy: Policy;
  boundary: 'token';
  prompt_root: Felt;
  prompt_length: number;
  steps: number;
  frontier_in: Frontier;
  frontier_out: Frontier;
}

/** A receipt: `chunk-0000.receipt.json`. */
export interface Receipt {
  statement: Statement;
  forced_tokens: number[];
  emitted_tokens: number[];
  proof: {
    file: string;
    bytes: number;
    blake2s: string;
    params: Record<string, string | number | null>;
    security_bits: number;
  };
}

/** The documents hold and are a chain; no proof was looked at yet. */
export interface Opened {
  session: Session;
  manifest: Manifest;
  /** The file of each receipt's proof; null for one that is missing or too large, whose receipt will be refused. */
  proofs: (string | null)[];
}

/** A receipt that was verified with its proof. */
export interface VerifiedReceipt {
  index: number;
  receipt: Receipt;
  /** What the module took for it, proof and receipt. */
  milliseconds: number;
}

/** What holds. What it does not say is in `docs/non-claims.md`. */
export interface Accepted {
  prompt_tokens: number[];
  generated_tokens: number[];
  steps: number;
  /** Nothing more is to be generated: all requested tokens are there, or eos is. */
  finished: boolean;
  receipts: number;
}

export interface Options {
  /** What messages call the session's folder, or its bundle. */
  session?: string;
  /** What messages call the manifest. */
  model?: string;
  expect?: Expectations;
  onOpened?(opened: Opened): void;
  onReceipt?(receipt: VerifiedReceipt): void;
}

/** The session, or the manifest, does not hold. Any other error says nothing about them. */
export class Rejected extends Error {
  /** The file, as the message names it. */
  readonly file: string | null;
  /** The path of the field in that document. */
  readonly field: string | null;
}

export class Verifier {
  /** Compiles `verifier.wasm`. One verifier is enough for any number of sessions. */
  static load(wasm: BufferSource | WebAssembly.Module): Promise<Verifier>;

  /** Verifies a session from its files by name, or from its bundle. Throws `Rejected` for the first thing that does not hold. */
  verifySession(
    session: ReadonlyMap<string, FileSource> | FileSource,
    manifest: FileSource,
    options?: Options,
  ): Promise<Accepted>;

  /** The files of a bundle by name, none of which was looked at. `name` is what messages call the bundle. */
  openBundle(bundle: FileSource, name?: string): Promise<Map<string, FileSource>>;
}
