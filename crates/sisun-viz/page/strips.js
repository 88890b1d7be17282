// Vectors as strips of coloured cells, drawn just before they become visible.

import { diverging, hex, inkOn } from "./colour.js";
import { make } from "./elements.js";
import { written } from "./numbers.js";
import { CanvasPen } from "./pen.js";
import { isPrinting } from "./printing.js";

/** @import { Palette, Pen } from "./types.js" */
/** @typedef {Float32Array | Float64Array} Vector */

/**
 * A vector and its description.
 * @typedef {object} Strip
 * @property {string} name
 * @property {Vector} values
 * @property {number} limit the largest magnitude of the vectors it is compared with
 * @property {number} [token] the token that it belongs to
 * @property {Vector} [times] the query to multiply it with
 * @property {number} [weight] the weight to multiply it with
 */

/** @param {number} i */
const subscript = (i) => String(i).replace(/\d/g, (digit) => "₀₁₂₃₄₅₆₇₈₉"[Number(digit)]);

/**
 * Return the width of one of `dimensions` dimensions, in pixels.
 * @param {number} dimensions
 */
const cellOf = (dimensions) => {
  const steps = [[8, 44], [16, 13], [32, 8], [64, 5], [128, 3]];
  return steps.find(([most]) => dimensions <= most)?.[1] ?? 2;
};

/**
 * @param {Pen} pen
 * @param {number} x
 * @param {number} y
 * @param {Pick<Strip, "values" | "limit">} strip
 * @param {Palette} palette
 */
export function paintStrip(pen, x, y, { values, limit }, palette) {
  const cell = cellOf(values.length);
  values.forEach((value, d) => {
    const rgb = diverging(value, limit, palette);
    pen.rect(x + d * cell, y, cell - (cell > 4 ? 1 : 0), 20, hex(rgb));
    if (cell >= 40) pen.text(written(value, 2), x + (d + 0.5) * cell, y + 10, { size: 11, fill: inkOn(rgb), align: "center" });
  });
}

/**
 * Return the width of a vector's strip in pixels.
 * @param {Vector} values
 * @returns {number}
 */
export const stripWidth = (values) => values.length * cellOf(values.length);

/** The strips of one view. */
export class Strips {
  /** @type {WeakMap<EventTarget, Strip>} */
  #strips = new WeakMap();
  /** @type {IntersectionObserver | null} */
  #watcher = null;

  /**
   * Create the canvas of a strip, still empty.
   * @param {Strip} strip
   * @returns {HTMLCanvasElement}
   */
  make(strip) {
    const spoken = `${strip.name}: ${[...strip.values].map((x) => written(x, 3)).join(" ")}`;
    const canvas = make("canvas", { className: "strip", role: "img", "aria-label": spoken });
    canvas.style.width = `${stripWidth(strip.values)}px`;
    canvas.style.height = "20px";
    this.#strips.set(canvas, strip);
    return canvas;
  }

  /** Stop drawing the existing strips. */
  stop() {
    this.#watcher?.disconnect();
  }

  /**
   * Draw the strips that are visible, or soon will be: a long text has two thousand.
   * @param {Element} host their container
   * @param {Element | null} scroller
   * @param {() => Palette} palette
   */
  watch(host, scroller, palette) {
    this.stop();
    if (isPrinting()) {
      for (const canvas of host.querySelectorAll("canvas.strip")) this.#paint(canvas, palette());
      return;
    }
    const watcher = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        if (!isIntersecting) continue;
        this.#paint(target, palette());
        watcher.unobserve(target);
      }
    }, { root: scroller, rootMargin: "300px" });
    for (const canvas of host.querySelectorAll("canvas.strip")) watcher.observe(canvas);
    this.#watcher = watcher;
  }

  /**
   * @param {Element} canvas
   * @param {Palette} palette
   */
  #paint(canvas, palette) {
    const strip = this.#strips.get(canvas);
    if (!strip || !(canvas instanceof HTMLCanvasElement)) return;
    // The style may show it narrower, on a small screen.
    const { width, height } = canvas.style;
    paintStrip(CanvasPen.on(canvas, stripWidth(strip.values), 20, palette), 0, 0, strip, palette);
    Object.assign(canvas.style, { width, height });
  }

  /**
   * Describe the cell of a strip that is pointed at; null if there is none.
   * @param {MouseEvent} event
   * @param {(token: number) => string} label
   * @returns {string | null}
   */
  read(event, label) {
    const strip = event.target && this.#strips.get(event.target);
    if (!strip) return null;
    const shown = event.target instanceof HTMLElement ? event.target.clientWidth : 0;
    const d = Math.floor(event.offsetX / (shown || stripWidth(strip.values)) * strip.values.length);
    if (d < 0 || d >= strip.values.length) return null;
    const i = subscript(d);
    const value = strip.values[d];
    const of = strip.token === undefined ? "" : ` (${label(strip.token)})`;
    const said = [`${strip.name}${i}${of} = ${written(value)}`];
    if (strip.times) said.push(`q${i} × k${i} = ${written(strip.times[d])} × ${written(value)} = ${written(strip.times[d] * value)}`);
    if (strip.weight !== undefined) said.push(`w × v${i} = ${written(strip.weight)} × ${written(value)} = ${written(strip.weight * value)}`);
    return said.join("; ");
  }
}
