// What the server says of itself, on the page.
import { byId, element } from "./dom.js";

/** Its models to choose from, the smallest face it takes, and where it runs. */
export function describeServer(info) {
  byId("model").replaceChildren(...Object.entries(info.models).map(([name, { version }]) =>
    element("option", { value: name, selected: name === info.default_model }, `${name} ${version}`)));
  byId("min-eyes").textContent = String(Math.round(info.limits?.min_eye_distance ?? 24));
  const provider = info.provider === "CPUExecutionProvider" ? "the CPU" : info.provider;
  byId("about").textContent = `${info.name} ${info.version}, running on ${provider}.`;
}
