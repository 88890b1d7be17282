// Changing the model at its heads: ablating them, forcing their patterns, setting single weights. And the list of all changes.

import { find, make, onChoice } from "./elements.js";
import { headName } from "./heads.js";
import { quoted, shown } from "./labels.js";
import { quotedText, samePlace, spellEdit } from "./live-edits.js";
import { written } from "./numbers.js";
import { say } from "./words.js";

/** @import { Change, Edit } from "./live-edits.js" */
/** @import { Live } from "./live-app.js" */
/** @import { HeadSwitch } from "./types.js" */

/** What can be done to a whole head. @typedef {Exclude<Change, number | "from">} HeadChange */
/** @type {HeadChange[]} */
const HEAD_CHANGES = ["zero", "mean", "diagonal", "first", "previous"];

/** From one to the next by a click. @type {(HeadChange | null)[]} */
const CLICKS = [null, "zero", "mean"];

/** Pixels by which a cell is dragged from weight 0 to 1. */
const DRAG = 160;

/** @typedef {{ layer: number, head: number, query: number, key: number }} PatternCell */

/** @implements {HeadSwitch} */
export class Surgery {
  /** @param {Live} live */
  constructor(live) {
    this.live = live;
    const { app } = live;
    app.headSwitch = this;
    app.cellDrag = (cell, touch) => this.#drag(cell, touch);
    app.cellKey = (event) => this.#key(event);
    this.own = make("select", { id: "head-change" });
    this.ownLabel = make("label", {}, make("span", { data: { say: "head-change" } }), " ", this.own);
    onChoice(this.own, "change", (change) => {
      const { layer, head } = app.state;
      if (layer !== "rollout") this.#setHead(layer, head, HEAD_CHANGES.find((known) => known === change) ?? null);
    });
    find("picker").append(this.ownLabel);
    this.weight = make("input", { type: "range", min: 0, max: 1, step: 0.01, id: "cell-weight" });
    this.number = make("input", { type: "number", min: 0, max: 1, step: 0.01, id: "cell-number" });
    for (const input of [this.weight, this.number]) {
      input.addEventListener("input", () => {
        const cell = this.#pinned;
        if (cell && input.value !== "" && Number.isFinite(input.valueAsNumber)) this.#setCell(cell, input.valueAsNumber);
      });
    }
    this.cellName = make("span");
    this.cell = make("div", { id: "cell-edit", hidden: true }, this.cellName, this.weight, this.number);
    find("readout").after(this.cell);
    find("restore").addEventListener("click", () => live.setEdits([]));
    app.state.listen(() => this.show());
  }

  /**
   * What is done to a whole head, if anything; the last of several changes.
   * @param {number} layer
   * @param {number} head
   * @returns {HeadChange | null}
   */
  #changeOf(layer, head) {
    const own = this.live.asked.edits.filter((edit) => edit.layer === layer && edit.head === head && edit.position === null);
    const { change = null } = own[own.length - 1] ?? {};
    return HEAD_CHANGES.find((known) => known === change) ?? null;
  }

  /**
   * @param {number} layer
   * @param {number} head
   * @param {HeadChange | null} change
   */
  #setHead(layer, head, change) {
    const others = this.live.asked.edits.filter((edit) => edit.layer !== layer || edit.head !== head || edit.position !== null || edit.change === "from");
    const activation = change === "zero" || change === "mean" ? "z" : "pattern";
    this.live.setEdits(change ? [...others, { activation, layer, head, position: null, key: null, change }] : others);
  }

  /**
   * The control of a head in the grid.
   * @param {number} layer
   * @param {number} head
   * @returns {HTMLElement}
   */
  make(layer, head) {
    const button = make("button", { className: "ablate", data: { ablateLayer: layer, ablateHead: head } });
    button.addEventListener("click", () => {
      const at = CLICKS.indexOf(this.#changeOf(layer, head));
      this.#setHead(layer, head, at < 0 ? null : CLICKS[(at + 1) % CLICKS.length]);
    });
    return button;
  }

  /** @param {HTMLElement} [control] that of a head; without one, all that is outside the grid */
  show(control) {
    if (!control) return this.#showOwn();
    const [layer, head] = [Number(control.dataset.ablateLayer), Number(control.dataset.ablateHead)];
    const change = this.#changeOf(layer, head);
    const text = say(`ablate-${change ?? "none"}`);
    if (control.textContent === text && control.title) return;
    control.textContent = text;
    control.dataset.way = change ?? "none";
    const name = headName(layer, head);
    control.title = say("ablate-title", name);
    control.setAttribute("aria-label", `${name}: ${text}`);
  }

  #showOwn() {
    const { layer, head } = this.live.app.state;
    this.ownLabel.hidden = layer === "rollout";
    if (layer !== "rollout") {
      const [label] = this.ownLabel.querySelectorAll("span");
      label.textContent = say("head-change");
      const names = [null, ...HEAD_CHANGES].map((change) => make("option", { value: change ?? "none", textContent: say(`head-${change ?? "none"}`) }));
      if ([...this.own.options].map((one) => one.text).join() !== names.map((one) => one.text).join()) this.own.replaceChildren(...names);
      this.own.value = this.#changeOf(layer, head) ?? "none";
    }
    this.#showCell();
    const { edits } = this.live.asked;
    find("edits").hidden = edits.length === 0;
    find("edit-list").replaceChildren(...edits.map((edit) => this.#entry(edit, () => this.live.setEdits(edits.filter((one) => one !== edit)))));
  }

  /**
   * A change, with a button that takes it back.
   * @param {Edit} edit
   * @param {() => void} remove
   */
  #entry(edit, remove) {
    const { shown: now, first, second } = this.live;
    const made = now?.about.edits.some((one) => spellEdit(one) === spellEdit(edit)) ?? true;
    const text = (/** @type {"mean" | "from"} */ change) => quotedText(change === "mean" ? first.area.value : second.area.value);
    const notation = `--edit "${spellEdit(edit, text)}"`;
    const title = made ? notation : `${say("edit-idle")} ${notation}`;
    const button = make("button", { className: made ? "chip" : "chip idle", title, textContent: `${this.#textOf(edit)} ×` });
    button.setAttribute("aria-label", `${say("remove")}: ${this.#textOf(edit)}`);
    button.addEventListener("click", remove);
    return button;
  }

  /** @param {Edit} edit */
  #textOf({ activation, layer, head, position, key, change }) {
    const tokens = this.live.shown?.now.view.tokens ?? [];
    const label = (/** @type {number} */ i) => quoted(tokens[i] ? shown(tokens[i].text) : String(i));
    if (typeof change === "number") return `${headName(layer, head ?? 0)}: ${label(position ?? 0)} → ${label(key ?? 0)} = ${written(change, 2)}`;
    const what = head === null ? say(`what-${activation}`, layer) : headName(layer, head);
    const where = position === null ? "" : `, ${label(position)}`;
    return `${what}${where}: ${say(`becomes-${change}`)}`;
  }

  /** Return the cell if its weight can be set. @param {{ query: number | null, key: number | null }} cell @returns {PatternCell | null} */
  #editable({ query, key }) {
    const { live } = this;
    const { view, layer, head, unit } = live.app.state;
    if (view !== "head" || layer === "rollout" || unit !== "token" || query === null || key === null || !live.shown) return null;
    // The first token of a masked text looks at itself alone.
    return live.config.causal && (key > query || query === 0) ? null : { layer, head, query, key };
  }

  /** The pinned cell of the view of one head, if its weight can be set. */
  get #pinned() {
    return this.#editable(this.live.app.state);
  }

  /** @param {PatternCell} cell */
  #valueOf({ layer, head, query, key }) {
    const { app } = this.live;
    return app.matrix(app.views[0], layer, head).value(query, key);
  }

  #showCell() {
    const cell = this.#pinned;
    this.cell.hidden = !cell;
    if (!cell) return;
    const name = say("set-weight");
    this.cellName.textContent = name;
    for (const [input, decimals] of /** @type {[HTMLInputElement, number][]} */ ([[this.weight, 4], [this.number, 3]])) {
      input.setAttribute("aria-label", name);
      if (document.activeElement !== input) input.value = this.#valueOf(cell).toFixed(decimals);
    }
  }

  /**
   * @param {PatternCell} cell
   * @param {number} weight
   */
  #setCell({ layer, head, query, key }, weight) {
    const change = Number(Math.min(Math.max(weight, 0), 1).toFixed(3));
    /** @type {Edit} */
    const edit = { activation: "pattern", layer, head, position: query, key, change };
    this.live.setEdits([...this.live.asked.edits.filter((one) => !samePlace(one, edit)), edit]);
  }

  /**
   * A finger, or any pointer in a magnified picture, drags the pinned cell only: elsewhere it moves the picture.
   * @param {{ query: number, key: number }} pressed
   * @param {boolean} touch
   */
  #drag(pressed, touch) {
    const { app } = this.live;
    const cell = this.#editable(pressed);
    const { query, key, zoom } = app.state;
    const pinned = query === pressed.query && key === pressed.key;
    if (!cell || ((touch || zoom > 1) && !pinned)) return null;
    const start = this.#valueOf(cell);
    return (/** @type {number} */ up) => {
      if (!pinned) app.pin(0, pressed);
      this.#setCell(cell, start + up / DRAG);
    };
  }

  /**
   * Alt with the arrows up and down changes the pinned cell.
   * @param {KeyboardEvent} event
   */
  #key(event) {
    const cell = this.#pinned;
    const by = event.key === "ArrowUp" ? 1 : event.key === "ArrowDown" ? -1 : 0;
    if (!cell || by === 0) return false;
    this.#setCell(cell, this.#valueOf(cell) + by * (event.shiftKey ? 0.25 : 0.05));
    return true;
  }
}
