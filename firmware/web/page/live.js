// The live view: what a camera records, as it comes, through fetch into a MediaSource. Nothing is asked for unless it is
// open and looked at.

import * as api from "./api.js";
import { $, el, icon, setText } from "./dom.js";
import * as player from "./player.js";
import * as view from "./view.js";

/** Pictures kept, in seconds. */
const KEEP_S = 5;
/** So much lies ready before the picture that is shown, in seconds: for what comes a little late. */
const READY_S = 0.08;
/** Whoever is so far behind what has come does not catch up, but jumps. */
const JUMP_S = 1;
/** Pauses before the camera is asked again: where the stream ended by itself, and where it failed. */
const AGAIN_MS = 200;
const RETRY_MS = 3_000;
const SHOW_MS = 500;

/** On an iPhone there is only the managed one, and where both are, it spares the battery. */
const Source = window.ManagedMediaSource ?? window.MediaSource;

/** This browser cannot show it, however often it is tried. */
class Unable extends Error {}

const video = $("live-video");
let shown = null;
/** Where the keyboard was. */
let opener = null;
/** Aborts what runs; null if nothing does. */
let run = null;
/** Time of arrival less time in the stream, of the picture that took the least on its way; in seconds. */
let least = Infinity;

/** Opens the live view of a camera as `/api/status` has it. */
export function open(camera) {
  opener = document.activeElement;
  view.open(shut);
  if (shown?.letter !== camera.letter) stop();
  shown = camera;
  $("live").hidden = false;
  setText($("live-still-said"), "");
  setText($("live-title"), `${camera.name} · live`);
  if (!run) start();
  view.reveal($("live"));
}

function shut() {
  const within = $("live").contains(document.activeElement) || document.activeElement === document.body;
  stop();
  shown = null;
  $("live").hidden = true;
  if (within && opener?.isConnected) opener.focus({ preventScroll: true });
}

function say(text) {
  setText($("live-note"), text);
  $("live-note").hidden = text === "";
}

function stop() {
  run?.abort();
  run = null;
  video.removeAttribute("src");
  video.srcObject = null;
  video.load();
  setText($("live-behind"), "");
}

/** Shows the stream, and asks for it again whenever it ends. */
async function start() {
  const own = (run = new AbortController());
  const runs = () => run === own;
  say("Connecting…");
  while (runs()) {
    let pause = AGAIN_MS;
    try {
      await show(shown.letter, own.signal);
    } catch (error) {
      if (!runs()) return;
      if (error instanceof Unable) return fallBack(error.message);
      const retries = error.status !== 404;
      say(`${error.message} ${error.remedy ?? ""}`.trim());
      if (!retries) return;
      pause = RETRY_MS;
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/** Shows the stream until it ends, or throws. */
async function show(letter, signal) {
  if (!Source) throw new Unable("This browser cannot show live pictures.");
  const response = await api.live(letter, signal);
  const type = response.headers.get("content-type");
  if (!Source.isTypeSupported(type)) throw new Unable("This browser cannot decode the camera's pictures.");
  const source = new Source();
  const opened = happens(source, "sourceopen", signal);
  // What manages itself wants not to be sent to a television, and has no address.
  const managed = Source === window.ManagedMediaSource;
  video.disableRemotePlayback = managed;
  const address = managed ? null : URL.createObjectURL(source);
  if (managed) video.srcObject = source;
  else video.src = address;
  play();
  await opened;
  if (address) URL.revokeObjectURL(address);
  const buffer = source.addSourceBuffer(type);
  least = Infinity;
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    // Whoever does not want more for now reads no more: the camera leaves pictures out.
    if (managed && !source.streaming) await happens(source, "startstreaming", signal);
    buffer.appendBuffer(value);
    await happens(buffer, "updateend", signal);
    const before = follow(buffer.buffered);
    if (before > 0) {
      buffer.remove(0, before);
      await happens(buffer, "updateend", signal);
    }
  }
}

/** Muted pictures may start by themselves, unless the phone saves power. */
function play() {
  video.play().catch((error) => {
    if (error.name === "NotAllowedError") say("Tap to start.");
  });
}

/** Keeps to what came last. Returns up to when pictures are not needed any more; 0 for none. */
function follow(buffered) {
  const last = buffered.length - 1;
  if (last < 0) return 0;
  const [from, edge] = [buffered.start(last), buffered.end(last)];
  least = Math.min(least, performance.now() / 1000 - edge);
  const ready = edge - video.currentTime;
  // Before what is there (also behind a gap), or too far behind: at once. Else a little faster or slower.
  if (video.currentTime < from || ready > JUMP_S) video.currentTime = Math.max(from, edge - READY_S);
  else setRate(1 + Math.max(-0.1, Math.min(0.5, (ready - READY_S) * 0.7)));
  return edge - buffered.start(0) > 2 * KEEP_S ? Math.min(edge - KEEP_S, video.currentTime - 1) : 0;
}

function setRate(rate) {
  if (Math.abs(video.playbackRate - rate) > 0.03) video.playbackRate = rate;
}

/** Resolves with an event, rejects once nobody waits for it. */
function happens(target, name, signal) {
  return new Promise((resolve, reject) => {
    const give = () => (target.removeEventListener(name, done), reject(signal.reason));
    const done = () => (signal.removeEventListener("abort", give), resolve());
    if (signal.aborted) return reject(signal.reason);
    target.addEventListener(name, done, { once: true });
    signal.addEventListener("abort", give, { once: true });
  });
}

/** How far the picture shown is behind the newest, had that come as fast as the fastest. */
function showBehind() {
  if (!run || !shown || video.readyState < 2 || least === Infinity) return;
  const behind = Math.max(0, performance.now() / 1000 - least - video.currentTime);
  setText($("live-behind"), `${behind.toFixed(1)} s behind`);
}

/** Plays what was recorded last instead. */
async function fallBack(reason) {
  say(reason);
  const { segment } = shown;
  const newest = segment && (await api.segment(segment).catch(() => null));
  if (newest && shown?.segment === segment) player.open(newest, `${reason} This is the newest footage.`);
}

/** Takes a picture of what is seen, and links it. */
async function still() {
  const button = $("live-still");
  if (!shown || button.disabled) return;
  button.disabled = true;
  setText($("live-still-said"), "Taking a still…");
  const { letter } = shown;
  let said;
  try {
    const made = await api.still(letter);
    const link = el("a", { href: made.file, target: "_blank", rel: "noopener" }, `${made.width}×${made.height}`);
    said = ["Still saved: ", link];
  } catch (error) {
    said = [`${error.message} ${error.remedy ?? ""}`.trim()];
  }
  button.disabled = false;
  if (shown?.letter === letter) {
    $("live-still-said").replaceChildren(...said);
  }
}

$("live-still").append(icon("still"));
$("live-still").hidden = document.documentElement.dataset.role !== "owner";
$("live-still").addEventListener("click", still);
$("live-close").append(icon("close"));
$("live-close").addEventListener("click", view.close);
$("live-full").append(icon("full"));
// An iPhone shows a video alone in full.
$("live-full").addEventListener("click", () => (video.requestFullscreen ? video.requestFullscreen() : video.webkitEnterFullscreen?.()));
video.addEventListener("click", play);
video.addEventListener("playing", () => say(""));
setInterval(showBehind, SHOW_MS);

function looks() {
  if (!shown) return;
  if (document.hidden) stop();
  else if (!run) start();
}
document.addEventListener("visibilitychange", looks);
addEventListener("pagehide", stop);
addEventListener("pageshow", looks);
