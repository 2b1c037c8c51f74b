// Connections: the list, a test of one through the dispatcher, and a new one.
import { h, draw, say } from "./dom.js";
import { get, send } from "./api.js";
import { dialog, field, schemaFields, values } from "./form.js";
import { live } from "./live.js";
import { button, code, empty, heading, loading, pages, table, trouble } from "./parts.js";
import { pill, words } from "./states.js";

const EVERY = 10_000;
const ASK_MS = 700;
const PATIENCE_MS = 60_000;

export function connections({ host, signal, can }) {
  const body = h("div");
  const create = can("connections.write") ? () => newConnection(() => list.reload()) : null;
  host.append(heading("Connections", { actions: create ? button("New connection", create, { class: "button primary" }) : null }), body);
  draw(body, loading());
  const list = pages(body, "/connections?limit=50", (items) => view(items, create, signal), { signal, draw });
  live(signal, () => EVERY, list.load, (error) => draw(body, trouble(error, list.reload)));
}

function view(items, create, signal) {
  if (!items.length) {
    return empty("No connections yet", create ? "A connection is one of your platforms: a database, an Airflow, an HTTP service. Jobs start their tasks there." : "An administrator of this workspace can add the first platform.",
      create ? button("Add the first connection", create, { class: "button primary" }) : null);
  }
  return h("div", { class: "card", "data-key": "connections" }, table("Connections", [
    ["Connection", (c) => h("strong", null, c.name)],
    ["Kind", (c) => words(c.kind)],
    ["Where", (c) => code(place(c.settings ?? {}))],
    ["Limit", (c) => c.concurrency_profile?.capacity ?? c.capacity ?? c.limit ?? "–"],
    ["State", (c) => h("span", { class: `pill ${c.state === "active" ? "ok" : "wait"}` }, words(c.state ?? "active"))],
    ["", (c) => (create ? h("span", { class: "row-actions" }, button("Test", () => test(c, signal), { "aria-label": `Test ${c.name}` })) : null)],
  ], items, (c) => c.id));
}

const place = (s) => s.url ?? s.base_url ?? s.endpoint ?? (s.host ? `${s.host}${s.port ? `:${s.port}` : ""}${s.database ?? s.dbname ? `/${s.database ?? s.dbname}` : ""}` : "–");

/// Asks the dispatcher to try the connection, and waits for its word.
async function test(connection, signal) {
  const body = h("div", { role: "status" });
  const { box } = dialog({ title: `Test of ${connection.name}`, body });
  draw(body, h("p", { class: "loading" }, "Trying it from the dispatcher, with the credential it will use…"));
  const path = `/connections/${encodeURIComponent(connection.id)}/test`;
  const until = Date.now() + PATIENCE_MS;
  try {
    let result = await send("POST", path, {});
    while (result.state === "pending" && box.open && !signal.aborted && Date.now() < until) {
      await new Promise((done) => setTimeout(done, ASK_MS));
      result = (await get(path, { signal })).data;
    }
    draw(body, h("p", null, pill(result.state)), result.message ? h("p", null, result.message) : null,
      result.state === "pending" ? h("p", { class: "muted" }, "No answer within a minute. The dispatcher will still finish it.") : null);
    say(`${connection.name}: ${result.state}`);
  } catch (error) {
    if (!signal.aborted) draw(body, trouble(error));
  }
}

const everything = async (path) => (await get(`${path}?limit=200`)).data.items;

async function newConnection(again) {
  let kinds, vaults, profiles;
  try {
    [kinds, vaults, profiles] = await Promise.all([get("/connection-kinds").then((a) => a.data.items ?? a.data), everything("/vaults"), everything("/concurrency-profiles")]);
  } catch (error) {
    dialog({ title: "New connection", body: trouble(error) });
    return;
  }
  const name = field({ label: "Name", required: true, pointer: "/name", maxlength: 100, help: "Jobs name their connection by it." });
  const kind = field({ label: "Kind", required: true, pointer: "/kind", options: kinds.map((k) => [k.kind, k.title ?? words(k.kind)]), value: kinds[0]?.kind });
  const profile = field({ label: "Concurrency profile", pointer: "/concurrency_profile_id", options: [["", "the default"], ...profiles.map((p) => [p.id, `${p.name} (${p.capacity ?? p.limit} at once)`])], value: "" });
  const secret = credential(vaults);
  let settings = [];
  const host = h("div");
  const about = h("p", { class: "help" });
  const show = () => {
    const found = kinds.find((k) => k.kind === kind.read());
    about.textContent = [found?.description, found?.credential && `Its credential is ${found.credential}.`].filter(Boolean).join(" ");
    settings = schemaFields(found?.settings_schema ?? found?.settings, "/settings");
    host.replaceChildren(...settings.map(([, f]) => f.node));
  };
  kind.control.onchange = show;
  show();
  dialog({
    title: "New connection", submit: "Create the connection", body: [name.node, kind.node, about, host, secret.node, profile.node],
    fields: () => [name, kind, profile, ...secret.fields, ...settings.map(([, f]) => f)],
    act: async () => {
      await secret.store();
      await send("POST", "/connections", { name: name.read(), kind: kind.read(), settings: values(settings), ...values([["concurrency_profile_id", profile]]), ...secret.body() });
      again();
    },
  });
}

/// Which credential the connection uses; a value typed here goes into the managed vault and cannot be read back.
function credential(vaults) {
  const vault = field({ label: "Vault", pointer: "/credential/vault", options: [["", "none"], ...vaults.map((v) => [v.name, v.name])], value: vaults[0]?.name ?? "" });
  const name = field({ label: "Credential name", pointer: "/credential/name", maxlength: 100 });
  const value = field({ label: "New secret value", pointer: "/value", type: "password", help: "Only for the managed vault. Leave empty to use a credential that is already there. It can never be read back." });
  const used = () => vault.read() && name.read();
  return {
    node: h("fieldset", null, h("legend", null, "Credential"), vault.node, name.node, value.node),
    fields: [vault, name, value],
    body: () => (used() ? { credential: { vault: vault.read(), name: name.read() } } : {}),
    async store() {
      if (!value.read() || !used()) return;
      const { id } = vaults.find((v) => v.name === vault.read());
      await send("PUT", `/vaults/${encodeURIComponent(id)}/credentials/${encodeURIComponent(name.read())}`, { value: value.read() });
    },
  };
}
