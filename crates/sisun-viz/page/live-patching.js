// Changing activations by hand: a table of tokens and layers, where a click puts something else in place of one.

import { fillSelect, find, make, onChoice } from "./elements.js";
import { quoted, shown } from "./labels.js";
import { ACTIVATIONS, hasHeads, samePlace } from "./live-edits.js";
import { say } from "./words.js";

/** @import { Activation, Edit } from "./live-edits.js" */
/** @import { Live } from "./live-app.js" */

/** @typedef {"from" | "zero" | "mean"} PatchChange */
/** @type {PatchChange[]} */
const CHANGES = ["from", "zero", "mean"];
/** How each is shown in a cell. @type {Record<PatchChange, string>} */
const SIGNS = { from: "⇄", zero: "0", mean: "μ" };

export class Patching {
  /** @type {Exclude<Activation, "pattern">} */
  #activation = "resid_pre";
  #head = 0;
  /** @type {PatchChange} */
  #change = "from";

  /** @param {Live} live */
  constructor(live) {
    this.live = live;
    this.box = find("patch", HTMLDetailsElement);
    this.selects = {
      activation: find("patch-activation", HTMLSelectElement), head: find("patch-head", HTMLSelectElement), change: find("patch-change", HTMLSelectElement),
    };
    this.table = find("patch-cells");
    this.known = ACTIVATIONS.flatMap((name) => (name === "pattern" || (name === "mlp_out" && live.config.ffn === "none") ? [] : [name]));
    const { activation, head, change } = this.selects;
    onChoice(activation, "change", (name) => { this.#activation = this.known.find((known) => known === name) ?? this.#activation; this.show(); });
    onChoice(head, "change", (number) => { this.#head = Number(number); this.show(); });
    onChoice(change, "change", (name) => { this.#change = CHANGES.find((known) => known === name) ?? this.#change; this.show(); });
    this.box.addEventListener("toggle", () => this.show());
  }

  show() {
    const { live, selects, known } = this;
    const now = live.shown;
    if (!this.box.open || !now) return;
    const { n_layers, n_heads } = live.config;
    fillSelect(selects.activation, known.map((name) => [name, say(`patch-${name}`)]), this.#activation);
    fillSelect(selects.head, Array.from({ length: n_heads }, (_, head) => [head, head]), this.#head);
    fillSelect(selects.change, CHANGES.map((name) => [name, say(`becomes-${name}`)]), this.#change);
    selects.head.closest("label")?.toggleAttribute("hidden", !hasHeads(this.#activation));
    const { tokens } = now.about.first;
    const second = now.about.second?.ids.length ?? null;
    const needs = this.#change === "from";
    find("patch-none").hidden = !needs || second !== null;
    /** Whether the other text has values for a position, null for all. @param {number | null} position */
    const there = (position) => !needs || (second !== null && (position === null || !live.config.causal ? second === tokens.length : position < second));
    const layers = Array.from({ length: n_layers }, (_, layer) => layer);
    const edits = live.asked.edits.filter((edit) => edit.activation === this.#activation && (edit.head ?? this.#head) === this.#head);
    const cell = (/** @type {number} */ layer, /** @type {number | null} */ position) => {
      const own = edits.filter((edit) => edit.layer === layer && (edit.position === position || edit.position === null));
      const last = own[own.length - 1];
      const pressed = last !== undefined && last.position === position;
      const sign = last && typeof last.change === "string" ? SIGNS[/** @type {PatchChange} */ (last.change)] ?? "" : "";
      const where = position === null ? say("patch-all") : quoted(shown(tokens[position].text));
      const button = make("button", {
        className: last && !pressed ? "whole" : "", data: { patchLayer: layer, patchPosition: position ?? "all" }, ariaPressed: String(pressed),
        disabled: !there(position) && !pressed, textContent: position === null ? `${layer}` : sign, title: `${say("layer-of", layer)}, ${where}`,
      });
      button.setAttribute("aria-label", button.title);
      button.addEventListener("click", () => this.#toggle(layer, position));
      return button;
    };
    const focused = document.activeElement instanceof HTMLElement && this.table.contains(document.activeElement) ? document.activeElement.dataset : null;
    const heads = make("tr", {}, make("th", { scope: "col", textContent: say("layer") }), ...layers.map((layer) => make("th", { scope: "col" }, cell(layer, null))));
    const rows = tokens.map(({ text }, position) => make("tr", {}, make("th", { scope: "row" }, make("bdi", { textContent: shown(text) })),
      ...layers.map((layer) => make("td", {}, cell(layer, position)))));
    this.table.replaceChildren(make("thead", {}, heads), make("tbody", {}, ...rows));
    if (focused) {
      const again = this.table.querySelector(`[data-patch-layer="${focused.patchLayer}"][data-patch-position="${focused.patchPosition}"]`);
      if (again instanceof HTMLElement) again.focus({ preventScroll: true });
    }
  }

  /**
   * @param {number} layer
   * @param {number | null} position
   */
  #toggle(layer, position) {
    const { edits } = this.live.asked;
    /** @type {Edit} */
    const edit = { activation: this.#activation, layer, head: hasHeads(this.#activation) ? this.#head : null, position, key: null, change: this.#change };
    const others = edits.filter((one) => !samePlace(one, edit));
    const same = edits.some((one) => samePlace(one, edit) && one.change === edit.change);
    this.live.setEdits(same ? others : [...others, edit]);
  }
}
