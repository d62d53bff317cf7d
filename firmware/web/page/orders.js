// What the owner changes about the segment in the player: whether it is kept, and whether it goes.

import * as api from "./api.js";
import { $, setText } from "./dom.js";
import * as list from "./list.js";

/** Whoever may only look gets no buttons. */
const owns = document.documentElement.dataset.role === "owner";
/** Segments that are going to be given up, and when. */
let marks = new Map();
let shown = null;

/** Takes in what `/api/status` said. */
export function show(status) {
  marks = new Map(status.deletions.map(({ segment, in_s }) => [segment, in_s]));
  list.setMarks(marks);
  draw();
}

/** The segment that the player shows; null for none. */
export function choose(segment) {
  if (shown?.id !== segment?.id) say("");
  shown = segment;
  draw();
}

function draw() {
  $("actions").hidden = !owns || shown === null;
  if (shown === null) return;
  const now = list.get(shown.id) ?? shown;
  const mark = marks.get(now.id);
  setText($("keep"), now.locked ? "Kept" : "Keep");
  $("keep").disabled = now.locked;
  setText($("delete"), mark === undefined ? "Delete" : "Undo delete");
  $("delete").disabled = now.state === "recording";
  if (mark !== undefined) say(`Gone in ${Math.max(1, Math.round(mark / 3600))} h of driving at most. Until then it can be undone.`);
  else if (said.startsWith("Gone in")) say("");
}

let said = "";

function say(text) {
  said = text;
  setText($("order-answer"), text);
}

async function order(what, done) {
  try {
    await what();
    say(done);
    return true;
  } catch (error) {
    say(`${error.message} ${error.remedy}`.trim());
    return false;
  }
}

$("keep").addEventListener("click", async () => {
  const { id } = shown;
  // The same segment kept twice, from two phones, is one order.
  const sent = await order(() => api.keep(`page-${id}-${Date.now()}`, id), "Kept, with what the other cameras saw.");
  if (sent && shown?.id === id) {
    setText($("keep"), "Kept");
    $("keep").disabled = true;
  }
});
$("delete").addEventListener("click", async () => {
  const { id } = shown;
  if (marks.has(id)) {
    if (await order(() => api.restore(id), "It stays.")) marks.delete(id);
  } else if (await order(() => api.remove(id), "")) {
    marks.set(id, 86_400);
  }
  list.setMarks(marks);
  draw();
});
