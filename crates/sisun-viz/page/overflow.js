// Boxes that scroll sideways: they say that there is more, and the keyboard reaches them.

/**
 * Keep `data-more` of a box up to date: "before", "after" or both, where a part of it is out of sight on that side.
 * A box that holds nothing to focus can be focused itself while it scrolls.
 * @param {HTMLElement} box
 * @param {(scrolls: boolean) => void} [changed] called when the box begins or ceases to scroll
 */
export function watchOverflow(box, changed) {
  const own = box.tabIndex >= 0;
  let was = false;
  const look = () => {
    const room = box.scrollWidth - box.clientWidth;
    const scrolls = room > 1;
    box.dataset.more = [scrolls && box.scrollLeft > 1 && "before", scrolls && box.scrollLeft < room - 1 && "after"].filter(Boolean).join(" ");
    if (!own) {
      if (scrolls && !box.querySelector("button, a, input, select, [tabindex]")) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
    if (scrolls !== was) changed?.(scrolls);
    was = scrolls;
  };
  box.addEventListener("scroll", look, { passive: true });
  new ResizeObserver(() => requestAnimationFrame(look)).observe(box);
  new MutationObserver(look).observe(box, { childList: true, subtree: true, characterData: true });
  look();
}
