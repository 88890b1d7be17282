// Printing: a printed page is drawn at once, whole, and in the colours of paper.

let printing = false;

/** True while the page is being printed. */
export const isPrinting = () => printing;

/**
 * Call back when printing begins and when it has ended; what is shown must then be drawn again.
 * @param {() => void} callback
 */
export function watchPrinting(callback) {
  for (const [event, now] of /** @type {const} */ ([["beforeprint", true], ["afterprint", false]])) {
    addEventListener(event, () => {
      printing = now;
      callback();
    });
  }
}
