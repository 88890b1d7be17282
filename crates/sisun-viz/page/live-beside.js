// The choice of what stands beside the maps: the second sentence, or the model without the reader's changes.

import { fillSelect, find, onChoice } from "./elements.js";
import { say } from "./words.js";

/** @import { Live } from "./live-app.js" */

/** @type {("second" | "untouched" | "nothing")[]} */
const CHOICES = ["second", "untouched", "nothing"];

export class Beside {
  /** @param {Live} live */
  constructor(live) {
    this.live = live;
    this.select = find("beside", HTMLSelectElement);
    onChoice(this.select, "change", (name) => live.app.state.set({ beside: CHOICES.find((known) => known === name) ?? "second" }));
  }

  show() {
    fillSelect(this.select, CHOICES.map((name) => [name, say(`beside-${name}`)]), this.live.app.state.beside);
  }
}
