// Changing the model: heads switched off, and weights of a pattern set.

import { find, make } from "./elements.js";
import { headName } from "./heads.js";
import { quoted } from "./labels.js";
import { written } from "./numbers.js";
import { say } from "./words.js";

/** @import { Ablation, CellEdit } from "./live-edits.js" */
/** @import { Live } from "./live-app.js" */
/** @import { HeadSwitch } from "./types.js" */

/** From one to the next by a click. @type {(Ablation | null)[]} */
const WAYS = [null, "zero", "mean"];

/** @implements {HeadSwitch} */
export class Surgery {
  /** @param {Live} live */
  constructor(live) {
    this.live = live;
    live.app.headSwitch = this;
    this.own = this.make(0, 0);
    this.own.id = "ablate-head";
    find("picker").append(this.own);
    this.weight = make("input", { type: "range", min: 0, max: 1, step: 0.01, id: "cell-weight" });
    this.weight.addEventListener("input", () => this.#setCell(Number(this.weight.value)));
    this.cellName = make("span");
    this.cell = make("label", { id: "cell-edit", hidden: true }, this.cellName, this.weight);
    find("readout").after(this.cell);
    find("restore").addEventListener("click", () => live.setEdits({ ablated: {}, cells: [] }));
    live.app.state.listen(() => this.show());
  }

  /**
   * @param {number} layer
   * @param {number} head
   * @returns {HTMLElement}
   */
  make(layer, head) {
    const button = make("button", { className: "ablate", data: { ablateLayer: layer, ablateHead: head } });
    button.addEventListener("click", () => {
      const name = `${button.dataset.ablateLayer}.${button.dataset.ablateHead}`;
      const { [name]: now = null, ...others } = this.live.edits.ablated;
      const next = WAYS[(WAYS.indexOf(now) + 1) % WAYS.length];
      this.live.setEdits({ ablated: next ? { ...others, [name]: next } : others });
    });
    return button;
  }

  /** @param {HTMLElement} control */
  show(control = this.own) {
    if (control === this.own) this.#showOwn();
    const { ablateLayer = "0", ablateHead = "0" } = control.dataset;
    const way = this.live.edits.ablated[`${ablateLayer}.${ablateHead}`] ?? null;
    control.textContent = say(`ablate-${way ?? "none"}`);
    control.dataset.way = way ?? "none";
    const name = headName(Number(ablateLayer), Number(ablateHead));
    control.title = say("ablate-title", name);
    control.setAttribute("aria-label", `${name}: ${control.textContent}`);
  }

  #showOwn() {
    const { layer, head } = this.live.app.state;
    this.own.hidden = layer === "rollout";
    Object.assign(this.own.dataset, { ablateLayer: layer, ablateHead: head });
    this.#showCell();
    const { ablated, cells } = this.live.edits;
    find("edits").hidden = Object.keys(ablated).length + cells.length === 0;
    const heads = Object.entries(ablated).map(([name, way]) => {
      const [of, number] = name.split(".").map(Number);
      const { [name]: _, ...others } = ablated;
      return this.#entry(`${headName(of, number)}: ${say(`ablate-${way}`)}`, () => this.live.setEdits({ ablated: others }));
    });
    const weights = cells.map((cell) => this.#entry(this.#cellText(cell), () => this.live.setEdits({ cells: cells.filter((one) => one !== cell) })));
    find("edit-list").replaceChildren(...heads, ...weights);
  }

  /**
   * A change, with a button that takes it back.
   * @param {string} text
   * @param {() => void} remove
   */
  #entry(text, remove) {
    const button = make("button", { className: "chip", title: say("remove"), textContent: `${text} ×` });
    button.addEventListener("click", remove);
    return button;
  }

  /** @param {CellEdit} cell */
  #cellText({ layer, head, query, key, weight }) {
    const { tokens } = this.live.app.views[0];
    const label = (/** @type {number} */ i) => quoted(tokens[i]?.text ?? String(i));
    return `${headName(layer, head)}: ${label(query)} → ${label(key)} = ${written(weight, 2)}`;
  }

  /** The pinned cell of the view of one head, if its weight can be set. @returns {Omit<CellEdit, "weight"> | null} */
  get #pinned() {
    const { app } = this.live;
    const { view, layer, head, query, key } = app.state;
    const unit = app.units(app.present()[0]).name;
    const shown = view === "head" && layer !== "rollout" && unit === "token" && query !== null && key !== null;
    if (!shown || !this.live.shown || (this.live.config.causal && key > query)) return null;
    // The first token of a masked text looks at itself alone.
    return this.live.config.causal && query === 0 ? null : { layer, head, query, key };
  }

  #showCell() {
    const cell = this.#pinned;
    this.cell.hidden = !cell;
    if (!cell) return;
    const { app } = this.live;
    this.cellName.textContent = say("set-weight");
    if (document.activeElement !== this.weight) this.weight.value = String(app.matrix(app.views[0], cell.layer, cell.head).value(cell.query, cell.key));
  }

  /** @param {number} weight */
  #setCell(weight) {
    const cell = this.#pinned;
    if (!cell) return;
    const others = this.live.edits.cells.filter((one) => one.layer !== cell.layer || one.head !== cell.head || one.query !== cell.query);
    this.live.setEdits({ cells: [...others, { ...cell, weight }] });
  }
}
