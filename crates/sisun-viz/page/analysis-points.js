// A sheet as points with labels; marks are drawn on a canvas above it.

import { contextOf, make } from "./elements.js";

/** @import { Colours } from "./colour.js" */
/** @import { AnalysisSheet, SheetCell } from "./types.js" */

const EDGE = 24;
const RADIUS = 2.5;
/** Distance in pixels within which a point is meant. */
const NEAR = 24;
/** Height of a line of labels, and the number of labels at most. */
const LINE = 14;
const LABELS = 400;

export class AnalysisPoints {
  /**
   * @param {HTMLElement} host
   * @param {(cell: SheetCell | null) => void} point
   * @param {(cell: SheetCell | null) => void} pin
   */
  constructor(host, point, pin) {
    this.base = make("canvas", { tabIndex: 0 });
    this.over = make("canvas");
    this.host = host;
    /** @type {[x: number, y: number][]} */
    this.places = [];
    this.base.addEventListener("pointermove", (event) => point(this.#nearest(event)));
    this.base.addEventListener("pointerdown", (event) => pin(this.#nearest(event)));
    this.base.addEventListener("pointerleave", () => point(null));
  }

  /**
   * @param {AnalysisSheet} sheet
   * @param {Colours} colours
   */
  show(sheet, colours) {
    if (this.base.parentElement !== this.host) this.host.replaceChildren(this.base, this.over);
    const { palette } = colours;
    const width = Math.max(this.host.clientWidth, 280);
    const height = Math.round(Math.min(width * 0.75, 900));
    const scale = devicePixelRatio || 1;
    for (const canvas of [this.base, this.over]) {
      Object.assign(canvas, { width: Math.round(width * scale), height: Math.round(height * scale) });
      Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
      contextOf(canvas).scale(scale, scale);
    }
    const along = (/** @type {number} */ column) => sheet.rows.map((_, row) => sheet.value({ row, column }));
    const [xs, ys] = [spread(along(0), EDGE, width - EDGE), spread(along(1), height - EDGE, EDGE)];
    this.places = xs.map((x, row) => [x, ys[row]]);
    const context = contextOf(this.base);
    context.clearRect(0, 0, width, height);
    if (sheet.name === "positions") {
      Object.assign(context, { strokeStyle: palette.line, lineWidth: 1 });
      context.beginPath();
      this.places.forEach(([x, y]) => context.lineTo(x, y));
      context.stroke();
    }
    context.fillStyle = palette.accent;
    for (const [x, y] of this.places) {
      context.beginPath();
      context.arc(x, y, RADIUS, 0, 2 * Math.PI);
      context.fill();
    }
    Object.assign(context, { fillStyle: palette.ink, font: `12px ${palette.font}`, textBaseline: "middle" });
    this.#labels(context, sheet.rows, width, height);
  }

  /**
   * Write labels from the edge inwards, each where it covers no other.
   * @param {CanvasRenderingContext2D} context
   * @param {string[]} labels
   * @param {number} width
   * @param {number} height
   */
  #labels(context, labels, width, height) {
    const fromCentre = (/** @type {number} */ row) => Math.hypot(this.places[row][0] - width / 2, this.places[row][1] - height / 2);
    const order = labels.map((_, row) => row).sort((a, b) => fromCentre(b) - fromCentre(a));
    /** @type {[left: number, top: number, right: number][]} */
    const taken = [];
    for (const row of order) {
      if (taken.length === LABELS) return;
      const size = context.measureText(labels[row]).width;
      const left = Math.min(this.places[row][0] + 5, width - size);
      const top = this.places[row][1] - LINE / 2;
      const covers = (/** @type {[number, number, number]} */ [l, t, r]) => left < r && l < left + size && Math.abs(t - top) < LINE;
      if (taken.some(covers)) continue;
      taken.push([left, top, left + size]);
      context.fillText(labels[row], left, top + LINE / 2);
    }
  }

  /**
   * @param {SheetCell | null} cell
   * @param {string} accent
   */
  mark(cell, accent) {
    const context = contextOf(this.over);
    context.clearRect(0, 0, this.over.width, this.over.height);
    const place = cell && this.places[cell.row];
    if (!place) return;
    Object.assign(context, { strokeStyle: accent, lineWidth: 2 });
    context.beginPath();
    context.arc(place[0], place[1], 3 * RADIUS, 0, 2 * Math.PI);
    context.stroke();
  }

  /** @param {SheetCell} cell */
  cellCentre(cell) {
    const box = this.base.getBoundingClientRect();
    return { x: box.left + this.places[cell.row][0], y: box.top + this.places[cell.row][1] };
  }

  /**
   * @param {PointerEvent} event
   * @returns {SheetCell | null}
   */
  #nearest(event) {
    const distance = (/** @type {[number, number]} */ [x, y]) => Math.hypot(x - event.offsetX, y - event.offsetY);
    let [best, least] = [-1, NEAR];
    this.places.forEach((place, row) => {
      if (distance(place) < least) [best, least] = [row, distance(place)];
    });
    return best < 0 ? null : { row: best, column: 0 };
  }
}

/**
 * Spread values from one coordinate to another.
 * @param {number[]} values
 * @param {number} from
 * @param {number} to
 */
function spread(values, from, to) {
  const ends = values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
  const size = ends[1] - ends[0] || 1;
  return values.map((value) => from + (value - ends[0]) / size * (to - from));
}
