// Start the attention page that holds its model.

import { ATTENTION_STRINGS } from "./attention-strings.js";
import { addSaving, rememberPage } from "./live-saving.js";
import { startLive } from "./live-start.js";
import { LIVE_STRINGS } from "./live-strings.js";
import { WorkerEngine } from "./live-worker-engine.js";
import { positionStrings } from "./position-strings.js";
import { begin } from "./trouble.js";
import { addStrings } from "./words.js";

addStrings(ATTENTION_STRINGS);
addStrings(positionStrings());
addStrings(LIVE_STRINGS);
rememberPage();
begin(() => startLive(new WorkerEngine(), addSaving));
