// The words of the steps, and given matrices worked through, as the pages make them, in Node: the tests compare them with
// the program's.
//
//   node steps.mjs REQUESTS.json > ANSWERS.json
//
// A request holds a context of steps, given matrices, or a page with a token to follow; see tests/suite/steps.rs.

import { readFileSync } from "node:fs";
import { OwnTrouble } from "../../crates/sisun-viz/page/own-check.js";
import { Model } from "../../crates/sisun-viz/page/live-model.js";
import { Reading } from "../../crates/sisun-viz/page/live-reading.js";
import { walkIn } from "../../crates/sisun-viz/page/live-walk.js";
import { parametersOf } from "../../crates/sisun-viz/page/live-weights.js";
import { asToml, explainOwn, ownContext, printedSentences } from "../../crates/sisun-viz/page/own-numbers.js";
import { bytesOf, inflate } from "../../crates/sisun-viz/page/unpack.js";
import { listSteps } from "../../crates/sisun-viz/page/worked-list.js";

const languages = ["en", "ko"];

/** Numbers that JSON lacks become null, as in the program's. */
function own(given) {
  try {
    const found = explainOwn(given);
    const { tokens, query, divisor, q, k, v, rows, deviations } = found;
    return {
      tokens, query, divisor, Q: q, K: k, V: v, deviations,
      rows: rows.map(({ keys, most, sum, z }) => ({ keys, max_score: most, exp_sum: sum, z: [...z] })),
      steps: languages.map((language) => listSteps(ownContext(found, language), language)),
      notes: languages.map((language) => printedSentences(found, language)),
      toml: asToml(given),
    };
  } catch (error) {
    if (error instanceof OwnTrouble) return { trouble: error.sentence };
    throw error;
  }
}

/** A token of a text, followed by the model of a page. */
async function follow({ path, ids, layer, head, query }) {
  const html = readFileSync(path, "utf8");
  const blocks = [];
  for (const [, number, text] of html.matchAll(/<script type="application\/octet-stream" id="b(\d+)(?:-\d+)?">([^<]*)<\/script>/g)) {
    blocks[number] = (blocks[number] ?? "") + text;
  }
  const { model } = JSON.parse(/<script type="application\/json" id="page">(.*)<\/script>/.exec(html)[1]);
  const parts = await Promise.all(model.weights.map((block) => inflate(bytesOf(blocks[block]))));
  const reading = new Reading(new Model(model.config, parametersOf(model, Buffer.concat(parts)), { readings: 1 }), 0, null);
  reading.read(ids);
  const { vectors, points, ...rest } = walkIn(reading, layer, head, query);
  return { ...rest, points, z: [...rest.z], terms: [...rest.terms.o], vectors: Object.fromEntries(Object.entries(vectors).map(([name, values]) => [name, [...values]])) };
}

const requests = JSON.parse(readFileSync(process.argv[2], "utf8"));
const answers = await Promise.all(requests.map(({ context, given, ...asked }) => {
  if (given) return own(given);
  return context ? languages.map((language) => listSteps(context, language)) : follow(asked);
}));
process.stdout.write(JSON.stringify(answers));
