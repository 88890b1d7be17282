// What of a page falls short of WCAG 2.2 AA: contrast of text (1.4.3), sizes of targets (2.5.8), and boxes that scroll
// sideways out of reach of the keyboard (2.1.1). The value of this script is a list of sentences.
(() => {
  const problems = [];
  const visible = (element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: true });
  const named = (element) => {
    const id = element.id ? `#${element.id}` : "";
    return `${element.localName}${id}${[...element.classList].map((name) => `.${name}`).join("")} “${element.textContent.trim().slice(0, 30)}”`;
  };
  const parsed = (colour) => {
    const [red, green, blue, alpha = 1] = colour.match(/[\d.]+/g)?.map(Number) ?? [0, 0, 0, 0];
    return { red, green, blue, alpha };
  };
  const over = (front, back) => {
    const mix = (name) => front[name] * front.alpha + back[name] * (1 - front.alpha);
    return { red: mix("red"), green: mix("green"), blue: mix("blue"), alpha: 1 };
  };
  const luminance = ({ red, green, blue }) => {
    const [r, g, b] = [red, green, blue].map((channel) => {
      const c = channel / 255;
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [low, high] = [luminance(a), luminance(b)].sort((one, other) => one - other);
    return (high + 0.05) / (low + 0.05);
  };
  const ancestors = (element) => (element ? [element, ...ancestors(element.parentElement)] : []);
  const background = (element) => {
    const layers = ancestors(element).map((one) => parsed(getComputedStyle(one).backgroundColor));
    return layers.reverse().reduce((back, front) => over(front, back), { red: 255, green: 255, blue: 255, alpha: 1 });
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || element.closest("script, style, option, svg, :disabled, [inert]") || !visible(element)) continue;
    const style = getComputedStyle(element);
    if (style.clipPath !== "none" || ancestors(element).some((one) => getComputedStyle(one).clipPath !== "none")) continue;
    const back = background(element);
    const front = parsed(style.color);
    front.alpha *= ancestors(element).reduce((product, one) => product * Number(getComputedStyle(one).opacity), 1);
    const found = contrast(over(front, back), back);
    const size = parseFloat(style.fontSize);
    const least = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
    if (found < least) problems.push(`contrast ${found.toFixed(2)}: ${named(element)}`);
  }
  for (const target of document.querySelectorAll("button, select, input, textarea, summary, a[href], [role=tab]")) {
    if (!visible(target) || target.closest(":disabled, [inert]")) continue;
    // Targets in a text are exempt: their size is that of the words.
    if (target.closest(".tokens")) continue;
    const { width, height } = target.getBoundingClientRect();
    if (width < 23.9 || height < 23.9) problems.push(`target of ${width.toFixed(1)} × ${height.toFixed(1)}: ${named(target)}`);
  }
  for (const box of document.querySelectorAll("body *")) {
    if (!visible(box) || box.closest("svg") || box.localName === "textarea" || box.scrollWidth <= box.clientWidth + 1) continue;
    if (!["auto", "scroll"].includes(getComputedStyle(box).overflowX)) continue;
    const focusable = "a[href], button, input, select, textarea, summary, [tabindex='0']";
    if (box.tabIndex < 0 && !box.querySelector(focusable)) problems.push(`not reached by the keyboard: ${named(box)}`);
    if (box.tabIndex >= 0 && !(box.getAttribute("role") && (box.getAttribute("aria-label") || box.getAttribute("aria-labelledby")))) {
      problems.push(`a scrolling box without a name: ${named(box)}`);
    }
  }
  return [...new Set(problems)];
})()
