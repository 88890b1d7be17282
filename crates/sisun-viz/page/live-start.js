// Starting an attention page that computes, whatever computes for it.

import { startAttention } from "./attention-start.js";
import { Live } from "./live-app.js";

/** @import { App } from "./app.js" */
/** @import { Engine } from "./live-client.js" */

/**
 * @param {Engine} engine
 * @param {(app: App) => void} [prepare] adds to the page what belongs to this engine
 */
export async function startLive(engine, prepare = () => {}) {
  /** @type {Live | null} */
  let live = null;
  await startAttention((app) => {
    const { model } = app.page;
    if (!model) throw new Error("this page holds no model");
    live = new Live(app, model, engine);
    prepare(app);
    return { live };
  });
  await /** @type {Live | null} */ (live)?.start();
}
