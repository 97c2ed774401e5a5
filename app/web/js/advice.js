// What is still to be done for a better photograph, asked of the picture that is on the page. Of the
// result, not of the photograph: a mouth that has just been closed need not be closed again.
import { adviceOn } from "./api.js";
import { element } from "./dom.js";

const REST_MS = 300; // not for every answer while the strength slider moves

export class Advice {
  #target;
  #shown = null;
  #timer = 0;

  /** @param {HTMLElement} target is filled with a list, or with nothing */
  constructor(target) {
    this.#target = target;
  }

  /** Say it of an answer (see answer.js), soon, and unless another takes its place. */
  ask(answer) {
    this.#shown = answer;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(async () => {
      answer.advice ??= await adviceOn(answer.blob).catch(() => []);
      if (this.#shown === answer) this.#show(answer.advice);
    }, REST_MS);
  }

  /** Nothing is on the page any more. */
  forget() {
    this.#shown = null;
    clearTimeout(this.#timer);
    this.#show([]);
  }

  #show(sentences) {
    this.#target.replaceChildren(...(sentences.length ? [
      element("h3", {}, "For a better photograph"),
      element("ul", {}, ...sentences.map((text) => element("li", {}, text))),
    ] : []));
  }
}
