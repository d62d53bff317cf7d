// The footage: days, in them cameras, in them segments, newest first.

import { $, aloud, el, icon, setText } from "./dom.js";
import * as format from "./format.js";
import * as hands from "./hands.js";
import * as thumbs from "./thumbs.js";

const CLASSES = { event: "Event", parking: "Parking", manual: "Kept" };
const STATES = { recording: "Recording", recovered: "Recovered", damaged: "Damaged" };

/** By id: the segment, its row, and what the row was last drawn from. */
const known = new Map();
const days = new Map();
let chosen = null;
let onPlay = () => {};
let dress = () => {};

export const setOnPlay = (handler) => (onPlay = handler);
export const isEmpty = () => known.size === 0;
export const get = (id) => known.get(id)?.segment;
/** The segment that a row shows. */
export const at = (row) => [...known.values()].find((entry) => entry.row === row)?.segment;

/** Has every row, and each that is drawn from now on, shown as the handler makes it. */
export function setDress(handler) {
  dress = handler;
  for (const { segment, row } of known.values()) dress(segment, row);
}

/** Segments that are going to be given up. */
let marks = new Map();

/** Says which segments are; what changes for them is drawn anew. */
export function setMarks(now) {
  const before = marks;
  marks = new Map(now);
  for (const id of new Set([...before.keys(), ...marks.keys()])) {
    const entry = known.get(id);
    if (!entry || before.has(id) === marks.has(id)) continue;
    const row = draw(entry.segment);
    replace(entry.row, row);
    entry.row = row;
    if (id === chosen) choose(id);
  }
}

/** New segments that wait until nobody's finger is on the rows they would move. */
let waiting = [];

/** Forgets everything, for another filter. */
export function clear() {
  for (const { segment } of known.values()) thumbs.forget(segment);
  known.clear();
  days.clear();
  waiting = [];
  $("list").replaceChildren();
  announce();
}

/** Whether the newest known segments reach down to these: else some between are missing. */
export const meets = (segments) => segments.some((segment) => known.has(segment.id));

/**
 * Takes in the newest page of the listing. What is newer than its last segment and not in it has
 * left the card; if it `isAll`, that goes for everything.
 */
export function merge(segments, isAll) {
  const ids = new Set(segments.map((segment) => segment.id));
  const oldest = isAll ? -1 : segments.at(-1).sequence;
  waiting = segments.filter((segment) => !known.has(segment.id));
  const settled = segments.filter((segment) => known.has(segment.id));
  hands.steady(() => {
    for (const [id, { segment }] of known) {
      if (segment.sequence > oldest && !ids.has(id)) remove(id);
    }
    for (const segment of settled) put(segment);
  });
  if (isEmpty() || hands.areOff()) showWaiting();
  else if (hands.isAbove($("list"))) hands.steady(showWaiting);
  announce();
}

/** Takes in what has come meanwhile. */
function showWaiting() {
  for (const segment of waiting) put(segment);
  waiting = [];
  announce();
}

function announce() {
  const button = $("fresh");
  button.hidden = waiting.length === 0;
  setText(button, `${format.plural(waiting.length, "new segment")} ↑`);
}

$("fresh").addEventListener("click", () => {
  if (waiting.length === 0) return;
  const newest = waiting.reduce((a, b) => (a && a.sequence > b.sequence ? a : b), null);
  showWaiting();
  scrollTo({ top: 0 });
  focus(newest?.id);
});

/** Adds older segments below without moving what is being looked at. */
export function append(segments) {
  hands.steady(() => {
    for (const segment of segments) put(segment);
  });
}

/** Puts the keyboard on a segment, or where the list begins. */
export function focus(id) {
  const target = known.get(id)?.row.firstChild ?? $("list");
  target.focus({ preventScroll: true });
}

export function remove(id) {
  const entry = known.get(id);
  if (!entry) return;
  // Whoever is on it with the keyboard goes on with its neighbour.
  if (entry.row.contains(document.activeElement)) {
    const neighbour = entry.row.nextElementSibling ?? entry.row.previousElementSibling;
    (neighbour?.firstChild ?? $("list")).focus({ preventScroll: true });
  }
  known.delete(id);
  thumbs.forget(entry.segment);
  entry.row.remove();
  const day = days.get(entry.day);
  const group = day.groups.get(entry.segment.camera);
  if (!group.rows.firstChild) {
    group.section.remove();
    day.groups.delete(entry.segment.camera);
  }
  if (day.groups.size === 0) {
    day.section.remove();
    days.delete(entry.day);
  }
}

/** Marks the segment that the player shows. */
export function choose(id) {
  const mark = (which, on) => {
    const entry = known.get(which);
    entry?.row.classList.toggle("playing", on);
    entry?.row.firstChild.setAttribute("aria-current", on ? "true" : "false");
  };
  mark(chosen, false);
  chosen = id;
  mark(id, true);
}

/** The segment of the same camera that was recorded after this one, shown yet or not. */
export function next(segment) {
  let found = null;
  for (const other of [...[...known.values()].map((entry) => entry.segment), ...waiting]) {
    const later = other.camera === segment.camera && other.sequence > segment.sequence;
    if (later && (!found || other.sequence < found.sequence)) found = other;
  }
  return found;
}

function put(segment) {
  const drawn = JSON.stringify(segment);
  const entry = known.get(segment.id);
  if (entry?.drawn === drawn) return;
  const day = format.dayKey(segment);
  // A segment that got its true time belongs to another day.
  if (entry && entry.day !== day) remove(segment.id);
  const row = draw(segment);
  if (known.has(segment.id)) replace(known.get(segment.id).row, row);
  else insert(row, segment, day);
  known.set(segment.id, { segment, row, day, drawn });
  if (segment.id === chosen) choose(segment.id);
}

/** Redraws a row in place; whoever is on it with the keyboard stays there. */
function replace(old, row) {
  const focused = [...old.children].indexOf(document.activeElement);
  old.replaceWith(row);
  row.children[focused]?.focus({ preventScroll: true });
}

function insert(row, segment, key) {
  row.dataset.sequence = segment.sequence;
  const { rows } = groupOf(segment, dayOf(key, segment.sequence));
  place(rows, row, segment.sequence);
}

/** Puts an element among its siblings, which stand in falling order of sequence. */
function place(parent, element, sequence) {
  // Almost always it belongs at one of the ends.
  if (!parent.lastChild || Number(parent.lastChild.dataset.sequence) > sequence) {
    parent.append(element);
    return;
  }
  const older = [...parent.children].find((child) => Number(child.dataset.sequence) < sequence);
  parent.insertBefore(element, older ?? null);
}

function dayOf(key, sequence) {
  let day = days.get(key);
  if (!day) {
    const note = el("small");
    const groups = el("div", { class: "groups" });
    const heading = el("h2", {}, el("span", {}, format.dayName(key)), note);
    const section = el("section", { class: "day", "data-sequence": sequence }, heading, groups);
    place($("list"), section, sequence);
    day = { section, note, box: groups, groups: new Map() };
    days.set(key, day);
  }
  return day;
}

function groupOf(segment, day) {
  let group = day.groups.get(segment.camera);
  if (!group) {
    const rows = el("ul", { class: "rows" });
    const section = el("section", { class: "group" }, el("h3", {}, format.cameraName(segment)), rows);
    section.dataset.camera = segment.camera;
    const after = [...day.box.children].find((other) => other.dataset.camera > segment.camera);
    day.box.insertBefore(section, after ?? null);
    group = { section, rows };
    day.groups.set(segment.camera, group);
  }
  return group;
}

/** Says how many segments a day has; of the oldest day only if nothing older is to come. */
export function count(complete) {
  for (const { section, note, groups } of days.values()) {
    let n = 0;
    for (const { rows } of groups.values()) n += rows.childElementCount;
    const whole = complete || section.nextElementSibling;
    setText(note, whole ? format.plural(n, "segment") : "");
  }
}

function draw(segment) {
  const time = format.time(segment);
  const facts = [];
  if (segment.duration_s != null) facts.push(format.length(segment.duration_s));
  facts.push(format.size(segment.size));
  const play = el(
    "button",
    { class: "play", onclick: () => onPlay(get(segment.id)) },
    thumbs.frame(segment),
    el("span", { class: "time" }, aloud(`Play ${format.cameraName(segment)} `), time),
    el("span", { class: "badges" }, ...badges(segment)),
    el("span", { class: "facts" }, facts.join(" · ")),
  );
  const download = el(
    "a",
    {
      class: "button icon",
      href: format.downloadAddress(segment),
      download: "",
      title: "Download",
      "aria-label": `Download ${format.cameraName(segment)} ${time}`,
    },
    icon("download"),
  );
  const row = el("li", { class: "row" }, play, download);
  row.dataset.sequence = segment.sequence;
  dress(segment, row);
  return row;
}

function badges(segment) {
  const badge = (kind, text) => el("span", { class: `badge ${kind}` }, text);
  const all = [];
  if (marks.has(segment.id)) all.push(badge("deleted", "Deleted"));
  if (CLASSES[segment.class]) all.push(badge(segment.class, CLASSES[segment.class]));
  if (STATES[segment.state]) all.push(badge(segment.state, STATES[segment.state]));
  const dropped = (segment.dropped?.encoder ?? 0) + (segment.dropped?.queue ?? 0);
  if (dropped) all.push(badge("lost", `${dropped.toLocaleString()} lost`));
  return all;
}
