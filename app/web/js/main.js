// Puts the parts together: a photograph and settings in, a request out, the answer on the page.
import { fetchInfo, neutralize, ProblemError, useApiKey } from "./api.js";
import { AnswerCache } from "./cache.js";
import { Camera } from "./camera.js";
import { Compare } from "./compare.js";
import { alignedCrop, cropSpec } from "./crop.js";
import { byId, element, toggle } from "./dom.js";
import { listen, upright } from "./intake.js";
import { Latest } from "./latest.js";
import { hideProblem, keyForm, showProblem } from "./problem.js";
import { showReport } from "./report.js";

const CACHE_BYTES = 128 * 1024 * 1024;

const cache = new AnswerCache(CACHE_BYTES);
const compare = new Compare({
  scroller: byId("scroller"), root: byId("compare"), before: byId("before"), after: byId("after"),
  overlay: byId("overlay"), divider: byId("divider"), split: byId("split"),
  splitRow: byId("split-row"), tags: [byId("tag-before"), byId("tag-after")],
});
const camera = new Camera({
  dialog: byId("camera"), video: byId("camera-video"), error: byId("camera-error"),
  shoot: byId("camera-shoot"), close: byId("camera-close"),
}, usePhoto);
const requests = new Latest(work);

let info = null;
let photo = null; // { file, image: the photograph as the browser shows it, or null }
let marked = []; // boxes of the faces last heard of
let downloadUrl = null;

function say(text, busy = false) {
  byId("status").textContent = text;
  byId("status").classList.toggle("busy", busy);
}

function settings() {
  return {
    model: byId("model").value,
    output: byId("output").value,
    strength: Number(byId("strength").value),
    faces: byId("faces").value,
    mark: byId("mark").checked,
  };
}

async function usePhoto(file) {
  const limit = info?.limits?.max_bytes;
  if (limit && file.size > limit) {
    fail({
      title: "The file is too large",
      detail: `It has ${megabytes(file.size)}; this server takes at most ${megabytes(limit)}.`,
    });
    return;
  }
  requests.cancel();
  cache.clear();
  hideProblem(byId("problem"));
  forgetResult();
  photo = { file, image: null };
  const mine = photo;
  byId("drop").hidden = true;
  byId("view").hidden = false;
  byId("before").hidden = false;
  const image = await upright(file);
  if (mine !== photo) return;
  photo.image = image;
  byId("before").hidden = !image;
  if (image) await compare.showBefore(file);
  applyZoom();
  ask();
}

const megabytes = (bytes) => `${(bytes / 1024 / 1024).toFixed(1)} MB`;

function ask() {
  if (photo) requests.ask({ photo, options: settings() });
}

async function work({ photo: wanted, options }, signal) {
  const key = JSON.stringify(options);
  try {
    let answer = cache.get(key);
    if (!answer) {
      say("Working …", true);
      const wait = (s) => say(`The server is busy; trying again in ${s} s`, true);
      answer = await neutralize(wanted.file, options, signal, wait);
      cache.set(key, answer);
    }
    if (!signal.aborted) await show(wanted, options, answer, signal);
  } catch (error) {
    if (signal.aborted) return;
    forgetResult();
    if (error instanceof ProblemError) fail(error.problem);
    else fail({ title: "The page met an error of its own", detail: String(error) });
  }
}

async function show(wanted, options, answer, signal) {
  const before = await beforeOf(wanted, options, answer, signal);
  if (signal.aborted) return;
  byId("before").hidden = false;
  await compare.showAfter(answer.blob, before);
  if (signal.aborted) return;
  hideProblem(byId("problem"));
  const first = !marked.length;
  marked = options.output === "photo" ? answer.faces.map((face) => face.box) : [];
  applyMarks();
  if (first) applyZoom();
  if (first && marked.length) compare.splitAt(marked[0]);
  showReport(byId("report-body"), answer);
  byId("report").hidden = false;
  offerDownload(wanted.file, options, answer);
  say(summary(answer));
}

function summary({ faces, altered }) {
  if (faces.length > 1) return `${faces.length} faces. ${altered === false ? "Nothing was altered." : "Done."}`;
  if (altered === false) return "Nothing was altered.";
  const score = faces[0]?.expression?.Expression;
  const change = score ? `Expression ${score.before.toFixed(1)} before, ${score.after.toFixed(1)} after. ` : "";
  return `${change}Done.`;
}

/** What lies under the result: the photograph, its aligned crop, or the server's untouched copy. */
async function beforeOf(wanted, options, answer, signal) {
  const [face] = answer.faces;
  if (wanted.image && options.output === "photo") return wanted.file;
  if (wanted.image && face?.landmarks && face.cropSize) {
    const spec = cropSpec(info?.models?.[answer.model]);
    return alignedCrop(wanted.image, face.landmarks, face.cropSize, spec);
  }
  const untouched = { ...options, strength: 0 };
  // At strength 0 `classic` answers with its reconstruction, `photo` with the photograph itself.
  if (options.output === "photo" && info?.models?.photo) untouched.model = "photo";
  return (await neutralize(wanted.file, untouched, signal)).blob;
}

function offerDownload(file, options, answer) {
  if (downloadUrl) URL.revokeObjectURL(downloadUrl);
  downloadUrl = URL.createObjectURL(answer.blob);
  const stem = (file.name || "photograph").replace(/\.[^.]*$/, "");
  const link = byId("download");
  link.href = downloadUrl;
  link.download = `${stem}-${answer.altered === false ? "unaltered" : "neutral"}.png`;
  link.title = "PNG; its metadata says what altered it";
  link.hidden = false;
}

function forgetResult() {
  marked = [];
  compare.hideAfter();
  byId("report").hidden = true;
  byId("download").hidden = true;
}

function fail(problem) {
  say("");
  const actions = [];
  if (problem.code === "multiple_faces") {
    marked = problem.boxes ?? [];
    applyMarks();
    const choose = (faces) => () => { byId("faces").value = faces; changed(); };
    actions.push({ label: "Neutralize all", run: choose("all") });
    actions.push({ label: "Only the largest", run: choose("largest") });
  } else if (problem.box) {
    marked = [problem.box];
    applyMarks();
  }
  if (problem.code === "unreachable" || [429, 503, 504].includes(problem.status)) {
    actions.push({ label: "Try again", run: info ? ask : meet });
  }
  const form = problem.status === 401 ? keyForm((key) => { useApiKey(key); ask(); }) : null;
  showProblem(byId("problem"), problem, actions, form);
}

function applyMarks() {
  compare.markFaces(byId("boxes").ariaPressed === "true" ? marked : []);
}

function applyZoom() {
  const mode = byId("zoom").ariaPressed === "true" ? "actual" :
    byId("zoom-face").ariaPressed === "true" ? "face" : "fit";
  compare.zoom(mode, marked[0]);
}

/** Another model, output or choice of faces: what runs is stale. */
function changed() {
  requests.cancel();
  // The API returns one aligned crop at most.
  const all = byId("faces").querySelector("option[value=all]");
  all.disabled = byId("output").value === "face";
  if (all.disabled && byId("faces").value === "all") byId("faces").value = "largest";
  ask();
}

function strengthMoved() {
  const text = `${Math.round(Number(byId("strength").value) * 100)} %`;
  byId("strength-value").textContent = text;
  byId("strength").setAttribute("aria-valuetext", text);
  ask();
}

async function start() {
  listen({ drop: byId("drop"), file: byId("file"), sample: byId("sample") }, usePhoto, say);
  byId("camera-open").addEventListener("click", () => camera.open());
  byId("another").addEventListener("click", () => {
    requests.cancel();
    photo = null;
    forgetResult();
    hideProblem(byId("problem"));
    byId("view").hidden = true;
    byId("drop").hidden = false;
    byId("file").focus();
    say("Ready.");
  });
  toggle(byId("zoom"), applyZoom, byId("zoom-face"));
  toggle(byId("zoom-face"), applyZoom, byId("zoom"));
  toggle(byId("boxes"), applyMarks);
  byId("strength").addEventListener("input", strengthMoved);
  for (const id of ["model", "output", "faces", "mark"]) byId(id).addEventListener("change", changed);
  await meet();
}

/** Ask the server what it is; a photograph that came meanwhile is sent then. */
async function meet() {
  try {
    info = await fetchInfo();
  } catch (error) {
    fail(error instanceof ProblemError ? error.problem : { title: "No /info", detail: String(error) });
    return;
  }
  hideProblem(byId("problem"));
  describeServer();
  if (photo) ask();
  else say("Ready.");
}

function describeServer() {
  byId("model").replaceChildren(...Object.entries(info.models).map(([name, { version }]) =>
    element("option", { value: name, selected: name === info.default_model }, `${name} ${version}`)));
  byId("min-eyes").textContent = String(Math.round(info.limits?.min_eye_distance ?? 24));
  const provider = info.provider === "CPUExecutionProvider" ? "the CPU" : info.provider;
  byId("about").textContent = `${info.name} ${info.version}, running on ${provider}.`;
}

start();
