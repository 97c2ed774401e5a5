// HTTP: every answer becomes one shape (see answer.js), every failure a ProblemError.
import { fromJson, fromPicture } from "./answer.js";

const MAX_WAITS = 3;
const LONGEST_WAIT_S = 15;

/** An RFC 9457 problem, or what comes closest to one. `problem` has title, detail, code, ... */
export class ProblemError extends Error {
  constructor(problem) {
    super(problem.detail || problem.title);
    this.problem = problem;
  }
}

async function problemOf(response) {
  const type = response.headers.get("content-type") || "";
  if (type.includes("json")) {
    const body = await response.json().catch(() => null);
    if (body && body.title) return new ProblemError(body);
  }
  return new ProblemError({
    title: `The server answered ${response.status}`,
    detail: response.statusText || "It gave no reason.",
    status: response.status,
    code: "http_error",
    request_id: response.headers.get("x-request-id"),
  });
}

async function request(url, init) {
  try {
    return await fetch(url, init);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ProblemError({
      title: "The server cannot be reached",
      detail: "Check that it runs and that the network is up, then try again.",
      code: "unreachable",
    });
  }
}

/** GET /info. */
export async function fetchInfo() {
  const response = await request("info");
  if (!response.ok) throw await problemOf(response);
  return response.json();
}

function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

let apiKey = null; // typed by the visitor, kept until the page is closed

/** The key that further requests carry. */
export function useApiKey(key) {
  apiKey = key;
}

function multipart(file) {
  const body = new FormData();
  body.append("file", file, file.name || "photograph");
  return body;
}

/** Whether the visitor typed one. */
export function hasApiKey() {
  return apiKey !== null;
}

/** The query of the options that are set. */
export function queryOf(options) {
  const set = Object.entries(options).filter(([, value]) => value !== undefined && value !== "");
  return new URLSearchParams(set.map(([key, value]) => [key, String(value)]));
}

const keyHeader = () => (apiKey ? { "X-API-Key": apiKey } : {});

/** Sentences on what to do for a better photograph, of the largest face; none where the server has none. */
export async function adviceOn(file) {
  const init = { method: "POST", body: multipart(file), headers: keyHeader() };
  const response = await request("analyze?faces=largest", init);
  if (!response.ok) return [];
  const { faces } = await response.json();
  return (faces?.[0]?.advice ?? []).map(({ sentence }) => sentence);
}

/** The picture in another format, with its provenance, as only the server can write it. */
export async function pictureAs(type, file, options) {
  const init = { method: "POST", body: multipart(file), headers: { Accept: type, ...keyHeader() } };
  const response = await request(`neutralize?${queryOf(options)}`, init);
  if (!response.ok) throw await problemOf(response);
  return response.blob();
}

/**
 * POST /neutralize.
 * @param {Blob} file the photograph
 * @param {{model?: string, output: string, strength: number, faces: string}} options
 * @param {AbortSignal} signal
 * @param {(seconds: number) => void} onWait told before each wait for a full queue
 * @returns {Promise<object>} an answer, see answer.js
 */
export async function neutralize(file, options, signal, onWait = () => {}) {
  const query = queryOf(options);
  for (let waits = 0; ; waits++) {
    const headers = { Accept: "application/json", ...keyHeader() };
    const init = { method: "POST", body: multipart(file), headers, signal };
    const response = await request(`neutralize?${query}`, init);
    const seconds = Number(response.headers.get("retry-after"));
    const busy = response.status === 429 || response.status === 503;
    if (busy && seconds > 0 && seconds <= LONGEST_WAIT_S && waits < MAX_WAITS) {
      onWait(seconds);
      await pause(seconds, signal);
      continue;
    }
    if (!response.ok) throw await problemOf(response);
    const type = response.headers.get("content-type") || "";
    if (type.startsWith("image/")) return fromPicture(await response.blob(), response.headers);
    return fromJson(await response.json(), response.headers);
  }
}
