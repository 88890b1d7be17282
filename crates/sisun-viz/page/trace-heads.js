// Thumbnails of all heads for one step.

import { contextOf, find, make } from "./elements.js";
import { say } from "./words.js";

/** @import { Colours } from "./colour.js" */
/** @import { Attention } from "./trace-attention.js" */
/** @import { TraceApp } from "./trace-app.js" */
/** @typedef {{ layer: number, head: number, button: HTMLButtonElement, picture: HTMLCanvasElement }} HeadButton */

/** All heads, each as a strip with one column per visible token, the first on the left. */
export class HeadGrid {
  /** @param {TraceApp} app */
  constructor(app) {
    this.app = app;
    this.host = find("heads");
    const { layers, heads } = app.page;
    this.host.style.setProperty("--across", String(heads));
    /** @type {HeadButton[]} */
    this.buttons = Array.from({ length: layers * heads }, (_, i) => {
      const [layer, head] = [Math.floor(i / heads), i % heads];
      const picture = make("canvas", { height: 1 });
      const button = make("button", { type: "button", data: { layer, head }, tabIndex: -1 }, picture);
      button.addEventListener("click", () => this.#toggle(layer, head));
      return { layer, head, button, picture };
    });
    // A click leaves the focus unchanged, so that the arrow keys still move between steps.
    this.host.addEventListener("mousedown", (event) => event.preventDefault());
    this.host.addEventListener("keydown", (event) => this.#key(event));
  }

  /**
   * @param {number} layer
   * @param {number} head
   */
  #toggle(layer, head) {
    const { app } = this;
    const on = app.layer === layer && app.head === head;
    app.choose(on ? { layer: null, head: null } : { layer, head });
  }

  translate() {
    const { buttons, app: { page: { heads } } } = this;
    const names = Array.from({ length: heads }, (_, head) => make("span", { className: "of-head", textContent: head }));
    const corner = make("span", { className: "corner", textContent: say("heads-hint") });
    const rows = buttons.flatMap(({ layer, head, button }, i) => {
      button.setAttribute("aria-label", say("layer-head", layer, head));
      button.title = say("layer-head", layer, head);
      return i % heads === 0 ? [make("span", { className: "of-layer", textContent: say("layer-of", layer) }), button] : [button];
    });
    this.host.replaceChildren(corner, ...names, ...rows);
  }

  /**
   * @param {number} step
   * @param {Attention} attention
   * @param {Colours} colours
   */
  show(step, attention, colours) {
    const { app } = this;
    const table = colours.table(attention.greatest);
    this.buttons.forEach(({ layer, head, button, picture }, i) => {
      const on = app.layer === layer && app.head === head;
      button.setAttribute("aria-pressed", String(on));
      button.tabIndex = on || (app.layer === null && i === 0) ? 0 : -1;
      paintRow(picture, attention.row(step, layer, head), table);
    });
  }

  /**
   * Move from head to head with the arrow keys.
   * @param {KeyboardEvent} event
   */
  #key(event) {
    const across = this.app.page.heads;
    const at = this.buttons.findIndex(({ button }) => button === document.activeElement);
    /** @type {Record<string, number>} */
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across };
    const by = steps[event.key];
    if (at < 0 || !by || event.ctrlKey || event.metaKey || event.altKey) return;
    const next = this.buttons[at + by];
    if (next) {
      next.button.focus();
      this.app.choose({ layer: next.layer, head: next.head });
    }
    event.preventDefault();
    event.stopPropagation();
  }
}

/** Maximum number of columns; more would be narrower than the screen's pixels. */
const MOST_COLUMNS = 160;

/**
 * Draw one line of pixels; a column that represents several tokens shows their maximum.
 * @param {HTMLCanvasElement} canvas
 * @param {Uint16Array} codes
 * @param {Uint32Array} table
 */
function paintRow(canvas, codes, table) {
  const width = Math.min(codes.length, MOST_COLUMNS);
  if (canvas.width !== width) canvas.width = width;
  const context = contextOf(canvas);
  const image = context.createImageData(width, 1);
  const pixels = new Uint32Array(image.data.buffer);
  for (let x = 0; x < width; x++) {
    const end = Math.max(Math.ceil((x + 1) * codes.length / width), 1);
    let most = 0;
    for (let key = Math.floor(x * codes.length / width); key < end; key++) most = Math.max(most, codes[key]);
    pixels[x] = table[most];
  }
  context.putImageData(image, 0, 0);
}
