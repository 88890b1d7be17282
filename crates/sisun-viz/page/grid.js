// All heads at once: layers as rows, heads as columns.

import { make, watchWidth } from "./elements.js";
import { habitOf, headName } from "./heads.js";
import { language, say } from "./words.js";

/** @import { App } from "./app.js" */
/** @import { Colours } from "./colour.js" */
/** @import { Matrix } from "./matrix.js" */
/** @import { Layer, Panel, Pen } from "./types.js" */

/** @implements {Panel} */
export class GridPanel {
  /** @type {Map<string, { matrix: Matrix, colours: Colours, pool: number }>} */
  #shown = new Map();
  /** @type {[button: HTMLButtonElement, layer: Layer, head: number][]} */
  #buttons = [];
  /** Key of the current buttons. */
  #build = "";
  /** Side of a thumbnail in pixels. */
  #size = 0;

  /**
   * @param {HTMLElement} host
   * @param {number} column
   * @param {App} app
   */
  constructor(host, column, app) {
    this.column = column;
    this.app = app;
    this.host = make("div", { className: "heads" });
    host.append(this.host);
    this.host.addEventListener("keydown", (event) => this.#key(event));
    watchWidth(this.host, () => this.show());
  }

  get view() {
    return this.app.present()[this.column];
  }

  needs() {
    const { view } = this;
    return [...view.layers.map((layer) => view.need(layer)), view.need("rollout")];
  }

  /** Draw the patterns decoded so far: the first layers need not wait for the last. */
  show() {
    const { view, host } = this;
    const width = host.clientWidth;
    if (!width) return;
    const room = (width - 58) / view.heads.length;
    // Beside a text box more layers are to be in sight.
    const largest = this.app.headSwitch ? 150 : 236;
    this.#size = Math.floor(Math.min(Math.max(room - 10, 44), largest));
    const build = `${view.layers} ${view.heads} ${view.rollout !== null} ${language()}`;
    if (build !== this.#build) this.#make(build);
    host.style.setProperty("--thumb", `${this.#size}px`);
    for (const [button, layer, head] of this.#buttons) this.#fill(button, layer, head);
    for (const control of host.querySelectorAll(".with-switch > :last-child")) if (control instanceof HTMLElement) this.app.headSwitch?.show(control);
  }

  /** @param {string} build */
  #make(build) {
    const { view, host } = this;
    this.#build = build;
    this.#shown.clear();
    host.style.setProperty("--heads", String(view.heads.length));
    host.replaceChildren(make("span"), ...view.heads.map((head) => make("span", { className: "of-head", textContent: say("head-of", head) })));
    this.#buttons = [];
    const add = (/** @type {Layer} */ layer, /** @type {number} */ head, /** @type {object} */ data) => {
      const button = make("button", { className: "thumb", data });
      button.append(make("span", { className: "habit", textContent: " " }));
      button.addEventListener("click", () => this.app.open(layer, head));
      this.#buttons.push([button, layer, head]);
      // Heads are changed in the first column only.
      const control = layer === "rollout" || this.column > 0 ? null : this.app.headSwitch?.make(layer, head);
      host.append(control ? make("div", { className: "with-switch" }, button, control) : button);
    };
    for (const layer of view.layers) {
      host.append(make("span", { className: "of-layer", textContent: say("layer-of", layer) }));
      for (const head of view.heads) add(layer, head, { layer, head });
    }
    if (view.rollout !== null) {
      host.append(make("span", { className: "of-layer", textContent: say("rollout") }));
      add("rollout", 0, { rollout: "" });
    }
  }

  /**
   * @param {HTMLButtonElement} button
   * @param {Layer} layer
   * @param {number} head
   */
  #fill(button, layer, head) {
    const { app, view } = this;
    const { state } = app;
    const colours = app.coloursOf(view);
    button.classList.toggle("current", layer === state.layer && head === state.head);
    const habit = habitOf(view.statsOf(layer, head), view.chance);
    const [name] = button.querySelectorAll(".habit");
    name.textContent = habit ? say(`habit-${habit}`) : " ";
    button.setAttribute("aria-label", `${headName(layer, head)}${habit ? `, ${say(`habit-${habit}`)}` : ""}`);
    if (view.need(layer)) return;
    const matrix = app.matrix(view, layer, head);
    // Whole cells per pixel; never more pixels than the screen has there.
    const pool = Math.max(1, Math.ceil(matrix.n / Math.floor(this.#size * devicePixelRatio)));
    const place = `${layer} ${head}`;
    const before = this.#shown.get(place);
    if (before && before.matrix === matrix && before.colours === colours && before.pool === pool) return;
    this.#shown.set(place, { matrix, colours, pool });
    const old = button.querySelector("canvas");
    const picture = colours.picture(matrix, pool, old ?? undefined);
    if (picture !== old) button.prepend(picture);
  }

  mark() {
    // The cells of a thumbnail are too small to be marked.
  }

  /**
   * Move from head to head with the arrow keys.
   * @param {KeyboardEvent} event
   */
  #key(event) {
    const at = this.#buttons.findIndex(([button]) => button === document.activeElement);
    const across = this.view.heads.length;
    /** @type {Record<string, number>} */
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across };
    if (at < 0 || !steps[event.key]) return;
    this.#buttons[Math.min(Math.max(at + steps[event.key], 0), this.#buttons.length - 1)][0].focus();
    event.preventDefault();
  }

  extent() {
    const { view } = this;
    const rows = view.layers.length + (view.rollout === null ? 0 : 1);
    return { width: 70 + view.heads.length * 130, height: 30 + rows * 150 };
  }

  /** @param {Pen} pen */
  paint(pen) {
    const { app, view } = this;
    const { palette } = app;
    view.heads.forEach((head, i) => pen.text(say("head-of", head), 70 + i * 130 + 60, 10, { size: 12, fill: palette.soft, align: "center" }));
    for (const [, layer, head] of this.#buttons) {
      const rollout = layer === "rollout";
      const x = 70 + (rollout ? 0 : view.heads.indexOf(head)) * 130;
      const y = 26 + (rollout ? view.layers.length : view.layers.indexOf(layer)) * 150;
      const matrix = app.matrix(view, layer, head);
      const picture = app.coloursOf(view).picture(matrix, Math.max(1, Math.ceil(matrix.n / (120 * pen.density))));
      if (x === 70) pen.text(rollout ? "rollout" : say("layer-of", layer), 60, y + 60, { size: 12, fill: palette.soft, align: "right" });
      pen.image(picture, 0, 0, picture.width, picture.height, x, y, 120, 120);
      pen.frame(x - 0.5, y - 0.5, 121, 121, palette.line);
      const habit = habitOf(view.statsOf(layer, head), view.chance);
      if (habit) pen.text(say(`habit-${habit}`), x + 60, y + 132, { size: 11, fill: palette.soft, align: "center" });
    }
  }
}
