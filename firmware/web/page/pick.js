// Several segments at once: to download them in one file, to keep them, to delete them.

import * as api from "./api.js";
import { $, el, icon, setText } from "./dom.js";
import * as format from "./format.js";
import * as list from "./list.js";

/** What is downloaded of pictures says how fast the network is; less of it says little. */
const ENOUGH_BYTES = 30_000;
const owns = document.documentElement.dataset.role === "owner";

/** By id, in the order in which they were chosen. */
const picked = new Map();
/** What was deleted last, to be taken back. */
let deleted = [];
let onPlay = null;

const text = el("strong", { id: "picked-text" });
const more = el("small", { id: "picked-more" });
const download = el("button", { class: "primary", id: "picked-download", onclick: save }, "Download");
const keep = el("button", { hidden: !owns, onclick: () => order(keepAll) }, "Keep");
const remove = el("button", { hidden: !owns, onclick: () => order(removeAll) }, "Delete");
const undo = el("button", { hidden: true, onclick: () => order(restoreAll) }, "Undo");
const close = el("button", { class: "icon", onclick: end, "aria-label": "End the selection", title: "Close" }, icon("close"));
const bar = el(
  "div",
  { class: "picked", role: "region", "aria-label": "Selection", hidden: true },
  el("p", { role: "status" }, text, more),
  close,
  el("div", { class: "orders" }, download, keep, remove, undo),
);
const dock = document.querySelector(".dock");
if (dock) dock.prepend(bar);
else document.body.append(el("div", { class: "dock" }, bar));

/** Has taps choose segments, `first` being one already if there is one; `play` is what they do otherwise. */
export function begin(first, play) {
  if (!bar.hidden) {
    if (first) return toggle(first);
    return end();
  }
  onPlay = play;
  bar.hidden = false;
  $("select").setAttribute("aria-expanded", "true");
  setText($("select"), "Done");
  if (first) picked.set(first.id, first);
  list.setOnPlay(toggle);
  list.setDress(dress);
  tell();
}

function end() {
  if (bar.hidden) return;
  const here = bar.contains(document.activeElement);
  bar.hidden = true;
  picked.clear();
  deleted = [];
  $("select").setAttribute("aria-expanded", "false");
  setText($("select"), "Select");
  list.setOnPlay(onPlay);
  list.setDress(undress);
  if (here) $("select").focus();
}

function dress(segment, row) {
  row.classList.add("pickable");
  row.firstChild.setAttribute("aria-pressed", String(picked.has(segment.id)));
}

function undress(_, row) {
  row.classList.remove("pickable");
  row.firstChild.removeAttribute("aria-pressed");
}

function toggle(segment) {
  if (!picked.delete(segment.id)) picked.set(segment.id, segment);
  deleted = [];
  list.setDress(dress);
  tell();
}

/** How many, how much, and how long that takes if somebody knows; or what came of an order. */
function tell(answer = "") {
  const all = [...picked.values()];
  const bytes = all.reduce((sum, { id, size }) => sum + (list.get(id)?.size ?? size), 0);
  const isTooMuch = all.length > format.MOST_IN_ARCHIVE;
  const rate = bytesPerSecond();
  const takes = rate && bytes > 0 ? `about ${format.span(bytes / rate)}` : "";
  setText(text, all.length ? `${format.plural(all.length, "segment")}, ${format.size(bytes)}` : "Tap what you want to have");
  setText(more, answer || (isTooMuch ? `Of these, ${format.MOST_IN_ARCHIVE} at most can be downloaded at a time.` : takes));
  download.disabled = all.length === 0 || isTooMuch;
  keep.disabled = remove.disabled = all.length === 0;
  undo.hidden = deleted.length === 0;
}

/** As fast as pictures came; of several, the middle one. */
function bytesPerSecond() {
  const rates = performance
    .getEntriesByType("resource")
    .filter(({ name, encodedBodySize, duration }) => name.includes("/first") && encodedBodySize > ENOUGH_BYTES && duration > 0)
    .map(({ encodedBodySize, duration }) => (encodedBodySize / duration) * 1000)
    .sort((a, b) => a - b);
  return rates[Math.floor(rates.length / 2)];
}

async function save() {
  const all = [...picked.values()];
  const address = all.length === 1 ? format.downloadAddress(all[0]) : format.archiveAddress(all);
  try {
    // What has left the card meanwhile is told here, and not by a download that fails.
    await api.tryDownload(address);
  } catch (error) {
    if (error.status === 404) forgetGone(error.message);
    return tell(`${error.message} ${error.remedy ?? ""}`.trim());
  }
  const link = el("a", { href: address, download: "" });
  link.click();
  tell("It is being downloaded. What is too old by then breaks it off, and nothing else is sent.");
}

function forgetGone(message) {
  for (const id of picked.keys()) if (message.includes(id)) picked.delete(id);
  list.setDress(dress);
}

async function order(what) {
  for (const button of [keep, remove, undo]) button.disabled = true;
  let answer;
  try {
    answer = await what();
  } catch (error) {
    answer = `${error.message} ${error.remedy ?? ""}`.trim();
  }
  undo.disabled = false;
  tell(answer);
  dispatchEvent(new Event("picam-refresh"));
}

async function keepAll() {
  const now = Date.now();
  for (const id of picked.keys()) await api.keep(`page-${id}-${now}`, id);
  return `${format.plural(picked.size, "segment")} kept, with what the other cameras saw.`;
}

async function removeAll() {
  deleted = [];
  for (const id of picked.keys()) {
    await api.remove(id);
    deleted.push(id);
  }
  return `${format.plural(deleted.length, "segment")} deleted: gone in 24 h of driving at most.`;
}

async function restoreAll() {
  while (deleted.length > 0) {
    await api.restore(deleted.at(-1));
    deleted.pop();
  }
  return "They stay.";
}

// What is chosen is of this list: elsewhere nothing is.
$("views").addEventListener("click", end);
