// Talking to the camera.

/** What went wrong, in words for the person before the screen. */
export class ApiError extends Error {
  constructor(message, remedy, offline = false, status = 0, key = null) {
    super(message);
    this.remedy = remedy;
    this.offline = offline;
    this.status = status;
    /** The setting that it is about, if it is about one. */
    this.key = key;
  }
}

const TIMEOUT_MS = 10_000;
/** For what is written to the card: the hash of a password takes a second of a camera, a support file some. */
const LONG_MS = 30_000;

/** An answer whose body has yet to come. */
async function ask(path, options) {
  let response;
  try {
    const headers = { accept: "application/json", ...options.headers };
    response = await fetch(path, { ...options, headers });
  } catch {
    throw new ApiError(
      "The camera cannot be reached.",
      "Check that this phone is still in its Wi-Fi. The page goes on by itself.",
      true,
    );
  }
  if (response.status === 401) {
    location.assign("/login");
    throw new ApiError("You are logged out.", "Log in again.", false, 401);
  }
  if (!response.ok) {
    const body = await response.json().catch(() => ({}));
    const message = body.error ?? `The camera answered ${response.status}.`;
    throw new ApiError(message, body.remedy ?? "", false, response.status, body.key);
  }
  return response;
}

async function send(path, options = {}, timeout = TIMEOUT_MS) {
  const response = await ask(path, { ...options, signal: AbortSignal.timeout(timeout) });
  return response.json().catch(() => ({}));
}

const get = (path) => send(path);

const json = (method, body) => ({ method, body: JSON.stringify(body), headers: { "content-type": "application/json" } });
const post = (path, body = {}) => send(path, json("POST", body));

/** Keeps what every camera saw while this segment was recorded; the same `id` twice is one order. */
export const keep = (id, segment) => post("/api/locks", { id, segment, reason: "kept on the page" });
export const remove = (id) => send(`/api/segments/${id}`, { method: "DELETE" });
export const restore = (id) => post(`/api/segments/${id}/restore`);
/** Keeps what just happened and what happens next; the same `id` twice is one order. */
export const save = (order) => post("/api/saves", order);
/** Takes a still; a camera that codes by itself may have to be waited for. */
export const still = (letter) => send(`/api/cameras/${letter}/stills`, { method: "POST" }, LONG_MS);
export const pause = (seconds) => post("/api/pause", { seconds });
export const resume = () => post("/api/resume");

export const settings = () => get("/api/settings");
export const changeSettings = (change) => send("/api/settings", json("PATCH", change), LONG_MS);
export const supportToCard = () => send("/api/support", { method: "POST" }, LONG_MS);

/** What a camera records, as it comes; until `signal` is aborted. */
export const live = (letter, signal) => ask(`/api/cameras/${letter}/live`, { headers: { accept: "video/mp4" }, signal });

/** Whether something can be downloaded; of it, a byte is asked for. */
export async function tryDownload(path) {
  const { body } = await ask(path, { headers: { range: "bytes=0-0" }, signal: AbortSignal.timeout(TIMEOUT_MS) });
  await body?.cancel();
}

export const status = () => get("/api/status");
export const segment = (id) => get(`/api/segments/${id}`);

const given = (filter) => new URLSearchParams(Object.entries(filter).filter(([, value]) => value != null));

export const drives = (filter) => get(`/api/drives?${given(filter)}`);
export const drive = (id) => get(`/api/drives/${id}`);

/** A page of segments, newest first. */
export const segments = (filter) => get(`/api/segments?${given(filter)}`);
