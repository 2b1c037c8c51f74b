// One run: its graph and tasks moving, every attempt with the way to the platform's own page, its events.
import { h, draw, say } from "./dom.js";
import { get, now, send } from "./api.js";
import { ask } from "./form.js";
import { graph, anchor } from "./graph.js";
import { live } from "./live.js";
import { button, card, code, empty, facts, heading, jobName, json, loading, outside, short, trouble, triggerWord } from "./parts.js";
import { errorText } from "./dashboard.js";
import { pill, reasonWord, stateWord, tone, TERMINAL } from "./states.js";
import { near, took, when, ZONE } from "./times.js";

const MOVING = 1_000;
const WAITING = 2_000;
const DONE = 15_000;

export function run({ host, signal, id, can, name }) {
  const body = h("div");
  host.append(body);
  draw(body, heading("Run"), loading());
  const kept = { run: null, job: null, shape: null, events: [], last: null };
  const path = `/runs/${encodeURIComponent(id)}`;
  const turn = live(signal, () => pace(kept.run), async () => {
    const { data, changed } = await get(path, { signal });
    if (!changed && kept.run && TERMINAL.has(data.state)) return;
    const before = kept.run?.state;
    kept.run = data;
    // Unchanged but moving: only the bars grow.
    if (changed) [kept.shape] = await Promise.all([kept.shape ?? shapeOf(data, signal), readEvents(kept, path, signal)]);
    name(`${jobName(data)}, ${stateWord(data.state).toLowerCase()}`);
    if (before && before !== data.state) say(`The run is now ${stateWord(data.state).toLowerCase()}`);
    draw(body, view(kept, can("runs.operate") ? () => cancel(path, turn) : null));
  }, (error) => draw(body, heading("Run"), trouble(error)));
}

function pace(run) {
  if (!run) return WAITING;
  if (TERMINAL.has(run.state)) return DONE;
  return run.tasks?.some((t) => t.state === "active") ? MOVING : WAITING;
}

/// The edges of the run's own job version: the run says what happened, the version what depends on what.
async function shapeOf(run, signal) {
  if (run.tasks?.some((t) => t.depends_on)) return { tasks: run.tasks };
  const path = `/jobs/${encodeURIComponent(run.job_id)}`;
  try {
    const { data: job } = await get(path, { signal });
    if (job.version === run.job_version) return { name: job.name, tasks: (job.definition ?? job).tasks };
    const { data: versions } = await get(`${path}/versions?limit=200`, { signal });
    const version = versions.items.find((v) => v.version === run.job_version);
    return { name: job.name, tasks: version?.definition?.tasks ?? [] };
  } catch (error) {
    if (signal.aborted) throw error;
    // A deleted job leaves its runs readable, without their edges.
    return { tasks: [] };
  }
}

/// Reads on from the last page seen: events are only ever added.
async function readEvents(kept, path, signal) {
  const known = new Map(kept.events.map((e) => [e.id, e]));
  for (let page = 0; page < 20; page += 1) {
    const cursor = kept.last ? `&cursor=${encodeURIComponent(kept.last)}` : "";
    const { data } = await get(`${path}/events?limit=200${cursor}`, { signal });
    for (const event of data.items) known.set(event.id, event);
    if (!data.next_cursor) break;
    kept.last = data.next_cursor;
  }
  kept.events = [...known.values()].sort((a, b) => (Date.parse(a.at) - Date.parse(b.at)) || (a.id < b.id ? -1 : 1));
}

function cancel(path, turn) {
  ask("Cancel this run?", "Tasks that have not started will not start. Those running are asked to stop at their platform, and stay here until the platform says they have.", "Cancel the run", async () => {
    await send("POST", `${path}/cancel`, {});
    turn();
  });
}

function view({ run, shape, events }, onCancel) {
  const title = run.job_name || run.job ? jobName(run) : shape.name ?? jobName(run);
  const byName = new Map(shape.tasks.map((t) => [t.name, t]));
  const tasks = (run.tasks ?? []).map((task) => ({ ...spread(task), depends_on: task.depends_on ?? byName.get(task.name)?.depends_on ?? [], connection: byName.get(task.name)?.connection }));
  return [
    heading(title, {
      above: [h("a", { href: "/runs" }, "Runs"), " / ", short(run.id)], beside: pill(run.state, run.reason === "running" ? null : run.reason),
      actions: [!onCancel || TERMINAL.has(run.state) || run.reason === "cancelling" ? null : button("Cancel run", onCancel, { class: "button danger" }), h("a", { class: "button", href: `/jobs/${encodeURIComponent(run.job_id)}` }, "Open the job")],
    }),
    facts([
      ["Started by", triggerWord(run.trigger)],
      ["Job version", `v${run.job_version}`],
      ["Created", when(run.created_at)],
      ["Started", run.started_at ? when(run.started_at) : run.run_after ? ["due ", near(run.run_after)] : when(null)],
      ["Took", took(run.started_at, run.finished_at)],
      run.logical_date && ["Logical date", when(run.logical_date)],
    ]),
    card("Tasks at a glance", graph(tasks, "Task graph"), { aside: h("span", { class: "muted" }, progress(tasks)) }),
    card("Tasks", taskTable(tasks, run)),
    card("Parameters", Object.keys(run.parameters ?? {}).length ? json(run.parameters) : h("p", { class: "muted" }, "This run has no parameters.")),
    card("Events", eventLog(events), { aside: h("span", { class: "muted" }, `times in ${ZONE}`) }),
  ];
}

/// A task run's own span is that of its attempts when the answer does not say.
function spread(task) {
  const attempts = task.attempts ?? [];
  const started = task.started_at ?? attempts.find((a) => a.started_at)?.started_at;
  const finished = task.finished_at ?? (TERMINAL.has(task.state) ? attempts.at(-1)?.finished_at : null);
  return { ...task, attempts, started_at: started, finished_at: finished };
}

function progress(tasks) {
  const done = tasks.filter((t) => TERMINAL.has(t.state)).length;
  return `${done} of ${tasks.length} finished`;
}

function taskTable(tasks, run) {
  if (!tasks.length) return empty("No tasks yet", "They appear as soon as the run begins.");
  const from = Date.parse(run.started_at ?? run.created_at);
  const until = run.finished_at ? Date.parse(run.finished_at) : now();
  return h("ul", { class: "tasks" }, tasks.map((task) => h("li", { id: anchor(task.name), tabindex: "-1", "data-key": task.name },
    h("div", { class: "task-head" }, h("h3", null, task.name), pill(task.state, task.reason === "running" ? null : task.reason), h("span", { class: "muted task-where" }, task.connection), task.started_at ? took(task.started_at, task.finished_at) : null),
    task.attempts.length ? bars(task, from, until) : null,
    task.attempts.length ? h("ol", { class: "attempts" }, task.attempts.map((a) => attempt(a, task))) : null,
    task.outputs && Object.keys(task.outputs).length ? h("details", null, h("summary", null, "Outputs"), json(task.outputs)) : null)));
}

/// When each attempt ran within the run, to scale.
function bars(task, from, until) {
  const whole = Math.max(1, until - from);
  const part = (ms) => Math.max(0, Math.min(100, (100 * ms) / whole));
  return h("div", { class: "bars", "aria-hidden": "true" }, task.attempts.filter((a) => a.started_at).map((a) => {
    const left = part(Date.parse(a.started_at) - from);
    const right = part((a.finished_at ? Date.parse(a.finished_at) : until) - from);
    return h("span", { class: tone(a.state), "data-key": a.id, style: { left: `${Math.min(left, 99.5)}%`, width: `${Math.max(0.5, right - left)}%` } });
  }));
}

const attempt = (a, task) => h("li", { "data-key": a.id },
  h("span", { class: "attempt-number" }, `Attempt ${a.number}`),
  task.attempts.length > 1 || a.state !== task.state ? pill(a.state, a.reason === "running" ? null : a.reason) : null,
  h("span", null, when(a.started_at, "clock"), " · ", took(a.started_at, a.finished_at)),
  a.external_url ? h("span", null, outside(a.external_url, "open in the platform")) : null,
  a.external_run_id ? code(a.external_run_id) : null,
  a.warning ? h("p", { class: "muted" }, a.warning) : null,
  a.error ? h("p", { class: "error-text" }, errorText(a.error)) : null);

function eventLog(events) {
  if (!events.length) return empty("No events yet", "Every change of state is written here, with who or what made it.");
  return h("ol", { class: "events", tabindex: "0", "aria-label": "Events, newest first" }, [...events].reverse().map((e) => h("li", { "data-key": e.id },
    when(e.at, "clock"), h("strong", null, e.task ?? "run"),
    h("span", null, e.from_state && e.from_state !== e.to_state ? `${stateWord(e.from_state)} → ` : null, h("span", { class: `word ${tone(e.to_state)}` }, stateWord(e.to_state)), e.reason ? h("span", { class: "muted" }, ` ${reasonWord(e.reason)}`) : null),
    h("span", { class: "muted" }, e.actor ? `by ${e.actor.name ?? e.actor.kind}` : null))));
}
