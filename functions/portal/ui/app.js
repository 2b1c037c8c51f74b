// Starts the portal: who is signed in, the header, and which page an address is. It knows no page's inside.
import { h, draw, say } from "./dom.js";
import { get, send, forget } from "./api.js";
import { ICON, button, empty, heading, trouble } from "./parts.js";
import { dashboard } from "./dashboard.js";
import { jobs } from "./jobs.js";
import { job } from "./job.js";
import { runs } from "./runs.js";
import { run } from "./run.js";
import { connections } from "./connections.js";
import { schedules } from "./schedules.js";
import { users, audit } from "./people.js";
import { isolation } from "./isolation.js";
import { signin } from "./signin.js";

const ROUTES = [
  [/^\/$/, dashboard, "Dashboard"],
  [/^\/jobs$/, jobs, "Jobs"],
  [/^\/jobs\/([^/]+)$/, job, "Job"],
  [/^\/runs$/, runs, "Runs"],
  [/^\/runs\/([^/]+)$/, run, "Run"],
  [/^\/connections$/, connections, "Connections"],
  [/^\/schedules$/, schedules, "Schedules"],
  [/^\/users$/, users, "Users"],
  [/^\/audit$/, audit, "Audit"],
  [/^\/isolation$/, isolation, "Isolation"],
];
const NAV = [["/", "Dashboard"], ["/jobs", "Jobs"], ["/runs", "Runs"], ["/schedules", "Schedules"], ["/connections", "Connections"], ["/users", "Users", "users.read"], ["/audit", "Audit", "audit.read"], ["/isolation", "Isolation", "workspace.read"]];

const top = document.getElementById("top");
const main = document.getElementById("main");
let me = null;
let page = new AbortController();
let shown = null;

/// Only what to show goes by this; the server decides on every request.
const can = (permission) => Boolean(me?.permissions?.includes(permission));

function find(path) {
  const clean = path.length > 1 ? path.replace(/\/+$/, "") : path;
  for (const [pattern, view, title] of ROUTES) {
    const match = pattern.exec(clean);
    if (match) return { view, title, id: match[1] && decodeURIComponent(match[1]) };
  }
  return null;
}

const capital = (text = "") => text.charAt(0).toUpperCase() + text.slice(1);

/// Opens the page of the current address; the page before it stops asking and listening.
async function open(moved) {
  page.abort();
  page = new AbortController();
  const { signal } = page;
  shown = location.pathname + location.search;
  forget();
  for (const box of document.querySelectorAll("dialog")) box.remove();
  if (location.pathname === "/signin") return void signin(top, main);
  if (!me && !(await arrive(signal))) return;
  const found = find(location.pathname);
  header();
  main.replaceChildren();
  const title = found?.title ?? "Not found";
  const name = (text) => { document.title = `${text} · signalbox`; };
  name(title);
  const host = h("div", { class: "page" });
  main.append(host);
  if (found) found.view({ host, signal, id: found.id, query: new URLSearchParams(location.search), me, can, name, go });
  else draw(host, heading("Not found"), empty("There is no page here", "The address may be mistyped.", h("a", { href: "/" }, "To the dashboard")));
  if (moved) {
    scrollTo(0, 0);
    (host.querySelector("h1") ?? main).focus({ preventScroll: true });
    say(title);
  }
}

async function arrive(signal) {
  try {
    me = (await get("/me", { signal })).data;
    return true;
  } catch (error) {
    draw(main, h("div", { class: "page" }, heading("signalbox"), trouble(error, () => open(false))));
    return false;
  }
}

export function go(address) {
  history.pushState(null, "", address);
  open(true);
}

function header() {
  const here = location.pathname;
  const current = (path) => (path === "/" ? here === "/" : here === path || here.startsWith(`${path}/`));
  draw(top,
    h("div", { class: "bar" },
      h("a", { class: "brand", href: "/" }, h("img", { src: ICON, alt: "", width: "26", height: "26" }), "signalbox"),
      h("span", { id: "light", role: "status" }),
      account()),
    h("nav", { "aria-label": "Main" }, h("ul", null, NAV.filter(([, , needed]) => !needed || can(needed)).map(([path, text]) =>
      h("li", null, h("a", { href: path, "aria-current": current(path) ? "page" : null }, text))))),
    me.workspace?.state && me.workspace.state !== "active" ? h("p", { class: "banner" }, `This workspace is ${me.workspace.state.replaceAll("_", " ")}: nothing new starts in it.`) : null);
  bringIntoView();
}

/// On a narrow screen the list of pages scrolls: the current one is brought into view.
function bringIntoView() {
  const list = top.querySelector("nav ul");
  const item = list.querySelector("[aria-current]")?.parentElement;
  if (item) list.scrollLeft = item.offsetLeft - (list.clientWidth - item.offsetWidth) / 2;
}

function account() {
  const others = (me.workspaces ?? []).filter((w) => w.id !== me.workspace?.id);
  return h("details", { class: "menu" },
    h("summary", null, h("span", { class: "menu-workspace" }, me.workspace?.name ?? "Workspace"), h("span", { class: "menu-user" }, me.user?.name)),
    h("div", { class: "menu-body" },
      h("p", null, h("strong", null, me.user?.name), h("br"), h("span", { class: "muted" }, [capital(me.role_name ?? me.role), " of ", me.workspace?.name])),
      others.length ? h("p", { class: "above" }, "Switch workspace") : null,
      others.length ? h("ul", null, others.map((w) => h("li", null, button(w.name, () => change(w.id), { class: "plain-button" })))) : null,
      h("form", { method: "post", action: "/auth/logout" }, h("button", { class: "button", type: "submit" }, "Sign out"))));
}

async function change(id) {
  try {
    await send("PUT", "/me/workspace", { workspace_id: id });
    // A new document, so that nothing of the other workspace stays in memory.
    location.assign("/");
  } catch (error) {
    draw(main, trouble(error));
  }
}

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  const anchor = event.target.closest?.("a[href]");
  if (!anchor || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || anchor.target) return;
  const url = new URL(anchor.href);
  const samePage = url.pathname === location.pathname && url.search === location.search && url.hash;
  if (url.origin !== location.origin || samePage || !find(url.pathname)) return;
  event.preventDefault();
  go(url.pathname + url.search);
});
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.querySelector("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});
addEventListener("popstate", () => {
  // A jump to a task on the same page moves no page.
  if (shown !== location.pathname + location.search) open(true);
});

open(false);
