// Two pictures of one size on top of each other, and a line between them that is dragged.

const SVG = "http://www.w3.org/2000/svg";
const FACE_MARGIN = 1.6; // what is shown around a face, in its own size

export class Compare {
  #urls = { before: null, after: null };
  #turn = 0;

  constructor(elements) {
    Object.assign(this, elements); // scroller, root, before, after, overlay, divider, split, splitRow, tags
    this.split.addEventListener("input", () => this.#move(Number(this.split.value)));
    this.root.addEventListener("pointerdown", (event) => this.#drag(event));
    this.#move(50);
  }

  #move(percent) {
    this.root.style.setProperty("--split", `${percent}%`);
    this.split.value = String(percent);
    this.split.setAttribute("aria-valuetext", `${Math.round(percent)} % of the width shows before`);
  }

  #drag(event) {
    if (this.after.hidden || event.button !== 0) return;
    event.preventDefault();
    const follow = ({ clientX }) => {
      const { left, width } = this.root.getBoundingClientRect();
      this.#move(Math.min(100, Math.max(0, ((clientX - left) / width) * 100)));
    };
    follow(event);
    this.root.setPointerCapture(event.pointerId);
    this.root.addEventListener("pointermove", follow);
    const end = () => this.root.removeEventListener("pointermove", follow);
    this.root.addEventListener("pointerup", end, { once: true });
    this.root.addEventListener("pointercancel", end, { once: true });
  }

  async #put(which, blob) {
    const url = URL.createObjectURL(blob);
    const ready = new Image();
    ready.src = url;
    try {
      await ready.decode();
    } catch (error) {
      URL.revokeObjectURL(url);
      throw error;
    }
    const old = this.#urls[which];
    this.#urls[which] = url;
    this[which].src = url;
    if (old) URL.revokeObjectURL(old);
  }

  /**
   * Show the photograph alone. Rejects when the browser cannot display this kind of image.
   * @param {Blob} blob
   */
  async showBefore(blob) {
    this.hideAfter();
    await this.#put("before", blob);
  }

  /** Put the result over it; `before` replaces what lies under it (of the same size as `after`). */
  async showAfter(after, before) {
    const turn = ++this.#turn;
    if (before) await this.#put("before", before);
    await this.#put("after", after);
    if (turn !== this.#turn) return;
    this.#setSplit(true);
  }

  hideAfter() {
    this.#turn++;
    this.#setSplit(false);
    this.markFaces([]);
  }

  #setSplit(on) {
    for (const element of [this.after, this.divider, this.splitRow, ...this.tags]) element.hidden = !on;
    this.root.classList.toggle("split", on);
  }

  /**
   * Fit the window, one picture pixel to one screen pixel, or the face large.
   * @param {"fit" | "actual" | "face"} mode
   * @param {number[] | undefined} box the face, x, y, w, h in picture pixels
   */
  zoom(mode, box) {
    const zoomed = mode === "actual" || (mode === "face" && Boolean(box));
    this.scroller.classList.toggle("zoomed", zoomed);
    // A scrolling region has to be reachable by keyboard.
    if (zoomed) this.scroller.tabIndex = 0;
    else this.scroller.removeAttribute("tabindex");
    const { clientWidth, clientHeight } = this.scroller;
    const scale = !zoomed || mode === "actual" ? 1 / window.devicePixelRatio :
      Math.min(clientWidth / box[2], clientHeight / box[3]) / FACE_MARGIN;
    this.before.style.width = zoomed ? `${this.before.naturalWidth * scale}px` : "";
    if (zoomed && box) {
      this.scroller.scrollLeft = (box[0] + box[2] / 2) * scale - clientWidth / 2;
      this.scroller.scrollTop = (box[1] + box[3] / 2) * scale - clientHeight / 2;
    }
  }

  /** Put the dividing line through the middle of a face. */
  splitAt([x, , width]) {
    this.#move(Math.round(((x + width / 2) / this.before.naturalWidth) * 100));
  }

  /** Draw boxes (x, y, w, h in photograph pixels), numbered when there are several. */
  markFaces(boxes) {
    const { naturalWidth: width, naturalHeight: height } = this.before;
    this.overlay.replaceChildren();
    if (!width) return;
    this.overlay.setAttribute("viewBox", `0 0 ${width} ${height}`);
    boxes.forEach(([x, y, w, h], index) => {
      const rect = document.createElementNS(SVG, "rect");
      Object.entries({ x, y, width: w, height: h, rx: w / 20 }).forEach(([k, v]) => rect.setAttribute(k, v));
      this.overlay.append(rect);
      if (boxes.length < 2) return;
      const text = document.createElementNS(SVG, "text");
      Object.entries({ x: x + w * 0.06, y: y + w * 0.26, "font-size": w * 0.22 })
        .forEach(([k, v]) => text.setAttribute(k, v));
      text.textContent = String(index + 1);
      this.overlay.append(text);
    });
  }
}
