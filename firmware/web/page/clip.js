// The clip maker below the player: two handles around what is seen, and which cameras and tracks to take along.

import { $, el, setText } from "./dom.js";
import * as format from "./format.js";

/** How far the handles reach around what is seen, and where they begin, in seconds. */
const REACH_S = 120;
const BEFORE_S = 20;
const AFTER_S = 10;
const LEAST_S = 1;
/** The camera is asked for the size when the handles have come to rest. */
const REST_MS = 350;

/** What is clipped: a segment, the moment of it that is seen in its seconds, and how to show another. */
let source = null;
let shown = null;
let seen = 0;
let asking = 0;
let asked = 0;

const handle = (id, name) =>
  el("input", { type: "range", id, min: -REACH_S, max: REACH_S, step: 0.5, "aria-label": name, oninput: () => move(id) });
const from = handle("clip-from", "Start");
const to = handle("clip-to", "End");
const range = el("p", { class: "title", id: "clip-range" });
const band = el("span", { class: "band" });
const cameras = el("div", { class: "checks" });
const sound = check("Sound", "clip-sound");
const place = check("Place and speed", "clip-place");
const get = el("a", { class: "button primary", id: "clip-get", download: "" });
const note = el("p", { class: "more", id: "clip-note", role: "status" });
const slider = el("div", { class: "slider" }, el("span", { class: "rail" }, band, el("span", { class: "now" })), from, to);
const tracks = el("div", { class: "checks" }, sound.label, place.label);
$("clip-box").append(range, slider, cameras, tracks, get, note);

// Its looks come with it.
const looks = el("link", { rel: "stylesheet", href: "/assets/clip.css" });
const dressed = new Promise((done) => (looks.onload = looks.onerror = done));
document.head.append(looks);

function check(name, id, checked = true) {
  const input = el("input", { type: "checkbox", id, checked, onchange: draw });
  return { input, label: el("label", { class: "check" }, input, name) };
}

let boxes = [];

/** Opens the clip maker around what is seen, or closes it. */
export async function toggle(what) {
  await dressed;
  const isOpen = source?.host === what.host;
  if (source) close();
  if (isOpen) return;
  source = what;
  shown = what.segment;
  seen = what.seen;
  what.pause();
  what.host.insertBefore($("clip-box"), what.before);
  from.value = -BEFORE_S;
  to.value = AFTER_S;
  boxes = what.cameras.map(({ letter, name }) => ({ letter, ...check(name || `Camera ${letter}`, `clip-${letter}`) }));
  cameras.hidden = boxes.length < 2;
  cameras.replaceChildren(...boxes.map(({ label }) => label));
  $("clip-box").hidden = false;
  what.button.setAttribute("aria-expanded", "true");
  draw();
  $("clip-box").scrollIntoView({ block: "nearest" });
}

export function close() {
  source?.button.setAttribute("aria-expanded", "false");
  source = null;
  shown = null;
  clearTimeout(asking);
  asked += 1;
  $("clip-box").hidden = true;
}

/** Keeps the handles apart, and shows what is at the one that moves. */
function move(id) {
  const [start, end] = [Number(from.value), Number(to.value)];
  if (end - start < LEAST_S) {
    if (id === from.id) from.value = end - LEAST_S;
    else to.value = start + LEAST_S;
  }
  source.seek(seen + Number($(id).value));
  draw();
}

function draw() {
  const [start, end] = [Number(from.value), Number(to.value)];
  const part = (value) => ((value + REACH_S) / (2 * REACH_S)) * 100;
  band.style.insetInlineStart = `${part(start)}%`;
  band.style.inlineSize = `${part(end) - part(start)}%`;
  const seconds = (end - start).toLocaleString(undefined, { maximumFractionDigits: 1 });
  const [first, last] = [start, end].map((value) => format.time(format.later(shown, seen + value)));
  // Where the time is unknown, the boot need not be said twice.
  setText(range, `${first} – ${last.replace(/^boot \d+ /, "")} · ${seconds} s`);
  from.setAttribute("aria-valuetext", first);
  to.setAttribute("aria-valuetext", last);
  const letters = boxes.filter(({ input }) => input.checked).map(({ letter }) => letter);
  const none = boxes.length > 0 && letters.length === 0;
  const address = format.clipAddress({
    // All of them need not be named; and one is no ZIP.
    cameras: boxes.length > 1 ? letters.join(",") : null,
    from: `${shown.id}@${(seen + start).toFixed(2)}`,
    to: `${shown.id}@${(seen + end).toFixed(2)}`,
    sound: sound.input.checked ? null : 0,
    place: place.input.checked ? null : 0,
  });
  setText(get, "Download clip");
  offer(none ? null : address);
  const files = letters.length > 1 ? "One MP4 a camera, in a ZIP. " : "";
  const about = "Not encoded again: cut at key frames, so a player may show a little more at either end. What is burnt into the picture stays.";
  say(none ? "Choose a camera." : files + about);
  clearTimeout(asking);
  asked += 1;
  if (!none) asking = setTimeout(measure, REST_MS, address, asked);
}

function offer(address) {
  if (address) get.href = address;
  else get.removeAttribute("href");
  get.classList.toggle("off", !address);
}

/** Asks for the first byte, and so for the size of all. */
async function measure(address, turn) {
  let error = { error: "The camera cannot be reached.", remedy: "" };
  try {
    const answer = await fetch(address, { headers: { range: "bytes=0-0" } });
    if (answer.ok) {
      const size = Number(answer.headers.get("content-range")?.split("/")[1]);
      await answer.arrayBuffer();
      if (turn === asked) setText(get, size ? `Download clip · ${format.size(size)}` : "Download clip");
      return;
    }
    error = await answer.json();
  } catch {
    // Said below.
  }
  if (turn !== asked) return;
  offer(null);
  say(`${error.error} ${error.remedy}`.trim(), true);
}

function say(what, bad = false) {
  note.classList.toggle("bad", bad);
  setText(note, what);
}
