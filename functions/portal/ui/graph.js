// Draws a task graph: links placed over an SVG of edges, so that nodes are real, focusable text. Used by a
// job's and a run's page; drawn again on each refresh, with elements kept (dom.js).
import { h, s } from "./dom.js";
import { layout } from "./layout.js";
import { ahead, icon, tone, stateWord, reasonWord, TERMINAL } from "./states.js";
import { took } from "./times.js";

const WIDE = { w: 184, h: 52, along: 56, across: 16, flat: true };
const TALL = { w: 148, h: 52, along: 34, across: 12, flat: false };
const NARROW = 620;
const PAD = 12;

export const anchor = (name) => `task-${encodeURIComponent(name)}`;

let last = { shape: null, plan: null };

/// `tasks`: [{name, depends_on, connection, state?, reason?, started_at?, finished_at?}].
export function graph(tasks, label) {
  const shape = JSON.stringify(tasks.map((t) => [t.name, t.depends_on]));
  if (last.shape !== shape) last = { shape, plan: layout(tasks) };
  const plan = last.plan;
  const size = innerWidth < NARROW ? TALL : WIDE;
  const step = size.flat ? [size.w + size.along, size.h + size.across] : [size.h + size.along, size.w + size.across];
  const corner = ({ along, across }) => {
    const [x, y] = size.flat ? [along * step[0], across * step[1]] : [across * step[1], along * step[0]];
    return { x: x + PAD, y: y + PAD };
  };
  const [cols, rows] = size.flat ? [plan.layers, plan.breadth] : [plan.breadth, plan.layers];
  const width = Math.ceil(2 * PAD + (cols - 1) * (size.flat ? step[0] : step[1]) + size.w);
  const height = Math.ceil(2 * PAD + (rows - 1) * (size.flat ? step[1] : step[0]) + size.h);
  const byName = new Map(tasks.map((t) => [t.name, t]));
  const lines = plan.edges.map((edge) => s("path", { "data-key": `${edge.from}\u0000${edge.to}`, class: edgeClass(byName.get(edge.from), byName.get(edge.to)), d: curve(edge.points.map(corner), size), "marker-end": "url(#tip)" }));
  const area = h("div", { class: "graph-area", style: { width: `${width}px`, height: `${height}px` } },
    s("svg", { width, height, "aria-hidden": "true" },
      s("defs", null, s("marker", { id: "tip", viewBox: "0 0 8 8", refX: "7", refY: "4", markerWidth: "7", markerHeight: "7", orient: "auto" }, s("path", { class: "tip", d: "M0 .8L7 4 0 7.2z" }))),
      lines),
    h("ul", { "aria-label": label }, tasks.map((task) => node(task, corner(plan.nodes.get(task.name)), size))));
  return h("div", { class: "graph", tabindex: "0", role: "group", "aria-label": label, "data-key": "graph" }, area);
}

function node(task, { x, y }, size) {
  const state = task.state;
  const after = task.depends_on?.length ? `after ${task.depends_on.join(", ")}` : "first";
  const second = !state ? task.connection : state === "active" ? took(task.started_at, null)
    : TERMINAL.has(state) && task.started_at ? took(task.started_at, task.finished_at) : reasonWord(task.reason) || stateWord(state);
  return h("li", { "data-key": task.name, style: { left: `${x}px`, top: `${y}px`, width: `${size.w}px`, height: `${size.h}px` } },
    h("a", { class: `node ${!state ? "plain" : ahead(state, task.reason) ? "ahead" : tone(state)}`, href: `#${anchor(task.name)}`, title: [task.name, state ? stateWord(state) : task.connection, after].join(" · "), "data-state": state },
      state ? icon(state) : null,
      h("span", { class: "node-text" }, h("span", { class: "node-name" }, task.name), h("span", { class: "node-more" }, second)),
      h("span", { class: "quiet" }, state ? `, ${stateWord(state)}, ${after}` : `, ${after}`)));
}

function edgeClass(from, to) {
  if (to?.state === "active") return "edge moving";
  return from?.state === "succeeded" ? "edge done" : "edge";
}

/// A smooth line from node to node; through an unseen cell it runs straight along the layer.
function curve(points, { w, h: high, flat }) {
  const out = (p) => (flat ? [p.x + w, p.y + high / 2] : [p.x + w / 2, p.y + high]);
  const into = (p) => (flat ? [p.x, p.y + high / 2] : [p.x + w / 2, p.y]);
  const start = out(points[0]);
  let at = start;
  let d = `M${start.map(round).join(" ")}`;
  points.slice(1).forEach((p, i) => {
    const end = into(p);
    const half = flat ? (end[0] - at[0]) / 2 : (end[1] - at[1]) / 2;
    const [c1, c2] = flat ? [[at[0] + half, at[1]], [end[0] - half, end[1]]] : [[at[0], at[1] + half], [end[0], end[1] - half]];
    d += `C${[...c1, ...c2, ...end].map(round).join(" ")}`;
    at = end;
    if (i < points.length - 2) {
      at = out(p);
      d += `L${at.map(round).join(" ")}`;
    }
  });
  return d;
}

const round = (n) => Math.round(n * 10) / 10;
