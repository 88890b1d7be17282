// From the blocks of the page to patterns, vectors and biases; each block is decoded when it is first needed.

/** Bytes of a base64 text; the native decoder is many times faster where a browser has it. */
function bytesOf(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** The bytes of block `i`. Its text is dropped, because a page may hold tens of megabytes of it. */
async function readBlock(i) {
  const element = document.getElementById(`b${i}`);
  const stream = new Blob([bytesOf(element.textContent.trim())]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  element.textContent = "";
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function expectBytes(block, bytes, expected) {
  if (bytes.length !== expected) throw new Error(say("damaged", block, bytes.length, expected));
}

/** Whole numbers that were written as a plane of high bytes and a plane of low ones. */
function joinPlanes(bytes) {
  const count = bytes.length / 2;
  const codes = new Uint16Array(count);
  for (let i = 0; i < count; i++) codes[i] = bytes[i] << 8 | bytes[count + i];
  return codes;
}

/**
 * One pattern: `n` rows of queries, each as far as its keys are visible. `codes[from + …] / greatest` is a weight, and
 * `error` is how far it may be from the model's own number.
 */
class Matrix {
  #pooled = new Map();

  constructor({ codes, from = 0, n, causal, greatest, error }) {
    Object.assign(this, { codes, from, n, causal, greatest, error });
  }

  /** Where the codes of a query begin. */
  base(query) {
    return this.from + (this.causal ? query * (query + 1) / 2 : query * this.n);
  }

  /** How many keys a query sees. */
  width(query) {
    return this.causal ? query + 1 : this.n;
  }

  hidden(query, key) {
    return this.causal && key > query;
  }

  value(query, key) {
    return this.hidden(query, key) ? 0 : this.codes[this.base(query) + key] / this.greatest;
  }

  /** How far `value` may be from the model's own number. */
  errorAt() {
    return this.error;
  }

  row(query) {
    return Float64Array.from({ length: this.n }, (_, key) => this.value(query, key));
  }

  /** Blocks of `pool` × `pool` cells, each by its largest code: a small picture must not lose the few cells that matter. */
  pooled(pool) {
    if (!this.#pooled.has(pool)) this.#pooled.set(pool, this.#pool(pool));
    return this.#pooled.get(pool);
  }

  #pool(pool) {
    const { codes, n } = this;
    const side = Math.ceil(n / pool);
    const largest = new Uint16Array(side * side);
    for (let query = 0; query < n; query++) {
      const base = this.base(query);
      const width = this.width(query);
      let out = Math.floor(query / pool) * side;
      for (let key = 0; key < width; out++) {
        let most = largest[out];
        for (const end = Math.min(key + pool, width); key < end; key++) most = Math.max(most, codes[base + key]);
        largest[out] = most;
      }
    }
    return largest;
  }
}

/** One model on one text. A layer may be the word "rollout", whose one head is 0. */
class View {
  #codes = new Map();
  #floats = new Map();
  #underway = new Map();

  constructor(given) {
    // The names of the contract stay the names of the fields.
    Object.assign(this, given);
  }

  has(layer, head) {
    if (layer === "rollout") return this.rollout !== null;
    return this.layers.includes(layer) && this.heads.includes(head);
  }

  /** A promise for the patterns of a layer, or null where they are here or do not exist: then nothing need be waited for. */
  need(layer) {
    const at = this.layers.indexOf(layer);
    const block = layer === "rollout" ? this.rollout : this.patterns.blocks[at] ?? null;
    if (block === null || this.#codes.has(layer)) return null;
    return this.#once(`pattern ${layer}`, async () => {
      const bytes = await readBlock(block);
      const { n, causal } = this;
      const cells = (causal ? n * (n + 1) / 2 : n * n) * (layer === "rollout" ? 1 : this.heads.length);
      expectBytes(block, bytes, cells * 2);
      this.#codes.set(layer, joinPlanes(bytes));
    });
  }

  /** A promise for the vectors of a layer and the bias, or null as above. */
  needVectors(layer) {
    const at = this.layers.indexOf(layer);
    if (!this.vectors || at < 0 || this.#floats.has(`v${at}`)) return null;
    return this.#once(`vectors ${layer}`, async () => {
      const { heads, d_head, causal, bias, vectors: { tokens, kv_heads, q, k, v } } = this;
      const keys = Math.max(...kv_heads) + 1;
      await this.#readFloats(`q${at}`, q[at], heads.length * tokens * d_head);
      await this.#readFloats(`k${at}`, k[at], keys * tokens * d_head);
      if (bias) await this.#readFloats("bias", bias.block, heads.length * (causal ? bias.tokens : 2 * bias.tokens - 1));
      // Last, because its presence says that all are there.
      await this.#readFloats(`v${at}`, v[at], keys * tokens * d_head);
    });
  }

  #once(what, work) {
    if (!this.#underway.has(what)) this.#underway.set(what, work());
    return this.#underway.get(what);
  }

  async #readFloats(name, block, count) {
    if (this.#floats.has(name)) return;
    const bytes = await this.#once(`block ${block}`, () => readBlock(block));
    expectBytes(block, bytes, 4 * count);
    // The blocks are little-endian, as is every machine that runs a browser.
    this.#floats.set(name, new Float32Array(bytes.buffer));
    this.#underway.delete(`block ${block}`);
  }

  matrix(layer, head) {
    const { n, causal, patterns: { bits, error } } = this;
    const codes = this.#codes.get(layer);
    const at = layer === "rollout" ? 0 : this.heads.indexOf(head);
    const from = at * (causal ? n * (n + 1) / 2 : n * n);
    return new Matrix({ codes, from, n, causal, greatest: 2 ** bits - 1, error });
  }

  /** The weights of one query on all keys, by cells of the pattern. */
  row(layer, head, query) {
    return this.matrix(layer, head).row(query);
  }

  /** What a head computes with: `q(i)`, `k(i)`, `v(i)` of token i, and `bias(i, j)`, or null where none is added. */
  vectorsOf(layer, head) {
    const { causal, d_head, bias, vectors: { tokens, kv_heads } } = this;
    const at = this.layers.indexOf(layer);
    const own = this.heads.indexOf(head);
    const rows = (name, row) => {
      const all = this.#floats.get(`${name}${at}`);
      return (i) => all.subarray((row * tokens + i) * d_head, (row * tokens + i + 1) * d_head);
    };
    const biases = bias && this.#floats.get("bias");
    const offset = bias && (causal ? own * bias.tokens : own * (2 * bias.tokens - 1) + bias.tokens - 1);
    return {
      tokens,
      q: rows("q", own),
      k: rows("k", kv_heads[own]),
      v: rows("v", kv_heads[own]),
      bias: bias && ((i, j) => biases[offset + i - j]),
    };
  }

  statsOf(layer, head) {
    return this.stats[this.layers.indexOf(layer)]?.[this.heads.indexOf(head)] ?? null;
  }
}
