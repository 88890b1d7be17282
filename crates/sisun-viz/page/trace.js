// Start the trace page.

import { find } from "./elements.js";
import { TraceApp } from "./trace-app.js";
import { TRACE_STRINGS } from "./trace-strings.js";
import { begin, ready } from "./trouble.js";
import { canUnpack } from "./unpack.js";
import { addStrings, say, setLanguage } from "./words.js";

async function start() {
  const content = find("page").textContent ?? "";
  /** @type {import("./types.js").TracePageData} */
  const page = JSON.parse(content);
  setLanguage(page.language);
  // A seed may have 64 bits, more than a JavaScript number; inside a string the quotes would be escaped.
  const [, seed] = /"seed":\s*(\d+)/.exec(content) ?? [];
  find("waiting").hidden = true;
  find("app").hidden = false;
  const app = new TraceApp(page, seed);
  const { attention } = app;
  find("nothing").hidden = attention !== null;
  find("surprise").hidden = find("replay").hidden = attention === null;
  app.show();
  window.sisun = Object.freeze({
    page,
    /**
     * @param {number} step
     * @param {number} layer
     * @param {number} head
     */
    attention: (step, layer, head) => Array.from(attention?.weights(step, layer, head) ?? []),
  });
  if (attention !== null) {
    if (!canUnpack()) find("weight").textContent = say("old");
    else {
      await attention.decode();
      app.ready = true;
      app.show();
    }
  }
  requestAnimationFrame(ready);
}

addStrings(TRACE_STRINGS);
begin(start);
