// Whether anything is recorded: the owner may stop it for a while.

import * as api from "./api.js";
import { $, setText } from "./dom.js";

export const PAUSE_S = 600;
/** A thumb that slips stops nothing: the button waits so long to be pressed once more. */
const SURE_MS = 6_000;
let sure = 0;
let paused = false;

/** Takes in what `/api/status` said. */
export function show(status) {
  paused = status.paused_s != null;
  $("pause-box").hidden = document.documentElement.dataset.role !== "owner";
  if (paused) calm();
  draw();
}

function draw() {
  const stop = sure ? "Yes, stop recording for 10 minutes" : "Stop recording for 10 minutes";
  setText($("pause"), paused ? "Record again" : stop);
  $("pause").classList.toggle("danger", sure !== 0 && !paused);
}

function calm() {
  clearTimeout(sure);
  sure = 0;
  draw();
}

$("pause").addEventListener("click", async () => {
  if (!paused && !sure) {
    sure = setTimeout(() => (calm(), setText($("pause-answer"), "")), SURE_MS);
    draw();
    setText($("pause-answer"), "Nothing will be recorded meanwhile. Press once more to stop.");
    return;
  }
  calm();
  const asked = paused ? api.resume() : api.pause(PAUSE_S);
  try {
    await asked;
    setText($("pause-answer"), paused ? "It records again." : "Nothing is recorded. It goes on by itself.");
  } catch (error) {
    setText($("pause-answer"), `${error.message} ${error.remedy}`);
  }
});
