// What the ring spares: saved on the page, by the button, by an impact or by the owner.

import * as api from "./api.js";
import { $, aloud, el, icon, setText } from "./dom.js";
import * as format from "./format.js";
import * as hands from "./hands.js";
import * as thumbs from "./thumbs.js";

const MOST = 2000;
/** Segments no further apart, of whichever camera, are one. */
const TOGETHER_S = 5;
const REASONS = { event: "By impact, button or owner", manual: "Saved on the page" };
const owns = document.documentElement.dataset.role === "owner";

let groups = [];
let onOpen = () => {};
let marks = new Map();
let drawn = "";
/** What the last order led to, by the first segment of what it was about. */
const answers = new Map();
const share = el("p", { class: "more share" });
const rows = el("ul", { class: "rows" });
$("kept").append(share, rows);

export const setOnOpen = (handler) => (onOpen = handler);
export const load = () => api.segments({ locked: 1, limit: MOST });
export const loadOlder = load;
export const hasOlder = () => false;
export const append = () => {};
export const isEmpty = () => groups.length === 0;
export const nothing = () => ["Nothing saved yet", "“Save now” keeps the last minute and the next half; so do the button and an impact."];

/** Takes in what `/api/status` said. */
export function showStatus({ deletions, cameras }) {
  marks = new Map(deletions.map(({ segment, in_s }) => [segment, in_s]));
  let [kept, slots] = [0, 0];
  for (const { ring } of cameras) {
    kept += ring.classes.event + ring.classes.manual;
    slots += ring.slots;
  }
  const part = slots ? Math.ceil((kept / slots) * 100) : 0;
  setText(share, kept ? `Saved footage takes ${part} % of the ring: ${kept.toLocaleString()} of ${slots.toLocaleString()} segments.` : "");
  draw();
}

export function show({ segments }) {
  groups = gather(segments);
  draw();
}

/** Puts together what was saved together: of one boot and class, side by side or one behind the other. */
function gather(segments) {
  const found = [];
  const start = ({ boot }) => boot?.seconds ?? 0;
  for (const own of byReason([...segments].reverse()).values()) {
    own.sort((a, b) => start(a) - start(b));
    let last = null;
    for (const segment of own) {
      const end = start(segment) + (segment.duration_s ?? 0);
      if (last && start(segment) - last.end <= TOGETHER_S) {
        last.segments.push(segment);
        last.end = Math.max(last.end, end);
      } else {
        last = { segments: [segment], end, newest: 0 };
        found.push(last);
      }
    }
  }
  const place = new Map(segments.map(({ id }, n) => [id, n]));
  for (const group of found) group.newest = Math.min(...group.segments.map(({ id }) => place.get(id)));
  return found.sort((a, b) => a.newest - b.newest);
}

const key = (segment) => `${segment.boot?.number} ${segment.class} ${segment.state === "damaged" ? segment.id : ""}`;

function byReason(segments) {
  const all = new Map();
  for (const segment of segments) {
    if (!all.has(key(segment))) all.set(key(segment), []);
    all.get(key(segment)).push(segment);
  }
  return all;
}

function draw() {
  const said = JSON.stringify([groups, [...marks.keys()], [...answers]]);
  if (said === drawn) return;
  drawn = said;
  const focused = document.activeElement?.closest?.("#kept .row")?.dataset.id;
  const which = document.activeElement?.className;
  hands.steady(() => rows.replaceChildren(...groups.map(row)));
  rows.hidden = groups.length === 0;
  if (!focused) return;
  const again = [...rows.children].find(({ dataset }) => dataset.id === focused);
  const target = again?.getElementsByClassName(which)[0] ?? again?.querySelector("button") ?? $("kept");
  target.focus({ preventScroll: true });
}

function row({ segments, end }) {
  const [first] = segments;
  const cameras = [...new Map(segments.map((segment) => [segment.camera, format.cameraName(segment)])).entries()].sort().map(([, name]) => name);
  const length = end - (first.boot?.seconds ?? 0);
  const size = segments.reduce((sum, segment) => sum + segment.size, 0);
  const gone = segments.map(({ id }) => marks.get(id)).filter((in_s) => in_s !== undefined);
  const isGone = gone.length === segments.length;
  const facts = [first.boot && length > 0 && format.span(length), cameras.join(", "), format.size(size)];
  const badge = el("span", { class: `badge ${first.class}` }, first.class === "event" ? "Event" : "Saved");
  const open = el(
    "button",
    { class: "play", disabled: first.state === "damaged", onclick: () => onOpen(first.id, 0) },
    thumbs.frame(first),
    el("span", { class: "time" }, aloud("Show "), format.moment(first)),
    el("span", { class: "facts" }, facts.filter(Boolean).join(" · ")),
    el("span", { class: "facts reason" }, isGone ? goes(gone) : answers.get(first.id) ?? REASONS[first.class] ?? ""),
    el("span", { class: "badges" }, isGone ? el("span", { class: "badge deleted" }, "Deleted") : null, badge),
  );
  const orders = el("div", { class: "orders" });
  if (segments.length <= format.MOST_IN_ARCHIVE) {
    const name = `Download ${format.when(first)}`;
    const href = segments.length === 1 ? format.downloadAddress(first) : format.archiveAddress(segments);
    orders.append(el("a", { class: "button icon", href, download: "", title: "Download", "aria-label": name }, icon("download")));
  }
  if (owns) {
    const name = `${isGone ? "Undo delete of" : "Delete"} ${format.when(first)}`;
    const undo = () => order(segments, isGone);
    const look = isGone ? "undo" : "undo icon";
    orders.append(el("button", { class: look, onclick: undo, title: isGone ? "Undo" : "Delete", "aria-label": name }, isGone ? "Undo" : icon("remove")));
  }
  const item = el("li", { class: "row" }, open, orders);
  item.dataset.id = first.id;
  return item;
}

const goes = (gone) => `Gone in ${Math.max(1, Math.round(Math.max(...gone) / 3600))} h of driving at most`;

/** Deletes all of it, or takes that back. */
async function order(segments, isGone) {
  const [first] = segments;
  answers.delete(first.id);
  try {
    for (const { id } of segments) {
      if (isGone) {
        if (marks.has(id)) await api.restore(id);
        marks.delete(id);
      } else if (!marks.has(id)) {
        await api.remove(id);
        marks.set(id, 86_400);
      }
    }
  } catch (error) {
    answers.set(first.id, `${error.message} ${error.remedy ?? ""}`.trim());
  }
  draw();
}
