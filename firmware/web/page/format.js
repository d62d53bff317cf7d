// Times, lengths and sizes as people read them, in the zone and language of the browser.

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium", hourCycle: "h23" });
const shortDay = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short" });
const minute = new Intl.DateTimeFormat(undefined, { timeStyle: "short", hourCycle: "h23" });
const thisYear = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "long" });
const anyYear = new Intl.DateTimeFormat(undefined, { dateStyle: "full" });
const dayAndClock = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" });

const two = (n) => String(n).padStart(2, "0");

/** 61 → "1:01", 3661 → "1:01:01". */
export function length(seconds) {
  const s = Math.round(seconds);
  const hours = Math.floor(s / 3600);
  const minutes = Math.floor(s / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(s % 60)}` : `${minutes}:${two(s % 60)}`;
}

/** 42 → "42 s", 3120 → "52 min", 3900 → "1 h 05 min". */
export function span(seconds) {
  if (seconds < 59.5) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
}

export function distance(metres) {
  if (metres < 950) return `${Math.round(metres / 10) * 10} m`;
  return `${(metres / 1000).toLocaleString(undefined, { maximumFractionDigits: metres < 99_500 ? 1 : 0 })} km`;
}

/** Segments that are saved in one file at most. */
export const MOST_IN_ARCHIVE = 100;

export const speed = (mps) => `${Math.round(mps * 3.6)} km/h`;

export function size(bytes) {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  if (bytes >= 1e6) return `${(bytes / 1e6).toFixed(bytes >= 1e7 ? 0 : 1)} MB`;
  return `${Math.max(1, Math.round(bytes / 1e3))} kB`;
}

/** Time since boot: "+0:36:01". */
function sinceBoot(seconds) {
  const s = Math.floor(seconds);
  return `+${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}

/** Time of day, or what is known instead. */
export function time(segment) {
  if (segment.start) return clock.format(new Date(segment.start));
  if (segment.boot) return `boot ${segment.boot.number} ${sinceBoot(segment.boot.seconds)}`;
  return "time unknown";
}

/** The day of a drive, in short; none while nobody knows. */
export const dayOf = ({ start }) => (start ? shortDay.format(new Date(start)) : "");

/** Day and minute, or what is known instead. */
export const moment = (segment) => (segment.start ? `${dayOf(segment)} · ${minute.format(new Date(segment.start))}` : time(segment));

/** From when to when a drive went, to the minute. */
export function fromTo({ start, end, boot, going_on }) {
  if (!start) return boot ? `boot ${boot.number} ${sinceBoot(boot.seconds)}` : "time unknown";
  const [from, to] = [start, end].map((moment) => minute.format(new Date(moment)));
  if (going_on) return `${from} – now`;
  return from === to ? from : `${from} – ${to}`;
}

/** Day and time, for a segment that stands alone. */
export function when(segment) {
  return segment.start ? dayAndClock.format(new Date(segment.start)) : time(segment);
}

/** What segments are grouped under: the local day, or the boot while the time is unknown. */
export function dayKey(segment) {
  if (!segment.start) return segment.boot ? `boot ${segment.boot.number}` : "unknown";
  const day = new Date(segment.start);
  return `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}`;
}

export function dayName(key) {
  if (key.startsWith("boot")) return `Time unknown · ${key}`;
  if (key === "unknown") return "Time unknown";
  const day = startOfDay(key);
  const today = new Date();
  today.setHours(0, 0, 0, 0);
  const ago = Math.round((today - day) / 86_400_000);
  const name = (day.getFullYear() === today.getFullYear() ? thisYear : anyYear).format(day);
  if (ago === 0) return `Today · ${name}`;
  return ago === 1 ? `Yesterday · ${name}` : name;
}

/** Local midnight at which the day of a key ("2026-11-20") begins. */
export function startOfDay(key) {
  const [year, month, day] = key.split("-").map(Number);
  return new Date(year, month - 1, day);
}

/** The two moments that a local day lies between; not always 24 h apart. */
export function dayBounds(key) {
  const from = startOfDay(key);
  const to = new Date(from.getFullYear(), from.getMonth(), from.getDate() + 1);
  return { from: from.toISOString(), to: to.toISOString() };
}

/** Where a segment is saved from; the name of the file has the time as the list shows it. */
export function downloadAddress(segment) {
  const address = `/api/segments/${segment.id}/file?download=1`;
  if (!segment.start) return address;
  return `${address}&offset=${-Math.round(new Date(segment.start).getTimezoneOffset())}`;
}

/** Where a clip is saved from; what is null is left out. */
export function clipAddress(what) {
  const given = Object.entries({ ...what, offset: -new Date().getTimezoneOffset() }).filter(([, value]) => value != null);
  return `/api/clip?${new URLSearchParams(given)}`;
}

/** Where several segments are saved from, in one file. */
export function archiveAddress(segments) {
  const ids = segments.map(({ id }) => id).join(",");
  return `/api/archive?segments=${ids}&offset=${-new Date().getTimezoneOffset()}`;
}

/** A segment as if it began so many seconds later: for the time of what is in it. */
export function later({ start, boot }, seconds) {
  return {
    start: start && new Date(Date.parse(start) + seconds * 1000),
    boot: boot && { ...boot, seconds: Math.max(0, boot.seconds + seconds) },
  };
}

export const cameraName = (segment) => segment.camera_name || `Camera ${segment.camera}`;
export const plural = (n, word) => `${n.toLocaleString()} ${word}${n === 1 ? "" : "s"}`;
export const driveCamera = ({ letter, name }) => name || `Camera ${letter}`;
