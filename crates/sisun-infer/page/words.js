// Words, numbers and elements: what the pages write with.

let language = "en";

/** The sentence `key` in the present language, in parts: what stands for `{0}`, `{1}` … may be elements. */
function sayWith(key, ...values) {
  const parts = (STRINGS[language][key] ?? key).split(/\{(\d)\}/);
  return parts.map((part, i) => (i % 2 ? values[part] ?? `{${part}}` : part)).filter((part) => part !== "");
}

/** The same as a text. */
function say(key, ...values) {
  return sayWith(key, ...values).join("");
}

/** Puts words where the markup asks for them: `data-say` is a text, `data-say-label` a name that is not seen. */
function translate(root) {
  for (const element of root.querySelectorAll("[data-say]")) element.textContent = say(element.dataset.say);
  for (const element of root.querySelectorAll("[data-say-label]")) {
    const label = say(element.dataset.sayLabel);
    element.setAttribute("aria-label", label);
    if (element.matches("button")) element.title = label;
  }
}

/** An element with properties and children, which are always text and never markup. */
function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "data") Object.assign(element.dataset, value);
    else if (key in element) element[key] = value;
    else element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

/** A number with `decimals` decimals and a proper minus sign; a model that is broken has numbers that are none. */
function written(value, decimals = 4) {
  if (value === -Infinity) return "−∞";
  return Number.isFinite(value) ? value.toFixed(decimals).replace(/^-/, "−") : "–";
}
