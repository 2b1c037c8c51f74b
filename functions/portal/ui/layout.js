// Lays a task graph out in layers: longest path for the layer, barycentres for the order, neighbours' mean for
// the place. Pure: names and edges in, numbers out. Used by graph.js.

const SWEEPS = 6;
// Past this many unseen cells a graph is a thicket however it is drawn: its edges then run straight.
const MOST_UNSEEN = 1_500;

/// `tasks`: [{name, depends_on}]. Gives {nodes: Map(name → {along, across}), edges: [{from, to, points}],
/// layers, breadth}: `along` is the layer, `across` a place within it in units of one node.
export function layout(tasks) {
  const names = new Set(tasks.map((t) => t.name));
  const edges = tasks.flatMap((t) => (t.depends_on ?? []).filter((d) => names.has(d) && d !== t.name).map((d) => [d, t.name]));
  const layer = layersOf(tasks, edges);
  const cells = new Map(tasks.map((t) => [t.name, { id: t.name, layer: layer.get(t.name), room: 1, up: [], down: [] }]));
  const unseen = edges.reduce((sum, [from, to]) => sum + Math.max(0, layer.get(to) - layer.get(from) - 1), 0);
  const chains = edges.map(([from, to], at) => ({ from, to, cells: chain(cells, cells.get(from), cells.get(to), at, unseen <= MOST_UNSEEN) }));
  const rows = [];
  for (const cell of cells.values()) (rows[cell.layer] ??= []).push(cell);
  for (const row of rows) number(row);
  for (let turn = 0; turn < SWEEPS; turn += 1) {
    for (const row of rows.slice(1)) order(row, "up");
    for (const row of rows.slice(0, -1).reverse()) order(row, "down");
  }
  for (const row of rows.slice(1)) order(row, "up");
  place(rows);
  const point = (cell) => ({ along: cell.layer, across: cell.at });
  return {
    nodes: new Map(tasks.map((t) => [t.name, point(cells.get(t.name))])),
    edges: chains.map(({ from, to, cells: path }) => ({ from, to, points: path.map(point) })),
    layers: rows.length,
    breadth: rows.flat().reduce((most, c) => Math.max(most, c.at), 0) + 1,
  };
}

/// The longest path from a start. A cycle cannot be saved; were one here, its members would stay in layer 0.
function layersOf(tasks, edges) {
  const layer = new Map(tasks.map((t) => [t.name, 0]));
  const waits = new Map(tasks.map((t) => [t.name, 0]));
  const after = new Map(tasks.map((t) => [t.name, []]));
  for (const [from, to] of edges) {
    waits.set(to, waits.get(to) + 1);
    after.get(from).push(to);
  }
  const ready = tasks.map((t) => t.name).filter((name) => waits.get(name) === 0);
  for (const name of ready) {
    for (const next of after.get(name)) {
      layer.set(next, Math.max(layer.get(next), layer.get(name) + 1));
      waits.set(next, waits.get(next) - 1);
      if (waits.get(next) === 0) ready.push(next);
    }
  }
  return layer;
}

/// An edge over several layers goes through an unseen cell in each, so that it is routed round the nodes.
function chain(cells, from, to, at, routed) {
  const path = [from];
  for (let layer = from.layer + 1; routed && layer < to.layer; layer += 1) {
    const cell = { id: `\u0000${at}:${layer}`, layer, room: 0.5, up: [], down: [] };
    cells.set(cell.id, cell);
    path.push(cell);
  }
  path.push(to);
  for (let i = 1; i < path.length; i += 1) {
    path[i - 1].down.push(path[i]);
    path[i].up.push(path[i - 1]);
  }
  return path;
}

function number(row) {
  row.forEach((cell, at) => { cell.at = at; });
}

const mean = (cells) => cells.reduce((sum, c) => sum + c.at, 0) / cells.length;

function order(row, side) {
  const want = new Map(row.map((cell) => [cell, cell[side].length ? mean(cell[side]) : cell.at]));
  row.sort((a, b) => want.get(a) - want.get(b));
  number(row);
}

/// Moves each row towards its neighbours, keeping room between two cells.
function place(rows) {
  for (let turn = 0; turn < SWEEPS; turn += 1) {
    for (const row of turn % 2 ? [...rows].reverse() : rows) {
      const want = row.map((cell) => {
        const near = [...cell.up, ...cell.down];
        return near.length ? mean(near) : cell.at;
      });
      settle(row, want);
    }
  }
  const least = rows.flat().reduce((low, c) => Math.min(low, c.at), Infinity);
  // Whole steps: two nodes that are nearly level become level, and none come closer than one place.
  for (const cell of rows.flat()) {
    const steps = cell.room === 1 ? 2 : 4;
    cell.at = Math.round((cell.at - least) * steps) / steps;
  }
}

function settle(row, want) {
  const at = [];
  want.forEach((w, i) => { at[i] = i ? Math.max(w, at[i - 1] + (row[i - 1].room + row[i].room) / 2) : w; });
  // Pushing apart only moves one way; half of the whole shift is given back.
  const shift = at.reduce((sum, a, i) => sum + a - want[i], 0) / at.length;
  row.forEach((cell, i) => { cell.at = at[i] - shift; });
}
