// A text on its way through the model: rows of earlier tokens are kept as long as nothing before them changes.

import { Changes } from "./live-changes.js";
import { PANEL } from "./live-kernel.js";
import { activate, normalize, rotate, softmax } from "./live-layers.js";
import { Log } from "./live-log.js";
import { firstDifference } from "./live-values.js";

/** @import { Block, Linear, Model, Norm } from "./live-model.js" */
/** @import { Activation } from "./live-edits.js" */
/** @import { Resolved } from "./live-values.js" */
/** @import { Rows } from "./live-changes.js" */

export class Reading {
  /** @type {number[]} */
  tokens = [];
  /** @type {Resolved[]} */
  #edits = [];
  #changes;
  /** By layer and head. @type {Log[][]} */
  #patterns;
  /** Queries, keys and values of a layer as attention uses them. @type {Log[]} */
  #qkv;
  /** The residual stream before each layer and after the last. @type {Log[]} */
  #residual;
  /** Outputs of all heads of a layer. @type {Log[]} */
  #z;
  /** Outputs of attention and of the feed-forward network of a layer. @type {Record<"attn_out" | "mlp_out", Log[]> | null} */
  #outputs;

  /**
   * @param {Model} model
   * @param {number} cache number of its keys and values among the model's
   * @param {boolean} outputs whether the outputs of attention and feed-forward networks are kept, too
   */
  constructor(model, cache, outputs = true) {
    this.model = model;
    this.cache = model.caches[cache];
    this.#changes = new Changes(model.kernel.floats, []);
    const { n_layers, n_heads } = model.config;
    const logs = (/** @type {number} */ count) => Array.from({ length: count }, () => new Log());
    this.#patterns = Array.from({ length: n_layers }, () => logs(n_heads));
    this.#qkv = logs(n_layers);
    this.#z = logs(n_layers);
    this.#residual = logs(n_layers + 1);
    this.#outputs = outputs ? { attn_out: logs(n_layers), mlp_out: logs(n_layers) } : null;
  }

  /**
   * Compute what these tokens, at least one, need that is not there already. Return how many rows that was.
   * @param {number[]} tokens
   * @param {Resolved[]} edits
   */
  read(tokens, edits = []) {
    const { model } = this;
    const kept = model.config.causal ? Math.min(this.#unchanged(tokens), firstDifference(this.#edits, edits)) : this.#whole(tokens, edits);
    this.tokens = [...tokens];
    this.#edits = edits;
    this.#changes = new Changes(model.kernel.floats, edits);
    const from = Math.min(kept, tokens.length);
    for (let row = from; row < tokens.length; row += model.rows) this.#pass(row, Math.min(model.rows, tokens.length - row));
    return tokens.length - from;
  }

  /** @param {number[]} tokens */
  #unchanged(tokens) {
    const differs = tokens.findIndex((token, i) => token !== this.tokens[i]);
    return differs < 0 ? Math.min(tokens.length, this.tokens.length) : differs;
  }

  /** Without a mask all rows are as before or none. @param {number[]} tokens @param {Resolved[]} edits */
  #whole(tokens, edits) {
    const same = tokens.length === this.tokens.length && this.#unchanged(tokens) === tokens.length;
    return same && firstDifference(this.#edits, edits) === Infinity ? tokens.length : 0;
  }

  /**
   * Send `count` rows from token `first` on through all layers.
   * @param {number} first
   * @param {number} count
   */
  #pass(first, count) {
    const { model } = this;
    const { config, kernel: { floats }, scratch: { x, before, input, added } } = model;
    const { d_model, placement, parallel, n_layers } = config;
    for (let row = 0; row < count; row++) {
      const at = x.at + row * x.stride;
      model.embed(this.tokens[first + row], at);
      const { added: table } = model;
      if (table) for (let i = 0; i < d_model; i++) floats[at + i] += table[(first + row) * d_model + i];
    }
    const norm = (/** @type {Norm} */ layer, /** @type {Rows} */ from, /** @type {Rows} */ to) => this.#norm(layer, from, to, count);
    const copy = (/** @type {Rows} */ from, /** @type {Rows} */ to) => floats.copyWithin(to.at, from.at, from.at + count * from.stride);
    /** x ← x + f(norm x), or norm(x + f(x)). @param {Norm} layer @param {() => void} f */
    const sublayer = (layer, f) => {
      if (placement === "pre") norm(layer, x, input);
      else copy(x, input);
      f();
      this.#add(count);
      if (placement === "post") norm(layer, x, x);
    };
    const change = (/** @type {Exclude<Activation, "pattern">} */ activation, /** @type {number} */ layer, /** @type {Rows} */ rows) => {
      this.#changes.rows(activation, layer, null, rows, first, count, d_model);
    };
    model.blocks.forEach((block, layer) => {
      change("resid_pre", layer, x);
      this.#keep(this.#residual[layer], x, first, count, d_model);
      if (parallel) copy(x, before);
      const output = (/** @type {"attn_out" | "mlp_out"} */ activation) => {
        change(activation, layer, added);
        if (this.#outputs) this.#keep(this.#outputs[activation][layer], added, first, count, d_model);
      };
      sublayer(block.normAttention, () => {
        this.#attend(block, layer, first, count);
        output("attn_out");
      });
      const feed = () => {
        this.#feed(block, count);
        output("mlp_out");
      };
      if (block.normFfn && parallel) {
        norm(block.normFfn, before, input);
        feed();
        this.#add(count, true);
      } else if (block.normFfn) sublayer(block.normFfn, feed);
      change("resid_post", layer, x);
    });
    this.#keep(this.#residual[n_layers], x, first, count, d_model);
  }

  /** Add what a sublayer has computed to the stream, or without residual connections replace it. @param {number} count */
  #add(count, always = false) {
    const { config: { residual, d_model }, kernel: { floats }, scratch: { x, added } } = this.model;
    for (let row = 0; row < count; row++) {
      const [to, from] = [x.at + row * x.stride, added.at + row * added.stride];
      for (let i = 0; i < d_model; i++) floats[to + i] = residual || always ? floats[to + i] + floats[from + i] : floats[from + i];
    }
  }

  /** @param {Norm} layer @param {Rows} from @param {Rows} to @param {number} count */
  #norm({ weight, bias }, from, to, count) {
    const { config: { norm, eps, d_model }, kernel: { floats } } = this.model;
    for (let row = 0; row < count; row++) normalize(norm, floats, from.at + row * from.stride, to.at + row * to.stride, d_model, weight, bias, eps);
  }

  /** to ← from·W + b. @param {Linear} layer @param {Rows} from @param {Rows} to @param {number} count */
  #linear({ weight, bias }, from, to, count) {
    const { kernel } = this.model;
    for (let row = 0; row < count; row++) {
      const at = to.at + row * to.stride;
      if (bias) kernel.floats.set(bias, at);
      else kernel.floats.fill(0, at, at + to.stride);
    }
    kernel.multiply(from.at, from.stride, weight, to.at, to.stride, count);
  }

  /** @param {Block} block @param {number} count */
  #feed({ up, gate, down }, count) {
    const { config: { ffn }, kernel: { floats }, scratch } = this.model;
    if (!up || !down) return;
    this.#linear(up, scratch.input, scratch.up, count);
    if (gate) this.#linear(gate, scratch.input, scratch.gate, count);
    activate(ffn, floats, scratch.up.at, scratch.gate.at, count * scratch.up.stride);
    this.#linear(down, scratch.up, scratch.added, count);
  }

  /**
   * @param {Block} block
   * @param {number} layer
   * @param {number} first
   * @param {number} count
   */
  #attend(block, layer, first, count) {
    const { model } = this;
    const { config, kernel, scratch: { input, qkv, scores, z, headZ, added } } = model;
    const { floats } = kernel;
    const { n_heads, n_kv_heads, d_head } = config;
    const tokens = first + count;
    this.#linear(block.qkv, input, qkv, count);
    for (let row = 0; row < count; row++) this.#place(block, layer, first + row, qkv.at + row * qkv.stride);
    this.#keep(this.#qkv[layer], qkv, first, count, model.width);
    const group = n_heads / n_kv_heads;
    for (let head = 0; head < n_heads; head++) {
      const own = layer * n_kv_heads + Math.floor(head / group);
      const keys = { ...this.cache.keys[own], n: tokens };
      const values = { ...this.cache.values[own], k: tokens };
      floats.fill(0, scores.at, scores.at + count * scores.stride);
      kernel.multiply(qkv.at + head * d_head, qkv.stride, keys, scores.at, scores.stride, count);
      for (let row = 0; row < count; row++) this.#weigh(layer, head, first + row, tokens, scores.at + row * scores.stride);
      // A head's columns need not end with a panel: its output goes through rows of its own.
      floats.fill(0, headZ.at, headZ.at + count * headZ.stride);
      kernel.multiply(scores.at, scores.stride, values, headZ.at, headZ.stride, count);
      for (let row = 0; row < count; row++) {
        const from = headZ.at + row * headZ.stride;
        floats.copyWithin(z.at + row * z.stride + head * d_head, from, from + d_head);
      }
      this.#changes.rows("z", layer, head, { at: z.at + head * d_head, stride: z.stride }, first, count, d_head);
    }
    this.#keep(this.#z[layer], z, first, count, n_heads * d_head);
    this.#linear(block.output, z, added, count);
  }

  /**
   * Norm and rotate the heads of a row, and put its keys and values where later rows find them.
   * @param {Block} block
   * @param {number} layer
   * @param {number} place position of the token
   * @param {number} at
   */
  #place({ normQ, normK }, layer, place, at) {
    const { config: { n_heads, n_kv_heads, d_head, eps, rotation }, kernel: { floats } } = this.model;
    for (let head = 0; head < n_heads + n_kv_heads; head++) {
      const from = at + head * d_head;
      const norm = head < n_heads ? normQ : normK;
      if (norm) normalize("rms", floats, from, from, d_head, norm.weight, null, eps);
      if (rotation) rotate(floats, from, place, rotation.radians, rotation.magnitude);
    }
    for (let head = 0; head < n_kv_heads; head++) {
      const own = layer * n_kv_heads + head;
      const [keys, values] = [this.cache.keys[own], this.cache.values[own]];
      const [k, v] = [at + (n_heads + head) * d_head, at + (n_heads + n_kv_heads + head) * d_head];
      const column = keys.at + Math.floor(place / PANEL) * keys.stride + place % PANEL;
      for (let i = 0; i < d_head; i++) {
        floats[column + i * PANEL] = floats[k + i];
        floats[values.at + Math.floor(i / PANEL) * values.stride + place * PANEL + i % PANEL] = floats[v + i];
      }
    }
  }

  /**
   * Turn the scores of a query into weights, with the reader's edits, and keep them.
   * @param {number} layer
   * @param {number} head
   * @param {number} query
   * @param {number} tokens number of keys
   * @param {number} at
   */
  #weigh(layer, head, query, tokens, at) {
    const { bias, config: { causal, scale, max_tokens }, kernel: { floats } } = this.model;
    const seen = causal ? query + 1 : tokens;
    // The bias has a column for each query − key, from 0 on with a mask, else from −(max_tokens − 1) on.
    const own = causal ? head * max_tokens + query : head * (2 * max_tokens - 1) + max_tokens - 1 + query;
    for (let key = 0; key < seen; key++) floats[at + key] = floats[at + key] * scale + (bias ? bias[own - key] : 0);
    softmax(floats, at, seen);
    this.#changes.weights(layer, head, query, at, seen);
    floats.fill(0, at + seen, at + tokens);
    this.#patterns[layer][head].room(causal ? query * (query + 1) / 2 : query * tokens, seen).set(floats.subarray(at, at + seen));
  }

  /** @param {Log} log @param {Rows} rows @param {number} first @param {number} count @param {number} width */
  #keep(log, rows, first, count, width) {
    const { floats } = this.model.kernel;
    for (let row = 0; row < count; row++) {
      const from = rows.at + row * rows.stride;
      log.room((first + row) * width, width).set(floats.subarray(from, from + width));
    }
  }

  /** The pattern of a head, rows up to their last visible key. @param {number} layer @param {number} head */
  pattern(layer, head) {
    const n = this.tokens.length;
    return this.#patterns[layer][head].room(0, this.model.config.causal ? n * (n + 1) / 2 : n * n);
  }

  /** Queries, keys and values of a layer, `[token, (n_heads + 2·n_kv_heads)·d_head]`. @param {number} layer */
  qkv(layer) {
    return this.#qkv[layer].room(0, this.tokens.length * this.model.width);
  }

  /** Outputs of the heads of a layer, `[token, n_heads·d_head]`. @param {number} layer */
  z(layer) {
    const { n_heads, d_head } = this.model.config;
    return this.#z[layer].room(0, this.tokens.length * n_heads * d_head);
  }

  /**
   * The rows of an activation that edits can take: row `place` has the `width` numbers from `at + place · stride` on.
   * @param {{ activation: Activation, layer: number, head: number | null }} edit
   * @returns {{ rows: Float32Array, at: number, stride: number, width: number }}
   */
  rowsOf({ activation, layer, head }) {
    const { d_model, d_head, n_heads } = this.model.config;
    if (activation === "z") return { rows: this.z(layer), at: (head ?? 0) * d_head, stride: n_heads * d_head, width: d_head };
    const whole = { at: 0, stride: d_model, width: d_model };
    if (activation === "resid_pre") return { rows: this.residual(layer), ...whole };
    if (activation === "resid_post") return { rows: this.residual(layer + 1), ...whole };
    if (activation === "pattern" || !this.#outputs) throw new Error(`${activation} is not kept`);
    return { rows: this.#outputs[activation][layer].room(0, this.tokens.length * d_model), ...whole };
  }

  /** The residual stream after `layer` blocks, `[token, d_model]`. @param {number} layer */
  residual(layer) {
    const { d_model } = this.model.config;
    return this.#residual[layer].room(0, this.tokens.length * d_model);
  }

  /**
   * The logits of the token after `place`, or what the head makes of the residual stream after `layer` blocks (the logit lens,
   * nostalgebraist 2020).
   * @param {number} place
   * @returns {Float32Array}
   */
  logits(place, layer = this.model.config.n_layers) {
    const { model } = this;
    const { config: { d_model, norm, eps, vocab }, kernel, scratch: { input, logits }, normFinal } = model;
    kernel.floats.set(this.residual(layer).subarray(place * d_model, (place + 1) * d_model), input.at);
    if (normFinal) normalize(norm, kernel.floats, input.at, input.at, d_model, normFinal.weight, normFinal.bias, eps);
    kernel.floats.fill(0, logits.at, logits.at + logits.stride);
    kernel.multiply(input.at, input.stride, model.head, logits.at, logits.stride, 1);
    return kernel.floats.slice(logits.at, logits.at + vocab);
  }
}
