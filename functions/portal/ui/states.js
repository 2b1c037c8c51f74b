// The words, icons and tones of states. State is never told by colour alone: each has an icon and a word.
import { h, s } from "./dom.js";

const CHECK = "M3.5 8.5l3 3 6-7";
const CROSS = "M4.5 4.5l7 7m0-7l-7 7";
const CLOCK = "M8 4.5V8l2.5 1.5M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8z";
const PLAY = "M5.5 3.8l6.5 4.2-6.5 4.2z";
const STOP = "M4.5 4.5h7v7h-7z";
const SKIP = "M3.5 4l4.5 4-4.5 4zm5 0L13 8l-4.5 4z";
const ASK = "M5.8 6a2.3 2.3 0 1 1 3.3 2.2C8.3 8.6 8 9 8 9.8M8 12.4v.1";
const UP = "M8 13V3.5M4 7.2l4-4 4 4";

const STATES = {
  pending: ["Waiting", "wait", CLOCK],
  waiting: ["Waiting", "wait", CLOCK],
  active: ["Running", "run", PLAY],
  succeeded: ["Succeeded", "ok", CHECK],
  failed: ["Failed", "bad", CROSS],
  timed_out: ["Timed out", "bad", CLOCK],
  cancelled: ["Cancelled", "off", STOP],
  skipped: ["Skipped", "off", SKIP],
  upstream_failed: ["Upstream failed", "bad", UP],
  expired: ["Expired", "off", CLOCK],
  lost: ["Lost", "odd", ASK],
};

const REASONS = {
  scheduled: "for its time",
  waiting_dependency: "for tasks before it",
  waiting_calendar: "for a calendar day",
  waiting_slot: "for a free slot",
  held: "held by an operator",
  rate_limited: "for the platform's rate limit",
  tenant_suspended: "workspace suspended",
  up_for_retry: "for the next attempt",
  dispatching: "starting",
  start_unknown: "start not confirmed",
  running: "",
  cancelling: "cancelling",
  marked: "set by an operator",
};

export const TERMINAL = new Set(["succeeded", "failed", "timed_out", "cancelled", "skipped", "upstream_failed", "expired", "lost"]);
export const STATE_NAMES = ["pending", "active", "succeeded", "failed", "timed_out", "cancelled", "skipped", "expired", "lost"];

export const words = (name) => (name ?? "").replaceAll("_", " ");
/// Waiting only because its turn has not come: nothing to look at yet.
export const ahead = (state, reason) => state === "pending" && (reason === "waiting_dependency" || reason === "scheduled");
export const stateWord = (state) => STATES[state]?.[0] ?? words(state);
export const tone = (state) => STATES[state]?.[1] ?? "off";
export const reasonWord = (reason) => (reason ? REASONS[reason] ?? words(reason) : "");

export function icon(state) {
  const path = STATES[state]?.[2] ?? ASK;
  const solid = path === PLAY || path === STOP || path === SKIP;
  return s("svg", { class: solid ? "icon solid" : "icon", viewBox: "0 0 16 16", "aria-hidden": "true" }, s("path", { d: path }));
}

/// The state with its icon and, when it says more, its reason.
export function pill(state, reason) {
  const more = reasonWord(reason);
  return h("span", { class: "state" },
    h("span", { class: `pill ${ahead(state, reason) ? "off" : tone(state)}`, "data-state": state }, icon(state), stateWord(state)),
    more ? h("span", { class: "why" }, more) : null);
}
