// A view whose layers are still arriving, so that the first maps of a large model are seen early.

import { viewDataOf } from "./live-view.js";
import { View } from "./view.js";

/** @import { Laid } from "./live-box.js" */
/** @import { Fixed } from "./live-view.js" */
/** @import { LayerAnswer } from "./live-worker.js" */
/** @import { Layer, ViewData } from "./types.js" */

/** Answers that are complete before this are shown at once, in milliseconds. */
const PATIENCE = 80;

/** A view that waits for layers which have not arrived. */
class ArrivingView extends View {
  /** @type {Map<Layer, { arrived: Promise<void>, tell: () => void }>} */
  #expected = new Map();

  /**
   * @param {ViewData} data
   * @param {Map<Layer, Uint16Array>} codes
   * @param {Map<string, Float32Array>} floats
   */
  constructor(data, codes, floats) {
    super(data, { codes, floats });
    this.codes = codes;
    this.floats = floats;
    for (const layer of data.layers) {
      let tell = () => {};
      const arrived = /** @type {Promise<void>} */ (new Promise((resolve) => (tell = resolve)));
      this.#expected.set(layer, { arrived, tell });
    }
  }

  /**
   * @override
   * @param {Layer} layer
   */
  need(layer) {
    return this.codes.has(layer) ? null : this.#expected.get(layer)?.arrived ?? null;
  }

  /**
   * @override
   * @param {Layer} layer
   */
  needVectors(layer) {
    return this.need(layer);
  }

  /** @param {LayerAnswer} answer */
  add({ layer, pass }) {
    if (this.codes.has(layer)) return;
    for (const name of /** @type {const} */ (["q", "k", "v"])) this.floats.set(`${name}${layer}`, pass.vectors[name][layer]);
    pass.spreads[layer].forEach((spread, head) => Object.assign(this.stats[layer][head], spread));
    this.codes.set(layer, pass.patterns[layer]);
    this.#expected.get(layer)?.tell();
  }
}

/** Shows answers that take long while they arrive. */
export class Arriving {
  /** @type {{ turn: number, asked: number, view: ArrivingView | null }} */
  #now = { turn: -1, asked: 0, view: null };

  /**
   * Add a layer. Return a view to show, when there is a new one.
   * @param {LayerAnswer} answer
   * @param {number} asked when the text was asked for
   * @param {Laid} laid
   * @param {Fixed} fixed
   * @returns {View | null}
   */
  add(answer, asked, laid, fixed) {
    const { turn, pass } = answer;
    if (this.#now.turn !== turn) this.#now = { turn, asked, view: null };
    const begins = !this.#now.view && performance.now() - asked > PATIENCE;
    if (begins) {
      const unknown = { entropy: null, distance: null, previous: null, first: null };
      const { n_layers, n_heads } = fixed.config;
      const spreads = Array.from({ length: n_layers }, () => Array.from({ length: n_heads }, () => unknown));
      const floats = /** @type {Map<string, Float32Array>} */ (new Map(fixed.bias ? [["bias", fixed.bias]] : []));
      const view = new ArrivingView(viewDataOf(fixed, laid, { spreads, rollout: null, tokens: pass.vectors.tokens }), new Map(), floats);
      pass.patterns.forEach((_, layer) => view.add({ ...answer, layer }));
      this.#now.view = view;
    } else this.#now.view?.add(answer);
    return begins ? this.#now.view : null;
  }
}
