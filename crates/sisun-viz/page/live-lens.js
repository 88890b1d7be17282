// The logit lens (nostalgebraist 2020): what the head would predict from the last token after each layer.

import { find, make } from "./elements.js";
import { shown } from "./labels.js";
import { nextTokens, probabilitiesOf } from "./live-sampling.js";
import { percent, signed } from "./numbers.js";
import { say } from "./words.js";

/** @import { Live } from "./live-app.js" */

/** Number of tokens of each layer. */
const LISTED = 3;

export class Lens {
  /** @param {Live} live */
  constructor(live) {
    this.live = live;
    this.box = find("lens", HTMLDetailsElement);
    this.table = find("lens-table");
    this.box.addEventListener("toggle", () => {
      if (this.box.open && live.shown && !live.shown.untouched.pass.lens) live.compute();
    });
  }

  get open() {
    return this.box.open;
  }

  show() {
    const { live } = this;
    const { untouched, edited, now } = live.shown ?? {};
    const lens = now?.pass.lens;
    if (!this.box.open || !lens) return;
    const heading = (/** @type {string} */ textContent) => make("th", { scope: "col", textContent });
    const ranks = Array.from({ length: LISTED }, (_, rank) => heading(String(rank + 1)));
    const rows = lens.map((logits, layer) => {
      const before = edited && untouched?.pass.lens ? probabilitiesOf(untouched.pass.lens[layer]) : null;
      const { listed } = nextTokens(logits, { temperature: 1, top_k: 0, top_p: 1 }, LISTED);
      const cells = listed.map(({ id, probability }) => {
        const change = before ? [make("span", { className: "change", textContent: say("points", signed(100 * (probability - before[id]), 2)) })] : [];
        return make("td", { data: { token: id, probability } }, make("bdi", { textContent: shown(live.tokenizer.label(id)) }), " ",
          make("span", { className: "value", textContent: percent(probability) }), ...change);
      });
      const name = layer === 0 ? say("lens-start") : say("lens-after", layer - 1);
      return make("tr", {}, make("th", { scope: "row", textContent: name }), ...cells);
    });
    this.table.replaceChildren(make("thead", {}, make("tr", {}, heading(say("layer")), ...ranks)), make("tbody", {}, ...rows));
  }
}
