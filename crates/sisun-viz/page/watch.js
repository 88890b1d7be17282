// Start the page of training: events come from the server, or are on the page.

import { find } from "./elements.js";
import { begin, ready, tellTrouble } from "./trouble.js";
import { canUnpack } from "./unpack.js";
import { WatchApp } from "./watch-app.js";
import { WATCH_STRINGS } from "./watch-strings.js";
import { addStrings, say, setLanguage } from "./words.js";

async function start() {
  /** @type {import("./watch-app.js").WatchData} */
  const page = JSON.parse(find("page").textContent ?? "");
  setLanguage(page.language);
  find("waiting").hidden = true;
  if (!canUnpack()) return tellTrouble(say("old"));
  find("app").hidden = false;
  const app = new WatchApp(page);
  if (page.events) page.events.forEach((event) => app.add(event));
  else {
    const source = new EventSource("events");
    source.addEventListener("message", ({ data }) => app.add(JSON.parse(data)));
    source.addEventListener("end", () => {
      source.close();
      app.end("watch-ended");
    });
    // The browser tries again where the connection only broke.
    source.addEventListener("error", () => app.end("watch-lost"));
    source.addEventListener("open", () => app.end(""));
  }
  app.draw();
  window.sisun = Object.freeze({ page, app });
  requestAnimationFrame(ready);
}

addStrings(WATCH_STRINGS);
begin(start);
