// One model on one text: its patterns, vectors and biases, each block decoded when it is first needed.

import { expectBytes, readBlock } from "./blocks.js";
import { Matrix } from "./matrix.js";
import { joinPlanes } from "./unpack.js";
import { walkSizes } from "./walk.js";

/** @import { Layer, ViewData } from "./types.js" */
/** @import { Units, UnitName } from "./units.js" */
/** @import { Walk } from "./walk.js" */

/** One model on one text. A layer may be the word "rollout", whose one head is 0. */
export class View {
  /** @type {Map<Layer, Uint16Array>} */
  #codes;
  /** @type {Map<string, Float32Array>} */
  #floats;
  /** @type {Map<string, Promise<any>>} */
  #underway = new Map();
  /** Two views whose difference this is. @type {[View, View] | null} */
  difference = null;
  /** @type {Map<UnitName, Units>} Divisions of its text; see `unitsOf`. */
  cuts = new Map();
  /** @type {Map<string, Matrix>} Patterns by units; see `matrixBy`. */
  matrices = new Map();
  /** @type {string | null} What its caption says in place of the facts about the model. */
  note = null;
  /** @type {((layer: number, head: number, token: number) => Promise<Walk | null>) | null} Computes what is not on the page. */
  follower = null;
  /** Tokens that were followed, by layer, head and token. @type {Map<string, Walk | null>} */
  walks = new Map();

  /**
   * `decoded` holds what need not be read from blocks: patterns by layer, and queries, keys, values ("q0", …) and "bias".
   * @param {ViewData} given
   * @param {{ codes: Map<Layer, Uint16Array>, floats: Map<string, Float32Array> }} [decoded]
   */
  constructor(given, decoded) {
    this.#codes = decoded?.codes ?? new Map();
    this.#floats = decoded?.floats ?? new Map();
    this.name = given.name;
    this.label = given.label;
    this.step = given.step;
    this.position = given.position;
    this.causal = given.causal;
    this.layers = given.layers;
    this.heads = given.heads;
    this.d_head = given.d_head;
    this.scale = given.scale;
    this.n = given.n;
    this.tokens = given.tokens;
    this.text = given.text ?? null;
    this.placed = given.placed ?? false;
    this.thinned = given.thinned;
    this.words = given.words;
    this.characters = given.characters;
    this.patterns = given.patterns;
    this.rollout = given.rollout;
    this.norms = given.norms;
    this.vectors = given.vectors;
    this.walk = given.walk;
    this.bias = given.bias;
    this.stats = given.stats;
    this.chance = given.chance;
    this.positions = given.positions;
    this.diagram = given.diagram;
  }

  /** Index of a layer among those of the page, or -1. @param {Layer} layer */
  #place(layer) {
    return layer === "rollout" ? -1 : this.layers.indexOf(layer);
  }

  /** The codes of a layer that has been decoded. @param {Layer} layer */
  #decoded(layer) {
    const codes = this.#codes.get(layer);
    if (!codes) throw new Error(`layer ${layer} is used before it has been decoded`);
    return codes;
  }

  /** The floats of a block that has been decoded. @param {string} name */
  #numbers(name) {
    const floats = this.#floats.get(name);
    if (!floats) throw new Error(`${name} is used before it has been decoded`);
    return floats;
  }

  /**
   * @param {Layer} layer
   * @param {number} head
   * @returns {boolean}
   */
  has(layer, head) {
    if (layer === "rollout") return this.rollout !== null;
    return this.layers.includes(layer) && this.heads.includes(head);
  }

  /**
   * A promise for the patterns of a layer, or null if they are decoded or do not exist, so that there is nothing to wait for.
   * @param {Layer} layer
   * @returns {Promise<void> | null}
   */
  need(layer) {
    const block = layer === "rollout" ? this.rollout : this.patterns.blocks[this.#place(layer)] ?? null;
    if (block === null || this.#codes.has(layer)) return null;
    return this.#once(`pattern ${layer}`, async () => {
      const bytes = await readBlock(block);
      const { n, causal } = this;
      const cells = (causal ? n * (n + 1) / 2 : n * n) * (layer === "rollout" ? 1 : this.heads.length);
      expectBytes(block, bytes, cells * 2);
      const at = this.#place(layer);
      if (this.norms && at >= 0) await this.#readFloats(`norms${at}`, this.norms[at], n * this.heads.length);
      // Last, because its presence indicates that all are decoded.
      this.#codes.set(layer, joinPlanes(bytes));
    });
  }

  /**
   * A promise for the vectors of a layer and the bias, or null as above.
   * @param {Layer} layer
   * @returns {Promise<void> | null}
   */
  needVectors(layer) {
    const at = this.#place(layer);
    const { heads, d_head, causal, bias, vectors } = this;
    if (!vectors || at < 0 || this.#floats.has(`v${at}`)) return null;
    return this.#once(`vectors ${layer}`, async () => {
      const { tokens, kv_heads, q, k, v } = vectors;
      const keys = Math.max(...kv_heads) + 1;
      await this.#readFloats(`q${at}`, q[at], heads.length * tokens * d_head);
      await this.#readFloats(`k${at}`, k[at], keys * tokens * d_head);
      if (bias) await this.#readFloats("bias", bias.block, heads.length * (causal ? bias.tokens : 2 * bias.tokens - 1));
      // Last, because its presence indicates that all are decoded.
      await this.#readFloats(`v${at}`, v[at], keys * tokens * d_head);
    });
  }

  /**
   * A promise for the vectors of the stream, or null as above.
   * @param {Layer} layer
   * @param {number} head
   * @param {number} token
   * @returns {Promise<void> | null}
   */
  needWalk(layer, head, token) {
    const { walk, follower } = this;
    const name = `${layer} ${head} ${token}`;
    if (follower && layer !== "rollout" && !this.walks.has(name)) {
      return this.#once(`walk ${name}`, async () => {
        this.walks.set(name, await follower(layer, head, token));
      });
    }
    if (walk.tokens === 0 || this.#floats.has("walk probabilities")) return null;
    return this.#once("walk", async () => {
      for (const [name, count] of walkSizes(this)) {
        const block = walk[name];
        if (block !== null) await this.#readFloats(`walk ${name}`, block, count);
      }
      if (walk.edits?.z != null) await this.#readFloats("walk z", walk.edits.z, this.layers.length * this.heads.length * walk.tokens * this.d_head);
    });
  }

  /**
   * Return the decoded numbers of the stream, or null if this page does not have them.
   * @param {import("./walk.js").WalkBlock | "z"} name
   */
  walkNumbers(name) {
    return this.#floats.get(`walk ${name}`) ?? null;
  }

  /**
   * Perform a task once.
   * @template T
   * @param {string} what
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  #once(what, work) {
    const underway = this.#underway.get(what) ?? work();
    this.#underway.set(what, underway);
    return underway;
  }

  /**
   * @param {string} name
   * @param {number} block
   * @param {number} count
   */
  async #readFloats(name, block, count) {
    if (this.#floats.has(name)) return;
    const bytes = await this.#once(`block ${block}`, () => readBlock(block));
    expectBytes(block, bytes, 4 * count);
    // The blocks are little-endian, as is every machine that runs a browser.
    this.#floats.set(name, new Float32Array(bytes.buffer));
    this.#underway.delete(`block ${block}`);
  }

  /**
   * @param {Layer} layer
   * @param {number} head
   * @returns {Matrix}
   */
  matrix(layer, head) {
    const { n, causal, patterns: { bits, error } } = this;
    const codes = this.#decoded(layer);
    const at = layer === "rollout" ? 0 : this.heads.indexOf(head);
    const from = at * (causal ? n * (n + 1) / 2 : n * n);
    return new Matrix({ codes, from, n, causal, greatest: 2 ** bits - 1, error });
  }

  /**
   * Return the lengths of what the keys of a head contribute, or null if the page has none.
   * @param {Layer} layer
   * @param {number} head
   * @returns {Float32Array | null}
   */
  normsOf(layer, head) {
    const at = this.#place(layer);
    if (!this.norms || at < 0) return null;
    const own = this.heads.indexOf(head);
    return this.#numbers(`norms${at}`).subarray(own * this.n, (own + 1) * this.n);
  }

  /**
   * Return the weights of one query on all keys, by cells of the pattern.
   * @param {Layer} layer
   * @param {number} head
   * @param {number} query
   * @returns {Float64Array}
   */
  row(layer, head, query) {
    return this.matrix(layer, head).row(query);
  }

  /**
   * Return the inputs of a head: `q(i)`, `k(i)`, `v(i)` of token i, and `bias(i, j)`, or null without a bias.
   * @param {Layer} layer
   * @param {number} head
   */
  vectorsOf(layer, head) {
    const { causal, d_head, bias, vectors } = this;
    if (!vectors) throw new Error("this page carries no vectors");
    const { tokens, kv_heads } = vectors;
    const at = this.#place(layer);
    const own = this.heads.indexOf(head);
    const rows = (/** @type {"q" | "k" | "v"} */ name, /** @type {number} */ row) => {
      const all = this.#numbers(`${name}${at}`);
      return (/** @type {number} */ i) => all.subarray((row * tokens + i) * d_head, (row * tokens + i + 1) * d_head);
    };
    return {
      tokens,
      q: rows("q", own),
      k: rows("k", kv_heads[own]),
      v: rows("v", kv_heads[own]),
      bias: bias && this.#biasFrom(causal ? own * bias.tokens : own * (2 * bias.tokens - 1) + bias.tokens - 1),
    };
  }

  /** @param {number} offset */
  #biasFrom(offset) {
    const biases = this.#numbers("bias");
    return (/** @type {number} */ i, /** @type {number} */ j) => biases[offset + i - j];
  }

  /**
   * @param {Layer} layer
   * @param {number} head
   * @returns {import("./types.js").HeadStats | null}
   */
  statsOf(layer, head) {
    return this.stats[this.#place(layer)]?.[this.heads.indexOf(head)] ?? null;
  }
}
