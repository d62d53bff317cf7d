// The live state at the top of the page.

import { $, aloud, el, setText } from "./dom.js";
import { length } from "./format.js";

const rows = new Map();
let onLive = () => {};

/** What happens when somebody wants to see a camera live. */
export const setOnLive = (handler) => (onLive = handler);

/** Shows what `/api/status` said. */
export function show(status) {
  const cameras = status.cameras.map(describe);
  syncCameras(cameras);
  showPower(status.power);
  showMotion(status.motion);
  summarise(cameras, status);
  warn(status);
}

/** Shows that the camera does not answer; what is on the screen is old from now on. */
export function showError(error) {
  $("summary").className = "summary bad";
  setText($("summary"), error.offline ? "Offline" : "Recorder not answering");
  syncCameras([]);
  showPower(null);
  showMotion(null);
  syncWarnings([{ fault: true, message: error.message, remedy: error.remedy }]);
}

function describe(camera) {
  const ago = camera.last_durable_ms_ago;
  const facts = [];
  if (camera.width) facts.push(`${camera.width}×${camera.height}`);
  if (camera.fps) facts.push(`${Number(camera.fps.toFixed(1))} fps`);
  facts.push(lost(camera));
  return {
    letter: camera.letter,
    name: camera.name,
    // Whether it records is found out by the recorder.
    look: camera.state === "recording" && !camera.recording ? "stale" : camera.state,
    recording: camera.recording,
    segment: camera.segment,
    delivers: camera.state === "recording",
    proof: proof(camera, ago),
    facts: facts.join(" · "),
  };
}

function proof(camera, ago) {
  if (camera.state === "starting") return "Starting…";
  if (camera.state === "ended") return "Source has ended";
  if (camera.state === "paused") return "Paused";
  if (camera.state === "fault") return "Not recording";
  if (ago == null) return "Nothing on the card yet";
  // The id of a segment on the USB disk ends in a u.
  const place = camera.segment?.endsWith("u") ? "USB disk" : "card";
  return `Safe on ${place} ${(ago / 1000).toFixed(1)} s ago`;
}

function lost(camera) {
  const { card, room, undecodable } = camera.lost;
  const dropped = camera.dropped_encoder + camera.dropped_queue + card + room + undecodable;
  return `${dropped.toLocaleString()} dropped`;
}

function summarise(cameras, status) {
  const [all, recording] = [cameras.length, cameras.filter((camera) => camera.recording).length];
  const paused = status.paused_s;
  // Whoever sits in the car must be able to see that it listens.
  const sound = status.microphone?.state === "on" ? ", microphone on" : "";
  const summary = $("summary");
  summary.className = `summary ${status.recording ? "good" : "bad"}`;
  if (all === 0) setText(summary, "No camera configured");
  else if (paused != null) setText(summary, `Paused, ${Math.ceil(paused / 60)} min left`);
  else if (status.recording) setText(summary, `Recording${sound}`);
  else if (recording === 0) setText(summary, `Not recording${sound}`);
  else setText(summary, `${recording} of ${all} recording${sound}`);
}

function syncCameras(cameras) {
  const letters = new Set(cameras.map((camera) => camera.letter));
  for (const [letter, row] of rows) {
    if (!letters.has(letter)) {
      row.item.remove();
      rows.delete(letter);
    }
  }
  for (const camera of cameras) {
    const row = rows.get(camera.letter) ?? newRow(camera.letter);
    row.item.className = `camera ${camera.look}`;
    setText(row.name, camera.name);
    setText(row.proof, camera.proof);
    setText(row.facts, camera.facts);
    setText(row.of, ` view of ${camera.name}`);
    row.camera = camera;
    row.live.disabled = !camera.delivers;
  }
}

function newRow(letter) {
  const dot = el("span", { class: "dot", "aria-hidden": "true" });
  const name = el("span", { class: "name" });
  const proof = el("span", { class: "proof" });
  const facts = el("span", { class: "facts" });
  const of = aloud("");
  const live = el("button", { class: "live" }, "Live", of);
  const item = el("li", {}, dot, name, proof, facts, live);
  $("cameras").append(item);
  const row = { item, name, proof, facts, live, of };
  live.addEventListener("click", () => onLive(row.camera));
  rows.set(letter, row);
  return row;
}

/** "Battery 3.82 V · 64 %", and why the camera was last switched off. */
function showPower(power) {
  const battery = power?.battery;
  // Without a battery, a power cut is how it is switched off.
  const last = power?.ends.length && (battery || power.ends[0]) ? lastEnd(power.ends[0]) : "";
  $("power").hidden = !battery && !last;
  $("power").className = `power ${battery?.state ?? ""}`;
  setText($("battery"), battery ? [batteryName(battery.state), measured(battery)].filter(Boolean).join(" ") : "");
  setText($("last-end"), last);
}

/** "Last impact 5 min ago: 5.0 g, speed changed by 8 km/h", once there was one. */
function showMotion(motion) {
  const last = motion?.last_impact;
  $("motion").hidden = !last;
  if (!last) return;
  const kmh = Math.round(last.velocity_change * 3.6);
  const kept = motion.not_locked > 0 ? `; ${motion.not_locked} more not kept: is the camera loose?` : "";
  setText($("motion"), `Last impact ${length(last.ms_ago / 1000)} ago: ${last.peak_g.toFixed(1)} g, speed changed by ${kmh} km/h${kept}`);
}

function batteryName(state) {
  if (state === "low") return "Low battery";
  if (state === "switching-off") return "Switching off, battery";
  return state === "unknown" ? "Battery unknown" : "Battery";
}

function measured({ cell_mv, charge }) {
  const volts = cell_mv == null ? null : `${(cell_mv / 1000).toFixed(2)} V`;
  return [volts, charge == null ? null : `${Math.round(charge)} %`].filter(Boolean).join(" · ");
}

function lastEnd(end) {
  if (!end) return "Last time the power was cut, or somebody else switched it off";
  const { cause, cell_mv, after_s } = end;
  if (cause === "button") return `Last switched off by the button, after ${length(after_s)}`;
  if (cause === "ignition") return `Last switched off: ignition off, after ${length(after_s)}`;
  const why = cause === "battery-empty" ? "battery empty" : "battery low";
  const volts = cell_mv == null ? "" : ` (${(cell_mv / 1000).toFixed(2)} V)`;
  return `Last switched off: ${why}${volts}, after ${length(after_s)}`;
}

function warn(status) {
  const warnings = status.card.faults.map((fault) => ({ ...fault, fault: true }));
  for (const camera of status.cameras) {
    if (camera.fault) {
      const message = `${camera.name}: ${camera.fault.message}`;
      warnings.push({ message, remedy: camera.fault.remedy, fault: true });
    }
    for (const message of camera.ring.warnings) {
      warnings.push({ message: `${camera.name}: ${message}`, remedy: "" });
    }
  }
  if (status.gps?.fault) warnings.push({ ...status.gps.fault, fault: true });
  if (status.motion?.fault) warnings.push({ ...status.motion.fault, fault: true });
  if (status.microphone?.fault) warnings.push({ ...status.microphone.fault, fault: true });
  if (status.stills?.fault) warnings.push({ ...status.stills.fault, fault: true });
  const battery = status.power?.battery;
  if (battery?.fault) warnings.push(battery.fault);
  if (battery?.state === "low") {
    warnings.push({ message: "The battery is low.", remedy: "Before it is empty, the camera finishes its files and switches itself off." });
  }
  if (!status.clock_known) {
    const message = "The camera does not know the time yet.";
    warnings.push({ message, remedy: "Footage keeps its order and gets its time later." });
  }
  syncWarnings(warnings);
}

let shown = "";

function syncWarnings(warnings) {
  // Rebuilt only when it says something new: the list is read out when it changes.
  const said = JSON.stringify(warnings);
  if (said === shown) return;
  shown = said;
  const items = warnings.map((warning) =>
    el("li", { class: warning.fault ? "fault" : "" }, el("strong", {}, warning.message), warning.remedy),
  );
  $("warnings").replaceChildren(...items);
}
