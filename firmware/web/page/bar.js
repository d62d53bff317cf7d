// The bar below a drive: a lane for each camera with what was recorded, what of it is kept, and where nothing was; one
// playhead across all of them.

import { el } from "./dom.js";

/** Parts no further apart are one stretch. */
const JOINT_S = 0.5;
const CLASSES = ["normal", "event", "parking", "manual"];
const LANE = 10;
const GAP = 4;

function svg(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export class Bar {
  /** `onSeek` is told the moment that somebody points at, in seconds, and whether the finger is still down. */
  constructor(onSeek) {
    this.onSeek = onSeek;
    this.length = 1;
    this.lanes = svg("svg", { preserveAspectRatio: "none", "aria-hidden": "true" });
    this.head = el("span", { class: "head", "aria-hidden": "true" });
    this.input = el("input", { type: "range", min: 0, step: "any", value: 0, "aria-label": "Position in the drive" });
    this.box = el("div", { class: "bar-box" }, this.lanes, this.head, this.input);
    this.input.addEventListener("input", () => this.onSeek(Number(this.input.value), false));
    let down = false;
    const point = (event, held) => {
      const { left, width } = this.lanes.getBoundingClientRect();
      const part = Math.min(1, Math.max(0, (event.clientX - left) / width));
      this.onSeek(part * this.length, held);
    };
    this.box.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      down = true;
      this.box.setPointerCapture(event.pointerId);
      this.input.focus({ preventScroll: true });
      point(event, true);
      event.preventDefault();
    });
    this.box.addEventListener("pointermove", (event) => down && point(event, true));
    this.box.addEventListener("pointerup", (event) => {
      if (down) point(event, false);
      down = false;
    });
    this.box.addEventListener("pointercancel", () => (down = false));
  }

  /** Draws the lanes: for each camera its parts. */
  draw(cameras, length, chosen) {
    this.length = Math.max(length, 0.001);
    this.input.max = this.length;
    const height = cameras.length * (LANE + GAP) - GAP;
    this.lanes.setAttribute("viewBox", `0 0 ${this.length} ${height}`);
    this.box.style.setProperty("--lanes", cameras.length);
    const all = cameras.map(({ letter, parts }, n) => {
      const y = n * (LANE + GAP);
      const lane = svg("g", { class: letter === chosen ? "lane chosen" : "lane" });
      lane.append(svg("rect", { class: "none", x: 0, y, width: this.length, height: LANE }));
      for (const { from, to, kind } of stretches(parts)) {
        lane.append(svg("rect", { class: kind, x: from, y, width: Math.max(to - from, this.length / 800), height: LANE }));
      }
      return lane;
    });
    this.lanes.replaceChildren(...all);
  }

  /** Puts the playhead somewhere, and says where that is. */
  move(at, text) {
    this.head.style.insetInlineStart = `${(Math.min(at, this.length) / this.length) * 100}%`;
    this.input.value = at;
    this.input.setAttribute("aria-valuetext", text);
  }
}

/** Parts of one class that follow each other, as one. */
function stretches(parts) {
  const all = [];
  for (const { at_s, length_s, class: kind } of parts) {
    const last = all.at(-1);
    const known = CLASSES.includes(kind) ? kind : "normal";
    if (last?.kind === known && at_s - last.to <= JOINT_S) last.to = at_s + length_s;
    else all.push({ from: at_s, to: at_s + length_s, kind: known });
  }
  return all;
}

/** The way that the car went, north up, and where on it the playhead is. */
export class Track {
  constructor(onSeek) {
    this.path = svg("path", { class: "way" });
    this.start = svg("circle", { class: "start", r: 5 });
    this.dot = svg("circle", { class: "here", r: 8 });
    this.picture = svg("svg", { class: "track", role: "img", "aria-label": "The way that the car went" }, this.path, this.start, this.dot);
    this.box = el("div", { class: "track-box" }, this.picture);
    this.fixes = [];
    this.places = [];
    this.picture.addEventListener("click", (event) => {
      const screen = this.picture.getScreenCTM();
      if (!screen || this.fixes.length === 0) return;
      const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(screen.inverse());
      let [best, at] = [Infinity, 0];
      this.places.forEach(([px, py], n) => {
        const apart = (px - x) ** 2 + (py - y) ** 2;
        if (apart < best) [best, at] = [apart, this.fixes[n][0]];
      });
      onSeek(at, false);
    });
  }

  draw(fixes) {
    this.fixes = fixes;
    this.box.hidden = fixes.length < 2;
    if (this.box.hidden) return;
    const middle = (fixes[0][1] * Math.PI) / 180;
    let turns = 0;
    // Over the line where the date changes, the way goes on beside itself.
    const flat = fixes.map(([, latitude, longitude], n) => {
      if (n > 0 && Math.abs(longitude - fixes[n - 1][2]) > 180) turns += longitude < 0 ? 360 : -360;
      return [(longitude + turns) * Math.cos(middle), -latitude];
    });
    const [xs, ys] = [flat.map(([x]) => x), flat.map(([, y]) => y)];
    const least = (numbers) => numbers.reduce((a, b) => Math.min(a, b));
    const most = (numbers) => numbers.reduce((a, b) => Math.max(a, b));
    const [left, top] = [least(xs), least(ys)];
    const scale = 400 / Math.max(most(xs) - left, most(ys) - top, 1e-5);
    this.places = flat.map(([x, y]) => [(x - left) * scale, (y - top) * scale]);
    const [width, height] = [(most(xs) - left) * scale, (most(ys) - top) * scale];
    this.picture.setAttribute("viewBox", `-16 -16 ${width + 32} ${height + 32}`);
    let way = "";
    this.places.forEach(([x, y], n) => {
      const goesOn = n > 0 && fixes[n][0] - fixes[n - 1][0] <= Math.max(10, (fixes.at(-1)[0] / fixes.length) * 4);
      way += `${goesOn ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
    });
    this.path.setAttribute("d", way);
    this.#put(this.start, 0);
  }

  #put(circle, n) {
    const [x, y] = this.places[n] ?? [0, 0];
    circle.setAttribute("cx", x);
    circle.setAttribute("cy", y);
  }

  /** Moves the dot, and gives the speed there; null if nobody knows. */
  move(at) {
    if (this.fixes.length === 0) return null;
    let [low, high] = [0, this.fixes.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.fixes[middle][0] <= at) low = middle;
      else high = middle - 1;
    }
    this.#put(this.dot, low);
    const near = Math.abs(this.fixes[low][0] - at) <= Math.max(10, (this.fixes.at(-1)[0] / this.fixes.length) * 4);
    this.dot.classList.toggle("lost", !near);
    return near ? this.fixes[low][3] : null;
  }
}
