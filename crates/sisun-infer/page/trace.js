// Facts, legends, and the start of the page.

/** The model and the settings that change something. */
function factsOf(page, seed) {
  const { step, steps, prompt_tokens: read, sampler } = page.trace;
  const idle = { top_k: 0, top_p: 1, min_p: 0, repetition_penalty: 1 };
  const drawn = sampler.temperature > 0;
  return [
    // Of a model that others trained it is not known.
    ...(step === null ? [] : [say("fact-step", counted(step))]), ...(steps.length > 0 ? [shapeOf(page)] : []),
    say(steps.length === 1 ? "fact-one" : "fact-tokens", counted(steps.length), counted(read)),
    drawn ? say("fact-temperature", sampler.temperature) : say("fact-greedy"),
    ...Object.keys(idle).filter((name) => sampler[name] !== idle[name] && (drawn || name === "repetition_penalty")).map((name) => say(`fact-${name}`, sampler[name])),
    ...(drawn ? [say("fact-seed", seed)] : []),
  ];
}

/** A bar of colours with ticks, [text, place from 0 to 1]; without `colour` the style sheet has it. */
function showScale(legend, ticks, colour) {
  const bar = make("span", { className: "ramp" });
  if (colour) bar.style.background = `linear-gradient(to right, ${Array.from({ length: 17 }, (_, i) => colour(i / 16)).join(", ")})`;
  const marks = ticks.map(([text, at]) => {
    const mark = make("span", { className: "tick", textContent: text });
    mark.style.left = `${100 * at}%`;
    return mark;
  });
  legend.querySelector(".scale").replaceChildren(bar, ...marks);
}

/** An error is a sentence on the page, never a page that stays empty. */
function report(error) {
  find("trouble").textContent = say("trouble", error?.message ?? String(error));
  find("trouble").hidden = false;
  console.error(error);
}

async function start() {
  const content = find("page").textContent;
  const page = JSON.parse(content);
  ({ language } = page);
  // A seed may have 64 bits, more than a number in a script; inside a string the quotes would be escaped.
  const [, seed] = /"seed":\s*(\d+)/.exec(content);
  find("waiting").hidden = true;
  find("app").hidden = false;
  const app = new App(page, seed);
  find("nothing").hidden = Boolean(app.parts);
  find("surprise").hidden = find("replay").hidden = !app.parts;
  app.show();
  window.sisun = Object.freeze({ page, attention: (step, layer, head) => Array.from(app.attention.weights(step, layer, head)) });
  if (app.parts) {
    if (isOld()) find("weight").textContent = say("old");
    else {
      await app.attention.decode();
      app.ready = true;
      app.show();
    }
  }
  requestAnimationFrame(() => { document.documentElement.dataset.ready = Math.round(performance.now()); });
}

function isOld() {
  try {
    return !new DecompressionStream("deflate-raw");
  } catch {
    return true;
  }
}

addEventListener("error", (event) => report(event.error ?? event.message));
addEventListener("unhandledrejection", (event) => report(event.reason));
start().catch(report);
