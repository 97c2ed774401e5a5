// Several photographs at once: a strip of them, worked on one after the other, and a zip of the results.
import { element } from "./dom.js";
import { titleOf } from "./problem.js";
import { save } from "./take.js";
import { zipOf } from "./zip.js";

export class Strip {
  #items = [];
  #run = null;

  /**
   * @param elements section, list, zip
   * @param {(item: object, signal: AbortSignal) => Promise<object>} work the answer for an item
   * @param {(file: File) => void} onChoose
   */
  constructor(elements, work, onChoose) {
    Object.assign(this, elements);
    this.work = work;
    this.onChoose = onChoose;
    this.zip.addEventListener("click", async () => save(await zipOf(this.#done()), "neutral.zip"));
  }

  #done() {
    return this.#items.filter(({ result }) => result).map(({ result }) => result);
  }

  /** Replaces what was there; fewer than two photographs need no strip. */
  fill(files) {
    this.#run?.abort();
    for (const { url } of this.#items) URL.revokeObjectURL(url);
    this.#items = files.length < 2 ? [] : files.map((file) => this.#itemOf(file));
    this.list.replaceChildren(...this.#items.map(({ row }) => row));
    this.section.hidden = !this.#items.length;
    this.zip.hidden = true;
  }

  #itemOf(file) {
    const url = URL.createObjectURL(file);
    const image = element("img", { src: url, alt: "", width: 64, height: 64 });
    image.addEventListener("error", () => { image.style.visibility = "hidden"; });
    const state = element("span", {}, "waits");
    const button = element("button", { type: "button", onclick: () => this.onChoose(file) },
      image, element("span", { className: "name" }, file.name || "photograph"), state);
    return { file, url, image, state, button, row: element("li", {}, button), result: null };
  }

  /** Mark the one that is shown. */
  mark(file) {
    for (const item of this.#items) item.button.ariaCurrent = String(item.file === file);
  }

  /** Work on all of them, one after the other, with today's settings. */
  async start() {
    this.#run?.abort();
    const { signal } = this.#run = new AbortController();
    for (const item of this.#items) {
      if (signal.aborted) return;
      item.state.textContent = "working …";
      try {
        const { result, words } = await this.work(item, signal);
        if (signal.aborted) return;
        item.result = result;
        item.state.textContent = words;
        URL.revokeObjectURL(item.url);
        item.image.style.visibility = "";
      item.image.src = item.url = URL.createObjectURL(result.blob);
      } catch (error) {
        if (signal.aborted) return;
        item.result = null;
        item.state.textContent = error.problem ? titleOf(error.problem) : String(error);
      }
    }
    this.zip.hidden = !this.#done().length;
  }
}
