// The report beside the picture. Only what the service said is shown.
import { bar, element } from "./dom.js";

const SCORES = "Expression sums up the whole face; faces at rest read about 2, not 0. Lip gap is the " +
  "distance of the lips, in distances of the eyes: 0 is closed. Eye opening is the height of the open " +
  "eye over its width: about 0.3 is open, under 0.1 shut.";

const PROVIDERS = { CPUExecutionProvider: "CPU", CUDAExecutionProvider: "GPU (CUDA)" };

function facts(rows) {
  const list = element("dl");
  for (const [term, value, className = ""] of rows) {
    if (value !== null) list.append(element("dt", {}, term), element("dd", { className }, value));
  }
  return list;
}

function percent(share) {
  return share > 0 && share < 0.001 ? "under 0.1 %" : `${(share * 100).toFixed(1)} %`;
}

function readingBars([name, { before, after }]) {
  const longest = Math.max(before, after) || 1;
  return [
    element("h3", {}, name),
    element("div", { className: "bars reading" },
      ...bar("before", before / longest, before.toFixed(2)),
      ...bar("after", after / longest, after.toFixed(2), true)),
  ];
}

const inWords = (name) => name.replace(/(?<=[a-z])(?=[A-Z])/g, " ").toLowerCase();

function qualityBars(quality) {
  const scored = quality.filter(({ score }) => score !== null);
  if (!scored.length) return [];
  const rows = scored.flatMap(({ name, score }) => bar(inWords(name), score / 100, String(score)));
  return [element("details", {},
    element("summary", {}, "Quality of the photograph, 0 to 100"),
    element("p", { className: "hint" }, "Components of ISO/IEC 29794-5, as OFIQ maps them: 100 is as the standard wants it, under 50 a reason to look again."),
    element("div", { className: "bars quality" }, ...rows))];
}

function identityText({ similarity, threshold, model }) {
  const verdict = threshold === null ? "" :
    similarity >= threshold ? `, same person (at least ${threshold.toFixed(2)})` :
      `, below the threshold of ${threshold.toFixed(2)}`;
  return `${similarity.toFixed(2)}${verdict}${model ? `, ${model}` : ""}`;
}

function measures(owner) {
  return [
    ...Object.entries(owner.expression ?? {}).flatMap(readingBars),
    owner.expression ? element("p", { className: "hint" }, SCORES) : null,
    ...(owner.identity ? [facts([["Identity", identityText(owner.identity)]])] : []),
    ...qualityBars(owner.quality),
  ].filter(Boolean);
}

function change(face) {
  const score = face.expression?.Expression;
  if (face.altered === false) return "neutral already, left as it was";
  return score ? `expression ${score.before.toFixed(1)} before, ${score.after.toFixed(1)} after` : "done";
}

function faceSection(face, index, several) {
  const [x, y, width, height] = face.box.map(Math.round);
  return element("details", {},
    element("summary", {}, several ? `Face ${index + 1}: ${change(face)}` : "What was measured"),
    facts([
      ["Face", `${width} × ${height} px at ${x}, ${y}`],
      ["Worked at", face.cropSize === null ? null : `${face.cropSize} × ${face.cropSize} px`],
      ["Replaced", face.share === null ? null : `${percent(face.share)} of the picture`],
      ["Change there", face.change === null ? null : `${face.change.toFixed(1)} grey levels on average`],
    ]),
    ...measures(face),
  );
}

/** The answer in one sentence. */
export function verdict({ faces, altered }, strength = 1) {
  const [face] = faces;
  if (strength === 0 && altered === false) return "At strength 0: Nothing was altered.";
  if (faces.length > 1) {
    const left = faces.filter((each) => each.altered === false).length;
    if (altered === false) return `${faces.length} faces, all neutral already. Nothing was altered.`;
    return `${faces.length} faces. ${left ? `${left} of them neutral already. ` : ""}Done.`;
  }
  if (altered === false) return "This face is neutral already. Nothing was altered.";
  const score = face?.expression?.Expression;
  const numbers = score ?
    `Expression ${score.before.toFixed(1)} before, ${score.after.toFixed(1)} after. ` : "";
  return `${numbers}Done.`;
}

function timingBars(timings) {
  const stages = Object.entries(timings).filter(([name]) => name !== "total");
  if (!stages.length) return [];
  const total = timings.total ?? stages.reduce((sum, [, ms]) => sum + ms, 0);
  const longest = Math.max(...stages.map(([, ms]) => ms)) || 1;
  return [
    element("h3", {}, `Time on the server: ${Math.round(total)} ms`),
    element("div", { className: "bars timings" },
      ...stages.flatMap(([name, ms]) => bar(name, ms / longest, `${ms.toFixed(0)} ms`))),
  ];
}

/** Fill `target` with what is known of an answer (see answer.js): a verdict, the rest folded. */
export function showReport(target, answer, strength) {
  const several = answer.faces.length > 1;
  const altered = answer.altered === null ? null :
    answer.altered ? "yes, and its metadata says so" : "no: every pixel is the photograph's own";
  target.replaceChildren(
    element("p", { className: "good" }, verdict(answer, strength)),
    ...answer.warnings.map((text) => element("p", { className: "warning" }, text)),
    ...answer.faces.map((face, index) => faceSection(face, index, several)),
    element("details", {},
      element("summary", {}, "How it was made"),
      facts([
        ["Altered", altered],
        ["Model", [answer.model, answer.version].filter(Boolean).join(" ") || null],
        ["SHA-256", answer.sha256 ? `${answer.sha256.slice(0, 16)} …` : null],
        ["Ran on", answer.provider ? PROVIDERS[answer.provider] || answer.provider : null],
        ["Request", answer.requestId],
      ]),
      ...timingBars(answer.timings)),
  );
}
