// Start the attention page.

import { App } from "./app.js";
import { ATTENTION_STRINGS } from "./attention-strings.js";
import { canUnpack } from "./blocks.js";
import { find } from "./elements.js";
import { begin, ready, report, tellTrouble } from "./trouble.js";
import { addStrings, say, setLanguage } from "./words.js";

/** @typedef {import("./types.js").Layer} Layer */

async function start() {
  /** @type {import("./types.js").PageData} */
  const page = JSON.parse(find("page").textContent ?? "");
  setLanguage(page.language);
  find("waiting").hidden = true;
  if (!canUnpack()) return tellTrouble(say("old"));
  find("app").hidden = false;
  const app = new App(page);
  /** Decode all current patterns, layer by layer, so that the page stays responsive. */
  const load = async () => {
    for (const view of app.present()) for (const layer of view.layers) await view.need(layer);
  };
  window.sisun = Object.freeze({
    page,
    views: app.views,
    get state() {
      return { ...app.state, pointed: app.pointed };
    },
    /**
     * The weight by the current unit, at the current checkpoint, once the layer has been decoded (see `load`).
     * @param {Layer} layer
     * @param {number} head
     * @param {number} query
     * @param {number} key
     */
    value: (layer, head, query, key, column = 0) => app.matrix(app.present()[column], layer, head).value(query, key),
    /**
     * @param {number} query
     * @param {number} key
     */
    cellCentre: (query, key, column = 0) => app.panels.find((panel) => panel.column === column)?.map?.cellCentre(query, key) ?? null,
    load,
  });
  await app.refresh();
  requestAnimationFrame(() => {
    ready();
    // Decode the rest while the page is idle, so that switching heads is immediate.
    if (page.kind !== "time") setTimeout(() => load().catch(report), 200);
  });
}

addStrings(ATTENTION_STRINGS);
begin(start);
