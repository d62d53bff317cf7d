// The plain list of segments, by camera and day.

import * as api from "./api.js";
import { $, el } from "./dom.js";
import { dayBounds } from "./format.js";
import * as list from "./list.js";
import * as orders from "./orders.js";
import * as player from "./player.js";

const PAGE = 80;

const filter = { camera: null, day: "" };
/** Where older footage goes on; null when there is none. */
let older = null;
/** Segments on the card, whatever the filter. */
let total = 0;

export const isEmpty = list.isEmpty;
export const hasOlder = () => older !== null;
export const showStatus = orders.show;
export const load = (extra) => {
  const day = filter.day ? dayBounds(filter.day) : {};
  return api.segments({ camera: filter.camera, limit: PAGE, ...day, ...extra });
};
export const loadOlder = () => load({ before: older });

export function show(page) {
  // Only the newest page is looked at again, unless so much is new that they no longer meet.
  if (page.next === null || !list.meets(page.segments)) {
    if (page.next !== null) list.clear();
    older = page.next;
  }
  list.merge(page.segments, page.next === null);
  list.count(older === null);
  showCameras(page.cameras);
  total = page.total;
}

export function append(page) {
  older = page.next;
  list.append(page.segments);
  list.count(older === null);
  total = page.total;
}

export const nothing = () =>
  total === 0
    ? ["No footage yet", "The first segment appears here within a second of recording."]
    : ["Nothing here", "No segment of this camera and day is on the card."];

let tabs = "";
/** Every camera that there is footage of. */
let seen = [];

function showCameras(cameras) {
  seen = cameras;
  const drawn = JSON.stringify(cameras.map(({ letter, name }) => [letter, name]));
  if (drawn !== tabs) {
    tabs = drawn;
    const tab = (letter, name) => {
      const button = el("button", { onclick: () => setFilter({ camera: letter }) }, name);
      button.dataset.letter = letter ?? "";
      return button;
    };
    const focused = $("camera-filter").contains(document.activeElement) && document.activeElement.dataset.letter;
    const all = cameras.map(({ letter, name }) => tab(letter, name || `Camera ${letter}`));
    $("camera-filter").hidden = cameras.length < 2;
    $("camera-filter").replaceChildren(tab(null, "All"), ...all);
    if (focused !== false) [...$("camera-filter").children].find((b) => b.dataset.letter === focused)?.focus();
  }
  pressTab();
}

/** Says which camera is chosen. The tabs themselves stay, and with them the keyboard's place. */
function pressTab() {
  for (const button of $("camera-filter").children) {
    button.setAttribute("aria-pressed", String(button.dataset.letter === (filter.camera ?? "")));
  }
}

function setFilter(change) {
  Object.assign(filter, change);
  older = null;
  pressTab();
  $("all-days").hidden = !filter.day;
  list.clear();
  dispatchEvent(new Event("picam-restart"));
}

$("clip").addEventListener("click", async () => (await import("./clip.js")).toggle(player.forClip(seen)));
list.setOnPlay((segment) => player.open(segment));
/** Several at once: nothing of it is loaded until somebody wants it. */
const pick = async (segment) => (await import("./pick.js")).begin(segment, (shown) => player.open(shown));
$("select").addEventListener("click", () => pick(null));
$("list").addEventListener("contextmenu", (event) => {
  // A long press, or the other button of a mouse.
  const row = event.target.closest(".row");
  const segment = row && list.at(row);
  if (!segment) return;
  event.preventDefault();
  pick(segment);
});
$("day").addEventListener("change", (event) => setFilter({ day: event.target.value }));
$("all-days").addEventListener("click", () => {
  $("day").value = "";
  // The button goes, the keyboard stays.
  $("day").focus();
  setFilter({ day: "" });
});
