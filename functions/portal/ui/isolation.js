// What the last attempts to reach this workspace from others came to.
import { h, draw } from "./dom.js";
import { get } from "./api.js";
import { card, empty, facts, heading, loading, table, trouble } from "./parts.js";
import { when } from "./times.js";

export async function isolation({ host, signal }) {
  const body = h("div");
  host.append(heading("Isolation"), body);
  draw(body, loading());
  try {
    const { data } = await get("/workspace/isolation", { signal });
    draw(body, view(data));
  } catch (error) {
    if (signal.aborted) return;
    draw(body, error.status === 404 ? empty("Not looked at yet", "Two workspaces that nobody uses try to reach the others, a few at a time. This one has yet to have its turn.") : trouble(error));
  }
}

function view(evidence) {
  const held = evidence.violations === 0;
  return [
    card("Attempts to reach this workspace", facts([
      ["Outcome", h("span", { class: `pill ${held ? "ok" : "bad"}` }, held ? "All refused" : `${evidence.violations} succeeded`)],
      ["Attempts", evidence.attempts],
      ["Made", when(evidence.checked_at, "full")],
    ]), { key: "outcome", wide: true }),
    card("What was tried", table("What was tried", [
      ["Attempt", (c) => h("strong", null, c.name)],
      ["How often", (c) => c.attempts],
      ["Reached something", (c) => h("span", { class: `pill ${c.crossed === 0 ? "ok" : "bad"}` }, c.crossed === 0 ? "never" : String(c.crossed))],
    ], evidence.checks.map((check, at) => ({ ...check, at })), (c) => c.at), { key: "tried", wide: true }),
  ];
}
