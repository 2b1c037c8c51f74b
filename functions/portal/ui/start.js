// The dialog that starts a run: a field for each parameter of the job's schema, and when.
import { h } from "./dom.js";
import { send } from "./api.js";
import { dialog, field, schemaFields, values } from "./form.js";
import { to } from "./parts.js";
import { ZONE } from "./times.js";

/// A moment typed in the viewer's zone, as the API takes it.
const instant = (text) => (text === undefined ? undefined : new Date(text).toISOString());

export function startRun(job, go) {
  const parameters = schemaFields(job.definition.parameters, "/parameters");
  const logical = field({ label: "Logical date", type: "datetime-local", pointer: "/logical_date", help: `The moment the run is for, in ${ZONE}. Empty: now.`, read: instant });
  const after = field({ label: "Not before", type: "datetime-local", pointer: "/run_after", help: `In ${ZONE}. Empty: at once.`, read: instant });
  dialog({
    title: `Start ${job.name}`, intro: `Version ${job.version}.`, submit: "Start the run",
    body: [parameters.map(([, f]) => f.node), h("details", { class: "more-fields" }, h("summary", null, "When"), logical.node, after.node)],
    fields: () => [...parameters.map(([, f]) => f), logical, after],
    act: async () => {
      const body = { parameters: values(parameters), ...values([["logical_date", logical], ["run_after", after]]) };
      const run = await send("POST", `/jobs/${encodeURIComponent(job.id)}/runs`, body);
      go(to("runs", run.id));
    },
  });
}
