// Start the attention page.

import { startAttention } from "./attention-start.js";
import { ATTENTION_STRINGS } from "./attention-strings.js";
import { begin } from "./trouble.js";
import { addStrings } from "./words.js";

addStrings(ATTENTION_STRINGS);
begin(async () => {
  await startAttention();
});
