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

/**
 * POST /neutralize.
 * @param {Blob} file the photograph
 * @param {{model?: string, output: string, strength: number, faces: string}} options
 * @param {AbortSignal} signal
 * @param {(seconds: number) => void} onWait told before each wait for a full queue
 * @returns {Promise<object>} an answer, see answer.js
 */
export async function neutralize(file, options, signal, onWait = () => {}) {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(options)) {
    if (value !== undefined && value !== "") query.set(key, String(value));
  }
  for (let waits = 0; ; waits++) {
    const body = new FormData();
    body.append("file", file, file.name || "photograph");
    const headers = { Accept: "application/json", ...(apiKey ? { "X-API-Key": apiKey } : {}) };
    const response = await request(`neutralize?${query}`, { method: "POST", body, headers, signal });
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
