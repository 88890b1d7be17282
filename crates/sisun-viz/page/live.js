// Start the attention page that holds its model.

import { startAttention } from "./attention-start.js";
import { ATTENTION_STRINGS } from "./attention-strings.js";
import { Live } from "./live-app.js";
import { addSaving, rememberPage } from "./live-saving.js";
import { LIVE_STRINGS } from "./live-strings.js";
import { begin } from "./trouble.js";
import { addStrings } from "./words.js";

addStrings(ATTENTION_STRINGS);
addStrings(LIVE_STRINGS);
rememberPage();
begin(async () => {
  /** @type {Live | null} */
  let live = null;
  await startAttention((app) => {
    const { model } = app.page;
    if (!model) throw new Error("this page holds no model");
    live = new Live(app, model);
    addSaving(app);
    return { live };
  });
  await /** @type {Live | null} */ (live)?.start();
});
