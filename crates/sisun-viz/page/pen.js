// Drawing on a canvas, and measuring labels.

import { contextOf } from "./elements.js";

/** @import { Palette, Pen, Stroke, TextLook } from "./types.js" */

/** @type {Map<string, { text: string, width: number }>} */
const MEASURED = new Map();

const RULER = contextOf(document.createElement("canvas"));

/**
 * Return the cached result of `fit`.
 * @param {string} label
 * @param {number} size
 * @param {number} limit
 * @returns {{ text: string, width: number }}
 */
export function fitted(label, size, limit) {
  const name = `${size} ${limit} ${label}`;
  let found = MEASURED.get(name);
  if (!found) {
    // Zooming requests many sizes; old ones need not be kept.
    if (MEASURED.size > 20000) MEASURED.clear();
    found = fit(label, size, limit);
    MEASURED.set(name, found);
  }
  return found;
}

/**
 * Shorten a label at a font size with "…" if it exceeds `limit` pixels.
 * @param {string} label
 * @param {number} size
 * @param {number} limit
 * @returns {{ text: string, width: number }}
 */
export function fit(label, size, limit) {
  RULER.font = `${size}px ${getComputedStyle(document.body).fontFamily}`;
  const width = RULER.measureText(label).width;
  if (width <= limit) return { text: label, width };
  const letters = graphemes(label);
  let [low, high] = [0, letters.length];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (RULER.measureText(`${letters.slice(0, middle).join("")}…`).width <= limit) low = middle;
    else high = middle - 1;
  }
  const text = `${letters.slice(0, low).join("")}…`;
  return { text, width: RULER.measureText(text).width };
}

/**
 * Split a text into graphemes, if the browser can; an emoji of several code points is not split.
 * @param {string} text
 * @returns {string[]}
 */
function graphemes(text) {
  if (!Intl.Segmenter) return [...text];
  return [...new Intl.Segmenter().segment(text)].map((part) => part.segment);
}

/** Isolate a right-to-left label from the surrounding direction (first strong isolate, UAX #9). */
export const isolated = (/** @type {string} */ text) => (!text.includes("\u2068") && /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]/.test(text) ? `\u2068${text}\u2069` : text);

/** @implements {Pen} */
export class CanvasPen {
  vector = false;

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {number} density
   * @param {Palette} palette
   */
  constructor(context, density, palette) {
    this.context = context;
    this.density = density;
    this.palette = palette;
  }

  /**
   * Create a pen on a canvas, which is resized to `width` × `height` CSS pixels and cleared.
   * @param {HTMLCanvasElement} canvas
   * @param {number} width
   * @param {number} height
   * @param {Palette} palette
   */
  static on(canvas, width, height, palette, density = devicePixelRatio || 1) {
    const [across, down] = [Math.round(width * density), Math.round(height * density)];
    if (canvas.width !== across || canvas.height !== down) {
      Object.assign(canvas, { width: across, height: down });
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
    }
    const context = contextOf(canvas);
    context.setTransform(density, 0, 0, density, 0, 0);
    context.clearRect(0, 0, width, height);
    return new CanvasPen(context, density, palette);
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} width
   * @param {number} height
   * @param {string} fill
   * @param {{ alpha?: number, radius?: number }} look
   */
  rect(x, y, width, height, fill, { alpha = 1, radius = 0 } = {}) {
    const { context } = this;
    context.globalAlpha = alpha;
    context.fillStyle = fill;
    if (radius) {
      context.beginPath();
      context.roundRect(x, y, width, height, radius);
      context.fill();
    } else context.fillRect(x, y, width, height);
    context.globalAlpha = 1;
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} width
   * @param {number} height
   * @param {string} stroke
   */
  frame(x, y, width, height, stroke, thick = 1) {
    this.context.strokeStyle = stroke;
    this.context.lineWidth = thick;
    this.context.strokeRect(x, y, width, height);
  }

  /**
   * @param {number[]} points
   * @param {Stroke} look
   */
  line([x, y, ...rest], { stroke, thick = 1, alpha = 1 }) {
    const { context } = this;
    context.beginPath();
    context.moveTo(x, y);
    for (let i = 0; i < rest.length; i += 2) context.lineTo(rest[i], rest[i + 1]);
    Object.assign(context, { strokeStyle: stroke, lineWidth: thick, globalAlpha: alpha });
    context.stroke();
    context.globalAlpha = 1;
  }

  /**
   * Draw many curves of one style, four numbers each, horizontal at both ends. One by one: a path of thousands is slower.
   * @param {number[]} ends
   * @param {Stroke} look
   */
  curves(ends, { stroke, thick = 1, alpha = 1 }) {
    const { context } = this;
    Object.assign(context, { strokeStyle: stroke, lineWidth: thick, globalAlpha: alpha });
    for (let i = 0; i < ends.length; i += 4) {
      const middle = (ends[i] + ends[i + 2]) / 2;
      context.beginPath();
      context.moveTo(ends[i], ends[i + 1]);
      context.bezierCurveTo(middle, ends[i + 1], middle, ends[i + 3], ends[i + 2], ends[i + 3]);
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  /**
   * @param {string | number} text
   * @param {number} x
   * @param {number} y
   * @param {TextLook} look
   */
  text(text, x, y, { size, fill, align = "left", weight = 400, turn = 0, alpha = 1 }) {
    const { context } = this;
    context.save();
    context.font = `${weight} ${size}px ${this.palette.font}`;
    Object.assign(context, { fillStyle: fill, textAlign: align, textBaseline: "middle", globalAlpha: alpha });
    context.translate(x, y);
    context.rotate(turn * Math.PI / 180);
    context.fillText(isolated(String(text)), 0, 0);
    context.restore();
  }

  /** @type {Pen["image"]} */
  image(source, sx, sy, sw, sh, x, y, width, height) {
    this.context.imageSmoothingEnabled = false;
    this.context.drawImage(source, sx, sy, sw, sh, x, y, width, height);
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} width
   * @param {number} height
   * @param {() => void} draw
   */
  clip(x, y, width, height, draw) {
    this.context.save();
    this.context.beginPath();
    this.context.rect(x, y, width, height);
    this.context.clip();
    draw();
    this.context.restore();
  }

  /**
   * Draw with (x, y) as the origin.
   * @param {number} x
   * @param {number} y
   * @param {() => void} draw
   */
  at(x, y, draw) {
    this.context.save();
    this.context.translate(x, y);
    draw();
    this.context.restore();
  }
}
