// Light, dark, or as the system says. The choice is kept in this browser.

import { byId, setAttribute } from "./dom";

const themes = ["auto", "light", "dark"] as const;
type Theme = (typeof themes)[number];
const key = "millrace-theme";

// Storage can be forbidden; then the choice lasts as long as the page.
function stored(): Theme {
  try {
    const kept = localStorage.getItem(key);
    return themes.find((theme) => theme === kept) ?? "auto";
  } catch {
    return "auto";
  }
}

function store(theme: Theme): void {
  try {
    localStorage.setItem(key, theme);
  } catch {
    // Nothing is lost but the choice.
  }
}

/** Sets the theme and calls `onChange` whenever the colours did. */
export function startTheme(onChange: () => void): void {
  const button = byId<HTMLButtonElement>("theme");
  let theme = stored();
  const apply = (): void => {
    if (theme === "auto") {
      document.documentElement.removeAttribute("data-theme");
    } else {
      document.documentElement.setAttribute("data-theme", theme);
    }
    setAttribute(button, "data-theme", theme);
    setAttribute(button, "aria-label", `Colours: ${theme === "auto" ? "as the system" : theme}`);
    setAttribute(button, "title", `Colours: ${theme === "auto" ? "as the system" : theme}`);
  };
  apply();
  button.addEventListener("click", () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length]!;
    store(theme);
    apply();
    onChange();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", onChange);
}
