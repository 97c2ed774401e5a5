// Answers by their settings, the least recently used forgotten first.

export class AnswerCache {
  #answers = new Map();
  #bytes = 0;

  /** @param {number} maxBytes pictures kept together may weigh so much */
  constructor(maxBytes) {
    this.maxBytes = maxBytes;
  }

  get(key) {
    const answer = this.#answers.get(key);
    if (answer) {
      this.#answers.delete(key);
      this.#answers.set(key, answer);
    }
    return answer;
  }

  set(key, answer) {
    this.#answers.set(key, answer);
    this.#bytes += answer.blob.size;
    for (const [oldest, old] of this.#answers) {
      if (this.#bytes <= this.maxBytes || oldest === key) break;
      this.#answers.delete(oldest);
      this.#bytes -= old.blob.size;
    }
  }

  clear() {
    this.#answers.clear();
    this.#bytes = 0;
  }
}
