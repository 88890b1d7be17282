// Drawing as SVG, with the same operations as on a canvas, so that saved pictures match the screen.

import { contextOf, make } from "./elements.js";
import { isolated } from "./pen.js";

/** @import { Palette, Pen, Stroke, TextLook } from "./types.js" */

/** @implements {Pen} */
export class SvgPen {
  vector = true;
  // Large pictures are embedded as pixels; two per unit keep them sharp.
  density = 2;
  /** @type {string[]} */
  #parts = [];
  #clips = 0;

  /** @param {Palette} palette */
  constructor(palette) {
    this.palette = palette;
  }

  /**
   * @param {string} name
   * @param {Record<string, string | number | undefined>} attributes
   * @param {string} [text]
   */
  #add(name, attributes, text) {
    const given = Object.entries(attributes).filter(([, value]) => value !== undefined).map(([key, value]) => {
      const short = typeof value === "number" ? Number(value.toFixed(2)) : xml(value);
      return ` ${key}="${short}"`;
    });
    this.#parts.push(`<${name}${given.join("")}${text === undefined ? "/>" : `>${xml(text)}</${name}>`}`);
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} width
   * @param {number} height
   * @param {string} fill
   * @param {{ alpha?: number, radius?: number }} look
   */
  rect(x, y, width, height, fill, { alpha = 1, radius } = {}) {
    this.#add("rect", { x, y, width, height, fill, rx: radius, "fill-opacity": alpha === 1 ? undefined : alpha });
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} width
   * @param {number} height
   * @param {string} stroke
   */
  frame(x, y, width, height, stroke, thick = 1) {
    this.#add("rect", { x, y, width, height, fill: "none", stroke, "stroke-width": thick });
  }

  /**
   * @param {number[]} points
   * @param {Stroke} look
   */
  line(points, { stroke, thick = 1, alpha = 1 }) {
    const places = points.map((p) => p.toFixed(2)).join(" ");
    this.#add("polyline", { points: places, fill: "none", stroke, "stroke-width": thick, "stroke-opacity": alpha });
  }

  /**
   * @param {number[]} ends
   * @param {Stroke} look
   */
  curves(ends, { stroke, thick = 1, alpha = 1 }) {
    this.#parts.push(`<g fill="none" stroke="${stroke}" stroke-width="${thick}" stroke-opacity="${alpha}">`);
    for (let i = 0; i < ends.length; i += 4) {
      const [x, y, across, down] = ends.slice(i, i + 4).map((p) => p.toFixed(1));
      const middle = ((ends[i] + ends[i + 2]) / 2).toFixed(1);
      this.#add("path", { d: `M${x} ${y}C${middle} ${y} ${middle} ${down} ${across} ${down}` });
    }
    this.#parts.push("</g>");
  }

  /**
   * @param {string | number} text
   * @param {number} x
   * @param {number} y
   * @param {TextLook} look
   */
  text(text, x, y, { size, fill, align = "left", weight = 400, turn = 0, alpha = 1 }) {
    const anchor = { left: "start", center: "middle", right: "end" }[align];
    const transform = turn ? `rotate(${turn} ${x.toFixed(2)} ${y.toFixed(2)})` : undefined;
    this.#add("text", {
      x, y, "font-size": size, fill, "text-anchor": anchor, transform,
      "font-weight": weight === 400 ? undefined : weight,
      "fill-opacity": alpha === 1 ? undefined : alpha,
      // "central" is not supported everywhere; an offset of a third of the size is.
      dy: "0.35em",
    }, isolated(String(text)));
  }

  /** @type {Pen["image"]} */
  image(source, sx, sy, sw, sh, x, y, width, height) {
    const canvas = make("canvas", { width: Math.round(width * this.density), height: Math.round(height * this.density) });
    const context = contextOf(canvas);
    context.imageSmoothingEnabled = false;
    context.drawImage(source, sx, sy, sw, sh, 0, 0, canvas.width, canvas.height);
    this.#add("image", { x, y, width, height, href: canvas.toDataURL("image/png") });
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} width
   * @param {number} height
   * @param {() => void} draw
   */
  clip(x, y, width, height, draw) {
    const id = `clip${this.#clips++}`;
    this.#parts.push(`<clipPath id="${id}"><rect x="${x}" y="${y}" width="${width}" height="${height}"/></clipPath><g clip-path="url(#${id})">`);
    draw();
    this.#parts.push("</g>");
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {() => void} draw
   */
  at(x, y, draw) {
    this.#parts.push(`<g transform="translate(${x} ${y})">`);
    draw();
    this.#parts.push("</g>");
  }

  /**
   * Return the document; `about` says what it shows.
   * @param {number} width
   * @param {number} height
   * @param {Record<string, string>} about
   */
  document(width, height, about) {
    const { paper, font } = this.palette;
    const size = `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`;
    return `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="${xml(font)}" xml:space="preserve">`
      + `<title>${xml(about.Title)}</title><desc>${xml(about.Text)}</desc><metadata>${xml(JSON.stringify(about))}</metadata>`
      + `<rect width="100%" height="100%" fill="${paper}"/>${this.#parts.join("\n")}</svg>\n`;
  }
}

/**
 * Text for XML, without the characters that XML 1.0 forbids.
 * @param {string | undefined} text
 */
function xml(text) {
  /** @type {Record<string, string>} */
  const escapes = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return String(text).replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, "�").replace(/[&<>"]/g, (c) => escapes[c]);
}
