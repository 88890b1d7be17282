// What the page's number format costs: its own results on its text beside those that Sisun stored in it.

import { expectBytes, readBlock } from "./blocks.js";
import { find } from "./elements.js";
import { probabilitiesOf } from "./live-sampling.js";
import { tellTrouble } from "./trouble.js";
import { say } from "./words.js";

/** @import { Live } from "./live-app.js" */
/** @import { Laid } from "./live-box.js" */
/** @import { Shown } from "./live-shown.js" */
/** @import { WeightFormat } from "./types.js" */

/** Largest differences. @typedef {{ logit: number, probability: number, weight: number }} Difference */

/** Largest difference of a probability or a weight that each format may cause; more, and the page has been changed. A server's are not measured. @type {Record<WeightFormat, number>} */
const MOST = { bfloat16: 0, float32: 0.01, float24: 0.02, float16: 0.1, int8: 0.5 };

export class Accuracy {
  /** @type {{ logits: Float32Array, codes: (layer: number, head: number) => import("./matrix.js").Matrix } | null} */
  #stored = null;
  /** @type {Difference | null} */
  found = null;

  /** @param {Live} live */
  constructor(live) {
    this.live = live;
  }

  /**
   * Compute the page's own text and compare.
   * @param {Laid} own
   */
  async measure(own) {
    const { live } = this;
    // Computed as `attend` does.
    if (live.model.served) return;
    const view = live.app.views[0];
    for (const layer of view.layers) await view.need(layer);
    const bytes = await readBlock(live.model.logits);
    expectBytes(live.model.logits, bytes, 4 * live.config.vocab);
    this.#stored = { logits: new Float32Array(bytes.buffer), codes: (layer, head) => view.matrix(layer, head) };
    await new Promise((resolve) => {
      this.done = resolve;
      live.measure(own);
    });
  }

  /** @type {(value?: unknown) => void} */
  done = () => {};

  /** @param {Shown} shown */
  compare({ untouched: { pass: untouched } }) {
    const stored = this.#stored;
    if (!stored) return;
    const far = (/** @type {ArrayLike<number>} */ a, /** @type {ArrayLike<number>} */ b) => {
      let most = 0;
      // A model that has diverged gives no numbers here and there.
      for (let i = 0; i < a.length; i++) if (!Number.isNaN(a[i]) || !Number.isNaN(b[i])) most = Math.max(most, Math.abs(a[i] - b[i]));
      return most;
    };
    const { n_heads } = this.live.config;
    let weight = 0;
    untouched.patterns.forEach((codes, layer) => {
      const each = codes.length / n_heads;
      for (let head = 0; head < n_heads; head++) {
        const matrix = stored.codes(layer, head);
        const own = codes.subarray(head * each, (head + 1) * each);
        const there = matrix.codes.subarray(matrix.from, matrix.from + each);
        for (let i = 0; i < each; i++) weight = Math.max(weight, Math.abs(own[i] / 65535 - there[i] / matrix.greatest));
      }
    });
    this.found = {
      logit: far(untouched.logits, stored.logits),
      probability: far(probabilitiesOf(untouched.logits), probabilitiesOf(stored.logits)),
      weight,
    };
    this.#stored = null;
    const most = Math.max(this.found.probability, weight);
    if (!(most <= MOST[this.live.model.format])) tellTrouble(say("live-changed"));
    this.done();
  }

  show() {
    const { served, format: name } = this.live.model;
    if (served) find("live-accuracy").textContent = say("served", name);
    if (!this.found) return;
    const { logit, probability, weight } = this.found;
    const spelled = (/** @type {number} */ x) => x.toExponential(0);
    const { format } = this.live.model;
    find("live-accuracy").textContent = say("accuracy", say(`format-${format}`), spelled(logit), spelled(probability), spelled(weight));
  }
}
