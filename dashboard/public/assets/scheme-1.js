/* global document, localStorage, matchMedia */
// Light or dark, before anything is drawn: loaded by index.html ahead of all else, so that a page in the dark is never
// white at first. Not a module, since modules wait; not within the page, since its policy allows none there. The number
// in its name is for caches: another content, another number. What is kept is written by theme/useScheme.ts.
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("mantine-color-scheme-value");
  } catch {
    // Where nothing may be kept, it is as the system has it.
  }
  const dark = chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.setAttribute("data-mantine-color-scheme", dark ? "dark" : "light");
})();
