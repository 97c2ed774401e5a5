// Problems in words, with what can be done about them at a click.
import { element } from "./dom.js";

const ADVICE = {
  no_face: "Try a photograph from the front, upright, with light on the face.",
  face_too_small: "Come closer, or send the picture at a higher resolution.",
  face_cut_off: "Leave some space around the face.",
  unsupported_image: "JPEG, PNG and WebP always work.",
};

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
  target.replaceChildren(
    element("h2", {}, problem.title),
    element("p", {}, problem.detail || ""),
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
