// Light or dark theme, and the matching colours of weights.

import { Colours, readPalette, SignedColours } from "./colour.js";
import { isPrinting, watchPrinting } from "./printing.js";
import { bytesOf } from "./unpack.js";

/** @import { Scale, ThemeChoice } from "./types.js" */

export class Theme {
  #system = matchMedia("(prefers-color-scheme: dark)");
  /** @type {{ name: string, colours: Colours } | null} */
  #last = null;
  /** @type {{ of: Colours, colours: SignedColours } | null} */
  #signed = null;

  /** @param {Record<string, string>} maps 256 colours of three bytes each, as base64, by the name of the map */
  constructor(maps) {
    this.maps = Object.fromEntries(Object.entries(maps).map(([name, base64]) => [name, bytesOf(base64)]));
  }

  /** @param {ThemeChoice} theme */
  isDark(theme) {
    if (isPrinting()) return false;
    return theme === "dark" || (theme === "auto" && this.#system.matches);
  }

  /**
   * The chosen map, or by default Blues on white, as in print; on a dark page Magma, whose zero is almost black.
   * @param {ThemeChoice} theme
   * @param {string | null} chosen
   */
  mapOf(theme, chosen) {
    return chosen ?? (this.isDark(theme) ? "magma" : "blues");
  }

  /**
   * Returns the same object until something changes.
   * @param {ThemeChoice} theme
   * @param {string | null} chosen
   * @param {Scale} scale
   */
  colours(theme, chosen, scale) {
    const map = this.mapOf(theme, chosen);
    const name = `${map} ${scale} ${this.isDark(theme)}`;
    if (this.#last?.name !== name) this.#last = { name, colours: new Colours(this.maps[map], scale, readPalette(this.isDark(theme))) };
    return this.#last.colours;
  }

  /**
   * The colours of signed numbers beside those of weights.
   * @param {Colours} colours
   */
  signed(colours) {
    if (this.#signed?.of !== colours) this.#signed = { of: colours, colours: new SignedColours(colours) };
    return this.#signed.colours;
  }

  /**
   * Apply the colours of a theme to the page.
   * @param {ThemeChoice} theme
   */
  apply(theme) {
    document.documentElement.dataset.theme = this.isDark(theme) ? "dark" : "light";
  }

  /**
   * Call back when the system changes between light and dark, and when the page is printed, which is always light.
   * @param {() => void} callback
   */
  listen(callback) {
    this.#system.addEventListener("change", callback);
    watchPrinting(callback);
  }
}
