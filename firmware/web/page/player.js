// The player: one segment after the other of the same camera.

import { segment as fetchSegment } from "./api.js";
import { $, icon, setText } from "./dom.js";
import * as format from "./format.js";
import * as list from "./list.js";
import * as orders from "./orders.js";
import * as view from "./view.js";

/** How often a player at the end of a segment being recorded looks for more. */
const GROW_MS = 1_500;

let current = null;
/** Why this is shown, if it is not what was asked for. */
let note = "";
let growing = 0;
const video = $("video");

/** What a clip is made around: what is seen now. */
export const forClip = (cameras) => ({
  segment: current,
  seen: video.currentTime,
  cameras,
  host: $("player"),
  before: $("actions"),
  button: $("clip"),
  pause: () => video.pause(),
  seek: (at) => at >= 0 && at < video.duration - 0.1 && (video.currentTime = at),
});

/** Opens the player as somebody asks for it: Back closes it again. */
export function open(segment, why = "") {
  view.open(shut);
  note = why;
  play(segment);
  view.reveal($("player"));
}

/** Plays a segment, from `at` seconds on. */
function play(segment, at = 0) {
  clearTimeout(growing);
  current = segment;
  $("player").hidden = false;
  $("video-error").hidden = true;
  caption(segment);
  list.choose(segment.id);
  orders.choose(segment);
  video.src = segment.file + (at ? `#t=${at}` : "");
  // Refused where the browser wants another tap; the controls are there for it.
  video.play().catch(() => {});
}

function shut() {
  clearTimeout(growing);
  const { id } = current;
  const within = $("player").contains(document.activeElement) || document.activeElement === document.body;
  current = null;
  video.removeAttribute("src");
  video.load();
  $("player").hidden = true;
  list.choose(null);
  orders.choose(null);
  if (within) list.focus(id);
}

function caption(segment) {
  setText($("playing"), `${format.cameraName(segment)} · ${format.time(segment)}`);
  const more = note ? [note] : [];
  if (segment.duration_s != null) more.push(format.length(segment.duration_s));
  more.push(format.size(segment.size));
  if (segment.state === "recording") more.push("still recording");
  else if (segment.start) more.unshift(format.when(segment));
  setText($("playing-more"), more.join(" · "));
  $("playing-download").href = format.downloadAddress(segment);
}

/** At the end: more of a segment being recorded, or the one recorded after it. */
async function goOn() {
  if (!current) return;
  if (current.state !== "recording") {
    const after = list.next(current);
    if (after) play(after);
    return;
  }
  const { id, size } = current;
  const at = video.currentTime;
  const now = await fetchSegment(id).catch(() => null);
  if (current?.id !== id || !video.ended) return;
  if (now && now.size > size) play(now, at);
  else if (now?.state !== "recording" && list.next(current)) play(list.next(current));
  else growing = setTimeout(goOn, GROW_MS);
}

/** Says why nothing plays: the browser itself only knows "error". */
async function explain() {
  if (!current || !video.getAttribute("src")) return;
  const { id } = current;
  let reason = "This browser cannot play the segment. Download it instead.";
  try {
    await fetchSegment(id);
  } catch (error) {
    if (error.status === 404) {
      reason = "This segment has been recorded over.";
      list.remove(id);
    } else {
      reason = `${error.message} ${error.remedy}`;
    }
  }
  if (current?.id !== id) return;
  setText($("video-error"), reason);
  $("video-error").hidden = false;
}

$("playing-download").append(icon("download"));
$("close").append(icon("close"));
$("close").addEventListener("click", view.close);
video.addEventListener("ended", goOn);
video.addEventListener("error", explain);
// Another segment, or none.
video.addEventListener("emptied", () => $("player").querySelector("#clip-box:not([hidden])") && import("./clip.js").then((clip) => clip.close()));
