// The page: keeps the state at the top and what is chosen below it current.

import * as api from "./api.js";
import { $, el, icon } from "./dom.js";
import * as drives from "./drives.js";
import * as pause from "./pause.js";
import * as status from "./status.js";
import * as view from "./view.js";

const STATUS_MS = 2_000;
const LIST_MS = 5_000;
/** While the camera still reads how far a drive went. */
const SOON_MS = 1_000;
const SHELVES = { drives: "drives", saved: "kept", files: "list" };

/** Drives are the first screen; the others come when they are asked for. */
const loaded = { drives };
async function load(name) {
  if (!loaded[name]) {
    loaded[name] = await import(`./${name}.js`);
    loaded[name].setOnOpen?.(openDrive);
    if (last) loaded[name].showStatus?.(last);
  }
  return loaded[name];
}
let shown = "drives";
/** Counts what was asked for, so that a late answer to an earlier question is dropped. */
let asked = 0;
let loadingOlder = false;
let last = null;

async function refreshStatus() {
  try {
    last = await api.status();
    status.show(last);
    pause.show(last);
    for (const module of Object.values(loaded)) module.showStatus?.(last);
  } catch (error) {
    status.showError(error);
  }
}

/** Resolves to whether more is to come soon. */
async function refreshList() {
  const turn = asked;
  try {
    const module = await load(shown);
    const page = await module.load();
    if (turn !== asked) return false;
    module.show(page);
    ended(module);
    return module.isPending?.(page) ?? false;
  } catch (error) {
    if (turn === asked && (loaded[shown]?.isEmpty() ?? true)) say(error.message, error.remedy ?? "", true);
    return false;
  }
}

async function loadOlder() {
  const module = loaded[shown];
  if (loadingOlder || !module?.hasOlder()) return;
  loadingOlder = true;
  const turn = asked;
  try {
    const page = await module.loadOlder();
    if (turn !== asked) return;
    module.append(page);
    ended(module);
  } catch {
    // The button stays; the state at the top says what is wrong.
  } finally {
    loadingOlder = false;
  }
}

/** Says what there is where there is nothing, and whether there is more. */
function ended(module) {
  const more = module.hasOlder();
  if (!more && document.activeElement === $("more")) $(SHELVES[shown]).focus({ preventScroll: true });
  $("more").hidden = !more;
  const nothing = module.isEmpty() && module.nothing();
  if (nothing) say(...nothing);
  else $("message").hidden = true;
}

function say(title, text, bad = false) {
  const message = $("message");
  message.className = bad ? "message bad" : "message";
  message.replaceChildren(el("strong", {}, title), text);
  message.hidden = false;
}

/** Begins anew: another filter, or another view. */
function restart() {
  asked += 1;
  $("more").hidden = true;
  $("message").hidden = true;
  refreshList();
}

async function choose(name) {
  shown = name;
  for (const button of $("views").children) button.setAttribute("aria-pressed", String(button.dataset.view === name));
  for (const [view, id] of Object.entries(SHELVES)) $(id).hidden = view !== name;
  $("filters").hidden = name !== "files";
  $("fresh").hidden = true;
  $("notice").hidden = true;
  remember();
  restart();
}

/** The address says what is shown; what is open has one of its own. */
function remember() {
  if (!view.isOpen()) history.replaceState(history.state, "", shown === "drives" ? "/" : `#${shown}`);
}

/** Opens a drive as its address has it: a segment, and seconds from its start on. */
async function openDrive(id, at, listed) {
  $("notice").hidden = true;
  (await import("./drive.js")).open(id, at, listed);
}

/** Goes where the address leads. */
function follow() {
  const [, id, at] = /^#drive=([A-Z0-9]\d{6}u?)(?:@(\d+(?:\.\d+)?))?$/.exec(location.hash) ?? [];
  if (id) {
    if (view.isOpen()) return;
    // Back leads to the list.
    history.replaceState(null, "", "/");
    openDrive(id, at === undefined ? null : Number(at));
    return;
  }
  const name = location.hash.slice(1);
  if (SHELVES[name] && name !== shown) choose(name);
}

/** Runs again some time after it has finished; not while nobody looks. */
function keep(task, every) {
  const round = async () => {
    const soon = !document.hidden && (await task());
    setTimeout(round, soon ? SOON_MS : every);
  };
  round();
}

drives.setOnOpen(openDrive);
view.setOnLeave(() => {
  remember();
  refreshList();
});
// Not part of the first screen.
status.setOnLive(async (camera) => (await import("./live.js")).open(camera));
for (const form of [$("logout"), $("logout-everywhere")]) {
  form.hidden = document.documentElement.dataset.access !== "password";
}
const { role, settings } = document.documentElement.dataset;
// Only the owner ends other people's sessions, and sees the settings, where the page may change them.
if (role !== "owner") $("logout-everywhere").hidden = true;
$("settings").append(icon("settings"));
$("settings").hidden = role !== "owner" || settings !== "here";
$("views").addEventListener("click", ({ target }) => target.dataset.view && choose(target.dataset.view));
addEventListener("hashchange", follow);
addEventListener("picam-restart", restart);
addEventListener("picam-refresh", () => (refreshStatus(), refreshList()));
$("more").addEventListener("click", loadOlder);
// Older footage comes by itself when the end of the list comes into view.
new IntersectionObserver((seen) => seen.some((entry) => entry.isIntersecting) && loadOlder(), {
  rootMargin: "400px",
}).observe($("more"));
/** A phone that has come into another time zone shows no time as it was. */
const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;
const zoneThen = zone();
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  if (zone() !== zoneThen) return location.reload();
  refreshStatus();
  refreshList();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && view.isOpen()) view.close();
});

keep(refreshStatus, STATUS_MS);
follow();
keep(() => !document.querySelector("main").classList.contains("driving") && refreshList(), LIST_MS);
