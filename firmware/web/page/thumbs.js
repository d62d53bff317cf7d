// The first picture of each segment, painted when its row comes into view. The camera sends a movie of that one picture;
// this phone decodes it.

import { el } from "./dom.js";

const AT_ONCE = 2;
const TIMEOUT_MS = 8_000;
/** A segment that had no picture may have one by now. */
const AGAIN_MS = 5_000;
const FAR_PX = 2000;
/** Pixels of a picture in a row, and of one on a card. */
export const SMALL = [176, 100];
export const LARGE = [352, 198];

/** By address and size: the box in the row, and what is in it. */
const known = new Map();
const byBox = new WeakMap();
const queue = new Set();
let loading = 0;

const near = new IntersectionObserver((seen) => seen.forEach(({ target, isIntersecting }) => {
  const entry = byBox.get(target);
  if (isIntersecting && !entry.painted) queue.add(entry);
  else queue.delete(entry);
  next();
}), { rootMargin: "120px 0px" });

// What is far away holds no memory.
const far = new IntersectionObserver((seen) => seen.forEach(({ target, isIntersecting }) => {
  const entry = byBox.get(target);
  // A row that was drawn anew is not laid out yet.
  const away = !isIntersecting && Math.abs(target.getBoundingClientRect().top) > FAR_PX;
  if (away && entry.painted) {
    entry.painted = false;
    target.replaceChildren();
  }
}), { rootMargin: `${FAR_PX}px 0px` });

/** The box for a segment's picture: the same one however often its row is drawn. */
export function frame({ picture }, size = SMALL) {
  const key = `${size} ${picture}`;
  let entry = known.get(key);
  if (entry) {
    if (!entry.painted && performance.now() - entry.tried > AGAIN_MS) watch(entry);
    return entry.box;
  }
  entry = { address: picture, size, box: el("span", { class: "thumb", "aria-hidden": "true" }), painted: false, tried: -Infinity };
  if (picture) {
    known.set(key, entry);
    byBox.set(entry.box, entry);
    watch(entry);
  }
  return entry.box;
}

/** Says again whether it is in view. */
function watch({ box }) {
  for (const observer of [near, far]) {
    observer.unobserve(box);
    observer.observe(box);
  }
}

/** Forgets the picture of a row that is gone. */
export function forget({ picture }, size = SMALL) {
  const key = `${size} ${picture}`;
  const entry = known.get(key);
  if (!entry) return;
  near.unobserve(entry.box);
  far.unobserve(entry.box);
  queue.delete(entry);
  known.delete(key);
}

function next() {
  for (const entry of queue) {
    if (loading >= AT_ONCE) return;
    queue.delete(entry);
    loading += 1;
    load(entry).catch(() => setTimeout(() => entry.box.isConnected && watch(entry), AGAIN_MS)).finally(() => {
      loading -= 1;
      next();
    });
  }
}

async function load(entry) {
  entry.tried = performance.now();
  const video = el("video", { muted: true, playsInline: true, preload: "auto" });
  try {
    await new Promise((shown, failed) => {
      setTimeout(failed, TIMEOUT_MS);
      video.onloadeddata = shown;
      video.onerror = failed;
      video.src = entry.address;
    });
    const [width, height] = entry.size;
    const canvas = el("canvas", { width, height });
    const scale = Math.max(width / video.videoWidth, height / video.videoHeight);
    const [w, h] = [video.videoWidth * scale, video.videoHeight * scale];
    canvas.getContext("2d").drawImage(video, (width - w) / 2, (height - h) / 2, w, h);
    entry.box.replaceChildren(canvas);
    entry.painted = true;
  } finally {
    // Its memory, and its decoder.
    video.removeAttribute("src");
    video.load();
  }
}
