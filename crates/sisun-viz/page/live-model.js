// A model's parameters in the kernel's memory.

import { Kernel, padded, PANEL, Places } from "./live-kernel.js";

/** @import { Panels } from "./live-kernel.js" */
/** @import { LiveConfig } from "./types.js" */

/** @typedef {{ weight: Float32Array, bias: Float32Array | null }} Norm */
/** A linear layer, with its bias filled up to whole panels. @typedef {{ weight: Panels, bias: Float32Array | null }} Linear */

/**
 * @typedef {object} Block
 * @property {Norm} normAttention
 * @property {Norm | null} normFfn
 * @property {Linear} qkv
 * @property {Linear} output
 * @property {Norm | null} normQ
 * @property {Norm | null} normK
 * @property {Linear | null} up
 * @property {Linear | null} gate
 * @property {Linear | null} down
 */

/** Most rows of tokens that go through the layers together; more would only need more memory. */
const ROWS = 64;

/** Names of the model's parameters with their numbers, as the page's header lists them. @typedef {Map<string, Float32Array>} Parameters */

export class Model {
  /**
   * @param {LiveConfig} config
   * @param {Parameters} parameters
   * @param {{ readings: number, wasm?: boolean }} options number of texts that are read at the same time
   */
  constructor(config, parameters, { readings, wasm = true }) {
    this.config = config;
    const { d_model, n_heads, n_kv_heads, d_head, d_ff, vocab, n_layers, max_tokens, tied_head } = config;
    const given = (/** @type {string} */ name) => {
      const values = parameters.get(name);
      if (!values) throw new Error(`the page holds no ${name}`);
      return values;
    };
    const maybe = (/** @type {string} */ name) => parameters.get(name) ?? null;
    /** Work to do once there is memory. @type {((kernel: Kernel) => void)[]} */
    const fills = [];
    const places = new Places();
    const linear = (/** @type {string} */ name, /** @type {number} */ k, /** @type {number} */ n) => {
      const weight = places.panels(k, n);
      fills.push((kernel) => kernel.pack(weight, given(`${name}.weight`), n, 1));
      const bias = maybe(`${name}.bias`);
      const wide = bias && new Float32Array(padded(n));
      wide?.set(/** @type {Float32Array} */ (bias));
      return { weight, bias: wide };
    };
    const norm = (/** @type {string} */ name) => ({ weight: given(`${name}.weight`), bias: maybe(`${name}.bias`) });
    const ifThere = (/** @type {string} */ name) => (parameters.has(`${name}.weight`) ? norm(name) : null);
    const hasFfn = config.ffn !== "none";
    this.width = (n_heads + 2 * n_kv_heads) * d_head;
    /** @type {Block[]} */
    this.blocks = Array.from({ length: n_layers }, (_, layer) => {
      const name = `blocks.${layer}`;
      return {
        normAttention: norm(`${name}.norm_attn`), normFfn: ifThere(`${name}.norm_ffn`),
        qkv: linear(`${name}.attn.qkv`, d_model, this.width), output: linear(`${name}.attn.o`, n_heads * d_head, d_model),
        normQ: ifThere(`${name}.attn.q_norm`), normK: ifThere(`${name}.attn.k_norm`),
        up: hasFfn ? linear(`${name}.ffn.up`, d_model, d_ff) : null,
        gate: config.ffn === "swiglu" ? linear(`${name}.ffn.gate`, d_model, d_ff) : null,
        down: hasFfn ? linear(`${name}.ffn.down`, d_ff, d_model) : null,
      };
    });
    this.normFinal = ifThere("norm_final");
    this.head = places.panels(d_model, vocab);
    fills.push((kernel) => (tied_head ? kernel.pack(this.head, given("embed.weight"), 1, d_model) : kernel.pack(this.head, given("head.weight"), vocab, 1)));
    /** Null if the head's panels are the embedding. */
    this.embedding = tied_head ? null : given("embed.weight");
    this.added = maybe("position.added");
    this.bias = maybe("position.bias");
    // Without a mask every token sees all others, so that all rows go through a layer before the next.
    this.rows = config.causal ? Math.min(ROWS, max_tokens) : max_tokens;
    const rows = (/** @type {number} */ width) => ({ at: places.take(this.rows * padded(width)), stride: padded(width) });
    /** Rows on their way through the layers. */
    this.scratch = {
      x: rows(d_model), input: rows(d_model), before: rows(d_model), added: rows(d_model), qkv: rows(this.width), scores: rows(max_tokens),
      z: rows(n_heads * d_head), headZ: rows(d_head), up: rows(d_ff), gate: rows(config.ffn === "swiglu" ? d_ff : 0),
      logits: { at: places.take(padded(vocab)), stride: padded(vocab) },
    };
    /** Keys and values of each text, layer and key head, as factors of products. @type {{ keys: Panels[], values: Panels[] }[]} */
    this.caches = Array.from({ length: readings }, () => {
      const all = Array.from({ length: n_layers * n_kv_heads });
      return { keys: all.map(() => places.panels(d_head, max_tokens)), values: all.map(() => places.panels(max_tokens, d_head)) };
    });
    this.kernel = new Kernel(places.length, wasm);
    for (const fill of fills) fill(this.kernel);
  }

  /**
   * Write the vector of a token into the memory.
   * @param {number} token
   * @param {number} to
   */
  embed(token, to) {
    const { kernel: { floats }, head, config: { d_model } } = this;
    if (this.embedding) {
      floats.set(this.embedding.subarray(token * d_model, (token + 1) * d_model), to);
      return;
    }
    const from = head.at + Math.floor(token / PANEL) * head.stride + token % PANEL;
    for (let i = 0; i < d_model; i++) floats[to + i] = floats[from + i * PANEL];
  }

  /** Parameters of the model in the memory, in bytes. */
  get bytes() {
    return this.kernel.floats.byteLength;
  }
}
