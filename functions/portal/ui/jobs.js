// The list of jobs, and the editor of a job's body (its JSON, as the API takes it).
import { h, draw } from "./dom.js";
import { send } from "./api.js";
import { dialog, field, parse } from "./form.js";
import { live } from "./live.js";
import { button, empty, heading, link, loading, pages, table, to, trouble } from "./parts.js";
import { pill } from "./states.js";
import { near } from "./times.js";

const EVERY = 10_000;
const FIRST = {
  name: "my-first-job",
  parameters: { type: "object", properties: { day: { type: "string", format: "date" } }, required: ["day"] },
  tasks: [{ name: "count", connection: "warehouse", start: { sql: "select count(*) from sales where day = $1", args: ["{{ params.day }}"] } }],
};

export function jobs({ host, signal, can, go }) {
  const body = h("div");
  const create = can("jobs.write") ? () => editJob(null, go) : null;
  host.append(heading("Jobs", { actions: create ? button("New job", create, { class: "button primary" }) : null }), body);
  draw(body, loading());
  const list = pages(body, "/jobs?limit=50", (items) => view(items, create), { signal, draw });
  live(signal, () => EVERY, list.load, (error) => draw(body, trouble(error, list.reload)));
}

function view(items, create) {
  if (!items.length) {
    return empty("No jobs yet", create ? "A job is a graph of tasks; each task starts something on one of your connections." : "A job is a graph of tasks. An administrator of this workspace can make the first one.", create ? button("Make the first job", create, { class: "button primary" }) : null);
  }
  return h("div", { class: "card", "data-key": "jobs" }, table("Jobs", [
    ["Job", (job) => h("strong", null, link("jobs", job.id, job.name))],
    ["Last run", (job) => (job.last_run ? h("a", { href: to("runs", job.last_run.id) }, pill(job.last_run.state)) : h("span", { class: "muted" }, "never ran"))],
    ["When", (job) => near(job.last_run?.finished_at ?? job.last_run?.started_at ?? job.last_run?.created_at)],
    ["Version", (job) => `v${job.version}`, "number"],
    ["", (job) => (job.paused ? h("span", { class: "pill wait" }, "Paused") : null)],
  ], items, (job) => job.id));
}

/// Opens the editor. Saving a changed job makes a version; runs in flight keep theirs.
export function editJob(job, go) {
  const body = job?.definition ?? FIRST;
  const text = field({ label: "Definition", type: "area", rows: 22, required: true, value: JSON.stringify(body, null, 2), read: parse("The definition"), class: "code" });
  dialog({
    title: job ? `Edit ${job.name}` : "New job", wide: true, submit: job ? "Save as a new version" : "Create the job", body: text.node,
    intro: job ? "Runs in flight keep the version they started with." : "A name, tasks, and for each task its connection and what to start there. depends_on orders them.",
    act: async () => {
      const saved = job ? await send("PUT", `/jobs/${encodeURIComponent(job.id)}`, text.read(), { match: job.etag }) : await send("POST", "/jobs", text.read());
      go(to("jobs", saved?.id ?? job.id));
    },
  });
}
