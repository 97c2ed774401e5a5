// Small helpers; text always goes in as text, never as HTML.

export const byId = (id) => document.getElementById(id);

export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** One row of a bar chart: label, bar (share of the longest, 0..1) and number. */
export function bar(label, share, number, strong = false) {
  const fill = element("span", { className: strong ? "fill strong" : "fill" });
  fill.style.setProperty("--share", `${Math.round(Math.max(0, Math.min(1, share)) * 100)}%`);
  const track = element("span", { className: "track", ariaHidden: "true" }, fill);
  return [element("span", {}, label), track, element("span", { className: "number" }, number)];
}

/** A button that stays pressed. */
export function toggle(button, apply) {
  button.addEventListener("click", () => {
    button.ariaPressed = String(button.ariaPressed !== "true");
    apply();
  });
}

/** Buttons by value, of which one is pressed: `value` says which. */
export function choice(buttons, apply) {
  const chosen = { value: Object.keys(buttons).find((key) => buttons[key].ariaPressed === "true") };
  for (const [key, button] of Object.entries(buttons)) {
    button.addEventListener("click", () => {
      chosen.value = key;
      for (const each of Object.values(buttons)) each.ariaPressed = String(each === button);
      apply();
    });
  }
  return chosen;
}
