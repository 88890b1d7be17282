// Start the page of an analysis.

import { AnalysisApp } from "./analysis-app.js";
import { ANALYSIS_STRINGS } from "./analysis-strings.js";
import { find } from "./elements.js";
import { positionStrings } from "./position-strings.js";
import { begin, ready, tellTrouble } from "./trouble.js";
import { canUnpack } from "./unpack.js";
import { addStrings, say, setLanguage } from "./words.js";

async function start() {
  /** @type {import("./types.js").AnalysisPageData} */
  const page = JSON.parse(find("page").textContent ?? "");
  setLanguage(page.language);
  find("waiting").hidden = true;
  if (!canUnpack()) return tellTrouble(say("old"));
  find("app").hidden = false;
  const app = new AnalysisApp(page);
  await app.load();
  app.show();
  window.sisun = Object.freeze({
    page,
    sheets: app.sheets,
    get state() {
      return { ...app.choices };
    },
    /**
     * @param {number} row
     * @param {number} column
     */
    cellCentre: (row, column) => app.map.cellCentre({ row, column }),
  });
  requestAnimationFrame(ready);
}

addStrings(ANALYSIS_STRINGS);
addStrings(positionStrings());
begin(start);
