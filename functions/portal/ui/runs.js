// The list of runs, with filters that live in the address.
import { h, draw } from "./dom.js";
import { live } from "./live.js";
import { empty, heading, loading, pages, runTable, trouble, triggerWord } from "./parts.js";
import { STATE_NAMES, stateWord } from "./states.js";

const EVERY = 5_000;
const FILTERS = ["state", "trigger", "job_id", "from", "to"];
const TRIGGERS = ["manual", "schedule", "rerun", "backfill", "webhook"];

export function runs({ host, signal, query, go }) {
  const kept = new URLSearchParams(FILTERS.filter((f) => query.get(f)).map((f) => [f, query.get(f)]));
  const body = h("div");
  host.append(heading("Runs"), filters(kept, go), body);
  draw(body, loading());
  const asked = new URLSearchParams(kept);
  asked.set("limit", "50");
  const list = pages(body, `/runs?${asked}`, (items) => view(items, kept.size > 0), { signal, draw });
  live(signal, () => EVERY, list.load, (error) => draw(body, trouble(error, list.reload)));
}

function view(items, filtered) {
  if (items.length) return h("div", { class: "card", "data-key": "runs" }, runTable("Runs", items));
  return filtered ? empty("No run matches", "Widen the filter to see more.", h("a", { class: "button", href: "/runs" }, "Show all runs"))
    : empty("Nothing has run yet", "Open a job and start a run, or give it a schedule.", h("a", { class: "button", href: "/jobs" }, "To the jobs"));
}

function filters(kept, go) {
  const choose = (name, label, options) => h("label", null, h("span", null, label),
    h("select", { name, onchange: (e) => change(kept, go, name, e.target.value) },
      h("option", { value: "" }, "any"), options.map(([v, t]) => h("option", { value: v, selected: kept.get(name) === v }, t))));
  return h("form", { class: "filters", "aria-label": "Filter", onsubmit: (e) => e.preventDefault() },
    choose("state", "State", STATE_NAMES.map((s) => [s, stateWord(s)])),
    choose("trigger", "Started by", TRIGGERS.map((t) => [t, triggerWord(t)])),
    kept.get("job_id") ? h("a", { class: "button", href: "/runs" }, "One job only ✕") : null);
}

function change(kept, go, name, value) {
  const next = new URLSearchParams(kept);
  if (value) next.set(name, value);
  else next.delete(name);
  go(next.size ? `/runs?${next}` : "/runs");
}
