// Start the page of a source and its target.

import { find } from "./elements.js";
import { PairsApp } from "./pairs-app.js";
import { PAIRS_STRINGS } from "./pairs-strings.js";
import { begin, ready, tellTrouble } from "./trouble.js";
import { canUnpack } from "./unpack.js";
import { addStrings, say, setLanguage } from "./words.js";

async function start() {
  /** @type {import("./types.js").PairsPageData} */
  const page = JSON.parse(find("page").textContent ?? "");
  setLanguage(page.language);
  find("waiting").hidden = true;
  if (!canUnpack()) return tellTrouble(say("old"));
  find("app").hidden = false;
  const app = new PairsApp(page);
  await app.load();
  app.open();
  window.sisun = Object.freeze({
    page,
    heads: app.heads,
    get state() {
      return { part: app.part, head: app.head, pointed: app.pointed };
    },
    /**
     * @param {number} query
     * @param {number} key
     */
    cellCentre: (query, key) => app.map.cellCentre({ query, key }),
  });
  requestAnimationFrame(ready);
}

addStrings(PAIRS_STRINGS);
begin(start);
