// The legend of the attention page.

import { hex, share, TICKS } from "./colour.js";
import { make } from "./elements.js";
import { quoted } from "./labels.js";
import { CanvasPen } from "./pen.js";
import { faintest } from "./text.js";
import { unitsOf } from "./units.js";
import { language, say } from "./words.js";

/** @import { App } from "./app.js" */
/** @import { Colours } from "./colour.js" */
/** @import { Pen } from "./types.js" */

/**
 * Create a line that says what a colour means.
 * @param {import("./types.js").Rgb} rgb
 * @param {string} text
 */
function swatch(rgb, text) {
  const colour = make("span", { className: "swatch" });
  colour.style.background = hex(rgb);
  return make("p", {}, colour, text);
}

/** Keys of the titles of the colour bar. */
export const TITLES = { attention: "legend-weight", values: "legend-weighted" };

/**
 * Draw the colour bar with its ticks, `width` × 34.
 * @param {Pen} pen
 * @param {number} x
 * @param {number} y
 * @param {number} width
 * @param {Colours} colours
 */
export function paintColourBar(pen, x, y, width, colours) {
  // One stripe per pixel, each slightly wider: gaps between stripes would look like bands.
  for (let i = 0; i < width; i++) {
    const at = (i + 0.5) / width;
    const weight = colours.scale === "root" ? at * at : at;
    pen.rect(x + i, y, Math.min(1.5, width - i), 12, hex(colours.rgb(weight)));
  }
  const { soft, line } = colours.palette;
  pen.frame(x - 0.5, y - 0.5, width + 1, 13, line);
  for (const tick of TICKS[colours.scale]) {
    const at = x + width * share(tick, colours.scale);
    pen.line([at, y + 13, at, y + 17], { stroke: soft });
    const align = tick === 0 ? "left" : tick === 1 ? "right" : "center";
    pen.text(String(tick), at, y + 25, { size: 11, fill: soft, align });
  }
}

/** The legend: the colour bar, the hidden cells, rows and columns. */
export class Legend {
  /** What it shows. */
  #shown = "";
  /** @type {Colours | null} */
  #colours = null;

  /** @param {HTMLElement} host */
  constructor(host) {
    this.host = host;
    this.bar = make("canvas", { role: "img" });
  }

  /** @param {App} app */
  show(app) {
    const { view } = app.state;
    const unit = unitsOf(app.present()[0], app.state.unit).name;
    const { colours, palette } = app;
    const heat = view === "grid" || view === "head";
    const lines = [];
    if (heat) {
      lines.push(say("legend-rows"));
      if (app.weights === "values") lines.push(say("legend-values"));
      if (view === "grid") lines.push(say("legend-habits"));
      if (app.views.some((one) => unitsOf(one, unit).n > 120)) lines.push(say("legend-pooled"));
    }
    if (view === "text") lines.push(say("legend-lines"), say("legend-faint", faintest(unitsOf(app.present()[0], unit).n)));
    if (unit !== "token" && (heat || view === "text")) lines.push(say("legend-unit", say(`unit-${unit}`)));
    // A text that is typed changes nothing here, and measuring the width takes longer than computing the text.
    const shown = [language(), heat, app.views.some((one) => one.causal), innerWidth, ...app.difference?.difference.map((of) => of.label) ?? [], ...lines].join("\n");
    if (shown === this.#shown && colours === this.#colours) return;
    [this.#shown, this.#colours] = [shown, colours];
    /** @type {HTMLElement[]} */
    const children = lines.map((text) => make("p", { textContent: text }));
    if (heat) {
      const title = make("p", { className: "name", textContent: say(TITLES[app.weights]) });
      children.unshift(title, this.bar);
      if (app.views.some((one) => one.causal)) {
        children.splice(2, 0, swatch(palette.hiddenRgb, say("legend-hidden")));
      }
    }
    if (heat && app.difference) {
      const [one, other] = app.difference.difference.map((of) => quoted(of.label));
      children.push(swatch(palette.positiveRgb, say("legend-more", one)), swatch(palette.negativeRgb, say("legend-more", other)));
    }
    this.host.replaceChildren(...children);
    if (heat) this.#paint(colours, say(TITLES[app.weights]));
  }

  /**
   * @param {Colours} colours
   * @param {string} title
   */
  #paint(colours, title) {
    const width = Math.min(Math.floor(this.host.clientWidth) || 260, 340);
    const pen = CanvasPen.on(this.bar, width, 34, colours.palette);
    paintColourBar(pen, 1, 1, width - 2, colours);
    this.bar.setAttribute("aria-label", `${title}: ${TICKS[colours.scale].join(", ")}`);
  }
}
