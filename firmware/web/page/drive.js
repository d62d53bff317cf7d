// A drive: all its cameras under one playhead.

import * as api from "./api.js";
import { Bar, Track } from "./bar.js";
import { $, el, icon, setText } from "./dom.js";
import * as format from "./format.js";
import { Reel } from "./reel.js";
import * as view from "./view.js";

const STEP_S = 10;
/** Of a drive that goes on, somebody wants to see what just happened. */
const BACK_S = 30;
/** Between parts there may be so much of nothing that nobody notices. */
const JOINT_S = 0.3;
/** Cameras side by side may be apart by so much before one jumps; by less they are brought together slowly. */
const APART_S = 0.35;
const TICK_MS = 100;
/** What comes next is made ready so long before. */
const READY_S = 15;
const GROW_MS = 1_500;
const LOOK_MS = 4_000;
/** So often the address follows the playhead. */
const ADDRESS_MS = 1_000;

const wide = matchMedia("(min-width: 980px)");
const owns = document.documentElement.dataset.role === "owner";
const main = document.querySelector("main");

let drive = null;
/** Its cameras: letter, name, and parts by their starts. */
let cameras = [];
/** The camera that is watched, or that the others follow. */
let chosen = null;
/** The playhead, in seconds from the start of the drive. */
let now = 0;
let plays = false;
let held = false;
/** By letter where they stand side by side; else one for whichever is chosen. */
let reels = new Map();
let timers = [];
let opener = null;
let scrolled = 0;
let growing = 0;
let addressed = 0;
/** Counts what was opened. */
let turn = 0;

const screens = el("div", { class: "screens" });
const bar = new Bar(seek);
const track = new Track(seek);
const clock = el("p", { class: "title", id: "drive-time" });
const more = el("p", { class: "more", id: "drive-more" });
const speed = el("p", { class: "speed", id: "drive-speed" });
const tabs = el("div", { class: "tabs", role: "group", "aria-label": "Camera" });
const key = el("p", { class: "key" });
const answer = el("p", { class: "more", role: "status", id: "drive-answer" });
const button = (name, id, press, ...inside) => el("button", { class: "icon", id, onclick: press, title: name, "aria-label": name }, ...inside);
const play = button("Play", "drive-play", toggle, icon("play"));
const full = button("Fill the screen", "drive-full", fill, icon("full"));
const close = button("Close the drive", "drive-close", view.close, icon("close"));
const back = el("button", { id: "drive-back", onclick: () => seek(now - STEP_S), "aria-label": "Back 10 seconds" }, "−10");
const ahead = el("button", { id: "drive-ahead", onclick: () => seek(now + STEP_S), "aria-label": "On 10 seconds" }, "+10");
const clip = el("button", { id: "drive-clip", onclick: makeClip, "aria-expanded": "false", "aria-controls": "clip-box" }, "Clip");
const keep = el("button", { id: "drive-keep", onclick: keepThis, hidden: !owns }, "Keep");
const controls = el("div", { class: "controls" }, back, play, ahead, tabs, el("span", { class: "gap" }), keep, clip);
const heading = el("div", { class: "caption" }, el("div", { class: "what" }, clock, more), speed, full, close);
const panel = el("div", { class: "panel" }, heading, bar.box, key, controls, answer, track.box);
$("drive").append(screens, panel);

// Its looks come with it.
const looks = el("link", { rel: "stylesheet", href: "/assets/drive.css" });
const dressed = new Promise((done) => (looks.onload = looks.onerror = done));
document.head.append(looks);

/** Opens the drive of a segment, there or, without a moment, where it begins; one that goes on near its end. */
export async function open(id, within, listed) {
  const own = ++turn;
  opener = document.activeElement;
  let found;
  try {
    const asked = api.drive(id).catch((error) => again(error, listed));
    [found] = await Promise.all([asked, dressed]);
  } catch (error) {
    if (own !== turn) return;
    const gone = error.status === 404 ? "This drive has been recorded over." : error.message;
    $("notice").replaceChildren(el("strong", {}, gone), error.status === 404 ? "What is left is listed below." : error.remedy ?? "");
    $("notice").hidden = false;
    return;
  }
  if (own !== turn) return;
  if (!drive) scrolled = scrollY;
  take(found);
  const part = found.parts.find((one) => one.id === id);
  const face = cameras.find(({ letter }) => letter === part?.camera) ?? cameras[0];
  chosen = within === null ? cameras[0].letter : face.letter;
  now = within !== null ? part.at_s + within : found.going_on ? Math.max(0, found.length_s - BACK_S) : 0;
  view.open(shut, address());
  main.classList.add("driving");
  $("drive").hidden = false;
  scrollTo({ top: 0, behavior: "instant" });
  lay();
  seek(now);
  start();
  play.focus({ preventScroll: true });
  timers.forEach(clearInterval);
  timers = [setInterval(tick, TICK_MS), setInterval(look, LOOK_MS)];
}

/** The ring may just have taken the segment that a listed drive was named by. */
async function again(error, listed) {
  if (error.status !== 404 || !listed) throw error;
  const { drives } = await api.drives({ limit: 500 });
  const same = drives.findLast(({ boot }) => boot?.number === listed.boot?.number && boot?.seconds >= listed.boot?.seconds);
  if (!same) throw error;
  return api.drive(same.id);
}

function shut() {
  turn += 1;
  timers.forEach(clearInterval);
  clearTimeout(growing);
  if (clip.getAttribute("aria-expanded") === "true") import("./clip.js").then(({ close }) => close());
  stop();
  for (const reel of reels.values()) reel.stop();
  reels = new Map();
  screens.replaceChildren();
  drive = null;
  $("drive").hidden = true;
  main.classList.remove("driving");
  scrollTo({ top: scrolled, behavior: "instant" });
  const target = opener?.isConnected && opener !== document.body ? opener : $("footage");
  target.focus({ preventScroll: true });
}

/** Takes in what the camera says of the drive. */
function take(found) {
  drive = found;
  cameras = found.cameras.map((camera) => ({
    letter: camera.letter,
    name: format.driveCamera(camera),
    parts: found.parts.filter((part) => part.camera === camera.letter && part.length_s > 0),
  }));
  bar.draw(cameras, drive.length_s, chosen);
  track.draw(drive.track);
  const kinds = [["manual", "Saved"], ["event", "Event"], ["parking", "Parking"]].filter(([kind]) => drive.classes[kind] > 0);
  key.replaceChildren(...kinds.map(([kind, name]) => el("span", { class: kind }, name)));
  key.hidden = kinds.length === 0;
  for (const { letter, name } of cameras) reels.get(letter)?.name(name);
}

/** Puts up the screens: side by side where there is room, else one. */
function lay() {
  const all = wide.matches && cameras.length > 1 ? cameras : [null];
  for (const reel of reels.values()) reel.stop();
  reels = new Map(all.map((camera) => {
    const reel = new Reel(camera?.name ?? "", (part) => ended(reel, part), (part, error) => failed(reel, part, error));
    reel.label.hidden = !camera;
    return [camera?.letter ?? "", reel];
  }));
  screens.replaceChildren(...[...reels.values()].map(({ box }) => box));
  screens.classList.toggle("several", reels.size > 1);
  tabs.hidden = cameras.length < 2 || reels.size > 1;
  tabs.replaceChildren(...cameras.map(({ letter, name }) => {
    const tab = el("button", { onclick: () => watch(letter) }, name);
    tab.dataset.letter = letter;
    return tab;
  }));
  mark();
}

wide.addEventListener("change", () => {
  if (!drive) return;
  lay();
  seek(now);
});

function mark() {
  for (const tab of tabs.children) tab.setAttribute("aria-pressed", String(tab.dataset.letter === chosen));
  bar.draw(cameras, drive.length_s, reels.size > 1 ? null : chosen);
  for (const [letter, reel] of reels) for (const video of reel.videos) video.muted = video !== reel.seen || (letter !== "" && letter !== chosen);
}

/** Watches another camera, at the same moment. */
function watch(letter) {
  chosen = letter;
  mark();
  seek(now);
}

const partsOf = (letter) => cameras.find((camera) => camera.letter === letter)?.parts ?? [];
const end = (part) => part.at_s + part.length_s;

/** The part of a camera that has a moment; null if it recorded nothing then. */
function partAt(letter, at) {
  const parts = partsOf(letter);
  let [low, high] = [0, parts.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (parts[middle].at_s <= at) low = middle + 1;
    else high = middle;
  }
  const before = parts[low - 1];
  if (before && at < end(before) + JOINT_S) return before;
  const behind = parts[low];
  return behind && behind.at_s - at < JOINT_S ? behind : null;
}

const after = (letter, at) => partsOf(letter).find((part) => part.at_s >= at - JOINT_S) ?? null;

/** The camera that the playhead goes by: the chosen one, unless it saw nothing then. */
function leader() {
  if (partAt(chosen, now)) return chosen;
  return reels.size > 1 ? (cameras.find(({ letter }) => partAt(letter, now))?.letter ?? chosen) : chosen;
}

const reelOf = (letter) => reels.get(letter) ?? reels.get("");

/** Goes to a moment. */
function seek(at, isHeld = false) {
  if (!drive) return;
  held = isHeld;
  now = Math.min(Math.max(0, at), drive.length_s);
  clearTimeout(growing);
  for (const [letter, reel] of reels) show(letter || chosen, reel);
  draw();
  if (!plays && !held) remember();
}

/** Shows the present moment of a camera, or says that there is none. */
function show(letter, reel) {
  const part = partAt(letter, now);
  if (part) {
    reel.say("");
    reel.seek(part, now - part.at_s);
    return;
  }
  reel.wanted = null;
  for (const video of reel.videos) video.pause();
  const { name } = cameras.find((camera) => camera.letter === letter);
  reel.say(`${name} recorded nothing here.`);
}

function toggle() {
  if (plays) stop();
  else start();
}

function start() {
  // From the end it plays again.
  if (now >= drive.length_s - 0.2 && !drive.going_on) seek(0);
  plays = true;
  const part = partAt(leader(), now);
  // Over what nobody recorded.
  const next = part ? null : nextFor(leader());
  if (next) seek(next.at_s);
  for (const [letter, reel] of reels) if (partAt(letter || chosen, now)) reel.play();
  drawPlay();
}

/** Where it goes on for a camera, or where they stand side by side for any. */
function nextFor(letter) {
  if (reels.size < 2) return after(letter, now);
  const all = cameras.map((camera) => after(camera.letter, now)).filter(Boolean);
  return all.sort((a, b) => a.at_s - b.at_s)[0] ?? null;
}

function stop() {
  plays = false;
  for (const reel of reels.values()) reel.pause();
  drawPlay();
  if (drive) remember();
}

function drawPlay() {
  const name = plays ? "Pause" : "Play";
  if (play.title === name) return;
  play.title = name;
  play.setAttribute("aria-label", name);
  play.replaceChildren(icon(plays ? "pause" : "play"));
}

/** A part has been played to its end. */
function ended(reel, part) {
  if (!plays || !part) return;
  const letter = part.camera;
  if (part.state === "recording") return grow(reel, part);
  const next = partsOf(letter).find(({ at_s }) => at_s > part.at_s);
  const leads = letter === leader() || reels.size < 2;
  if (!next) {
    if (!leads) return;
    if (drive.going_on) return grow(reel, part);
    const other = reels.size > 1 && nextFor(letter);
    if (other) return seek(other.at_s), start();
    now = end(part);
    stop();
    draw();
    return;
  }
  if (next.at_s - end(part) <= JOINT_S) {
    if (leads) now = next.at_s;
    reel.goOn(next);
    return;
  }
  // Where another camera goes on, so does the playhead; else over the gap.
  if (!leads) return;
  const other = cameras.find((camera) => reels.size > 1 && camera.letter !== letter && partAt(camera.letter, end(part) + JOINT_S));
  if (other) return;
  seek(reels.size > 1 ? nextFor(letter)?.at_s ?? next.at_s : next.at_s);
  start();
}

/** At the end of what is being recorded: more of it, or what came after it. */
async function grow(reel, part) {
  const own = turn;
  await look();
  if (own !== turn || !plays || reel.part?.id !== part.id) return;
  const same = partsOf(part.camera).find(({ id }) => id === part.id);
  if (same && same.size > part.size) reel.seek(same, reel.seen.currentTime);
  else if (same && same.state !== "recording") ended(reel, same);
  else growing = setTimeout(() => grow(reel, part), GROW_MS);
}

/** Looks again at a drive that goes on, or of which not all is known. */
async function look() {
  if (!drive || document.hidden) return;
  const going = drive.going_on || drive.positions === "reading" || drive.parts.some(({ state }) => state === "recording");
  if (!going) return;
  const own = turn;
  const at = partAt(chosen, now) ?? drive.parts.at(-1);
  const found = await api.drive(at.id).catch(() => null);
  if (!found || own !== turn) return;
  // The ring may have taken its beginning: everything is counted from another moment.
  const same = found.parts.find(({ id }) => id === at.id);
  const shift = same ? same.at_s - at.at_s : 0;
  take(found);
  if (Math.abs(shift) > 0.001) {
    now += shift;
    for (const reel of reels.values()) for (const part of reel.parts) if (part) part.at_s += shift;
  }
  mark();
  draw();
}

/** Says why a part cannot be seen. */
async function failed(reel, part, error) {
  if (error?.name === "NotAllowedError") {
    stop();
    return;
  }
  if (!part) return;
  const own = turn;
  let reason = "This browser cannot play it. Make a clip of it instead.";
  let gone = false;
  try {
    await api.segment(part.id);
  } catch (cause) {
    gone = cause.status === 404;
    reason = gone ? "This part has been recorded over." : `${cause.message} ${cause.remedy ?? ""}`.trim();
  }
  if (own !== turn) return;
  const wasPlaying = plays;
  if (gone) forget(part);
  const next = gone && wasPlaying && after(part.camera, part.at_s);
  if (next) {
    seek(next.at_s);
    start();
    return;
  }
  stop();
  reel.say(reason);
}

/** What has left the card is in no lane. */
function forget(part) {
  for (const camera of cameras) camera.parts = camera.parts.filter(({ id }) => id !== part.id);
  drive.parts = drive.parts.filter(({ id }) => id !== part.id);
  mark();
}

function tick() {
  if (!drive || document.hidden) return;
  const letter = leader();
  const reel = reelOf(letter);
  if (plays && !held && !reel.busy && reel.time !== null && reel.part.camera === letter) {
    now = Math.min(reel.time, drive.length_s);
    follow(letter);
    prepare(letter, reel);
    if (performance.now() - addressed > ADDRESS_MS) remember();
  }
  draw();
}

/** Has what comes next ready in time. */
function prepare(letter, reel) {
  const { part } = reel;
  if (!part || end(part) - now > READY_S) return;
  const next = partsOf(letter).find(({ at_s }) => at_s > part.at_s);
  if (next) reel.prepare(next);
}

/** Keeps the others beside the one that leads. */
function follow(letter) {
  for (const [other, reel] of reels) {
    if (other === "" || other === letter) continue;
    const part = partAt(other, now);
    if (!part) {
      show(other, reel);
      continue;
    }
    const isThere = reel.part?.id === part.id;
    const behind = isThere ? now - reel.time : Infinity;
    if (Math.abs(behind) > APART_S && !reel.busy) {
      // At a joint it goes on by itself.
      const atJoint = reel.part && Math.abs(now - part.at_s) < APART_S;
      if (!atJoint || reel.seen.ended || !isThere) show(other, reel);
      reel.play();
    } else if (isThere) {
      reel.seen.playbackRate = 1 + Math.max(-0.1, Math.min(0.1, behind));
      if (reel.seen.paused && !reel.seen.ended) reel.play();
    }
    prepare(other, reel);
  }
}

/** The present moment, as a segment that begins then. */
const moment = (at) => format.later({ start: drive.start, boot: drive.boot }, at);

function draw() {
  if (!drive) return;
  const text = format.time(moment(now));
  setText(clock, text);
  bar.move(now, text);
  const mps = track.move(now);
  setText(speed, mps == null ? "" : format.speed(mps));
  const facts = [format.dayOf(drive), `${format.length(now)} of ${format.length(drive.length_s)}`];
  if (drive.going_on) facts.push("going on");
  setText(more, facts.filter(Boolean).join(" · "));
  const part = partAt(leader(), now);
  keep.disabled = !part || part.locked;
  setText(keep, part?.locked ? "Kept" : "Keep");
}

/** The address of the present moment: a segment, and seconds from its start on. */
function address() {
  const part = partAt(chosen, now) ?? partAt(leader(), now);
  return part ? `#drive=${part.id}@${Math.max(0, now - part.at_s).toFixed(1)}` : `#drive=${drive.id}`;
}

function remember() {
  addressed = performance.now();
  if (history.state?.player && location.hash !== address()) history.replaceState(history.state, "", address());
}

function fill() {
  if (document.fullscreenElement) document.exitFullscreen();
  else if (screens.requestFullscreen) screens.requestFullscreen();
  // An iPhone shows a video alone in full.
  else reelOf(leader()).seen.webkitEnterFullscreen?.();
}

async function keepThis() {
  const part = partAt(leader(), now);
  if (!part) return;
  try {
    await api.keep(`page-${part.id}-${Date.now()}`, part.id);
    part.locked = true;
    setText(answer, "Kept, with what the other cameras saw.");
    draw();
  } catch (error) {
    setText(answer, `${error.message} ${error.remedy ?? ""}`.trim());
  }
}

async function makeClip() {
  const part = partAt(leader(), now);
  const { toggle: open } = await import("./clip.js");
  if (!part || !drive) return;
  open({
    segment: { id: part.id, ...moment(part.at_s) },
    seen: now - part.at_s,
    cameras,
    host: panel,
    before: answer,
    button: clip,
    pause: stop,
    seek: (within) => seek(part.at_s + within),
  });
}

document.addEventListener("keydown", (event) => {
  if (!drive || event.altKey || event.ctrlKey || event.metaKey) return;
  const within = event.target;
  const types = within.matches?.("input") && within !== bar.input;
  if (types) return;
  const presses = within.matches?.("button, a");
  const does = {
    ArrowLeft: () => seek(now - STEP_S),
    ArrowRight: () => seek(now + STEP_S),
    PageUp: () => seek(now - 6 * STEP_S),
    PageDown: () => seek(now + 6 * STEP_S),
    ".": () => seek(now + 0.1),
    ",": () => seek(now - 0.1),
    c: () => cameras.length > 1 && watch(cameras[(cameras.findIndex(({ letter }) => letter === chosen) + 1) % cameras.length].letter),
    " ": presses ? null : toggle,
  }[event.key];
  if (!does) return;
  event.preventDefault();
  does();
});
document.addEventListener("visibilitychange", () => drive && document.hidden && stop());
addEventListener("pagehide", () => drive && stop());
