// Starting an attention page, with or without a model in it.

import { App } from "./app.js";
import { find } from "./elements.js";
import { OWN_STRINGS } from "./own-strings.js";
import { ready, report, tellTrouble } from "./trouble.js";
import { canUnpack } from "./unpack.js";
import { addStrings, say, setLanguage } from "./words.js";

/** @import { Layer, PageData } from "./types.js" */

/**
 * Show the page's data, and return the page; null if the browser is too old. `more` is what tests find beside the page's state.
 * @param {(app: App) => object} more
 * @returns {Promise<App | null>}
 */
export async function startAttention(more = () => ({})) {
  /** @type {PageData} */
  const page = JSON.parse(find("page").textContent ?? "");
  addStrings(OWN_STRINGS);
  setLanguage(page.language);
  find("waiting").hidden = true;
  if (!canUnpack()) {
    tellTrouble(say("old"));
    return null;
  }
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
    value: (layer, head, query, key, column = 0) => app.matrix(app.shownOn("head")[column], layer, head).value(query, key),
    /**
     * @param {number} query
     * @param {number} key
     */
    cellCentre: (query, key, column = 0) => app.panels.find((panel) => panel.column === column)?.map?.cellCentre(query, key) ?? null,
    load,
    ...more(app),
  });
  await app.refresh();
  requestAnimationFrame(() => {
    ready();
    // Decode the rest while the page is idle, so that switching heads is immediate.
    if (page.kind !== "time") setTimeout(() => load().catch(report), 200);
  });
  return app;
}
