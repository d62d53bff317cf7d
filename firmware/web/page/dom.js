// Building elements. Text only ever becomes text nodes: names on the card are not ours.

export const $ = (id) => document.getElementById(id);

/** An element with properties and children; `class` and `data-*`/`aria-*` are attributes. */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "class") element.className = value;
    else if (name.includes("-")) element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

/** Text that is only read out. */
export const aloud = (text) => el("span", { class: "aloud" }, text);

/** Changes text only if it differs, so that screen readers hear news only. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const PATHS = {
  download: "M12 4v11m0 0 5-5m-5 5-5-5M5 20h14",
  close: "M6 6l12 12M18 6 6 18",
  still: "M4 8h3l2-3h6l2 3h3v11H4zM12 10a3.5 3.5 0 1 0 .01 0",
  full: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  pause: "M8 5v14M16 5v14",
  play: "M8 5.5v13l10-6.5z",
  remove: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10.5 11v5M13.5 11v5",
  settings: "M4 7h9m4 0h3M4 17h3m4 0h9M15 4.5v5M9 14.5v5",
};

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
