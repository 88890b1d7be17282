// Start the attention page.

import { ANALYSIS_STRINGS } from "./analysis-strings.js";
import { startAttention } from "./attention-start.js";
import { ATTENTION_STRINGS } from "./attention-strings.js";
import { positionStrings } from "./position-strings.js";
import { begin } from "./trouble.js";
import { addStrings } from "./words.js";

addStrings(ANALYSIS_STRINGS);
addStrings(ATTENTION_STRINGS);
addStrings(positionStrings());
begin(async () => {
  await startAttention();
});
