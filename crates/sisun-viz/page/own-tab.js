// The tab of the attention page in which matrices are typed in.

import { OwnNumbers } from "./own-panel.js";

/** @import { App } from "./app.js" */
/** @import { Panel } from "./types.js" */

/** @implements {Panel} */
export class OwnTab {
  #own;

  /**
   * @param {HTMLElement} host
   * @param {number} column
   * @param {App} app
   */
  constructor(host, column, app) {
    this.column = column;
    this.app = app;
    const { presets, language } = app.page;
    const first = presets[language === "ko" ? presets.length - 1 : 0];
    this.#own = new OwnNumbers(host, first.given, presets);
  }

  get view() {
    return this.app.present()[0];
  }

  needs() {
    return [];
  }

  show() {
    this.#own.show();
  }

  mark() {
    // There are no cells of a map.
  }

  extent() {
    return { width: 1, height: 1 };
  }

  paint() {
    // There is no picture of it.
  }
}
