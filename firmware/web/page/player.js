// The player: one segment after the other of the same camera.

import { segment as fetchSegment } from "./api.js";
import { $, icon, setText } from "./dom.js";
import * as format from "./format.js";
import * as list from "./list.js";
import * as orders from "./orders.js";

/** How often a player at the end of a segment being recorded looks for more. */
const GROW_MS = 1_500;

let current = null;
let growing = 0;
const video = $("video");

export const isOpen = () => current !== null;
export const playing = () => current;

/** Opens the player as somebody asks for it: Back closes it again. */
export function open(segment) {
  if (!isOpen() && !history.state?.player) history.pushState({ player: true }, "");
  play(segment);
  reveal();
}

/** On a low screen the player is not always in sight. */
function reveal() {
  const { top, bottom } = $("player").getBoundingClientRect();
  if (top < 0 || bottom > innerHeight) $("player").scrollIntoView({ block: "start", behavior: "instant" });
}

/** Plays a segment, from `at` seconds on. */
function play(segment, at = 0) {
  clearTimeout(growing);
  current = segment;
  $("player").hidden = false;
  document.querySelector("main").classList.add("watching");
  $("video-error").hidden = true;
  caption(segment);
  list.choose(segment.id);
  orders.choose(segment);
  video.src = segment.file + (at ? `#t=${at}` : "");
  // Refused where the browser wants another tap; the controls are there for it.
  video.play().catch(() => {});
}

export function close() {
  // What happens then is the same as when Back is pressed.
  if (history.state?.player) history.back();
  else shut();
}

function shut() {
  if (!isOpen()) return;
  clearTimeout(growing);
  const { id } = current;
  const within = $("player").contains(document.activeElement) || document.activeElement === document.body;
  current = null;
  video.removeAttribute("src");
  video.load();
  $("player").hidden = true;
  document.querySelector("main").classList.remove("watching");
  list.choose(null);
  orders.choose(null);
  if (within) list.focus(id);
}

function caption(segment) {
  setText($("playing"), `${format.cameraName(segment)} · ${format.time(segment)}`);
  const more = [];
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
$("close").addEventListener("click", close);
addEventListener("popstate", () => {
  if (!history.state?.player) shut();
  // Forward leads to a player that has nothing to show any more.
  else if (!isOpen()) history.back();
});
// A page that was reloaded shows no player, and Back should not have to say so.
if (history.state?.player) history.replaceState(null, "");
video.addEventListener("ended", goOn);
video.addEventListener("error", explain);
