// Where photographs come from: drop, paste, file dialog, sample.

/** @param elements drop, file, sample @param {(files: File[]) => void} onPhotos */
export function listen({ drop, file, sample }, onPhotos, onNothing) {
  const page = document.body;
  const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  page.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    page.classList.add("over");
  });
  page.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) page.classList.remove("over");
  });
  page.addEventListener("drop", (event) => {
    page.classList.remove("over");
    if (!hasFiles(event)) return;
    event.preventDefault();
    onPhotos([...event.dataTransfer.files]);
  });
  document.addEventListener("paste", (event) => {
    if (event.target.matches?.("input")) return; // a text for a field
    const pasted = [...event.clipboardData.files];
    if (pasted.length) onPhotos(pasted);
    else onNothing("There is no picture on the clipboard.");
  });
  drop.addEventListener("submit", (event) => {
    event.preventDefault();
    if (file.files.length) onPhotos([...file.files]);
  });
  file.addEventListener("change", () => {
    const chosen = [...file.files];
    if (chosen.length) onPhotos(chosen);
    file.value = ""; // so that choosing the same file again is a change
  });
  sample.addEventListener("click", async () => {
    try {
      const response = await fetch("web/samples/astronaut.jpg");
      if (!response.ok) throw new Error(String(response.status));
      onPhotos([new File([await response.blob()], "astronaut.jpg", { type: "image/jpeg" })]);
    } catch {
      onNothing("The sample cannot be loaded: the server cannot be reached.");
    }
  });
}

/** The photograph as an image, or null where the browser cannot show this kind (TIFF). */
export async function upright(file) {
  const image = new Image();
  const url = URL.createObjectURL(file);
  image.src = url;
  try {
    await image.decode();
    return image;
  } catch {
    return null;
  } finally {
    URL.revokeObjectURL(url);
  }
}
