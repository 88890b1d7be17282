// Elements: how the pages find, make and fill them.

/**
 * The element of this id, which the template has; `kind` is its class.
 * @template {HTMLElement} [E=HTMLElement]
 * @param {string} id
 * @param {new () => E} [kind]
 * @returns {E}
 */
export function find(id, kind) {
  const element = document.getElementById(id);
  if (!(element instanceof (kind ?? HTMLElement))) throw new Error(`#${id} is not on this page`);
  return /** @type {E} */ (element);
}

/**
 * An element with properties and children, which are always text and never markup.
 * @template {keyof HTMLElementTagNameMap} N
 * @param {N} name
 * @param {Record<string, unknown>} properties `data` holds those of the data set
 * @param {...(Node | string | number)} children
 * @returns {HTMLElementTagNameMap[N]}
 */
export function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "data") Object.assign(element.dataset, value);
    else if (key in element) Object.assign(element, { [key]: value });
    else element.setAttribute(key, String(value));
  }
  element.append(...children.map((child) => (typeof child === "number" ? String(child) : child)));
  return element;
}

/**
 * What draws on a canvas.
 * @param {HTMLCanvasElement} canvas
 * @returns {CanvasRenderingContext2D}
 */
export function contextOf(canvas) {
  const context = canvas.getContext("2d");
  // Null only for a canvas that something else draws on already.
  if (!context) throw new Error("this browser cannot draw on a canvas");
  return context;
}

/**
 * The element nearest to where an event happened, itself or around it.
 * @param {Event} event
 * @param {string} selector
 * @returns {HTMLElement | null}
 */
export function closest(event, selector) {
  return event.target instanceof Element ? event.target.closest(selector) : null;
}

/**
 * Call back with the value of a select or a slider when the reader changes it.
 * @param {HTMLSelectElement | HTMLInputElement} control
 * @param {"change" | "input"} type
 * @param {(value: string) => void} callback
 */
export function onChoice(control, type, callback) {
  control.addEventListener(type, () => callback(control.value));
}

/**
 * Put options into a select, unless they are there already: an open list must not be taken away.
 * @param {HTMLSelectElement} select
 * @param {[value: string | number, text: string | number][]} options
 * @param {string | number | null} value
 */
export function fillSelect(select, options, value) {
  const texts = options.map(([, text]) => String(text));
  if (texts.join("\n") !== [...select.options].map((option) => option.textContent).join("\n")) {
    select.replaceChildren(...options.map(([name, text]) => make("option", { value: name, textContent: text })));
  }
  select.value = String(value);
}

/**
 * Call back when an element has become wider or narrower; in the next frame, so that the callback may change sizes itself.
 * @param {Element} element
 * @param {() => void} callback
 */
export function watchWidth(element, callback) {
  let width = element.clientWidth;
  new ResizeObserver(() => requestAnimationFrame(() => {
    if (element.clientWidth === width) return;
    width = element.clientWidth;
    callback();
  })).observe(element);
}

/**
 * Scroll a box, and not the page, just so far that an element in it is seen.
 * @param {Element} box
 * @param {Element} element
 */
export function keepInSight(box, element) {
  const [outer, inner] = [box.getBoundingClientRect(), element.getBoundingClientRect()];
  const margin = inner.height;
  if (inner.top < outer.top + margin) box.scrollTop += inner.top - outer.top - margin;
  else if (inner.bottom > outer.bottom - margin) box.scrollTop += inner.bottom - outer.bottom + margin;
}
