// Small maps of all heads of a run at a step.

import { contextOf, make } from "./elements.js";
import { quoted } from "./labels.js";
import { percent } from "./numbers.js";
import { bytesOf } from "./unpack.js";
import { say } from "./words.js";

/** @import { Colours } from "./colour.js" */
/** @import { HeadsFrame } from "./watch-course.js" */

export class WatchMaps {
  /** The frame that is drawn, and its weights. @type {{ frame: HeadsFrame, codes: Uint8Array } | null} */
  #drawn = null;
  /** @type {HTMLCanvasElement[]} */
  #canvases = [];
  #shape = "";

  /** @param {(text: string) => void} tell called with what the reader points at */
  constructor(tell) {
    this.tell = tell;
    this.title = make("h3", { dir: "auto" });
    this.grid = make("div", { className: "forming" });
    this.host = make("div", { className: "model", tabIndex: 0 }, this.title, this.grid);
    this.grid.addEventListener("pointermove", (event) => this.#point(event));
    this.grid.addEventListener("pointerleave", () => this.tell(""));
  }

  /**
   * @param {HeadsFrame} frame
   * @param {string} title
   * @param {Colours} colours
   */
  show(frame, title, colours) {
    this.title.textContent = title;
    if (this.#drawn?.frame !== frame) this.#drawn = { frame, codes: bytesOf(frame.weights) };
    const { codes } = this.#drawn;
    const { layers, heads, causal, tokens } = frame;
    const n = tokens.length;
    this.#layOut(layers, heads, n);
    const cells = causal ? n * (n + 1) / 2 : n * n;
    for (let i = 0; i < layers * heads; i++) {
      const context = contextOf(this.#canvases[i]);
      const picture = context.createImageData(n, n);
      const pixels = new Uint32Array(picture.data.buffer);
      pixels.fill(colours.hidden);
      const table = colours.table(255);
      for (let query = 0, at = i * cells; query < n; query++) {
        const width = causal ? query + 1 : n;
        for (let key = 0; key < width; key++) pixels[query * n + key] = table[codes[at + key]];
        at += width;
      }
      context.putImageData(picture, 0, 0);
    }
  }

  /**
   * Make the canvases, unless they are there: only their pixels change from frame to frame.
   * @param {number} layers
   * @param {number} heads
   * @param {number} n
   */
  #layOut(layers, heads, n) {
    const shape = `${layers} ${heads} ${n} ${say("watch-layer", 0)}`;
    if (shape === this.#shape) return;
    this.#shape = shape;
    this.#canvases = Array.from({ length: layers * heads }, (_, i) => make("canvas", { width: n, height: n, data: { layer: Math.floor(i / heads), head: i % heads } }));
    const thumb = Math.max(40, Math.min(112, 960 / heads));
    this.grid.style.setProperty("--heads", String(heads));
    this.grid.style.setProperty("--thumb", `${thumb}px`);
    const name = (/** @type {string} */ textContent) => make("span", { className: "of", textContent });
    const top = [name(""), ...Array.from({ length: heads }, (_, head) => name(say("watch-head", head)))];
    const rows = Array.from({ length: layers }, (_, layer) => [name(say("watch-layer", layer)), ...this.#canvases.slice(layer * heads, (layer + 1) * heads)]);
    this.grid.replaceChildren(...top, ...rows.flat());
  }

  /** @param {PointerEvent} event */
  #point(event) {
    const canvas = event.target;
    if (!(canvas instanceof HTMLCanvasElement) || !this.#drawn) return this.tell("");
    const { frame: { heads, causal, tokens }, codes } = this.#drawn;
    const n = tokens.length;
    const box = canvas.getBoundingClientRect();
    const place = (/** @type {number} */ at, /** @type {number} */ size) => Math.min(n - 1, Math.max(0, Math.floor(n * at / size)));
    const [query, key] = [place(event.clientY - box.top, box.height), place(event.clientX - box.left, box.width)];
    if (causal && key > query) return this.tell("");
    const [layer, head] = [Number(canvas.dataset.layer), Number(canvas.dataset.head)];
    const cells = causal ? n * (n + 1) / 2 : n * n;
    const row = causal ? query * (query + 1) / 2 : query * n;
    const weight = codes[(layer * heads + head) * cells + row + key] / 255;
    this.tell(say("watch-pointed", say("layer-head", layer, head), quoted(tokens[query]), quoted(tokens[key]), percent(weight)));
  }
}
