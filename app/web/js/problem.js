// Problems in words, with what can be done about them at a click.
import { element } from "./dom.js";

// In the page's words; what is not here is said in the server's.
const WORDS = {
  multiple_faces: ["There is more than one face", "Choose below whether all of them are meant, or only the largest."],
  not_an_image: ["This file is not a photograph", "Its content is no picture that this server knows."],
  unsupported_image: ["This kind of picture is not taken", null],
  damaged_image: ["This photograph is damaged", "The file ends too early, or a part of it is broken."],
  no_face: ["No face was found", "The photograph has to show a face from the front."],
  face_too_small: ["The face is too small", "The eyes are too close together for the model to work."],
  face_cut_off: ["The face is cut off", "It lies at the edge of the photograph."],
  incompatible_options: ["These settings do not go together", "With “the aligned face” choose exactly one face, or the largest."],
  deadline_exceeded: ["This took too long", "The server is busy; try again."],
  queue_full: ["The server is busy", "Too many photographs are waiting; try again in a moment."],
};

const ADVICE = {
  no_face: "Try a photograph from the front, upright, with light on the face.",
  face_too_small: "Come closer, or send the picture at a higher resolution.",
  face_cut_off: "Leave some space around the face.",
  unsupported_image: "JPEG, PNG and WebP always work.",
};

/** A problem in a few words. */
export const titleOf = (problem) => WORDS[problem.code]?.[0] ?? problem.title;

/** A small form for the key that a server asks for with 401. */
export function keyForm(onKey) {
  const input = element("input", {
    id: "api-key", type: "password", autocomplete: "off", required: true,
  });
  return element("form", {
    className: "row",
    onsubmit: (event) => { event.preventDefault(); onKey(input.value); },
  }, element("label", { htmlFor: "api-key" }, "API key"), input, element("button", {}, "Use it"));
}

/**
 * @param {HTMLElement} target
 * @param {object} problem RFC 9457 members
 * @param {{label: string, run: () => void}[]} actions buttons
 * @param {HTMLElement | null} form further controls
 */
export function showProblem(target, problem, actions = [], form = null) {
  const advice = ADVICE[problem.code];
  const detail = WORDS[problem.code]?.[1];
  target.replaceChildren(
    element("h2", {}, titleOf(problem)),
    element("p", {}, detail ?? problem.detail ?? ""),
    ...(advice ? [element("p", {}, advice)] : []),
    ...(form ? [form] : []),
    ...(actions.length ? [element("p", { className: "row" },
      ...actions.map(({ label, run }) => element("button", { type: "button", onclick: run }, label)))] : []),
    ...(problem.request_id ? [element("p", { className: "hint" },
      `${problem.status ? `${problem.status} · ` : ""}${problem.code} · request ${problem.request_id}`)] : []),
  );
  target.hidden = false;
}

export function hideProblem(target) {
  target.hidden = true;
  target.replaceChildren();
}
