// Start the attention page whose model a server computes.

import { ATTENTION_STRINGS } from "./attention-strings.js";
import { startLive } from "./live-start.js";
import { ServerEngine } from "./live-server.js";
import { LIVE_STRINGS } from "./live-strings.js";
import { positionStrings } from "./position-strings.js";
import { SERVED_STRINGS } from "./served-strings.js";
import { begin } from "./trouble.js";
import { addStrings } from "./words.js";

addStrings(ATTENTION_STRINGS);
addStrings(positionStrings());
addStrings(LIVE_STRINGS);
addStrings(SERVED_STRINGS);
begin(() => startLive(new ServerEngine()));
