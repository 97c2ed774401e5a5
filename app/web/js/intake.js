// Where photographs come from: drop, paste, file dialog, sample.

/** @param elements drop, file, sample @param {(file: File) => void} onPhoto */
export function listen({ drop, file, sample }, onPhoto, onNothing) {
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
    onPhoto(event.dataTransfer.files[0]);
  });
  document.addEventListener("paste", (event) => {
    const [pasted] = event.clipboardData.files;
    if (pasted) onPhoto(pasted);
    else onNothing("There is no picture on the clipboard.");
  });
  drop.addEventListener("submit", (event) => {
    event.preventDefault();
    if (file.files[0]) onPhoto(file.files[0]);
  });
  file.addEventListener("change", () => {
    const [chosen] = file.files;
    if (chosen) onPhoto(chosen);
    file.value = ""; // so that choosing the same file again is a change
  });
  sample.addEventListener("click", async () => {
    const response = await fetch("web/samples/astronaut.jpg");
    onPhoto(new File([await response.blob()], "astronaut.jpg", { type: "image/jpeg" }));
  });
}
