// The owner's settings: what is set, what shall be, and what the camera says to that.

import * as api from "./api.js";
import { $, el, setText } from "./dom.js";

const fields = [...document.querySelectorAll(".field")];
const keyOf = (field) => field.dataset.key;
const isList = (field) => keyOf(field) === "wifi.network";
const input = (field) => field.querySelector("input, select");
const fieldOf = (key) => fields.find((field) => keyOf(field) === key);
const isSecret = (field) => !isList(field) && input(field).type === "password";

/** What the camera said was set. */
let now = { values: {}, secrets: {}, networks: [] };
/** Networks that shall be joined no longer. */
let leaving = new Set();

/** Gives every field a place for what is wrong with it, which is read out with the field. */
function prepare() {
  for (const field of fields) {
    const id = keyOf(field).replace(".", "-");
    const hint = field.querySelector(":scope > .hint");
    const error = el("p", { class: "error", id: `error-${id}` });
    if (hint) hint.id = `hint-${id}`;
    const of = isList(field) ? $("join-ssid") : input(field);
    of.setAttribute("aria-describedby", [hint?.id, error.id].filter(Boolean).join(" "));
    of.after(error);
  }
  // Browsers that do not know their time zones leave it at typing.
  const zones = Intl.supportedValuesOf?.("timeZone") ?? [];
  $("zones").replaceChildren(...zones.map((zone) => el("option", { value: zone })));
}

async function load() {
  try {
    now = await api.settings();
  } catch (error) {
    const message = $("message");
    message.className = "message bad";
    message.replaceChildren(el("strong", {}, error.message), error.remedy);
    return;
  }
  leaving = new Set();
  for (const field of fields) {
    if (isList(field)) continue;
    const key = keyOf(field);
    if (isSecret(field)) {
      input(field).value = "";
      setText(field.querySelector(".set"), now.secrets[key] ? "One is set; empty leaves it as it is." : "None is set.");
    } else show(input(field), now.values[key] ?? "");
  }
  $("join-ssid").value = $("join-passphrase").value = "";
  $("no-viewers").checked = false;
  $("no-viewers-box").hidden = !now.secrets["web.viewer-password"];
  showNetworks();
  $("message").hidden = true;
  $("form").hidden = $("support").hidden = false;
}

/** A value that no option has is one all the same: it stands in the owner's file. */
function show(control, value) {
  if (control.tagName === "SELECT" && ![...control.options].some((option) => option.value === value)) {
    control.append(el("option", { value }, value));
  }
  control.value = value;
}

function showNetworks() {
  const rows = now.networks.map(({ ssid, passphrase }) => {
    const goes = leaving.has(ssid);
    const button = el("button", { type: "button", class: "quiet" }, goes ? "Keep" : "Remove");
    button.setAttribute("aria-label", `${goes ? "Keep" : "Remove"} ${ssid}`);
    button.addEventListener("click", () => {
      if (!leaving.delete(ssid)) leaving.add(ssid);
      const at = now.networks.findIndex((network) => network.ssid === ssid);
      showNetworks();
      // The row was drawn anew, the keyboard stays on it.
      $("networks").children[at]?.querySelector("button").focus();
    });
    const note = goes ? "goes when you save" : passphrase ? "" : "without a passphrase";
    const name = el("span", { class: goes ? "name gone" : "name" }, ssid);
    return el("li", {}, name, el("span", { class: "note" }, note), button);
  });
  $("networks").replaceChildren(...rows);
}

/** What differs from what is set. */
function change() {
  const set = {};
  for (const field of fields) {
    if (isList(field)) continue;
    const [key, value] = [keyOf(field), input(field).value];
    if (isSecret(field)) {
      if (value) set[key] = value;
    } else if (value.trim() !== (now.values[key] ?? "")) set[key] = value.trim() || null;
  }
  if ($("no-viewers").checked && !set["web.viewer-password"]) set["web.viewer-password"] = null;
  const join = [];
  const [ssid, passphrase] = [$("join-ssid").value, $("join-passphrase").value];
  if (ssid || passphrase) join.push(passphrase ? { ssid, passphrase } : { ssid });
  return { set, join, leave: [...leaving].filter((name) => name !== ssid) };
}

function say(text, look = "") {
  $("answer").className = `answer ${look}`;
  setText($("answer"), text);
}

/** Says at the field what is wrong with it, and nothing at the others. */
function blame(key, text) {
  for (const field of fields) {
    const blamed = keyOf(field) === key;
    const of = isList(field) ? $("join-ssid") : input(field);
    setText(field.querySelector(".error"), blamed ? text : "");
    if (blamed) of.setAttribute("aria-invalid", "true");
    else of.removeAttribute("aria-invalid");
    if (blamed) of.focus();
  }
  return Boolean(fieldOf(key));
}

async function save() {
  const wanted = change();
  blame(null, "");
  if (!Object.keys(wanted.set).length && !wanted.join.length && !wanted.leave.length) {
    say("Nothing is different.");
    return;
  }
  $("save").disabled = true;
  say("Writing to the card…");
  try {
    await api.changeSettings(wanted);
    const page = ["web.password", "web.viewer-password"].filter((key) => key in wanted.set);
    if (page.length) {
      // The page starts anew with them, and is away for a moment.
      done(page.includes("web.password"), Object.keys(wanted.set).length > page.length);
    } else {
      await load();
      say("Saved. It holds from the camera's next start on.", "good");
    }
  } catch (error) {
    // The field says by itself which key it is about.
    const told = error.key && blame(error.key, error.message.replace(/^[a-z-]+\.[a-z.-]+: /, ""));
    say(told ? "Nothing is saved: see above." : `Nothing is saved: ${error.message} ${error.remedy}`.trim(), "bad");
  } finally {
    $("save").disabled = false;
  }
}

function done(isOwners, isMore) {
  const more = isMore ? " Everything else holds from the camera's next start on." : "";
  for (const field of fields.filter(isSecret)) input(field).value = "";
  const link = isOwners
    ? el("a", { href: "/login" }, "Log in with the new password")
    : el("a", { href: "/settings" }, "Show the settings again");
  $("message").className = "message";
  $("message").replaceChildren(el("strong", {}, "Saved"), `The new password holds now.${more} `, link, ".");
  $("message").hidden = false;
  $("form").hidden = $("support").hidden = true;
  link.focus();
}

async function toCard() {
  $("to-card").disabled = true;
  setText($("support-answer"), "Writing to the card…");
  try {
    await api.supportToCard();
    setText($("support-answer"), "picam-support.txt is on the card's first partition, which any PC shows.");
  } catch (error) {
    setText($("support-answer"), `It is not written: ${error.message} ${error.remedy}`.trim());
  } finally {
    $("to-card").disabled = false;
  }
}

prepare();
load();
$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  save();
});
$("to-card").addEventListener("click", toCard);
