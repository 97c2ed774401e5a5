// The camera in a dialog: a photograph, or a text that says why there is none.

const REASONS = {
  NotAllowedError: "The browser does not let this page use the camera. Allow it in the site's " +
    "settings, or choose a file instead.",
  NotFoundError: "No camera was found. Choose a file instead.",
  NotReadableError: "The camera is in use by another program.",
};
const INSECURE = "Browsers give the camera only to pages served over https or from localhost.";

export class Camera {
  #stream = null;

  /** @param elements dialog, video, error, shoot, close @param {(file: File) => void} onPhoto */
  constructor(elements, onPhoto) {
    Object.assign(this, elements);
    this.shoot.addEventListener("click", async () => {
      const file = await this.#take();
      this.dialog.close();
      onPhoto(file);
    });
    this.close.addEventListener("click", () => this.dialog.close());
    this.dialog.addEventListener("close", () => this.#stop());
  }

  async open() {
    this.error.hidden = true;
    this.video.hidden = false;
    this.shoot.disabled = true;
    this.dialog.showModal();
    try {
      if (!navigator.mediaDevices) throw new Error(INSECURE);
      const stream = await navigator.mediaDevices.getUserMedia({
        video: { facingMode: "user", width: { ideal: 1920 }, height: { ideal: 1080 } },
      });
      if (!this.dialog.open) { // closed while the browser asked
        stream.getTracks().forEach((track) => track.stop());
        return;
      }
      this.#stream = stream;
      this.video.srcObject = stream;
      await this.video.play();
      this.shoot.disabled = false;
      this.shoot.focus();
    } catch (error) {
      this.#stop();
      this.video.hidden = true;
      this.error.textContent = REASONS[error.name] || error.message;
      this.error.hidden = false;
    }
  }

  async #take() {
    // The preview is a mirror; the photograph is not.
    const canvas = document.createElement("canvas");
    canvas.width = this.video.videoWidth;
    canvas.height = this.video.videoHeight;
    canvas.getContext("2d").drawImage(this.video, 0, 0);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.95));
    return new File([blob], "camera.jpg", { type: "image/jpeg" });
  }

  #stop() {
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#stream = null;
    this.video.srcObject = null;
  }
}
