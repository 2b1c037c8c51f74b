// Times in the viewer's zone with UTC in the title, durations, and the one timer that keeps them moving.
import { h } from "./dom.js";
import { now } from "./api.js";

const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const FULL = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" });
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const NEAR = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "short" });

export const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

const utc = (date) => date.toISOString().replace("T", " ").replace(/\.\d+Z$/, " UTC");

/// `when(at)`, `when(at, "clock")`, `when(at, "full")`; a dash when there is no time.
export function when(at, shape = "day") {
  if (!at) return h("span", { class: "muted" }, "–");
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return h("span", null, String(at));
  const format = { day: DAY, clock: CLOCK, full: FULL }[shape];
  return h("time", { datetime: at, title: utc(date) }, format.format(date));
}

/// "3 min ago", "in 2 hr"; kept up to date.
export function near(at) {
  if (!at) return when(at);
  return h("time", { datetime: at, title: utc(new Date(at)), "data-near": at }, nearText(at));
}

function nearText(at) {
  const s = (Date.parse(at) - now()) / 1000;
  const size = Math.abs(s);
  if (size < 60) return NEAR.format(Math.round(s), "second");
  if (size < 3600) return NEAR.format(Math.round(s / 60), "minute");
  if (size < 86400) return NEAR.format(Math.round(s / 3600), "hour");
  return NEAR.format(Math.round(s / 86400), "day");
}

/// How long something took, or has taken so far (kept up to date) when it has no end yet.
export function took(start, end) {
  if (!start) return h("span", { class: "muted" }, "–");
  const from = Date.parse(start);
  if (end) return h("span", { class: "took" }, spanText(Date.parse(end) - from));
  return h("span", { class: "took", "data-since": start }, spanText(now() - from, true));
}

export function spanText(ms, whole = false) {
  const s = Math.max(0, ms / 1000);
  if (s < 10 && !whole) return `${s.toFixed(1)} s`;
  if (s < 60) return `${Math.floor(s)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${String(Math.floor(s % 60)).padStart(2, "0")} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

setInterval(() => {
  if (document.hidden) return;
  for (const e of document.querySelectorAll("[data-since]")) e.textContent = spanText(now() - Date.parse(e.dataset.since), true);
  for (const e of document.querySelectorAll("[data-near]")) e.textContent = nearText(e.dataset.near);
}, 1000);
