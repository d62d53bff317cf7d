// Drives, the newest first, by day: a card for each.

import * as api from "./api.js";
import { $, aloud, el, setText } from "./dom.js";
import * as format from "./format.js";
import * as hands from "./hands.js";
import * as thumbs from "./thumbs.js";

const PAGE = 20;

/** By id: the drive, its card, and what that was last drawn from. */
const known = new Map();
/** Day by day: a section, its note, and the list of its cards. */
const days = new Map();
/** Drives in the order in which they are shown, and new ones that wait until no finger is on the cards they would move. */
let order = [];
let waiting = [];
let older = null;
let onOpen = () => {};

export const setOnOpen = (handler) => (onOpen = handler);
export const isEmpty = () => order.length === 0;
export const hasOlder = () => older !== null;
export const load = (extra) => api.drives({ limit: PAGE, ...extra });
export const loadOlder = () => load({ before: older });
/** Whether the camera still reads how far they went. */
export const isPending = (page) => page.drives.some(({ positions }) => positions === "reading");
export const nothing = () => ["No drives yet", "The first one appears here within a second of recording."];

/** Takes in the newest page. What should be among them and is not has left the card. */
export function show(page) {
  const ids = new Set(page.drives.map(({ id }) => id));
  const [newest, rest] = [page.drives, order.filter(({ id }) => !ids.has(id))];
  const isFirst = isEmpty();
  const meets = order.some(({ id }) => ids.has(id));
  const lastKnown = order.findLastIndex(({ id }) => ids.has(id));
  const behind = page.next === null || !meets ? [] : order.slice(lastKnown + 1).filter((drive) => rest.includes(drive));
  if (page.next === null || !meets) older = page.next;
  // Those at the top that nobody has seen yet.
  const fresh = newest.slice(0, Math.max(0, newest.findIndex(({ id }) => known.has(id))));
  const mayMove = isFirst || !meets || hands.areOff() || hands.isAbove($("drives"));
  waiting = mayMove ? [] : fresh;
  const shown = mayMove ? newest : newest.slice(fresh.length);
  hands.steady(() => arrange([...shown, ...behind]));
  announce();
}

export function append(page) {
  older = page.next;
  const ids = new Set(order.map(({ id }) => id));
  hands.steady(() => arrange([...order, ...page.drives.filter(({ id }) => !ids.has(id))]));
}

function announce() {
  $("fresh").hidden = waiting.length === 0;
  if (waiting.length > 0) setText($("fresh"), `${format.plural(waiting.length, "new drive")} ↑`);
}

$("fresh").addEventListener("click", () => {
  if (waiting.length === 0) return;
  arrange([...waiting, ...order]);
  waiting = [];
  announce();
  scrollTo({ top: 0 });
  order[0] && known.get(order[0].id).card.firstChild.focus({ preventScroll: true });
});

/** Shows these drives in this order. Cards that stay are left where they are. */
function arrange(drives) {
  order = drives;
  const focused = [...known.values()].find(({ card }) => card.contains(document.activeElement));
  const ids = new Set(drives.map(({ id }) => id));
  for (const [id, { drive }] of known) {
    if (ids.has(id)) continue;
    thumbs.forget(drive, thumbs.LARGE);
    known.delete(id);
  }
  const byDay = new Map();
  for (const drive of drives) {
    const key = format.dayKey(drive);
    if (!byDay.has(key)) byDay.set(key, []);
    byDay.get(key).push(drive);
  }
  for (const [key, { section }] of days) {
    if (byDay.has(key)) continue;
    section.remove();
    days.delete(key);
  }
  for (const [key, own] of byDay) {
    const day = days.get(key) ?? newDay(key);
    put(day.list, own.map(cardOf));
    const metres = own.reduce((sum, { distance_m }) => sum + (distance_m ?? 0), 0);
    // Of the last day only if nothing older is to come.
    const whole = older === null || key !== [...byDay.keys()].at(-1);
    const note = metres > 0 ? format.distance(metres) : format.plural(own.length, "drive");
    setText(day.note, whole ? note : "");
  }
  put($("drives"), [...byDay.keys()].map((key) => days.get(key).section));
  if (!focused) return;
  // The ring may have taken the segment that it was named by.
  const same = order.find(({ boot }) => boot?.number === focused.drive.boot?.number);
  const card = focused.card.isConnected ? focused.card : known.get(same?.id)?.card;
  const target = card?.firstChild ?? $("drives");
  if (document.activeElement !== target) target.focus({ preventScroll: true });
}

/** Makes these the children of an element, and touches nothing if they are. */
function put(parent, children) {
  const same = parent.childElementCount === children.length && children.every((child, n) => parent.children[n] === child);
  if (!same) parent.replaceChildren(...children);
}

function newDay(key) {
  const note = el("small");
  const list = el("ul", { class: "cards" });
  const section = el("section", { class: "day" }, el("h2", {}, el("span", {}, format.dayName(key)), note), list);
  days.set(key, { section, note, list });
  return days.get(key);
}

/** The card of a drive, drawn anew in place if it differs. */
function cardOf(drive) {
  const drawn = JSON.stringify(drive);
  const entry = known.get(drive.id);
  if (entry?.drawn === drawn) return entry.card;
  const button = draw(drive);
  const card = entry?.card ?? el("li", { class: "row card" });
  const focused = card.contains(document.activeElement);
  card.replaceChildren(button);
  if (focused) button.focus({ preventScroll: true });
  known.set(drive.id, { drive, card, drawn });
  return card;
}

function draw(drive) {
  const way = [format.span(drive.length_s)];
  if (drive.distance_m != null) way.push(format.distance(drive.distance_m));
  const facts = [format.size(drive.size)];
  if (drive.top_speed_mps != null) facts.unshift(`top ${format.speed(drive.top_speed_mps)}`);
  return el(
    "button",
    { class: "play", onclick: () => onOpen(drive.id, null, drive) },
    thumbs.frame(drive, thumbs.LARGE),
    el("span", { class: "time" }, aloud("Drive "), format.fromTo(drive)),
    el("span", { class: "way" }, way.join(" · ")),
    el("span", { class: "facts" }, facts.join(" · ")),
    el("span", { class: "badges" }, ...badges(drive)),
  );
}

function badges({ going_on, classes }) {
  const badge = (kind, text) => el("span", { class: `badge ${kind}` }, text);
  const all = [];
  if (going_on) all.push(badge("recording", "Going on"));
  const saved = classes.event + classes.manual;
  if (saved) all.push(badge(classes.event ? "event" : "manual", `${saved.toLocaleString()} saved`));
  if (classes.parking) all.push(badge("parking", "Parking"));
  return all;
}
