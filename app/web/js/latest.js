// One request at a time, and after it the newest wish. While a slider is dragged every answer that
// arrives is shown, wishes in between are dropped, and the server never works on two of ours.

export class Latest {
  #work;
  #running = null;
  #next = null;

  /** @param {(wish: any, signal: AbortSignal) => Promise<void>} work must not reject */
  constructor(work) {
    this.#work = work;
  }

  /** Do `wish` now, or when the running one is done, unless a newer wish comes first. */
  ask(wish) {
    this.#next = { wish };
    if (!this.#running) this.#start();
  }

  /** Forget what runs and what waits: it belongs to another photograph or other settings. */
  cancel() {
    this.#next = null;
    this.#running?.abort();
    this.#running = null;
  }

  async #start() {
    const { wish } = this.#next;
    this.#next = null;
    const controller = new AbortController();
    this.#running = controller;
    await this.#work(wish, controller.signal);
    if (this.#running !== controller) return; // cancelled meanwhile
    this.#running = null;
    if (this.#next) this.#start();
  }
}
