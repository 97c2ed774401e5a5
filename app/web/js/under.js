// What lies under a result, of the same size: what was before.
import { neutralize } from "./api.js";
import { alignedCrop, cropSpec } from "./crop.js";

/** The photograph, its aligned crop, or the server's untouched copy. */
export async function beforeOf(wanted, options, answer, info, signal) {
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
