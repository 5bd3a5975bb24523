// Keeps a page of the preview up to date, and shows its state. Served by `skep serve` only, never part of a site.
(() => {
  const seen = document.currentScript.dataset.seen;
  const kept = "skep:kept:" + location.pathname;
  let source = null;

  // Storage can be shut off; then nothing is remembered.
  const store = {
    get(key) { try { return sessionStorage.getItem(key); } catch { return null; } },
    set(key, value) { try { sessionStorage.setItem(key, value); } catch {} },
    remove(key) { try { sessionStorage.removeItem(key); } catch {} },
  };

  /* Where the reader is: kept over a reload. */

  const BLOCKS = "h1,h2,h3,h4,h5,h6,p,li,pre,blockquote,table,figure,dt,dd,img,video";
  const nameOf = (element) => element.tagName + "\n" + (element.currentSrc || element.textContent).slice(0, 200);
  const moveTo = (x, y) => scrollTo({ left: x, top: y, behavior: "instant" });

  // Some blocks at the top of what is seen, in case the first is the one that was edited.
  const anchors = () => {
    const found = [];
    const counts = new Map();
    for (const element of document.querySelectorAll(BLOCKS)) {
      const name = nameOf(element);
      const number = counts.get(name) ?? 0;
      counts.set(name, number + 1);
      const { top, bottom } = element.getBoundingClientRect();
      if (bottom > 0 && top < innerHeight) found.push({ name, number, top });
      if (found.length === 8 || top >= innerHeight) break;
    }
    return found;
  };

  const toAnchor = ({ x, y, anchors }) => {
    if (y === 0) return;
    const blocks = [...document.querySelectorAll(BLOCKS)];
    for (const anchor of anchors) {
      const same = blocks.filter((element) => nameOf(element) === anchor.name);
      const element = same[anchor.number] ?? same.at(-1);
      if (!element) continue;
      moveTo(x, scrollY + element.getBoundingClientRect().top - anchor.top);
      return;
    }
    moveTo(x, y);
  };

  // The way to an element: its id, or its place among its siblings, up to the root.
  const wayTo = (element) => {
    const steps = [];
    for (; element && element !== document.documentElement; element = element.parentElement) {
      if (element.id) {
        steps.unshift("#" + CSS.escape(element.id));
        break;
      }
      const place = [...(element.parentElement?.children ?? [])].indexOf(element) + 1;
      steps.unshift(element.localName + ":nth-child(" + place + ")");
    }
    return steps.join(" > ");
  };

  let reloads = false;

  const keep = () => {
    reloads = true;
    // Else the browser itself moves once more, to where the text was.
    history.scrollRestoration = "manual";
    const focused = document.activeElement;
    store.set(kept, JSON.stringify({
      x: scrollX,
      y: scrollY,
      anchors: anchors(),
      focused: focused && focused !== document.body && !focused.localName.startsWith("skep-") ? wayTo(focused) : null,
    }));
  };

  const before = store.get(kept);
  if (before) {
    store.remove(kept);
    const was = JSON.parse(before);
    toAnchor(was);
    if (was.focused) {
      try { document.querySelector(was.focused)?.focus({ preventScroll: true }); } catch {}
    }
    // Images may still push the text around, unless the reader has moved meanwhile.
    let moved = false;
    const stop = () => { moved = true; };
    for (const name of ["wheel", "touchstart", "keydown", "pointerdown"]) {
      addEventListener(name, stop, { once: true, passive: true });
    }
    addEventListener("load", () => !moved && toAnchor(was), { once: true });
  }

  /* Files that are loaded again without the page. */

  const fresh = (url) => {
    const again = new URL(url, location.href);
    again.searchParams.set("skep", Date.now());
    return again.href;
  };
  const isOneOf = (paths, url) => {
    try {
      const { origin, pathname } = new URL(url, location.href);
      return origin === location.origin && paths.includes(decodeURIComponent(pathname));
    } catch {
      return false;
    }
  };

  const swapStyles = (wanted) => {
    for (const link of document.querySelectorAll('link[rel~="stylesheet"]')) {
      if (!wanted(link.href)) continue;
      const next = link.cloneNode();
      next.href = fresh(link.href);
      // The old one goes when the new one is there, so that the page is never bare.
      next.addEventListener("load", () => link.remove(), { once: true });
      next.addEventListener("error", () => next.remove(), { once: true });
      link.after(next);
    }
  };

  const swapImages = (paths) => {
    let count = 0;
    for (const element of document.querySelectorAll("img, source, video, image, link[rel~=icon]")) {
      for (const name of ["src", "href", "poster"]) {
        if (element.hasAttribute(name) && isOneOf(paths, element.getAttribute(name))) {
          element.setAttribute(name, fresh(element.getAttribute(name)));
          count += 1;
        }
      }
      const set = element.getAttribute("srcset");
      if (set) {
        const parts = set.split(/,\s+/).map((part) => {
          const [url, ...size] = part.trim().split(/\s+/);
          return [isOneOf(paths, url) ? fresh(url) : url, ...size].join(" ");
        });
        if (parts.join(", ") !== set) element.setAttribute("srcset", parts.join(", "));
      }
    }
    return count;
  };

  const swap = (paths) => {
    const styles = paths.filter((path) => path.endsWith(".css"));
    const images = paths.filter((path) => !path.endsWith(".css"));
    const links = [...document.querySelectorAll('link[rel~="stylesheet"]')];
    const direct = links.some((link) => isOneOf(styles, link.href));
    const isOwn = (url) => new URL(url).origin === location.origin;
    if (direct) swapStyles((url) => isOneOf(styles, url));
    // It may be imported by another one, or an image be one of a stylesheet.
    const hidden = (styles.length > 0 && !direct) || (images.length > 0 && swapImages(images) === 0);
    if (hidden) swapStyles(isOwn);
  };

  /* What the preview says. */

  const listen = () => {
    if (source) return;
    source = new EventSource(
      "/.skep/events?path=" + encodeURIComponent(location.pathname) + "&seen=" + seen);
    const on = (name, run) => source.addEventListener(name, (event) => run(event.data && JSON.parse(event.data)));
    on("reload", () => {
      keep();
      location.reload();
    });
    on("go", (url) => location.assign(url));
    on("files", swap);
    on("failed", showErrors);
    on("mended", hideErrors);
    on("bar", showBar);
    source.addEventListener("open", () => bar?.away(false));
    source.addEventListener("error", () => bar?.away(true));
  };

  // A browser has six connections to one server: tabs that nobody sees must not hold them.
  const sleep = () => {
    source?.close();
    source = null;
  };
  document.addEventListener("visibilitychange", () => (document.hidden ? sleep() : listen()));
  addEventListener("pagehide", () => {
    sleep();
    if (!reloads) history.scrollRestoration = "auto";
  });
  addEventListener("pageshow", (event) => event.persisted && listen());

  /* What is shown over the page. Its styles and those of the page do not reach each other. */

  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };

  const shadow = (name, styles) => {
    const host = document.createElement(name);
    const root = host.attachShadow({ mode: "closed" });
    // Not a style element, which a page's own policy may forbid.
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(styles);
    root.adoptedStyleSheets = [sheet];
    document.documentElement.append(host);
    return { host, root };
  };

  const COLOURS = `
    :host { all: initial !important; position: fixed !important; z-index: 2147483647 !important;
      color-scheme: light dark !important;
      --paper: #fffdf8; --ink: #2a2622; --soft: #6b635a; --line: #d9d1c4; --link: #8a4b08; --dot: #7a7268; --bad: #a3271d; }
    @media (prefers-color-scheme: dark) {
      :host { --paper: #24211e; --ink: #efe9df; --soft: #b3a99c; --line: #4a443d; --link: #f0b463; --dot: #9a9186; --bad: #f0897d; }
    }
    @media print { :host { display: none !important; } }
    button, a { font: inherit; color: var(--link); }
    button { background: none; border: 0; padding: 0; cursor: pointer; }
    :focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 3px; }`;

  const STATES = {
    draft: ["Draft", "It is not published."],
    unpublished: ["Unpublished", "Its front matter says published: false."],
    future: ["Not yet", "Its date is in the future."],
    published: ["Ready", "It is part of what is published."],
    made: ["Ready", "skep makes this page."],
  };
  const HIDDEN = "skep:bar";
  let bar = null;

  const span = (millis) => {
    const minutes = Math.max(1, Math.round(millis / 60000));
    const [count, unit] =
      minutes < 60 ? [minutes, "minute"] :
      minutes < 48 * 60 ? [Math.round(minutes / 60), "hour"] :
      [Math.round(minutes / 1440), "day"];
    return count + " " + unit + (count === 1 ? "" : "s");
  };

  const makeBar = () => {
    const { host, root } = shadow("skep-bar", COLOURS + `
      :host { inset: auto auto .5rem .5rem !important; max-width: calc(100vw - 1rem) !important; }
      section { display: flex; flex-wrap: wrap; align-items: center; gap: 2px 10px; box-sizing: border-box; padding: 4px 10px;
        font: 13px/20px system-ui, sans-serif; color: var(--ink); background: var(--paper);
        border: 1px solid var(--line); border-radius: 8px; box-shadow: 0 1px 4px #0003; }
      .state { font-weight: 600; }
      .state::before { content: ""; display: inline-block; width: 8px; height: 8px; margin-right: 6px; border-radius: 50%; background: var(--dot); }
      .draft::before, .unpublished::before, .future::before { background: #d98a1f; }
      .published::before, .made::before { background: #4b9b57; }
      .away::before { background: var(--bad); }
      .content { display: contents; } .soft { color: var(--soft); }
      .fold { color: var(--soft); padding: 0 4px; }
      [hidden] { display: none !important; }`);
    const content = make("span", { class: "content" });
    const fold = make("button", { type: "button", class: "fold" });
    const section = make("section", { "aria-label": "skep preview" }, content, fold);
    root.append(section);
    // The page gets as much room below as the bar takes, so that its last lines can be read above the bar.
    const room = new CSSStyleSheet();
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, room];
    const makeRoom = () => {
      const height = Math.ceil(section.getBoundingClientRect().height) + 16;
      room.replaceSync("@media screen { :root { padding-bottom: " + height + "px !important; scroll-padding-bottom: " + height + "px !important; } }");
    };
    new ResizeObserver(makeRoom).observe(section);
    let last = null;
    let isAway = false;

    const draw = () => {
      const folded = store.get(HIDDEN) === "hidden";
      const [name, why] = isAway ? ["Away", "The preview has ended: start skep serve again."] : STATES[last.state];
      const kind = isAway ? "away" : last.state;
      const parts = [];
      const state = make("span", { class: "state " + kind, title: why }, folded ? "" : name);
      parts.push(state);
      if (isAway) {
        parts.push(make("span", { class: "soft" }, "the preview has ended"));
      } else {
        if (last.due) {
          const left = last.due - Date.now();
          parts.push(make("span", {}, left > 0 ? "due in " + span(left) : "due now"));
        }
        if (last.drafts) parts.push(make("span", { class: "soft" }, last.drafts + (last.drafts === 1 ? " draft" : " drafts")));
        if (last.rebuilt) {
          const at = new Date(last.rebuilt).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
          const title = "Made from its sources in " + last.took.toFixed(1) + " ms";
          parts.push(make("span", { class: "soft", title }, "as of " + at));
        }
        if (last.polls) {
          const title = "The system does not tell of changes here; skep looks for them a few times a second.";
          parts.push(make("span", { class: "soft", title }, "polling"));
        }
        if (last.review) {
          const changes = { 0: "No changes \u00b7 ", 1: "1 change \u00b7 " }[last.changes];
          const text = (changes ?? (last.changes ? last.changes + " changes \u00b7 " : "")) + "Review & publish";
          parts.push(make("a", { href: last.review, target: "_blank", rel: "noopener noreferrer" }, text));
        }
      }
      const hadFocus = root.activeElement === fold;
      content.replaceChildren(...(folded ? [state] : parts));
      fold.textContent = folded ? "\u25b8" : "\u00d7";
      fold.setAttribute("aria-label", folded ? "Show the preview's bar" : "Hide the preview's bar");
      fold.setAttribute("aria-expanded", String(!folded));
      if (hadFocus) fold.focus();
    };
    fold.addEventListener("click", () => {
      if (store.get(HIDDEN) === "hidden") store.remove(HIDDEN);
      else store.set(HIDDEN, "hidden");
      draw();
    });
    setInterval(() => last?.due && draw(), 30000);
    return {
      show(next) {
        last = next;
        isAway = false;
        draw();
      },
      away(now) {
        if (last && isAway !== now) {
          isAway = now;
          draw();
        }
      },
      host,
    };
  };

  const showBar = (state) => {
    bar ??= makeBar();
    bar.show(state);
  };

  let overlay = null;

  const hideErrors = () => {
    overlay?.host.remove();
    overlay = null;
  };

  const showErrors = (errors) => {
    hideErrors();
    overlay = shadow("skep-overlay", COLOURS + `
      :host { inset: auto 0 0 0 !important; }
      section { box-sizing: border-box; max-height: 70vh; overflow: auto; padding: 16px 20px 20px; color: var(--ink); background: var(--paper);
        border-top: 4px solid var(--bad); box-shadow: 0 -2px 16px #0004; font: 15px/1.5 system-ui, sans-serif; }
      header { display: flex; gap: 16px; justify-content: space-between; align-items: baseline; }
      h2 { margin: 0; font: inherit; font-weight: 600; color: var(--bad); }
      article { margin-top: 12px; padding-top: 12px; border-top: 1px solid var(--line); }
      p { margin: 0; overflow-wrap: anywhere; white-space: pre-wrap; }
      .place { font: 14px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; color: var(--soft); }
      pre { margin: 8px 0; padding: 8px 12px; overflow-x: auto; border: 1px solid var(--line); border-radius: 4px; tab-size: 4;
        font: 14px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
      .number { color: var(--soft); user-select: none; } .caret { color: var(--bad); font-weight: 700; }
      .hint::before { content: "Hint: "; color: var(--soft); }`);
    const close = make("button", { type: "button" }, "Hide");
    close.addEventListener("click", hideErrors);
    const count = errors.length === 1 ? "One error" : errors.length + " errors";
    const section = make("section", { role: "alert", "aria-label": "Errors", tabindex: "0" },
      make("header", {}, make("h2", {}, count + ". What is behind is the last good page."), close));
    section.addEventListener("keydown", (event) => event.key === "Escape" && hideErrors());
    for (const error of errors) {
      const article = make("article");
      const place = [error.file, error.line, error.column].filter((part) => part != null).join(":");
      if (place) article.append(make("p", { class: "place" }, place));
      article.append(make("p", {}, error.message));
      if (error.excerpt) {
        const gutter = error.line + " ";
        const pre = make("pre", {}, make("span", { class: "number" }, gutter), error.excerpt);
        if (error.column) {
          // By characters, as the column counts; a tab stays a tab, so that the caret stands under its character.
          const indent = [...error.excerpt].slice(0, error.column - 1).join("").replace(/[^\t]/gu, " ");
          pre.append("\n" + " ".repeat(gutter.length) + indent, make("span", { class: "caret" }, "^"));
        }
        article.append(pre);
      }
      if (error.hint) article.append(make("p", { class: "hint" }, error.hint));
      section.append(article);
    }
    overlay.root.append(section);
  };

  if (!document.hidden) listen();
})();
