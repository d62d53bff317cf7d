// One picture on the screen that goes on from segment to segment: two videos, of which one is seen while the other has
// what comes next. What is seen stays until what is to be seen has a picture.

import { el } from "./dom.js";

/** A moment so near to the end of a segment has no picture of its own. */
const END_S = 0.03;
/** What could not be had is not asked for again so soon. */
const AGAIN_MS = 3_000;

/** Whether a video holds what is wanted: of a segment that grows, it may be an earlier state of it. */
const holds = (held, part, within) =>
  held?.file === part.file || (held?.id === part.id && within < held.length_s - 0.3);

export class Reel {
  /** `onEnd` is told that a part has been played, `onError` that one cannot be. */
  constructor(name, onEnd, onError) {
    this.videos = [this.#video(), this.#video()];
    this.note = el("p", { class: "video-error", role: "status", hidden: true });
    this.label = el("p", { class: "of", hidden: true });
    this.box = el("div", { class: "screen" }, ...this.videos, this.label, this.note);
    this.handlers = { onEnd, onError };
    this.front = 0;
    /** What each video holds. */
    this.parts = [null, null];
    /** What is to be seen: a part, and seconds from its start; null if it is. */
    this.wanted = null;
    this.busy = false;
    this.runs = false;
    /** What could not be had, and when. */
    this.refused = null;
    this.name(name);
  }

  #video() {
    const video = el("video", { muted: true, playsInline: true, preload: "auto" });
    video.addEventListener("ended", () => video === this.seen && this.runs && this.handlers.onEnd(this.part));
    video.addEventListener("error", () => video.getAttribute("src") && this.#failed(video));
    return video;
  }

  get seen() {
    return this.videos[this.front];
  }

  get hidden() {
    return this.videos[1 - this.front];
  }

  /** The part that is seen. */
  get part() {
    return this.parts[this.front];
  }

  /** Where it is seen, in seconds of the drive; null while there is no picture. */
  get time() {
    return this.part ? this.part.at_s + this.seen.currentTime : null;
  }

  name(text) {
    this.label.textContent = text;
  }

  say(text) {
    if (this.note.textContent !== text) this.note.textContent = text;
    this.note.hidden = text === "";
  }

  /** Shows a moment of a part. Of moments that come faster than pictures can be had only the last counts. */
  seek(part, within) {
    this.wanted = { part, within: Math.max(0, within) };
    this.#work();
  }

  /** Has what comes next ready. */
  prepare(part) {
    const isKnown = this.parts.some((held) => held?.id === part.id);
    const isRefused = this.refused?.file === part.file && performance.now() - this.refused.at < AGAIN_MS;
    if (this.busy || this.wanted || isKnown || isRefused) return;
    this.#fill(1 - this.front, part);
  }

  /** Shows a part from its start, at once if it is ready. */
  goOn(part) {
    const held = this.parts[1 - this.front];
    if (held?.id === part.id && this.hidden.readyState >= 2 && this.hidden.currentTime < 0.1) {
      this.parts[1 - this.front] = { ...held, at_s: part.at_s };
      this.#swap();
    } else {
      this.seek(part, 0);
    }
  }

  play() {
    this.runs = true;
    if (!this.busy) this.seen.play().catch((error) => error.name === "NotAllowedError" && this.handlers.onError(this.part, error));
  }

  pause() {
    this.runs = false;
    for (const video of this.videos) video.pause();
  }

  /** Lets everything go. */
  stop() {
    this.pause();
    this.wanted = null;
    this.parts = [null, null];
    for (const video of this.videos) {
      video.removeAttribute("src");
      video.load();
    }
    this.say("");
  }

  #fill(which, part) {
    this.parts[which] = { ...part };
    this.videos[which].src = part.file;
  }

  async #work() {
    if (this.busy) return;
    this.busy = true;
    while (this.wanted) {
      const { part, within } = this.wanted;
      this.wanted = null;
      let which = this.parts.findIndex((held) => holds(held, part, within));
      if (which < 0) {
        which = 1 - this.front;
        this.#fill(which, part);
      }
      const now = (this.parts[which] = { ...this.parts[which], at_s: part.at_s });
      const isThere = await this.#reach(this.videos[which], within);
      if (this.parts[which] !== now) continue;
      if (!isThere) this.parts[which] = null;
      else if (which !== this.front) this.#swap();
    }
    this.busy = false;
    if (this.runs) this.play();
  }

  /** Resolves to whether a video has the picture of a moment. */
  async #reach(video, within) {
    if (video.readyState < 1 && !(await this.#once(video, "loadedmetadata"))) return false;
    const at = Math.min(within, Math.max(0, video.duration - END_S));
    if (Math.abs(video.currentTime - at) > 0.005 || video.ended) {
      video.currentTime = at;
      if (!(await this.#once(video, "seeked"))) return false;
    }
    return video.readyState >= 2 || this.#once(video, "loadeddata");
  }

  #once(video, event) {
    return new Promise((done) => {
      const finish = (good) => {
        for (const [name, heard] of Object.entries(handlers)) video.removeEventListener(name, heard);
        clearTimeout(timer);
        done(good);
      };
      const handlers = { [event]: () => finish(true), error: () => finish(false) };
      for (const [name, heard] of Object.entries(handlers)) video.addEventListener(name, heard);
      const timer = setTimeout(finish, 10_000, false);
    });
  }

  #swap() {
    const before = this.seen;
    this.front = 1 - this.front;
    // The newer one lies above the other, and nothing is seen between them.
    this.seen.classList.add("seen");
    this.seen.muted = before.muted;
    this.seen.volume = before.volume;
    before.classList.remove("seen");
    before.pause();
    before.muted = true;
    if (this.runs) this.seen.play().catch(() => {});
  }

  #failed(video) {
    const part = this.parts[this.videos.indexOf(video)];
    this.parts[this.videos.indexOf(video)] = null;
    if (part) this.refused = { file: part.file, at: performance.now() };
    // What was only to come is asked for again when it is there.
    if (video === this.seen || this.wanted || this.busy) this.handlers.onError(part, video.error);
  }
}
