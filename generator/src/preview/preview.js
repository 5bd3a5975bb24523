// Keeps a page of the preview up to date. Served by `skep serve` only, never part of a site.
(() => {
  const seen = document.currentScript.dataset.seen;
  const scrolled = "skep:scroll:" + location.pathname;
  let source = null;

  const saved = sessionStorage.getItem(scrolled);
  if (saved) {
    sessionStorage.removeItem(scrolled);
    const [x, y] = saved.split(",").map(Number);
    history.scrollRestoration = "manual";
    scrollTo({ left: x, top: y, behavior: "instant" });
    // Images may still push the text around.
    addEventListener("load", () => scrollTo({ left: x, top: y, behavior: "instant" }), { once: true });
  }

  const listen = () => {
    if (source) return;
    source = new EventSource(
      "/.skep/events?path=" + encodeURIComponent(location.pathname) + "&seen=" + seen);
    source.addEventListener("reload", () => {
      sessionStorage.setItem(scrolled, scrollX + "," + scrollY);
      location.reload();
    });
    source.addEventListener("styles", () => {
      for (const link of document.querySelectorAll('link[rel~="stylesheet"]')) {
        const url = new URL(link.href);
        if (url.origin !== location.origin) continue;
        url.searchParams.set("skep", Date.now());
        const fresh = link.cloneNode();
        fresh.href = url;
        // The old one goes when the new one is there, so that the page is never bare.
        fresh.addEventListener("load", () => link.remove(), { once: true });
        fresh.addEventListener("error", () => fresh.remove(), { once: true });
        link.after(fresh);
      }
    });
    source.addEventListener("failed", (event) => show(JSON.parse(event.data)));
    source.addEventListener("mended", () => hide());
  };

  // A browser has six connections to one server: tabs that nobody sees must not hold them.
  const sleep = () => {
    source?.close();
    source = null;
  };
  document.addEventListener("visibilitychange", () => (document.hidden ? sleep() : listen()));
  addEventListener("pagehide", sleep);
  addEventListener("pageshow", (event) => event.persisted && listen());
  if (!document.hidden) listen();

  const hide = () => document.querySelector("skep-overlay")?.remove();

  const show = (errors) => {
    hide();
    const overlay = document.createElement("skep-overlay");
    // The page's own styles must not reach what is in here.
    const root = overlay.attachShadow({ mode: "open" });
    const style = document.createElement("style");
    style.textContent = `
      section { position: fixed; inset: auto 0 0 0; z-index: 2147483647; max-height: 60vh;
        overflow: auto; box-sizing: border-box; padding: 1rem 1.25rem; background: #1d1b19;
        color: #f4efe6; border-top: .25rem solid #e0685c;
        font: 15px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
      p { margin: .25rem 0; } .place { color: #f0b7b0; }
      pre { margin: .5rem 0; padding: .5rem .75rem; background: #0006; overflow-x: auto; font: inherit; }
      .hint { color: #b9d8a5; }
      button { float: right; font: inherit; color: inherit; background: none;
        border: 1px solid currentcolor; border-radius: .25rem; cursor: pointer; }`;
    const section = document.createElement("section");
    section.setAttribute("role", "alert");
    const close = document.createElement("button");
    close.textContent = "Hide";
    close.onclick = hide;
    section.append(close);
    const line = (tag, name, text) => {
      const element = document.createElement(tag);
      element.className = name;
      element.textContent = text;
      section.append(element);
    };
    for (const error of errors) {
      const place = [error.file, error.line, error.column].filter((part) => part != null).join(":");
      if (place) line("p", "place", place);
      line("p", "message", error.message);
      if (error.excerpt) {
        const caret = error.column
          ? "\n" + error.excerpt.slice(0, error.column - 1).replace(/[^\t]/g, " ") + "^"
          : "";
        line("pre", "excerpt", error.excerpt + caret);
      }
      if (error.hint) line("p", "hint", "hint: " + error.hint);
    }
    root.append(style, section);
    document.documentElement.append(overlay);
  };
})();
