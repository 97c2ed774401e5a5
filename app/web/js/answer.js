// The one shape of an answer that the rest of the page knows. What the service did not say is
// null, and the page leaves it out.

function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

function timingsOf(header) {
  const timings = {};
  for (const part of (header || "").split(",")) {
    const match = /^\s*([\w-]+)\s*;.*dur=([\d.]+)/.exec(part);
    if (match) timings[match[1]] = Number(match[2]);
  }
  return timings;
}

function numberOf(value) {
  const number = Number(value);
  return value === null || value === undefined || value === "" || Number.isNaN(number) ? null : number;
}

// Readings of the expression by name, each { before, after }; null when nothing was measured.
const READINGS = { score: "Expression", lip_gap: "Lip gap", eye_opening: "Eye opening" };

function expressionOf(expression) {
  if (!expression?.before || !expression?.after) return null;
  const readings = {};
  for (const [key, name] of Object.entries(READINGS)) {
    const before = numberOf(expression.before[key]);
    const after = numberOf(expression.after[key]);
    if (before !== null && after !== null) readings[name] = { before, after };
  }
  return Object.keys(readings).length ? readings : null;
}

function qualityOf(quality) {
  return Object.entries(quality ?? {}).map(([name, { native, unit, quality: score, note }]) =>
    ({ name, native: numberOf(native), unit, score: numberOf(score), note }));
}

function identityOf(identity) {
  const similarity = numberOf(identity?.similarity);
  if (similarity === null) return null;
  return {
    similarity,
    threshold: numberOf(identity.threshold),
    model: identity.model ?? null,
  };
}

function faceOf(face) {
  return {
    box: face.box,
    landmarks: face.landmarks ?? null,
    cropSize: numberOf(face.crop_size),
    altered: face.altered ?? null,
    share: numberOf(face.altered_share),
    change: numberOf(face.mean_change),
    expression: expressionOf(face.expression),
    identity: identityOf(face.identity),
    quality: qualityOf(face.quality),
  };
}

/** From the JSON document of /neutralize. */
export function fromJson(body, headers) {
  return {
    blob: new Blob([bytesOf(body.png_base64)], { type: "image/png" }),
    altered: body.altered ?? null,
    faces: (body.faces ?? []).map(faceOf),
    model: body.model ?? null,
    version: body.model_version ?? null,
    sha256: body.model_sha256 ?? null,
    provider: body.provider ?? headers.get("x-stoicnet-provider"),
    warnings: body.warnings ?? [],
    timings: body.timings_ms ?? timingsOf(headers.get("server-timing")),
    requestId: headers.get("x-request-id"),
  };
}

/** From a PNG answer, whose facts are in its headers. */
export function fromPicture(blob, headers) {
  const [model, version] = (headers.get("x-stoicnet-model") || "/").split("/");
  const altered = headers.get("x-stoicnet-altered");
  const scores = (name) => (headers.get(name) || "").split(";").map((score) => ({ score: score.trim() }));
  const before = scores("x-stoicnet-expression-before");
  const after = scores("x-stoicnet-expression-after");
  const boxes = (headers.get("x-stoicnet-face-box") || "").split(";").filter((box) => box.trim());
  return {
    blob,
    altered: altered === null ? null : altered === "true",
    faces: boxes.map((box, index) => faceOf({
      box: box.split(",").map(Number),
      expression: { before: before[index], after: after[index] },
    })),
    model: model || null,
    version: version || null,
    sha256: null,
    provider: headers.get("x-stoicnet-provider"),
    warnings: (headers.get("x-stoicnet-warnings") || "").split(" | ").filter(Boolean),
    timings: timingsOf(headers.get("server-timing")),
    requestId: headers.get("x-request-id"),
  };
}
