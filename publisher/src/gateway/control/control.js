// What the control pages do more with a script. Everything works without.
"use strict";

// Moments in the reader's own time zone.
// A day without a time is that day everywhere.
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeZone: "UTC" });
const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const localize = (root) => {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    if (!Number.isNaN(moment.getTime())) {
      time.title = time.textContent;
      time.textContent = (time.dateTime.length === 10 ? day : format).format(moment);
    }
  }
};

/** The element that some HTML from this server makes, or nothing. */
const fetched = async (url) => {
  const response = await fetch(url, { credentials: "same-origin" });
  if (!response.ok) return null;
  const template = document.createElement("template");
  template.innerHTML = await response.text();
  localize(template.content);
  copy(template.content);
  return template.content;
};

// A publish that goes on.
const follow = async (place) => {
  for (;;) {
    const news = place.firstElementChild;
    if (!news || news.hasAttribute("data-over")) return;
    try {
      const content = await fetched(`${place.dataset.progress}?seen=${news.dataset.seen}`);
      if (!content) return location.reload();
      if (content.firstElementChild.dataset.seen !== news.dataset.seen || content.firstElementChild.hasAttribute("data-over")) {
        place.replaceChildren(content);
      }
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
};

// A row shows its lines when it is opened.
const load = async (details) => {
  const body = details.querySelector(".body");
  const link = body.querySelector(":scope > p:first-child > a");
  if (!link || details.dataset.loaded) return;
  details.dataset.loaded = "yes";
  try {
    const content = await fetched(details.dataset.url);
    if (content) body.replaceChildren(content);
  } catch {
    delete details.dataset.loaded;
  }
};

const rows = () => {
  const tools = document.querySelector("[data-tools]");
  if (!tools) return;
  const all = [...document.querySelectorAll(".row")];
  const box = (row) => row.querySelector(":scope > input");
  const shown = () => all.filter((row) => !row.hidden);
  const chosen = tools.querySelector("[data-chosen]");
  const count = () => {
    const boxes = all.map(box).filter(Boolean);
    const checked = boxes.filter((input) => input.checked).length;
    chosen.textContent = checked === boxes.length ? "" : `${checked} of ${boxes.length} chosen; the rest stays as it is published.`;
  };
  const choose = (value) => () => {
    for (const row of shown()) if (box(row)) box(row).checked = value;
    count();
  };
  tools.hidden = false;
  tools.querySelector("[data-all]").addEventListener("click", choose(true));
  tools.querySelector("[data-none]").addEventListener("click", choose(false));
  const filter = tools.querySelector("#filter");
  filter.addEventListener("input", () => {
    const wanted = filter.value.toLowerCase();
    for (const row of all) row.hidden = !row.dataset.path.toLowerCase().includes(wanted);
  });
  document.addEventListener("change", (event) => event.target.name === "r" && count());
  document.addEventListener("toggle", (event) => {
    if (event.target.open && event.target.dataset.url) load(event.target);
  }, true);

  let here = null;
  const go = (step) => {
    const list = shown();
    const at = here ? list.indexOf(here) : -1;
    const next = list[Math.min(Math.max(at + step, 0), list.length - 1)];
    if (!next) return;
    here?.classList.remove("here");
    here = next;
    here.classList.add("here");
    here.querySelector("summary").focus({ preventScroll: true });
    here.scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("focusin", (event) => {
    const row = event.target.closest?.(".row");
    if (!row || row === here) return;
    here?.classList.remove("here");
    here = row;
    here.classList.add("here");
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input:not([type=checkbox]), textarea")) return;
    if (event.key === "j") go(1);
    else if (event.key === "k") go(-1);
    else if (event.key === "x" && here && box(here)) box(here).click();
    else if (event.key === "o" && here) here.querySelector("details").open ^= true;
    else if (event.key === "/") filter.focus();
    else return;
    event.preventDefault();
  });
  count();
};

// Each site has a name below localhost, and an address for browsers that do not resolve such names.
const lead = async () => {
  const links = document.querySelectorAll("a[data-fallback], a[data-go]");
  if (!links.length) return;
  try {
    await fetch(`http://probe.localhost:${location.port}/`, { credentials: "omit", cache: "no-store" });
  } catch {
    for (const link of links) link.href = link.dataset.fallback ?? link.href;
  }
  const at_once = document.querySelector("a[data-go]");
  if (at_once) location.replace(at_once.href);
};

const copy = (root) => {
  for (const button of navigator.clipboard ? root.querySelectorAll("[data-copy]") : []) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.firstChild.textContent = "Copied";
    });
  }
};

const register = () => {
  const place = document.querySelector("[data-register]");
  if (!place || !navigator.registerProtocolHandler) return;
  place.hidden = false;
  place.querySelector("button").addEventListener("click", () => {
    navigator.registerProtocolHandler("web+skep", `${location.origin}/open?address=%s`);
  });
};

// News that are opened are read. What is sent goes on while the page is left.
const news = () => {
  for (const item of document.querySelectorAll(".news > li:not(.read)")) {
    const form = item.querySelector("form");
    const opened = (event) => {
      if (event.button > 1 || item.classList.contains("read")) return;
      const fields = new URLSearchParams(new FormData(form));
      fields.set("as", "read");
      fields.set("quiet", "yes");
      fetch(form.action, { method: "POST", body: fields, keepalive: true, credentials: "same-origin" });
      item.classList.add("read");
    };
    const link = item.querySelector("h2 a");
    link?.addEventListener("click", opened);
    link?.addEventListener("auxclick", opened);
  }
};

localize(document);
news();
lead();
copy(document);
register();
rows();
for (const place of document.querySelectorAll("[data-progress]")) follow(place);
