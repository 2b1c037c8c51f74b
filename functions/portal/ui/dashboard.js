// The live dashboard: what moves, what waits and why, what failed, what comes.
import { h, draw } from "./dom.js";
import { get } from "./api.js";
import { live } from "./live.js";
import { card, empty, heading, link, loading, short, runTable, to, trouble } from "./parts.js";
import { reasonWord } from "./states.js";
import { near, took } from "./times.js";

const EVERY = 2_000;

export function dashboard({ host, signal }) {
  const body = h("div");
  host.append(heading("Dashboard"), body);
  draw(body, loading());
  live(signal, () => EVERY, async () => {
    const { data, changed } = await get("/dashboard", { signal });
    if (changed || !body.dataset.shown) draw(body, view(data));
    body.dataset.shown = "1";
  }, (error) => draw(body, trouble(error)));
}

function view(d) {
  const runs = d.recent_runs ?? [];
  return [
    h("ul", { class: "counts", "data-key": "counts" },
      count("Active", d.counts.active, "run", "/runs?state=active"),
      count("Waiting", d.counts.waiting, "wait", "/runs?state=pending"),
      count("Succeeded, 24 h", d.counts.succeeded_24h, "ok", "/runs?state=succeeded"),
      count("Failed, 24 h", d.counts.failed_24h, "bad", "/runs?state=failed")),
    h("div", { class: "cards", "data-key": "cards" },
      card("Recent runs", runs.length ? runTable("Recent runs", runs) : empty("Nothing has run yet", "Open a job and start a run: its tasks will move here as they happen.", h("a", { class: "button", href: "/jobs" }, "To the jobs")), { wide: true, aside: h("a", { href: "/runs" }, "All runs") }),
      card("In flight", inFlight(d.in_flight ?? [])),
      card("Waiting, and why", waiting(d.waiting ?? [])),
      card("Recent failures", failures(d.recent_failures ?? [])),
      card("Due soon", due(d.due_soon ?? []), { aside: h("a", { href: "/schedules" }, "All schedules") })),
  ];
}

const count = (name, number, tone, href) =>
  h("li", { "data-key": name }, h("a", { class: `count ${number ? tone : "none"}`, href }, h("strong", null, number ?? 0), h("span", null, name)));

function inFlight(rows) {
  if (!rows.length) return empty("No connections yet", "A connection is one of your platforms. Runs in flight show here against its limit.", h("a", { href: "/connections" }, "To the connections"));
  return h("ul", { class: "meters" }, rows.map((row) => h("li", { "data-key": row.connection_id },
    h("div", { class: "meter-text" }, h("span", null, row.connection),
      h("span", { class: "muted" }, `${row.in_use} of ${row.limit ?? "any"}`, row.waiting ? `, ${row.waiting} waiting` : "")),
    h("div", { class: row.limit && row.in_use >= row.limit ? "meter full" : "meter", role: "img", "aria-label": `${row.in_use} of ${row.limit ?? "any number"} slots in use` },
      h("span", { style: { width: `${row.limit ? Math.min(100, (100 * row.in_use) / row.limit) : row.in_use ? 100 : 0}%` } })))));
}

const lines = (rows, item) => h("ul", { class: "lines" }, rows.map(item));

function waiting(rows) {
  if (!rows.length) return empty("Nothing waits", "When a task cannot start yet, it is here with the reason.");
  return lines(rows, (w) => h("li", { "data-key": `${w.run_id} ${w.task}` },
    h("div", null, h("a", { href: to("runs", w.run_id) }, `${w.job} / ${w.task}`)), h("div", { class: "muted" }, "waiting ", took(w.since, null), " ", reasonWord(w.reason))));
}

function failures(rows) {
  if (!rows.length) return empty("No failures", "Failed tasks of the last day show here with the platform's own words.");
  return lines(rows, (f) => h("li", { "data-key": `${f.run_id} ${f.task}` },
    h("div", null, h("a", { href: to("runs", f.run_id) }, f.task ? `${f.job} / ${f.task}` : `${f.job} ${short(f.run_id)}`), " ", h("span", { class: "muted" }, near(f.finished_at))),
    h("div", { class: "error-text" }, errorText(f.error))));
}

/// An error is a sentence or {class, message}.
export const errorText = (error) => (!error ? "" : typeof error === "string" ? error : [error.class, error.message].filter(Boolean).join(": "));

function due(rows) {
  if (!rows.length) return empty("Nothing is due", "A schedule starts a job by itself, at a local time that daylight saving does not move.", h("a", { href: "/schedules" }, "To the schedules"));
  return lines(rows, (x) => h("li", { class: "between", "data-key": `${x.schedule_id} ${x.at}` }, h("span", null, link("jobs", x.job_id, x.job), h("span", { class: "muted" }, ` ${x.schedule}`)), near(x.at)));
}
