// Puts the parts together: a photograph and settings in, a request out, the answer on the page.
import { Advice } from "./advice.js";
import { fetchInfo, neutralize, ProblemError, useApiKey } from "./api.js";
import { AnswerCache } from "./cache.js";
import { Camera } from "./camera.js";
import { Compare } from "./compare.js";
import { byId, choice, toggle } from "./dom.js";
import { listen, upright } from "./intake.js";
import { Latest } from "./latest.js";
import { hideProblem, keyForm, showProblem } from "./problem.js";
import { Regions } from "./regions.js";
import { showReport, verdict } from "./report.js";
import { describeServer } from "./server.js";
import { Strip } from "./strip.js";
import { nameOf, Take } from "./take.js";
import { beforeOf } from "./under.js";

const CACHE_BYTES = 128 * 1024 * 1024;

const cache = new AnswerCache(CACHE_BYTES);
const compare = new Compare({
  scroller: byId("scroller"), root: byId("compare"), before: byId("before"), after: byId("after"),
  overlay: byId("overlay"), divider: byId("divider"), split: byId("split"),
  splitRow: byId("split-row"), hold: byId("hold"), tags: [byId("tag-before"), byId("tag-after")],
});
const camera = new Camera({
  dialog: byId("camera"), video: byId("camera-video"), error: byId("camera-error"),
  shoot: byId("camera-shoot"), close: byId("camera-close"),
}, (file) => usePhotos([file]));
const advice = new Advice(byId("advice"));
const requests = new Latest(work);
const strip = new Strip(
  { section: byId("strip"), list: byId("strip-list"), zip: byId("zip") }, forStrip, usePhoto);
const take = new Take({
  row: byId("take"), png: byId("download"), jpeg: byId("download-jpeg"), curl: byId("curl"),
}, say, (error) => fail(problemOf(error)));
const regions = new Regions({ row: byId("regions"), boxes: byId("regions-boxes") }, changed);
const zooms = choice({ face: byId("zoom-face"), fit: byId("whole"), actual: byId("zoom") }, applyZoom);

let info = null;
let photo = null; // { file, image: the photograph as the browser shows it, or null }
let marked = []; // boxes of the faces last heard of

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
    regions: regions.value,
  };
}

async function usePhotos(files) {
  strip.fill(files);
  await usePhoto(files[0]);
  if (files.length > 1) strip.start();
}

/** One photograph of several: of the faces in it the largest, unless all are wanted. */
async function forStrip({ file }, signal) {
  const options = settings();
  if (options.faces === "one") options.faces = "largest";
  const answer = await neutralize(file, options, signal);
  const words = answer.altered === false ? "unaltered" : "done";
  return { result: { name: nameOf(file, answer.altered), blob: answer.blob }, words };
}

async function usePhoto(file) {
  requests.cancel();
  strip.mark(file);
  const limit = info?.limits?.max_bytes;
  if (limit && file.size > limit) {
    photo = null;
    fail({
      title: "The file is too large",
      detail: `It has ${megabytes(file.size)}; this server takes at most ${megabytes(limit)}.`,
    });
    return;
  }
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
    fail(problemOf(error));
  }
}

async function show(wanted, options, answer, signal) {
  const before = await beforeOf(wanted, options, answer, info, signal);
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
  showReport(byId("report-body"), answer, options.strength);
  byId("report").hidden = false;
  advice.ask(answer);
  take.offer(wanted.file, options, answer);
  say(verdict(answer, options.strength));
}

function forgetResult() {
  marked = [];
  compare.hideAfter();
  byId("report").hidden = true;
  advice.forget();
  take.forget();
}

/** Without a photograph to show the drop zone is there, with what is wrong above it. */
function showDrop() {
  photo = null;
  byId("view").hidden = true;
  byId("drop").hidden = false;
}

const OF_THE_FILE = ["not_an_image", "unsupported_image", "damaged_image", "too_many_bytes", "too_many_pixels"];

function problemOf(error) {
  if (error instanceof ProblemError) return error.problem;
  return { title: "The page met an error of its own", detail: String(error) };
}

function fail(problem) {
  say("");
  const actions = [];
  const another = { label: "Choose another", run: () => byId("file").click() };
  if (!photo || OF_THE_FILE.includes(problem.code)) showDrop();
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
  } else if (info && problem.status !== 401) {
    if (photo) actions.push(another);
    else actions.unshift(another);
  }
  const form = problem.status === 401 ? keyForm((key) => { useApiKey(key); ask(); }) : null;
  showProblem(byId("problem"), problem, actions, form);
}

function applyMarks() {
  compare.markFaces(byId("boxes").ariaPressed === "true" ? marked : []);
}

/** The face large, where there is one face and it is known where. */
function applyZoom() {
  const mode = zooms.value === "face" && marked.length !== 1 ? "fit" : zooms.value;
  compare.zoom(mode, marked[0]);
}

/** Another model, region, output or choice of faces: what runs is stale. */
function changed() {
  requests.cancel();
  regions.offer(info?.models?.[byId("model").value]?.regions);
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
  listen({ drop: byId("drop"), file: byId("file"), sample: byId("sample") }, usePhotos, say);
  byId("camera-open").addEventListener("click", () => camera.open());
  byId("another").addEventListener("click", () => {
    requests.cancel();
    forgetResult();
    hideProblem(byId("problem"));
    showDrop();
    byId("file").focus();
    say("Ready.");
  });
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
    fail(problemOf(error));
    return;
  }
  hideProblem(byId("problem"));
  describeServer(info);
  regions.offer(info.models[byId("model").value]?.regions);
  if (photo) ask();
  else say("Ready.");
}

start();
