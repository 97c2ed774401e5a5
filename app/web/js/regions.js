// Which parts of the face change: a checkbox each, where the model can tell them apart.
import { element } from "./dom.js";

export class Regions {
  #names = [];

  /** @param elements row, and boxes in it @param changed is called when one was clicked */
  constructor(elements, changed) {
    Object.assign(this, elements);
    this.boxes.addEventListener("change", () => {
      this.#keepOne();
      changed();
    });
  }

  /** The parts that a model can change alone; without any there is no choice. */
  offer(names = []) {
    this.row.hidden = names.length === 0;
    if (this.row.hidden || names.join() === this.#names.join()) return;
    this.#names = names;
    this.boxes.replaceChildren(...names.map((name) => element("label", {},
      element("input", { type: "checkbox", value: name, checked: true }), ` ${name}`)));
    this.#keepOne();
  }

  /** As the API takes them; undefined is all of them. */
  get value() {
    const chosen = this.#chosen().map((box) => box.value);
    return this.row.hidden || chosen.length === this.#names.length ? undefined : chosen.join();
  }

  #chosen() {
    return [...this.boxes.querySelectorAll("input:checked")];
  }

  /** The last one stays checked: without any there is nothing to do. */
  #keepOne() {
    const chosen = this.#chosen();
    for (const box of this.boxes.querySelectorAll("input")) {
      box.disabled = chosen.length === 1 && box.checked;
    }
  }
}
