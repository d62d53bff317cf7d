// One large button on every view: keeps what just happened and what happens next, of every camera.

import * as api from "./api.js";
import { el, icon, setText } from "./dom.js";
import { clipAddress } from "./format.js";

const BEFORE_S = 60;
const AFTER_S = 30;
/** Somebody stands beside the car: a phone that is just joining the network is not told no at once. */
const TRIES = 4;
const RETRY_MS = 1_000;
/** So much later what was recorded can be read. */
const READABLE_S = 2;

const label = el("strong", {}, "Save now");
const hint = el("small", {}, `last ${BEFORE_S} s and next ${AFTER_S} s`);
const button = el("button", { class: "save primary", id: "save", onclick: save }, label, hint);
const text = el("p", { id: "saved-text" });
const rest = el("p", { class: "more" });
const clip = el("a", { class: "button", id: "saved-clip", download: "" }, "Download clip");
const close = el("button", { class: "icon", "aria-label": "Close", onclick: () => (box.hidden = true) }, icon("close"));
const box = el("div", { class: "saved", id: "saved", hidden: true }, el("div", { role: "status" }, text, rest), close, clip);
let busy = false;
let counting = 0;

/** The same for every try: they are one order. */
function newId() {
  const parts = crypto.getRandomValues(new Uint32Array(3));
  return `page-${[...parts].map((part) => part.toString(16).padStart(8, "0")).join("")}`;
}

async function save() {
  if (busy) return;
  busy = true;
  button.setAttribute("aria-busy", "true");
  setText(label, "Saving…");
  box.hidden = true;
  const [id, tapped] = [newId(), performance.now()];
  for (let left = TRIES - 1; ; left -= 1) {
    const since = (performance.now() - tapped) / 1000;
    const order = {
      id,
      before_s: BEFORE_S + Math.ceil(since),
      after_s: Math.max(0, AFTER_S - Math.floor(since)),
      reason: "saved on the page",
    };
    try {
      show(await api.save(order), order);
      break;
    } catch (error) {
      if (error.offline && left > 0) {
        await new Promise((go) => setTimeout(go, RETRY_MS));
        continue;
      }
      say("bad", `Not saved. ${error.message}`, error.remedy);
      break;
    }
  }
  busy = false;
  button.removeAttribute("aria-busy");
  setText(label, "Save now");
}

function show(saved, asked) {
  const cameras = new Set([...saved.held, ...saved.pending].map((id) => id[0])).size;
  clearInterval(counting);
  if (cameras === 0) {
    say("bad", "Nothing was being recorded.", `What comes within ${AFTER_S} s is kept.`);
    return;
  }
  if (saved.beyond.length > 0) {
    say("bad", `Saved, but not all: what may be kept is full.`, "Download the clip now, or give “manual” a larger share in picam.toml.");
    offer(saved);
    return;
  }
  const whole = saved.before_s > asked.before_s - 2;
  const past = whole ? `last ${BEFORE_S} s` : `all of the last ${Math.max(1, Math.round(saved.before_s))} s`;
  const all = ["", "", ", both cameras"][cameras] ?? `, all ${cameras} cameras`;
  say("good", `Saved: ${past} and next ${AFTER_S} s${all}`, "");
  offer(saved);
  count(performance.now() + (saved.after_s + READABLE_S) * 1000);
}

function offer(saved) {
  clip.href = clipAddress({ from: saved.from, to: saved.to });
  clip.hidden = false;
}

/** Says how much of the clip is still to come. */
function count(end) {
  const tell = () => {
    const left = Math.ceil((end - performance.now()) / 1000);
    clip.classList.toggle("primary", left <= 0);
    setText(rest, left > 0 ? `The clip is complete in ${left} s. It is kept either way.` : "Complete.");
    if (left <= 0) clearInterval(counting);
  };
  counting = setInterval(tell, 1_000);
  tell();
}

function say(kind, what, more) {
  box.className = `saved ${kind}`;
  setText(text, what);
  setText(rest, more);
  clip.hidden = true;
  box.hidden = false;
}

if (document.documentElement.dataset.role !== "viewer") {
  document.body.append(el("div", { class: "dock", role: "region", "aria-label": "Save footage" }, box, button));
  document.body.classList.add("docked");
}
