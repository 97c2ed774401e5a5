// Two pictures of one size on top of each other, and a line between them that is dragged.

const SVG = "http://www.w3.org/2000/svg";
const HOLD_MS = 250; // a press that long is no tap
const STILL = 6; // pixels that a finger may tremble
const FACE_MARGIN = 1.6; // what is shown around a face, in its own size

export class Compare {
  #urls = { before: null, after: null };
  #turn = 0;
  #face; // what `zoom` shows large, and in which width: turned, a telephone shows it again
  #fitted = 0;
  #percent = 50; // of the width that is seen: line and slider agree, also in a zoomed picture

  constructor(elements) {
    // scroller, root, before, after, overlay, divider, split, splitRow, hold, tags
    Object.assign(this, elements);
    this.split.addEventListener("input", () => this.#move(Number(this.split.value)));
    this.root.addEventListener("pointerdown", (event) => this.#press(event));
    this.root.addEventListener("contextmenu", (event) => event.preventDefault()); // of a long press
    this.scroller.addEventListener("scroll", () => this.#place());
    new ResizeObserver(() => this.#place()).observe(this.root);
    new ResizeObserver(() => {
      if (this.#face && this.scroller.clientWidth !== this.#fitted) this.zoom("face", this.#face);
    }).observe(this.scroller);
    this.#listenToHold();
    this.#move(50);
  }

  /** What is seen of the picture: where it begins in it, how wide it is, how wide the picture. */
  #seen() {
    const { left, width } = this.root.getBoundingClientRect();
    const from = Math.max(0, this.scroller.getBoundingClientRect().left - left);
    // Without the scroll bar.
    return { from, seen: Math.min(width - from, this.scroller.clientWidth), width };
  }

  #move(percent) {
    this.#percent = Math.min(100, Math.max(0, percent));
    this.split.value = String(this.#percent);
    const text = `${Math.round(this.#percent)} % of the width shows before`;
    this.split.setAttribute("aria-valuetext", text);
    this.#place();
  }

  #place() {
    const { from, seen, width } = this.#seen();
    if (!width) return;
    const at = ((from + (this.#percent / 100) * seen) / width) * 100;
    this.root.style.setProperty("--split", `${at.toFixed(2)}%`);
    this.splitRow.style.maxWidth = `${seen}px`;
    // The handle and the words stay in sight while the picture is moved.
    const { scrollTop, clientHeight } = this.scroller;
    const high = Math.min(clientHeight, this.root.offsetHeight);
    const inset = { left: from, right: width - from - seen, top: scrollTop, middle: scrollTop + high / 2 };
    for (const [name, pixels] of Object.entries(inset)) {
      this.root.style.setProperty(`--seen-${name}`, `${pixels}px`);
    }
  }

  #listenToHold() {
    const held = (on) => () => this.#hold(on);
    this.hold.addEventListener("pointerdown", held(true));
    for (const type of ["pointerup", "pointercancel", "pointerleave", "blur"]) {
      this.hold.addEventListener(type, held(false));
    }
    const isKey = ({ key }) => key === " " || key === "Enter";
    this.hold.addEventListener("keydown", (event) => { if (isKey(event)) this.#hold(true); });
    this.hold.addEventListener("keyup", (event) => { if (isKey(event)) this.#hold(false); });
  }

  /** Show the photograph as it was, while something is held. */
  #hold(on) {
    this.root.classList.toggle("held", on);
    this.hold.ariaPressed = String(on);
  }

  /**
   * A press on the picture: held still it shows what was before. Moved, the line follows, in a zoomed
   * picture only from its handle: elsewhere a finger pans and pinches, and a mouse pans.
   */
  #press(event) {
    if (this.after.hidden || event.button !== 0 || !event.isPrimary) return;
    const handle = event.target === this.divider;
    const zoomed = this.scroller.classList.contains("zoomed");
    if (event.pointerType !== "touch" || handle) event.preventDefault();
    const start = { x: event.clientX, y: event.clientY };
    const { scrollLeft, scrollTop } = this.scroller;
    let moved = false;
    const timer = handle ? null : setTimeout(() => this.#hold(true), HOLD_MS);
    const follow = ({ clientX, clientY }) => {
      if (!moved && Math.hypot(clientX - start.x, clientY - start.y) < STILL) return;
      if (!moved) {
        moved = true;
        clearTimeout(timer);
        this.#hold(false);
        this.root.setPointerCapture(event.pointerId);
      }
      if (handle || !zoomed) this.#toPointer(clientX);
      else if (event.pointerType !== "touch") {
        this.scroller.scrollTo(scrollLeft - clientX + start.x, scrollTop - clientY + start.y);
      }
    };
    const ended = new AbortController();
    const end = ({ type, clientX }) => {
      clearTimeout(timer);
      const tapped = !moved && type === "pointerup" && !this.root.classList.contains("held");
      this.#hold(false);
      if (tapped && !zoomed) this.#toPointer(clientX);
      ended.abort();
    };
    const { signal } = ended;
    window.addEventListener("pointermove", follow, { signal });
    window.addEventListener("pointerup", end, { signal });
    window.addEventListener("pointercancel", end, { signal });
  }

  #toPointer(clientX) {
    const { from, seen } = this.#seen();
    const left = this.root.getBoundingClientRect().left + from;
    this.#move(((clientX - left) / seen) * 100);
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
    for (const element of [this.after, this.divider, this.splitRow, this.hold, ...this.tags]) element.hidden = !on;
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
    this.#face = mode === "face" ? box : undefined;
    this.#fitted = clientWidth;
    const scale = !zoomed || mode === "actual" ? 1 / window.devicePixelRatio :
      Math.min(clientWidth / box[2], clientHeight / box[3]) / FACE_MARGIN;
    this.before.style.width = zoomed ? `${this.before.naturalWidth * scale}px` : "";
    if (zoomed && box) {
      this.scroller.scrollLeft = (box[0] + box[2] / 2) * scale - clientWidth / 2;
      this.scroller.scrollTop = (box[1] + box[3] / 2) * scale - clientHeight / 2;
    }
    this.#place();
  }

  /** Put the dividing line through the middle of a face. */
  splitAt([x, , width]) {
    const seen = this.#seen();
    const at = ((x + width / 2) / this.before.naturalWidth) * seen.width;
    this.#move(Math.round(((at - seen.from) / seen.seen) * 100));
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
