// The view of one head: its heatmap, and the keys that move the pinned cell.

import { headName } from "./heads.js";
import { Heatmap } from "./heatmap.js";

/** @import { App } from "./app.js" */
/** @import { Cell, Panel, Pen } from "./types.js" */

/** @implements {Panel} */
export class HeadPanel {
  /**
   * @param {HTMLElement} host
   * @param {number} column
   * @param {App} app
   */
  constructor(host, column, app) {
    this.column = column;
    this.app = app;
    this.map = new Heatmap(host, column ? `heatmap-${column}` : "heatmap", {
      point: (cell) => app.point(cell && { column, ...cell }),
      pin: (cell) => app.toggle(column, cell),
      key: (event) => this.#key(event),
      window: (window) => app.wander(column, window),
      grab: (cell, touch) => (column === 0 ? app.cellDrag?.(cell, touch) ?? null : null),
    });
  }

  get view() {
    return this.app.shownOn("head")[this.column];
  }

  needs() {
    return [this.view.need(this.app.state.layer)];
  }

  show() {
    const { app, view } = this;
    const { layer, head, zoom, x, y } = app.state;
    const units = app.units(view);
    this.map.look({ zoom, x, y });
    this.map.show({ matrix: app.matrix(view), labels: units.labels, colours: app.coloursOf(view), name: headName(layer, head) });
  }

  /** @param {Cell | null} cell */
  mark(cell) {
    this.map.mark(cell);
  }

  /** @param {Cell | null} cell */
  reveal(cell) {
    if (cell) this.map.reveal(cell);
  }

  /**
   * Move the pinned cell with the arrow keys; with Shift by ten.
   * @param {KeyboardEvent} event
   */
  #key(event) {
    const { app, column, map } = this;
    // On a page that computes.
    if (event.altKey && column === 0 && app.cellKey?.(event)) return event.preventDefault();
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { query: fromQuery, key: fromKey } = app.cellOf(column) ?? { query: 0, key: 0 };
    const by = event.shiftKey ? 10 : 1;
    /** @type {Record<string, [down: number, across: number]>} */
    const moves = {
      ArrowUp: [-by, 0], ArrowDown: [by, 0], ArrowLeft: [0, -by], ArrowRight: [0, by],
      PageUp: [-10, 0], PageDown: [10, 0], Home: [0, -map.n], End: [0, map.n],
    };
    const [nearer, farther] = [() => map.glide(1.5), () => map.glide(1 / 1.5)];
    /** @type {Record<string, () => void>} */
    const zooms = { "+": nearer, "=": nearer, "-": farther, "−": farther, 0: () => map.fit() };
    if (moves[event.key]) {
      const hold = (/** @type {number} */ i) => Math.min(Math.max(i, 0), map.n - 1);
      const cell = { query: hold((fromQuery ?? 0) + moves[event.key][0]), key: hold((fromKey ?? 0) + moves[event.key][1]) };
      app.point(null);
      app.pin(column, cell);
      map.reveal(cell);
    } else if (zooms[event.key]) zooms[event.key]();
    else if (event.key === "Enter" && app.state.query !== null) app.enter();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  extent() {
    return { width: this.map.plot.width, height: this.map.plot.height };
  }

  /** @param {Pen} pen */
  paint(pen) {
    this.map.paint(pen);
    if (this.map.marked) this.map.paintOver(pen);
  }
}
