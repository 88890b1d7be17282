// Finding, creating and filling elements.

/**
 * Return the element of this id, which must be in the template; `kind` is its class.
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
 * Create an element with properties and children, which are always text and never markup.
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
 * Return the drawing context of a canvas.
 * @param {HTMLCanvasElement} canvas
 * @returns {CanvasRenderingContext2D}
 */
export function contextOf(canvas) {
  const context = canvas.getContext("2d");
  // Null only if the canvas already has another context.
  if (!context) throw new Error("this browser cannot draw on a canvas");
  return context;
}

/**
 * Return the closest element to an event's target that matches the selector.
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
 * Set the options of a select, unless they are unchanged: an open list must not be replaced.
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
 * Call back when the width of an element has changed; in the next frame, so that the callback may change sizes itself.
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
 * Scroll a box, but not the page, just far enough to show an element in it.
 * @param {Element} box
 * @param {Element} element
 */
export function keepInSight(box, element) {
  const [outer, inner] = [box.getBoundingClientRect(), element.getBoundingClientRect()];
  const margin = inner.height;
  if (inner.top < outer.top + margin) box.scrollTop += inner.top - outer.top - margin;
  else if (inner.bottom > outer.bottom - margin) box.scrollTop += inner.bottom - outer.bottom + margin;
}
