// Start the page of given matrices.

import { Address, readLanguage, readTheme } from "./address.js";
import { find, onChoice } from "./elements.js";
import { OwnNumbers } from "./own-panel.js";
import { OWN_STRINGS } from "./own-strings.js";
import { Theme } from "./theme.js";
import { begin, ready } from "./trouble.js";
import { addStrings, setLanguage, translate } from "./words.js";

async function start() {
  /** @type {import("./types.js").OwnPageData} */
  const page = JSON.parse(find("page").textContent ?? "");
  find("waiting").hidden = true;
  find("app").hidden = false;
  const theme = new Theme(page.colours);
  /** @type {{ language: import("./types.js").Language, theme: import("./types.js").ThemeChoice }} */
  const choices = { language: page.language, theme: "auto" };
  const address = new Address({ language: readLanguage, theme: readTheme }, { ...choices }, "language");
  Object.assign(choices, address.read());
  const own = new OwnNumbers(find("own"), page.given, page.presets);
  const [languages, themes] = [find("language", HTMLSelectElement), find("theme", HTMLSelectElement)];
  const show = () => {
    setLanguage(choices.language);
    theme.apply(choices.theme);
    translate(document);
    find("title").textContent = page.title;
    [languages.value, themes.value] = [choices.language, choices.theme];
    own.show();
  };
  const set = (/** @type {Partial<typeof choices>} */ changes) => {
    Object.assign(choices, changes);
    show();
    address.writeSoon(choices);
  };
  onChoice(languages, "change", (language) => set({ language: /** @type {typeof choices["language"]} */ (language) }));
  onChoice(themes, "change", (choice) => set({ theme: /** @type {typeof choices["theme"]} */ (choice) }));
  show();
  window.sisun = Object.freeze({
    page,
    get found() {
      return own.found;
    },
  });
  requestAnimationFrame(ready);
}

addStrings(OWN_STRINGS);
begin(start);
