// Mapping of weights to colours, as in the pictures that `sisun attend` writes.

import { contextOf, make } from "./elements.js";

/** @import { Palette, Rgb, Scale } from "./types.js" */
/** @import { Matrix } from "./matrix.js" */

/** Number of units from which a square-root scale is used; on a linear scale uniform attention would then look like none. */
export const ROOT_FROM = 65;

export const TICKS = { linear: [0, 0.25, 0.5, 0.75, 1], root: [0, 0.01, 0.1, 0.25, 0.5, 1] };

/** Okabe and Ito 2008: distinguishable with any colour vision. Black is replaced by the page's ink (null); yellow, faint on white, is last. */
export const OKABE_ITO = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", null, "#f0e442"];

/**
 * Return the position of a weight on a scale: 0 at one end, 1 at the other.
 * @param {number} weight
 * @param {Scale} scale
 * @returns {number}
 */
export function share(weight, scale) {
  const held = Math.min(Math.max(weight, 0), 1);
  return scale === "root" ? Math.sqrt(held) : held;
}

/**
 * Format a colour as CSS: "#0072b2".
 * @param {Rgb} rgb
 * @returns {string}
 */
export const hex = (rgb) => `#${rgb.map((channel) => channel.toString(16).padStart(2, "0")).join("")}`;

/**
 * Pack a colour for ImageData: every machine that runs a browser is little-endian.
 * @param {Rgb} rgb
 */
const packed = ([red, green, blue]) => (255 << 24 | blue << 16 | green << 8 | red) >>> 0;

/**
 * Return black or white, whichever has the higher contrast to a background (WCAG 2.2).
 * @param {Rgb} rgb
 * @returns {string}
 */
export function inkOn([red, green, blue]) {
  const linear = [red, green, blue].map((channel) => {
    const c = channel / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  const luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  return luminance >= 0.213 ? "#222222" : "#ffffff";
}

/**
 * Reverse a map that begins light, as maps for white paper do: on a dark page, dark represents zero.
 * @param {Uint8Array} bytes
 */
function darkFirst(bytes) {
  const brightness = (/** @type {number} */ at) => bytes[at] + bytes[at + 1] + bytes[at + 2];
  if (brightness(0) <= brightness(3 * 255)) return bytes;
  return Uint8Array.from(bytes, (_, i) => bytes[3 * (255 - Math.floor(i / 3)) + i % 3]);
}

/** Colours of weights for one map and one scale. */
export class Colours {
  /** @type {Map<number, Uint32Array>} */
  #tables = new Map();

  /**
   * @param {Uint8Array} bytes
   * @param {Scale} scale
   * @param {Palette} palette
   */
  constructor(bytes, scale, palette) {
    this.bytes = palette.dark ? darkFirst(bytes) : bytes;
    this.scale = scale;
    this.palette = palette;
    this.hidden = packed(palette.hiddenRgb);
  }

  /**
   * @param {number} weight
   * @returns {Rgb}
   */
  rgb(weight) {
    const at = 3 * Math.round(share(weight, this.scale) * 255);
    return [this.bytes[at], this.bytes[at + 1], this.bytes[at + 2]];
  }

  /**
   * Return the packed colour of every code up to `greatest`, so that painting a pattern is one look-up per cell.
   * @param {number} greatest
   * @returns {Uint32Array}
   */
  table(greatest) {
    const table = this.#tables.get(greatest) ?? Uint32Array.from({ length: greatest + 1 }, (_, code) => packed(this.rgb(code / greatest)));
    this.#tables.set(greatest, table);
    return table;
  }

  /**
   * Return a canvas of `side` × `side` pixels; where there is no colour, the one of hidden cells.
   * @param {HTMLCanvasElement} canvas
   * @param {number} side
   * @param {(row: number, column: number) => Rgb | null} colour
   */
  pixels(canvas, side, colour) {
    if (canvas.width !== side) Object.assign(canvas, { width: side, height: side });
    const context = contextOf(canvas);
    const image = context.createImageData(side, side);
    const pixels = new Uint32Array(image.data.buffer);
    for (let at = 0; at < pixels.length; at++) {
      const rgb = colour(Math.floor(at / side), at % side);
      pixels[at] = rgb ? packed(rgb) : this.hidden;
    }
    context.putImageData(image, 0, 0);
    return canvas;
  }

  /**
   * Return a canvas with one pixel for each `pool` × `pool` cells.
   * @param {Matrix} matrix
   * @param {number} pool
   * @param {HTMLCanvasElement} canvas one that may be painted over
   * @returns {HTMLCanvasElement}
   */
  picture(matrix, pool, canvas = make("canvas")) {
    const { n, causal } = matrix;
    const side = Math.ceil(n / pool);
    if (canvas.width !== side) Object.assign(canvas, { width: side, height: side });
    const context = contextOf(canvas);
    const image = context.createImageData(side, side);
    const pixels = new Uint32Array(image.data.buffer).fill(this.hidden);
    const table = this.table(matrix.greatest);
    const codes = pool === 1 ? matrix.codes : matrix.pooled(pool);
    for (let row = 0; row < side; row++) {
      const base = pool === 1 ? matrix.base(row) : row * side;
      const width = causal ? row + 1 : side;
      for (let column = 0; column < width; column++) pixels[row * side + column] = table[codes[base + column]];
    }
    context.putImageData(image, 0, 0);
    return canvas;
  }
}

/**
 * Return the colour of a signed number: white at 0, blue above, orange below; `limit` has the full colour.
 * @param {number} value
 * @param {number} limit
 * @param {Palette} palette
 * @returns {Rgb}
 */
export function diverging(value, limit, palette) {
  const strength = Math.min(Math.abs(value) / (limit || 1), 1);
  const end = value < 0 ? palette.negativeRgb : palette.positiveRgb;
  const channel = (/** @type {0 | 1 | 2} */ i) => Math.round(palette.zeroRgb[i] + strength * (end[i] - palette.zeroRgb[i]));
  return [channel(0), channel(1), channel(2)];
}

/**
 * Return the colours that drawings share with the page; read again when the theme changes.
 * @param {boolean} dark
 * @returns {Palette}
 */
export function readPalette(dark) {
  const style = getComputedStyle(document.documentElement);
  const read = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`).trim();
  return {
    dark,
    paper: read("paper"), ink: read("ink"), soft: read("soft"), line: read("line"), accent: read("accent"), onAccent: read("on-accent"),
    font: getComputedStyle(document.body).fontFamily,
    // Neutral greys that are not in any map.
    hiddenRgb: dark ? [0x2b, 0x2c, 0x30] : [0xe9, 0xe9, 0xe9],
    zeroRgb: dark ? [0x24, 0x26, 0x2b] : [0xf7, 0xf7, 0xf7],
    negativeRgb: [0xd5, 0x5e, 0x00],
    positiveRgb: dark ? [0x3f, 0xa7, 0xe8] : [0x00, 0x72, 0xb2],
  };
}
