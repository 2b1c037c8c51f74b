// Schedules: the list, pause and resume, what fires next and why, and a new one for a job.
import { h, draw } from "./dom.js";
import { send } from "./api.js";
import { dialog, field, schemaFields, values } from "./form.js";
import { live } from "./live.js";
import { button, code, empty, heading, link, loading, pages, table, trouble } from "./parts.js";
import { near, when, ZONE } from "./times.js";

const EVERY = 10_000;
const SHOWN = 8;

export function schedules({ host, signal, can }) {
  const body = h("div");
  host.append(heading("Schedules"), body);
  draw(body, loading());
  const view = (items) => (items.length ? h("div", { class: "card", "data-key": "schedules" }, scheduleTable(items, { again: () => list.reload(), can, job: true }))
    : empty("No schedules yet", "Open a job and add a schedule: a cron line in a time zone, kept right through daylight saving.", h("a", { class: "button", href: "/jobs" }, "To the jobs")));
  const list = pages(body, "/schedules?limit=50", view, { signal, draw });
  live(signal, () => EVERY, list.load, (error) => draw(body, trouble(error, list.reload)));
}

export function scheduleTable(items, { again, can, job }) {
  return table("Schedules", [
    ["Schedule", (s) => h("strong", null, s.name ?? "schedule")],
    job && ["Job", (s) => link("jobs", s.job_id, s.job?.name ?? s.job ?? s.job_name)],
    ["When", (s) => [code(s.cron), h("span", { class: "muted" }, ` ${s.time_zone}`)]],
    ["Next", (s) => (paused(s) ? h("span", { class: "pill wait" }, "Paused") : near(s.next_fire_at ?? s.next_at))],
    ["", (s) => h("span", { class: "row-actions" }, button("Preview", () => preview(s), { "aria-label": `Preview ${s.name}` }), can("schedules.operate") ? toggle(s, again) : null)],
  ].filter(Boolean), items, (s) => s.id);
}

const paused = (schedule) => schedule.state === "paused" || schedule.paused === true;

function toggle(schedule, again) {
  const verb = paused(schedule) ? "resume" : "pause";
  const word = verb === "resume" ? "Resume" : "Pause";
  const act = async (event) => {
    const pressed = event.currentTarget;
    pressed.disabled = true;
    try {
      await send("POST", `/schedules/${encodeURIComponent(schedule.id)}/${verb}`, {});
      again();
    } catch (error) {
      dialog({ title: `Could not ${verb}`, body: trouble(error) });
    }
    pressed.disabled = false;
  };
  return button(word, act, { "aria-label": `${word} ${schedule.name}` });
}

function preview(schedule) {
  const body = h("div", null, loading());
  dialog({ title: `Next runs of ${schedule.name}`, body });
  fires(body, { cron: schedule.cron, time_zone: schedule.time_zone, gap: schedule.gap, fold: schedule.fold });
}

/// Shows the next fires with the reason of each shift.
async function fires(host, rule) {
  try {
    const { items } = await send("POST", "/schedules/preview", { ...rule, count: SHOWN });
    draw(host, items.length ? table("Next runs", [
      [`In ${rule.time_zone}`, (f) => localText(f.local), "local"],
      ["Yours", (f) => when(f.at)],
      ["", (f) => (f.reason ? h("span", { class: "word wait" }, f.reason.replaceAll("_", " ")) : null)],
    ], items, (f) => f.at) : empty("It never fires", "No date matches this cron line."));
  } catch (error) {
    draw(host, trouble(error));
  }
}

const localText = (local) => String(local).replace("T", " ").replace(/(:\d\d)?(\.\d+)?([+-]\d\d:\d\d|Z)?(\[.*\])?$/, "");

export function newSchedule(job, again) {
  const name = field({ label: "Name", required: true, pointer: "/name", maxlength: 100, value: `${job.name} daily`.slice(0, 100) });
  const cron = field({ label: "Cron", required: true, pointer: "/cron", value: "0 6 * * *", class: "code", help: "Minute, hour, day of month, month, day of week; or @daily." });
  const zone = field({ label: "Time zone", required: true, pointer: "/time_zone", value: ZONE, list: "zones" });
  const zones = h("datalist", { id: "zones" }, (Intl.supportedValuesOf?.("timeZone") ?? []).map((z) => h("option", { value: z })));
  const parameters = schemaFields(job.definition.parameters, "/parameters");
  const shown = h("div");
  const look = button("Preview", () => fires(shown, { cron: cron.read() ?? "", time_zone: zone.read() ?? "" }));
  dialog({
    title: `Schedule ${job.name}`, submit: "Add the schedule", body: [name.node, cron.node, zone.node, zones, parameters.map(([, f]) => f.node), look, shown],
    fields: () => [name, cron, zone, ...parameters.map(([, f]) => f)],
    act: async () => {
      const body = { job_id: job.id, name: name.read(), cron: cron.read(), time_zone: zone.read() };
      if (parameters.length) body.parameters = values(parameters);
      await send("POST", "/schedules", body);
      again();
    },
  });
}
