// One job: its graph, its tasks, its schedules and versions, its latest runs, and the way to start one.
import { h, draw } from "./dom.js";
import { get } from "./api.js";
import { graph, anchor } from "./graph.js";
import { live } from "./live.js";
import { editJob } from "./jobs.js";
import { newSchedule, scheduleTable } from "./schedules.js";
import { startRun } from "./start.js";
import { button, card, code, empty, heading, json, loading, runTable, table, trouble } from "./parts.js";
import { spanText, when } from "./times.js";

const EVERY = 3_000;
const LATEST = 10;
const REST_EVERY = 10;

export function job({ host, signal, id, name, can, go }) {
  const body = h("div");
  host.append(body);
  draw(body, heading("Job"), loading());
  const path = `/jobs/${encodeURIComponent(id)}`;
  const read = (address) => get(address, { signal });
  // Runs move; the job itself, its schedules and versions rarely do, so they are asked for less often.
  let rest = null;
  let turns = 0;
  const turn = live(signal, () => EVERY, async () => {
    if (turns % REST_EVERY === 0) rest = await Promise.all([read(path), read(`/schedules?job_id=${encodeURIComponent(id)}&limit=200`), read(`${path}/versions?limit=20`)]);
    const [one, schedules, versions] = rest;
    const runs = await read(`/runs?job_id=${encodeURIComponent(id)}&limit=${LATEST}`);
    turns += 1;
    const data = { ...one.data, etag: one.etag ?? null, definition: one.data.definition ?? one.data };
    name(data.name);
    const mine = schedules.data.items.filter((s) => s.job_id === id);
    draw(body, view({ data, runs: runs.data.items, schedules: mine, versions: versions.data.items }, { can, go, again: () => { turns = 0; return turn(); } }));
  }, (error) => draw(body, heading("Job"), trouble(error)));
}

function view({ data, runs, schedules, versions }, { can, go, again }) {
  const { tasks = [], parameters } = data.definition;
  const start = () => startRun(data, go);
  const schedule = () => newSchedule(data, again);
  return [
    heading(data.name, {
      above: h("a", { href: "/jobs" }, "Jobs"), beside: [h("span", { class: "pill off" }, `v${data.version}`), data.paused ? h("span", { class: "pill wait" }, "Paused") : null],
      actions: [can("runs.operate") ? button("Start a run", start, { class: "button primary" }) : null, can("jobs.write") ? button("Edit", () => editJob(data, go)) : null],
    }),
    data.definition.description ? h("p", { class: "muted lead", "data-key": "description" }, data.definition.description) : null,
    card("Task graph", graph(tasks, "Task graph"), { aside: h("span", { class: "muted" }, `${tasks.length} ${tasks.length === 1 ? "task" : "tasks"}`) }),
    h("div", { class: "cards", "data-key": "cards" },
      card("Latest runs", runs.length ? runTable("Latest runs", runs, "Job") : empty("This job has not run yet", "Start it now, or give it a schedule.", button("Start a run", start)),
        { wide: true, aside: h("a", { href: `/runs?job_id=${encodeURIComponent(data.id)}` }, "All its runs") }),
      card("Schedules", schedules.length ? scheduleTable(schedules, { again, can, job: false }) : empty("No schedule", "It runs only when someone starts it."),
        { wide: true, aside: can("schedules.write") ? button("Add a schedule", schedule) : null }),
      card("Tasks", h("ul", { class: "tasks" }, tasks.map(taskOf)), { wide: true }),
      card("Parameters", parameters?.properties && Object.keys(parameters.properties).length ? parameterTable(parameters) : h("p", { class: "muted" }, "This job takes no parameters.")),
      card("Versions", table("Versions", [
        ["Version", (v) => `v${v.version}`],
        ["Saved", (v) => when(v.created_at)],
        ["By", (v) => v.created_by?.name ?? v.updated_by?.name ?? v.created_by ?? "–"],
      ], versions, (v) => `v${v.version}`))),
  ];
}

const taskOf = (task) => h("li", { id: anchor(task.name), tabindex: "-1", "data-key": task.name },
  h("div", { class: "task-head" }, h("h3", null, task.name), h("span", { class: "muted task-where" }, "on ", code(task.connection)), task.trigger_rule && task.trigger_rule !== "all_success" ? h("span", { class: "pill off" }, task.trigger_rule) : null,
    h("span", { class: "muted small" }, [task.depends_on?.length ? `after ${task.depends_on.join(", ")}` : "starts first",
    task.retry?.max_attempts > 1 ? `up to ${task.retry.max_attempts} attempts` : null,
    task.timeouts?.start_to_close_s ? `at most ${spanText(task.timeouts.start_to_close_s * 1000)}` : null].filter(Boolean).join(" · "))),
  h("details", null, h("summary", null, "What it starts"), task.start?.sql ? [h("pre", { tabindex: "0" }, task.start.sql), task.start.args?.length ? h("p", { class: "muted" }, "with ", code(task.start.args.join(", "))) : null] : json(task.start ?? {})));

const parameterTable = (schema) => table("Parameters", [
  ["Name", ([name]) => code(name)],
  ["Type", ([, rule]) => (rule.enum ? rule.enum.join(" | ") : [rule.type, rule.format].filter(Boolean).join(", "))],
  ["Default", ([name, rule]) => (rule.default !== undefined ? code(JSON.stringify(rule.default)) : schema.required?.includes(name) ? "required" : "–")],
], Object.entries(schema.properties), ([name]) => name);
