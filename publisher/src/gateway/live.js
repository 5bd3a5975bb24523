// Shows a newer version of a site in its open tabs. Served by skep's gateway only, never part of a site.
(() => {
  const shown = Number(document.currentScript.dataset.version);
  const NAME = "skep:live";

  /* One tab of all listens, and tells the others: a browser has six connections to one origin. */

  const channel = new BroadcastChannel(NAME);
  let source = null;
  let last = 0;
  let again = 0;
  const listen = () => {
    source = new EventSource("/.well-known/skep/live");
    source.addEventListener("message", (event) => {
      last = Number(event.data);
      channel.postMessage(last);
      heard(last);
    });
    source.addEventListener("error", () => {
      // It tries by itself, unless it was refused.
      if (source?.readyState === EventSource.CLOSED) again = setTimeout(listen, 60000);
    });
  };
  const rest = () => {
    clearTimeout(again);
    source?.close();
    source = null;
  };
  channel.addEventListener("message", ({ data }) => {
    if (data === "?") {
      if (source && last) channel.postMessage(last);
    } else {
      heard(Number(data));
    }
  });

  let leave = () => {};
  const join = () => {
    if (navigator.locks) {
      const gone = new AbortController();
      let release = () => {};
      const lead = () => new Promise((done) => {
        release = done;
        listen();
      });
      navigator.locks.request(NAME, { signal: gone.signal }, lead).catch(() => {});
      leave = () => {
        gone.abort();
        rest();
        release();
      };
      channel.postMessage("?");
    } else if (!document.hidden) {
      // Without locks, tabs that nobody sees give their connection back.
      listen();
      leave = rest;
    }
  };
  if (!navigator.locks) {
    document.addEventListener("visibilitychange", () => {
      leave();
      join();
    });
  }
  // A page that is kept to go back to must hold nothing.
  addEventListener("pagehide", () => leave());
  addEventListener("pageshow", (event) => event.persisted && join());

  /* What was typed is not lost, nor is a sound or film broken off. */

  const typed = new Set();
  document.addEventListener("input", (event) => typed.add(event.composedPath()[0]), true);
  const isChanged = (field) => {
    if (!field.isConnected) return false;
    if (field.type === "file") return field.files.length > 0;
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    if (field.tagName === "SELECT") {
      const options = [...field.options];
      const chosen = options.some((option) => option.defaultSelected);
      if (field.multiple || chosen) return options.some((option) => option.selected !== option.defaultSelected);
      return field.selectedIndex > 0;
    }
    if ("defaultValue" in field) return field.type !== "hidden" && field.value !== field.defaultValue;
    // Something else that can be written into.
    return typed.has(field);
  };
  const plays = (media) => !media.paused && !media.ended && !media.muted;
  const isBusy = () =>
    [...document.querySelectorAll("input, textarea, select"), ...typed].some(isChanged) ||
    [...document.querySelectorAll("audio, video")].some(plays);

  /* A newer version. */

  // A worker of the site may answer with an old page again and again: each version is tried once.
  const isNew = (version) => {
    try {
      if (Number(sessionStorage.getItem(NAME)) >= version) return false;
      sessionStorage.setItem(NAME, version);
      return true;
    } catch {
      return false;
    }
  };
  const heard = (version) => {
    if (!(version > shown)) return;
    if (isBusy()) offer();
    else if (isNew(version)) location.reload();
  };
  const offer = () => {
    if (document.querySelector(".skep-bar")) return;
    const style = document.createElement("link");
    style.rel = "stylesheet";
    style.href = "/.well-known/skep/bar.css";
    const link = document.createElement("a");
    link.href = location.href;
    link.textContent = "Show it";
    link.addEventListener("click", (event) => {
      event.preventDefault();
      location.reload();
    });
    const bar = document.createElement("aside");
    bar.className = "skep-bar";
    bar.setAttribute("aria-label", "Newer version");
    bar.setAttribute("aria-live", "polite");
    bar.append("There is a newer version of this page. ", link);
    document.body.append(style, bar);
  };

  join();
})();
