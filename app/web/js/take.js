// What is taken away from the page: the picture as a file, and the command that does the same.
import { hasApiKey, pictureAs, queryOf } from "./api.js";

/** Give the browser a file to save. */
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** The name of a result: `portrait.jpg` becomes `portrait-neutral.png`. */
export function nameOf(file, altered, ending = "png") {
  const stem = (file.name || "photograph").replace(/\.[^.]*$/, "");
  return `${stem}-${altered === false ? "unaltered" : "neutral"}.${ending}`;
}

const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

/** The same request for a shell. A key is named, not printed. */
function curlOf(file, options) {
  const url = new URL(`neutralize?${queryOf(options)}`, document.baseURI);
  const key = hasApiKey() ? ' -H "X-API-Key: $STOICNET_KEY"' : "";
  return `curl${key} -F ${quoted(`file=@${file.name || "photograph"}`)} ${quoted(String(url))} -o neutral.png`;
}

export class Take {
  #url = null;
  #of = null; // { file, options, altered }

  /** @param elements row, png, jpeg, curl @param say tells a sentence @param fail tells an error */
  constructor(elements, say, fail) {
    Object.assign(this, elements, { say, fail });
    this.jpeg.addEventListener("click", () => this.#jpeg());
    this.curl.addEventListener("click", () => this.#copy());
  }

  /** A result, of this photograph with these options. */
  offer(file, options, { blob, altered }) {
    if (this.#url) URL.revokeObjectURL(this.#url);
    this.png.href = this.#url = URL.createObjectURL(blob);
    this.png.download = nameOf(file, altered);
    this.png.title = "PNG; its metadata says what altered it";
    this.row.hidden = false;
    this.#of = { file, options, altered };
  }

  /** There is no result any more. */
  forget() {
    this.row.hidden = true;
  }

  async #jpeg() {
    const { file, options, altered } = this.#of;
    try {
      save(await pictureAs("image/jpeg", file, options), nameOf(file, altered, "jpg"));
    } catch (error) {
      this.fail(error);
    }
  }

  async #copy() {
    const command = curlOf(this.#of.file, this.#of.options);
    try {
      await navigator.clipboard.writeText(command);
      this.say("The command was copied.");
    } catch {
      this.say(command); // to be copied by hand: browsers guard the clipboard on http
    }
  }
}
