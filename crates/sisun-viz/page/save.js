// Saving the current view as a PNG or SVG file.

import { make } from "./elements.js";
import { shown } from "./labels.js";
import { paintColourBar, TITLES } from "./legend.js";
import { CanvasPen, fit } from "./pen.js";
import { withTexts } from "./png-text.js";
import { SvgPen } from "./svg.js";
import { say } from "./words.js";

/** @import { App } from "./app.js" */
/** @import { Pen } from "./types.js" */

/**
 * Draw the current view: title, sentence, the contents of each column, and the colour bar. Return its size.
 * @param {App} app
 * @param {Pen} pen
 */
function paintPage(app, pen) {
  const { palette, colours, state } = app;
  const edge = 28;
  const columns = app.panels.map((panel) => ({ panel, ...panel.extent() }));
  const across = Math.min(columns.length, Math.max(1, Math.floor(1700 / (columns[0].width + edge))));
  const inner = Math.max(...columns.map((column) => column.width));
  const width = Math.max(across * (inner + edge) + edge, 420);
  const room = width - 2 * edge;
  pen.text(fit(app.page.title, 20, room).text, edge, edge + 8, { size: 20, weight: 650, fill: palette.ink });
  pen.text(fit(app.caption(), 13, room).text, edge, edge + 34, { size: 13, fill: palette.soft });
  pen.text(fit(shown(app.page.text), 13, room).text, edge, edge + 56, { size: 13, fill: palette.ink });
  let top = edge + 80;
  for (let start = 0; start < columns.length; start += across) {
    const row = columns.slice(start, start + across);
    const named = columns.length > 1 && app.present().length > 1 ? 24 : 0;
    row.forEach(({ panel }, i) => pen.at(edge + i * (inner + edge), top, () => {
      if (named) pen.text(panel.view.label, 0, 8, { size: 14, weight: 600, fill: palette.ink });
      pen.at(0, named, () => panel.paint(pen));
    }));
    top += Math.max(...row.map((column) => column.height)) + named + 16;
  }
  if (state.view === "grid" || state.view === "head") {
    pen.text(say(TITLES[app.weights]), edge, top + 8, { size: 12, fill: palette.soft });
    paintColourBar(pen, edge, top + 20, Math.min(320, room), colours);
    top += 60;
  }
  return { width: Math.ceil(width), height: Math.ceil(top + edge / 2) };
}

/**
 * Render the current view at two pixels per CSS pixel.
 * @param {App} app
 * @param {{ width: number, height: number }} size
 * @returns {Promise<Blob>}
 */
async function pixels(app, { width, height }) {
  const canvas = make("canvas");
  const pen = CanvasPen.on(canvas, width, height, app.palette, 2);
  pen.rect(0, 0, width, height, app.palette.paper);
  paintPage(app, pen);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  if (!blob) throw new Error(`this browser cannot make a picture of ${width} × ${height} pixels`);
  return withTexts(blob, about(app));
}

/**
 * What the picture shows, for its metadata.
 * @param {App} app
 * @returns {Record<string, string>}
 */
function about(app) {
  const { page, state: { view, layer, head } } = app;
  const single = view === "head" || view === "worked";
  return {
    Title: `${page.title} · ${app.caption()}`, Software: "Sisun", Model: app.present().map((of) => of.name).join(", "), Text: page.text,
    ...(single ? { Layer: String(layer), Head: String(head) } : {}),
  };
}

/**
 * Save the current view, and return the name of the file.
 * @param {App} app
 * @param {"png" | "svg"} kind
 * @returns {Promise<string>}
 */
export async function save(app, kind) {
  const draft = new SvgPen(app.palette);
  const size = paintPage(app, draft);
  const blob = kind === "svg"
    ? new Blob([draft.document(size.width, size.height, about(app))], { type: "image/svg+xml" })
    : await pixels(app, size);
  const name = `${app.fileName()}.${kind}`;
  const address = URL.createObjectURL(blob);
  make("a", { href: address, download: name }).click();
  // The browser reads the address after the click; a minute is ample.
  setTimeout(() => URL.revokeObjectURL(address), 60000);
  return name;
}
