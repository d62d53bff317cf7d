// The page: keeps the state at the top and the list below it current.

import * as api from "./api.js";
import { $, el, icon } from "./dom.js";
import { dayBounds } from "./format.js";
import * as list from "./list.js";
import * as live from "./live.js";
import * as orders from "./orders.js";
import * as player from "./player.js";
import * as status from "./status.js";
import * as view from "./view.js";

const STATUS_MS = 2_000;
const LIST_MS = 5_000;
const PAGE = 80;

const filter = { camera: null, day: "" };
/** Where older footage goes on; null when there is none. */
let older = null;
/** Counts filters, so that a late answer to an earlier one is dropped. */
let asked = 0;
let loadingOlder = false;

function query(extra) {
  const day = filter.day ? dayBounds(filter.day) : {};
  return api.segments({ camera: filter.camera, limit: PAGE, ...day, ...extra });
}

async function refreshStatus() {
  try {
    const now = await api.status();
    status.show(now);
    orders.show(now);
  } catch (error) {
    status.showError(error);
  }
}

async function refreshList() {
  const turn = asked;
  try {
    const page = await query();
    if (turn !== asked) return;
    // Only the newest page is looked at again, unless so much is new that they no longer meet.
    if (page.next === null || !list.meets(page.segments)) {
      if (page.next !== null) list.clear();
      older = page.next;
    }
    list.merge(page.segments, page.next === null);
    list.count(older === null);
    showCameras(page.cameras);
    showEnd(page.total);
  } catch (error) {
    if (turn === asked && list.isEmpty()) say(error.message, error.remedy, true);
  }
}

async function loadOlder() {
  if (loadingOlder || older === null) return;
  loadingOlder = true;
  const turn = asked;
  try {
    const page = await query({ before: older });
    if (turn !== asked) return;
    older = page.next;
    list.append(page.segments);
    list.count(older === null);
    showEnd(page.total);
  } catch {
    // The button stays; the state at the top says what is wrong.
  } finally {
    loadingOlder = false;
  }
}

function showEnd(total) {
  if (older === null && document.activeElement === $("more")) $("list").focus({ preventScroll: true });
  $("more").hidden = older === null;
  if (!list.isEmpty()) $("message").hidden = true;
  else if (total === 0) say("No footage yet", "The first segment appears here within a second of recording.");
  else say("Nothing here", "No segment of this camera and day is on the card.");
}

function say(title, text, bad = false) {
  const message = $("message");
  message.className = bad ? "message bad" : "message";
  message.replaceChildren(el("strong", {}, title), text);
  message.hidden = false;
}

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
  asked += 1;
  older = null;
  pressTab();
  $("all-days").hidden = !filter.day;
  $("more").hidden = true;
  list.clear();
  refreshList();
}

/** Runs again some time after it has finished; not while nobody looks. */
function keep(task, every) {
  const round = async () => {
    if (!document.hidden) await task();
    setTimeout(round, every);
  };
  round();
}

// Not part of the first screen.
$("clip").addEventListener("click", async () => (await import("./clip.js")).toggle(player.playing(), seen));
list.setOnPlay((segment) => player.open(segment));
status.setOnLive(live.open);
for (const form of [$("logout"), $("logout-everywhere")]) {
  form.hidden = document.documentElement.dataset.access !== "password";
}
const { role, settings } = document.documentElement.dataset;
// Only the owner ends other people's sessions, and sees the settings, where the page may change them.
if (role !== "owner") $("logout-everywhere").hidden = true;
$("settings").append(icon("settings"));
$("settings").hidden = role !== "owner" || settings !== "here";
$("day").addEventListener("change", (event) => setFilter({ day: event.target.value }));
$("all-days").addEventListener("click", () => {
  $("day").value = "";
  // The button goes, the keyboard stays.
  $("day").focus();
  setFilter({ day: "" });
});
$("more").addEventListener("click", loadOlder);
// Older footage comes by itself when the end of the list comes into view.
new IntersectionObserver((seen) => seen.some((entry) => entry.isIntersecting) && loadOlder(), {
  rootMargin: "400px",
}).observe($("more"));
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) {
    refreshStatus();
    refreshList();
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && view.isOpen()) view.close();
});

keep(refreshStatus, STATUS_MS);
keep(refreshList, LIST_MS);
