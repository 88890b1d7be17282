// A diagram of the very model, with the layer and the head of the other views marked; boxes are buttons.

import { make, watchWidth } from "./elements.js";
import { CanvasPen } from "./pen.js";
import { paintColumn } from "./diagram-pen.js";
import { language, say } from "./words.js";

/** @import { App } from "./app.js" */
/** @import { Diagram, DiagramBox, Panel, Pen } from "./types.js" */

/** Scale at most, and at least where the height would ask for less. */
const LARGEST = 1.2;
const LEAST = 1;
/** Height of what stands above the diagram. */
const ABOVE = 340;
const BETWEEN = 48;

/** @implements {Panel} */
export class ModelPanel {
  /**
   * @param {HTMLElement} host
   * @param {number} column
   * @param {App} app
   */
  constructor(host, column, app) {
    this.column = column;
    this.app = app;
    this.host = make("div", { className: "diagram" });
    host.append(this.host);
    watchWidth(this.host, () => { if (this.app.panels.includes(this)) this.show(); });
  }

  get view() {
    return this.app.present()[this.column];
  }

  /** @returns {Diagram} */
  get diagram() {
    const diagram = this.view.diagram ?? this.app.views[0].diagram;
    if (!diagram) throw new Error("the first view of a page has a diagram");
    return diagram[language()];
  }

  needs() {
    return [];
  }

  show() {
    const { app } = this;
    const { columns } = this.diagram;
    const room = this.host.clientWidth || columns[0].width;
    // Side by side where there is room for both, otherwise one below the other.
    const both = columns.reduce((sum, one) => sum + one.width, BETWEEN);
    const tall = Math.max(...columns.map((one) => one.height));
    const fits = Math.max(LEAST, Math.min(LARGEST, (innerHeight - ABOVE) / tall));
    const scale = room >= 0.8 * both ? Math.min(fits, room / both) : Math.min(LARGEST, room / columns[0].width);
    this.host.style.columnGap = `${BETWEEN * scale}px`;
    const focused = document.activeElement instanceof HTMLElement && this.host.contains(document.activeElement) ? document.activeElement.dataset.go : null;
    this.host.replaceChildren(...columns.map((column) => {
      const canvas = make("canvas", { role: "presentation" });
      const pen = CanvasPen.on(canvas, Math.floor(column.width * scale), Math.ceil(column.height * scale), app.palette);
      paintColumn(pen, column, scale, app.palette, (box) => this.#isMarked(box));
      const buttons = column.shapes.flatMap((shape) => (shape.kind === "box" && shape.go ? this.#button(shape, scale) : []));
      return make("div", { className: "part" }, canvas, ...buttons);
    }));
    for (const button of this.host.querySelectorAll("button")) if (focused && button.dataset.go === focused) button.focus({ preventScroll: true });
    app.tell(say("model-hint"));
  }

  /**
   * The invisible button over a box that leads somewhere on this page.
   * @param {DiagramBox} box
   * @param {number} scale
   * @returns {HTMLElement[]}
   */
  #button(box, scale) {
    const { app, view } = this;
    const { layer } = app.state;
    const { go } = box;
    /** @type {[name: string, label: string, exists: boolean, act: () => void] | null} */
    let found = null;
    if (go === "positions") found = ["positions", say("model-positions"), true, () => app.state.set({ view: "positions" })];
    else if (go && "layer" in go) {
      const head = view.has(go.layer, app.state.head) ? app.state.head : view.heads[0];
      found = [`layer${go.layer}`, say("model-layer", go.layer), view.has(go.layer, head), () => app.state.set({ layer: go.layer, head })];
    } else if (go) {
      const here = layer === "rollout" ? view.layers[0] : layer;
      found = [`head${go.head}`, say("model-head", go.head, here), view.has(here, go.head), () => app.open(here, go.head)];
    }
    if (!found || !found[2]) return [];
    const [name, label, , act] = found;
    const button = make("button", { type: "button", title: label, data: { go: name } });
    button.setAttribute("aria-label", label);
    if (this.#isMarked(box)) button.setAttribute("aria-current", "true");
    Object.assign(button.style, { left: `${box.x * scale}px`, top: `${box.y * scale}px`, width: `${box.width * scale}px`, height: `${box.height * scale}px` });
    button.addEventListener("click", act);
    return [button];
  }

  /** @param {DiagramBox} box */
  #isMarked({ go }) {
    const { layer, head } = this.app.state;
    if (!go || go === "positions") return false;
    return "layer" in go ? go.layer === layer : go.head === head && layer !== "rollout";
  }

  mark() {
    // What is marked changes with the layer and the head, which show the panel anew.
  }

  extent() {
    const { columns } = this.diagram;
    return { width: columns.reduce((sum, one) => sum + one.width, BETWEEN), height: Math.max(...columns.map((one) => one.height)) };
  }

  /** @param {Pen} pen */
  paint(pen) {
    let left = 0;
    for (const column of this.diagram.columns) {
      pen.at(left, 0, () => paintColumn(pen, column, 1, this.app.palette, (box) => this.#isMarked(box)));
      left += column.width + BETWEEN;
    }
  }
}
