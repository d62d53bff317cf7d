// Where somebody's hands are: rows must not move while a finger is about to tap one.

/** After so long without a touch, a key or a scroll nobody is about to tap. */
const IDLE_MS = 30_000;

let last = performance.now();
let down = false;

const touched = () => (last = performance.now());
for (const kind of ["pointermove", "keydown", "wheel", "scroll", "focusin"]) {
  addEventListener(kind, touched, { passive: true, capture: true });
}
addEventListener("pointerdown", () => ((down = true), touched()), { passive: true, capture: true });
for (const kind of ["pointerup", "pointercancel"]) {
  addEventListener(kind, () => ((down = false), touched()), { passive: true, capture: true });
}
// Whoever comes back to the page has not aimed at anything yet.
document.addEventListener("visibilitychange", () => (last = document.hidden ? -IDLE_MS : performance.now()));

/** Whether rows may move: nobody has touched anything for a while. */
export const areOff = () => !down && (document.hidden || performance.now() - last > IDLE_MS);

/** Whether the place where an element begins has been scrolled away, so that nobody sees what is put there. */
export const isAbove = (element) => element.getBoundingClientRect().top < -80;

/** Changes the list; the first row in sight stays where it is. */
export function steady(change) {
  const anchor = [...document.querySelectorAll(".shelf:not([hidden]) .row")].find((row) => row.getBoundingClientRect().bottom > 0);
  const before = anchor?.getBoundingClientRect().top;
  change();
  if (!anchor?.isConnected) return;
  const moved = anchor.getBoundingClientRect().top - before;
  if (moved && scrollY > 0) scrollBy({ top: moved, behavior: "instant" });
}
