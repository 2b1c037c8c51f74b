// The pieces pages are made of: headings, cards, tables, empty states, errors, pagers.
import { h } from "./dom.js";
import { get } from "./api.js";
import { pill } from "./states.js";
import { near, took } from "./times.js";

/// Beside the modules, wherever the portal serves them from (README.md).
export const ICON = new URL("icon.svg", import.meta.url).pathname;

/// Where a thing lives in the portal; ids come from data, so they are encoded.
export const to = (kind, id) => `/${kind}/${encodeURIComponent(id)}`;
export const link = (kind, id, text) => h("a", { href: to(kind, id) }, text ?? short(id));
export const short = (id) => (id ? String(id).slice(-8) : "–");
export const code = (text) => h("code", null, text);

/// A link out of signalbox. The address came from a platform: only web addresses become links.
export function outside(url, text) {
  if (!url || !/^https?:\/\//i.test(url)) return text ? code(text) : null;
  return h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, text ?? "open", h("span", { class: "out", "aria-hidden": "true" }, " ↗"),
    h("span", { class: "quiet" }, " (opens in a new tab)"));
}

export function heading(title, { above, beside, actions } = {}) {
  return h("div", { class: "heading" },
    h("div", { class: "titles" }, above ? h("p", { class: "above" }, above) : null,
      h("h1", { tabindex: "-1" }, title, beside ? " " : null, beside)),
    actions ? h("div", { class: "actions" }, actions) : null);
}

export function card(title, body, { aside, key, wide } = {}) {
  return h("section", { class: wide ? "card wide" : "card", "data-key": key ?? title, "aria-label": title },
    h("div", { class: "card-head" }, h("h2", null, title), aside), body);
}

/// `columns`: [heading, cell(row), class?]. On a narrow screen each row becomes a small card.
export function table(label, columns, rows, keyOf, kind) {
  const head = columns.map(([name, , kind]) => h("th", { scope: "col", role: "columnheader", class: kind }, name));
  const line = (row, at) => h("tr", { role: "row", "data-key": keyOf ? keyOf(row) : `row-${at}` },
    columns.map(([name, cell, kind]) => h("td", { role: "cell", class: kind, "data-label": name }, whole(cell(row)))));
  return h("div", { class: "scroll" }, h("table", { role: "table", class: kind, "aria-label": label },
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, head)),
    h("tbody", { role: "rowgroup" }, rows.map(line))));
}

/// One cell holds one element, so that its parts stay together where a row is a card.
const whole = (content) => (Array.isArray(content) ? h("span", null, content) : content);

/// An empty state says what would be here and the next step.
export const empty = (title, text, action) =>
  h("div", { class: "empty" }, h("p", { class: "empty-title" }, title), h("p", null, text), action);

export const button = (text, onclick, props) => h("button", { type: "button", class: "button", onclick, ...props }, text);
export const loading = () => h("p", { class: "muted loading" }, "Loading…");

/// A problem as a person can act on it, with the request id to quote.
export function trouble(error, again) {
  const lines = (error.errors ?? []).map((e) => h("li", null, e.pointer ? [code(e.pointer), " "] : null, e.message));
  return h("div", { class: "trouble", role: "alert", "data-key": "trouble" },
    h("p", { class: "trouble-title" }, error.title ?? "Something went wrong"),
    error.message && error.message !== error.title ? h("p", null, error.message) : null,
    lines.length ? h("ul", null, lines) : null,
    error.requestId ? h("p", { class: "muted" }, "Request ", code(error.requestId)) : null,
    again ? button("Try again", again) : null);
}

/// Names and values, as a list.
export const facts = (pairs) => h("dl", { class: "facts" },
  pairs.filter(Boolean).map(([name, value]) => h("div", { "data-key": name }, h("dt", null, name), h("dd", null, value))));

export const json = (value) => h("pre", { tabindex: "0" }, JSON.stringify(value, null, 2));

const TRIGGERS = { manual: "by hand", schedule: "schedule", backfill: "backfill", rerun: "rerun", webhook: "webhook" };
export const triggerWord = (trigger) => TRIGGERS[trigger] ?? String(trigger ?? "–").replaceAll("_", " ");

/// A run's job, however much the answer says of it.
export const jobName = (run) => run.job_name ?? run.job?.name ?? (typeof run.job === "string" ? run.job : null) ?? `job ${short(run.job_id)}`;

const RUN_COLUMNS = [
  ["Run", (run) => link("runs", run.id)],
  ["Job", (run) => (run.job_id ? link("jobs", run.job_id, jobName(run)) : jobName(run))],
  ["State", (run) => pill(run.state, run.state === "active" && run.reason === "running" ? null : run.reason)],
  ["Started by", (run) => h("span", null, triggerWord(run.trigger))],
  ["Created", (run) => near(run.created_at)],
  ["Took", (run) => took(run.started_at, run.finished_at), "number"],
];

export const runTable = (label, runs, skip) => table(label, RUN_COLUMNS.filter(([name]) => name !== skip), runs, (run) => run.id, "runs");

/// A list read page by page. `view(items)` draws what was read; gives back `reload`.
export function pages(host, path, view, { signal, draw }) {
  let items = [];
  let next = null;
  let pagesRead = 0;
  const address = (cursor) => (cursor ? `${path}${path.includes("?") ? "&" : "?"}cursor=${encodeURIComponent(cursor)}` : path);
  const show = () => draw(host, view(items), next ? h("p", { class: "more", "data-key": "more" }, button("Show more", more)) : null);
  async function more() {
    try {
      const { data } = await get(address(next), { signal });
      items = items.concat(data.items);
      next = data.next_cursor;
      pagesRead += 1;
      show();
    } catch (error) {
      if (!signal.aborted) draw(host, view(items), trouble(error, more));
    }
  }
  async function load() {
    // A person who read further keeps the place: only the first page refreshes itself.
    if (pagesRead > 1) return;
    const { data, changed } = await get(path, { signal });
    if (!changed && pagesRead) return;
    items = data.items;
    next = data.next_cursor;
    pagesRead = 1;
    show();
  }
  async function reload() {
    pagesRead = 0;
    try {
      await load();
    } catch (error) {
      if (!signal.aborted) draw(host, trouble(error, reload));
    }
  }
  return { load, reload };
}
