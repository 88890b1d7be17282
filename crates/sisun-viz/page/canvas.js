// A canvas of a square matrix that can be zoomed and panned by wheel, fingers, mouse or keys. Subclasses draw the contents.
// The marks that follow the pointer are on a canvas of their own, so that pointing does not redraw the cells.

import { make, watchWidth } from "./elements.js";
import { CanvasPen } from "./pen.js";

/** @import { Cell, Palette, Pen, Window } from "./types.js" */
/** @typedef {{ query: number, key: number }} WholeCell */
/** @typedef {{ left: number, top: number, side: number, width: number, height: number }} Plot In CSS pixels. */

/**
 * Callbacks for the reader's actions.
 * @typedef {object} Listener
 * @property {(cell: WholeCell | null) => void} point a cell is pointed at, or the pointer has left
 * @property {(cell: WholeCell) => void} pin a cell was chosen
 * @property {(event: KeyboardEvent) => void} key a key was pressed
 * @property {(window: Window) => void} window another part is visible
 * @property {(cell: WholeCell, touch: boolean) => ((up: number) => void) | null} [grab] a cell was pressed; if it can be dragged, a
 *   function that is called with how far up it is, in pixels
 */

const MOTIONLESS = matchMedia("(prefers-reduced-motion: reduce)");

/** Maximum side of a magnified cell in pixels, as in the pictures that `sisun attend` writes. */
export const LARGEST_CELL = 64;

/** The plot of a canvas that has no width yet. @type {Plot} */
const NOWHERE = { left: 0, top: 0, side: 0, width: 0, height: 0 };

export class MatrixCanvas {
  /** @type {Map<number, [x: number, y: number]>} */
  #pointers = new Map();
  #frame = 0;
  #moved = false;
  /** The cell that is dragged, and from where. @type {{ drag: (up: number) => void, from: number } | null} */
  #grabbed = null;

  /**
   * @param {HTMLElement} host
   * @param {string} id
   * @param {Listener} on
   */
  constructor(host, id, on) {
    this.on = on;
    this.n = 1;
    this.plot = NOWHERE;
    /** @type {Window} */
    this.window = { zoom: 1, x: 0, y: 0 };
    /** @type {Cell | null} */
    this.marked = null;
    this.base = make("canvas", { id, className: "base", tabIndex: 0, role: "application", "aria-describedby": "readout" });
    this.over = make("canvas", { className: "over", "aria-hidden": "true" });
    this.host = make("div", { className: "matrix" }, this.base, this.over);
    host.append(this.host);
    this.#listenToPointers();
    this.base.addEventListener("keydown", (event) => this.on.key(event));
    watchWidth(this.host, () => this.layout());
  }

  /**
   * The colours of the subclass.
   * @abstract
   * @returns {Palette}
   */
  get palette() {
    throw new Error("a matrix needs a palette");
  }

  /** Compute all sizes from the available width, and call `place`. @abstract */
  layout() {}

  /**
   * Draw the matrix with any pen.
   * @abstract
   * @param {Pen} pen
   */
  paint(pen) {}

  /**
   * Draw the mark of a cell.
   * @abstract
   * @param {Pen} pen
   */
  paintOver(pen) {}

  /** True once it has been placed, so that there is something to show. */
  get placed() {
    return this.plot !== NOWHERE;
  }

  /**
   * Set the position: a matrix of `n` cells per side, and its plot.
   * @param {number} n
   * @param {Plot} plot
   */
  place(n, plot) {
    this.n = n;
    this.plot = plot;
    this.host.style.height = `${plot.height}px`;
    this.look(this.window);
  }

  /** Side of a cell in pixels. */
  get cell() {
    return this.plot.side * this.window.zoom / this.n;
  }

  /**
   * Return the centre of a cell in client coordinates.
   * @param {number} query
   * @param {number} key
   */
  cellCentre(query, key) {
    const box = this.base.getBoundingClientRect();
    const { plot: { left, top }, window: { x, y }, cell } = this;
    return { x: box.left + left + (key + 0.5 - x) * cell, y: box.top + top + (query + 0.5 - y) * cell };
  }

  /**
   * Convert client coordinates to pixels of the plot.
   * @param {number} clientX
   * @param {number} clientY
   * @returns {[across: number, down: number]}
   */
  #inPlot(clientX, clientY) {
    const box = this.base.getBoundingClientRect();
    return [clientX - box.left - this.plot.left, clientY - box.top - this.plot.top];
  }

  /**
   * Return the cell at client coordinates, or null.
   * @param {number} clientX
   * @param {number} clientY
   * @returns {WholeCell | null}
   */
  cellAt(clientX, clientY) {
    if (!this.placed) return null;
    const [across, down] = this.#inPlot(clientX, clientY);
    const { plot: { side }, window: { x, y } } = this;
    if (across < 0 || down < 0 || across >= side || down >= side) return null;
    const at = (/** @type {number} */ place, /** @type {number} */ start) => Math.min(Math.floor(start + place / this.cell), this.n - 1);
    return { query: at(down, y), key: at(across, x) };
  }

  /**
   * Mark a cell, its row and its column.
   * @param {Cell | null} cell
   */
  mark(cell) {
    this.marked = cell;
    if (this.placed) this.paintOver(CanvasPen.on(this.over, this.plot.width, this.plot.height, this.palette));
  }

  draw() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      if (!this.placed || !this.host.isConnected) return;
      this.paint(CanvasPen.on(this.base, this.plot.width, this.plot.height, this.palette));
      this.mark(this.marked);
    });
  }

  #most() {
    return Math.max(4, this.n * LARGEST_CELL / this.plot.side);
  }

  /**
   * Show a part: magnified `zoom` times, with cell (y, x) in the corner.
   * @param {Window} window
   */
  look({ zoom, x, y }) {
    this.window = { zoom, x, y };
    if (!this.placed) return;
    const held = Math.min(Math.max(zoom, 1), this.#most());
    const room = this.n - this.n / held;
    this.window = { zoom: held, x: Math.min(Math.max(x, 0), room), y: Math.min(Math.max(y, 0), room) };
    this.base.classList.toggle("zoomed", held > 1);
    this.draw();
  }

  /** @param {Window} window */
  #wander({ zoom, x, y }) {
    // The steps of an animation do not multiply to exactly 1.
    this.look(zoom < 1.0001 ? { zoom: 1, x: 0, y: 0 } : { zoom, x, y });
    this.on.window(this.window);
  }

  /**
   * Zoom by a factor around a fixed point (in pixels of the plot).
   * @param {number} factor
   */
  zoomBy(factor, across = this.plot.side / 2, down = this.plot.side / 2) {
    const { zoom, x, y } = this.window;
    const next = Math.min(Math.max(zoom * factor, 1), this.#most());
    const gain = (1 / zoom - 1 / next) * this.n / this.plot.side;
    this.#wander({ zoom: next, x: x + across * gain, y: y + down * gain });
  }

  /**
   * Zoom over several frames, for keys and buttons, so that the eye can follow.
   * @param {number} factor
   * @param {number} [across]
   * @param {number} [down]
   */
  glide(factor, across, down) {
    if (MOTIONLESS.matches) return this.zoomBy(factor, across, down);
    const start = performance.now();
    let done = 0;
    const step = (/** @type {number} */ now) => {
      const part = Math.min(Math.max((now - start) / 160, 0), 1);
      this.zoomBy(factor ** (part - done), across, down);
      done = part;
      if (part < 1) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  fit() {
    this.glide(1 / this.window.zoom);
  }

  /**
   * Move the visible part just far enough to contain a cell.
   * @param {Cell} cell
   */
  reveal({ query, key }) {
    if (!this.placed) return;
    const seen = this.n / this.window.zoom;
    const into = (/** @type {number} */ start, /** @type {number | null} */ cell) => (cell === null ? start : Math.min(Math.max(start, cell + 1 - seen), cell));
    const [x, y] = [into(this.window.x, key), into(this.window.y, query)];
    if (x !== this.window.x || y !== this.window.y) this.#wander({ ...this.window, x, y });
  }

  #listenToPointers() {
    const { base } = this;
    let scrolled = 0;
    addEventListener("scroll", () => { scrolled = performance.now(); }, { passive: true });
    base.addEventListener("wheel", (event) => {
      if (!this.placed) return;
      // While the page is being scrolled, or if there is nothing left to zoom, the picture does not capture the wheel.
      if (!event.ctrlKey && performance.now() - scrolled < 200) return;
      if (!event.ctrlKey && event.deltaY > 0 && this.window.zoom <= 1) return;
      event.preventDefault();
      const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : 1);
      this.zoomBy(Math.exp(-pixels * (event.ctrlKey ? 0.01 : 0.0015)), ...this.#inPlot(event.clientX, event.clientY));
    }, { passive: false });
    base.addEventListener("dblclick", (event) => this.glide(2, ...this.#inPlot(event.clientX, event.clientY)));
    base.addEventListener("touchmove", (event) => {
      // One finger scrolls the page as long as the whole matrix is visible.
      if (event.touches.length > 1 || this.window.zoom > 1 || this.#grabbed) event.preventDefault();
    }, { passive: false });
    base.addEventListener("pointerdown", (event) => {
      if (this.#pointers.size === 0) this.#moved = false;
      this.#pointers.set(event.pointerId, [event.clientX, event.clientY]);
      base.setPointerCapture(event.pointerId);
      const cell = this.#pointers.size === 1 ? this.cellAt(event.clientX, event.clientY) : null;
      const drag = cell && (this.on.grab?.(cell, event.pointerType === "touch") ?? null);
      this.#grabbed = drag && { drag, from: event.clientY };
    });
    base.addEventListener("pointermove", (event) => this.#move(event));
    base.addEventListener("pointerup", (event) => {
      const cell = this.cellAt(event.clientX, event.clientY);
      if (!this.#moved && this.#pointers.size === 1 && cell) this.on.pin(cell);
      this.#pointers.delete(event.pointerId);
      this.#grabbed = null;
    });
    base.addEventListener("pointercancel", (event) => {
      this.#pointers.delete(event.pointerId);
      this.#grabbed = null;
    });
    base.addEventListener("pointerleave", () => this.on.point(null));
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const before = this.#pointers.get(event.pointerId);
    if (!before) return this.on.point(this.cellAt(event.clientX, event.clientY));
    /** @type {[x: number, y: number]} */
    const now = [event.clientX, event.clientY];
    const [dx, dy] = [now[0] - before[0], now[1] - before[1]];
    // Ignore small movements during a click.
    if (!this.#moved && Math.hypot(dx, dy) < 4) return;
    this.#moved = true;
    const other = [...this.#pointers].find(([id]) => id !== event.pointerId)?.[1];
    this.#pointers.set(event.pointerId, now);
    if (this.#grabbed && !other) this.#grabbed.drag(this.#grabbed.from - event.clientY);
    else if (other) {
      const apart = (/** @type {[x: number, y: number]} */ place) => Math.hypot(place[0] - other[0], place[1] - other[1]) || 1;
      this.zoomBy(apart(now) / apart(before), ...this.#inPlot((now[0] + other[0]) / 2, (now[1] + other[1]) / 2));
    } else {
      const { zoom, x, y } = this.window;
      this.#wander({ zoom, x: x - dx / this.cell, y: y - dy / this.cell });
    }
  }
}
