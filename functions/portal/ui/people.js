// Who is in the workspace, and what was done in it. Both are read only here.
import { h, draw } from "./dom.js";
import { code, empty, heading, loading, pages, table, trouble } from "./parts.js";
import { words } from "./states.js";
import { when } from "./times.js";

function listing({ host, signal }, title, path, view) {
  const body = h("div");
  host.append(heading(title), body);
  draw(body, loading());
  pages(body, path, view, { signal, draw }).reload();
}

const capital = (text) => (text ? text[0].toUpperCase() + words(text.slice(1)) : "–");

export function users(page) {
  listing(page, "Users", "/users?limit=50", (items) => (items.length ? h("div", { class: "card" }, table("Users", [
    ["Name", (u) => [h("strong", null, u.name ?? u.display_name ?? "–"), u.id === page.me.user?.id ? h("span", { class: "muted" }, " (you)") : null]],
    ["Address", (u) => u.email ?? "–"],
    ["Role", (u) => h("span", { class: "pill off" }, capital(u.role_name ?? u.role))],
    ["State", (u) => (u.state ? capital(u.state) : "–")],
    ["Last seen", (u) => when(u.last_seen_at ?? u.last_sign_in_at)],
  ], items, (u) => u.id)) : empty("No one yet", "People of your organisation appear when they are given a role.")));
}

export function audit(page) {
  listing(page, "Audit", "/audit?limit=100", (items) => (items.length ? h("div", { class: "card" }, table("Audit", [
    ["When", (a) => when(a.at ?? a.created_at, "full")],
    ["Who", (a) => a.actor?.name ?? a.actor?.kind ?? a.actor ?? "–"],
    ["Did", (a) => h("strong", null, String(a.action ?? "–"))],
    ["To", (a) => target(a)],
    items.some((a) => a.outcome) && ["Outcome", (a) => (a.outcome ? h("span", { class: `pill ${a.outcome === "ok" || a.outcome === "allowed" || a.outcome === "succeeded" ? "ok" : "bad"}` }, words(a.outcome)) : "–")],
    ["Request", (a) => (a.request_id ? code(a.request_id) : "–"), "id"],
  ].filter(Boolean), items, (a) => a.id)) : empty("Nothing to audit yet", "Every action in this workspace is written here, with who did it.")));
}

const target = (a) => (typeof a.target === "string" ? a.target : a.target ? [a.target.kind, a.target.name ?? a.target.id].filter(Boolean).join(" ") : [a.target_kind, a.target_name ?? a.target_id].filter(Boolean).join(" ")) || "–";
