// The crop contract in the browser, to put the photograph's own crop beside the neutral one. The
// figures come from the model's crop_spec in /info; those here are the same contract.

const CONTRACT = { inter_ocular: 0.27, eye_midpoint: [0.5, 0.44] };

/** The crop contract of a model of /info. */
export function cropSpec(model) {
  const spec = model?.metadata?.crop_spec;
  return typeof spec === "object" ? { ...CONTRACT, ...spec } : CONTRACT;
}

/**
 * The aligned crop of the photograph: eyes level, `inter_ocular` of the side apart.
 * @param {HTMLImageElement} image the upright photograph
 * @param {number[][]} landmarks its first two are the eye centres, left one in the image first
 * @param {number} size side of the crop in pixels
 * @returns {Promise<Blob>}
 */
export function alignedCrop(image, [[x0, y0], [x1, y1]], size, spec) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  const context = canvas.getContext("2d");
  const [dx, dy] = [x1 - x0, y1 - y0];
  const scale = (spec.inter_ocular * size) / Math.hypot(dx, dy);
  context.translate(spec.eye_midpoint[0] * size, spec.eye_midpoint[1] * size);
  context.rotate(-Math.atan2(dy, dx));
  context.scale(scale, scale);
  context.translate(-(x0 + x1) / 2, -(y0 + y1) / 2);
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}
