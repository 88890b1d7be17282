// The attention weights of all steps of a trace.

import { expectBytes, readBlock } from "./blocks.js";
import { joinPlanes } from "./unpack.js";

/** The weights of all steps. Step s has the keys `from(s)` … `from(s) + keys(s) − 1`, head by head, layer by layer. */
export class Attention {
  /** @param {import("./types.js").TracePageData} page */
  constructor({ layers, heads, attention, trace: { prompt_tokens: read, steps } }) {
    this.layers = layers;
    this.heads = heads;
    this.steps = steps;
    this.block = attention.block;
    this.error = attention.error;
    /** The code of a weight of 1. */
    this.greatest = 2 ** attention.bits - 1;
    /** @type {Uint16Array} Empty until `decode` is done. */
    this.codes = new Uint16Array();
    this.widths = steps.map(({ from }, step) => read + step - from);
    let at = 0;
    this.starts = this.widths.map((width) => (at += layers * heads * width) - layers * heads * width);
    this.count = at;
  }

  async decode() {
    const bytes = await readBlock(this.block);
    expectBytes(this.block, bytes, 2 * this.count);
    this.codes = joinPlanes(bytes);
  }

  /** @param {number} step */
  from(step) {
    return this.steps[step].from;
  }

  /**
   * Return the codes of one head: `weight × greatest`.
   * @param {number} step
   * @param {number} layer
   * @param {number} head
   * @returns {Uint16Array}
   */
  row(step, layer, head) {
    const start = this.starts[step] + (layer * this.heads + head) * this.widths[step];
    return this.codes.subarray(start, start + this.widths[step]);
  }

  /**
   * Return the weights of one head, or their mean over all heads if none is given.
   * @param {number} step
   * @param {number | null} layer
   * @param {number | null} head
   * @returns {Float64Array}
   */
  weights(step, layer = null, head = null) {
    if (layer !== null && head !== null) return Float64Array.from(this.row(step, layer, head), (code) => code / this.greatest);
    const sums = new Float64Array(this.widths[step]);
    const all = this.layers * this.heads;
    for (let i = 0; i < all; i++) this.row(step, Math.floor(i / this.heads), i % this.heads).forEach((code, key) => { sums[key] += code; });
    return sums.map((sum) => sum / (all * this.greatest));
  }
}
