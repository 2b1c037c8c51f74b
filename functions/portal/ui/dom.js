// Builds and updates elements. Every text is a text node: nothing in these pages parses HTML from data.
// Used by every page; it never fetches and never keeps state.

const SVG = "http://www.w3.org/2000/svg";

export const h = (name, props, ...children) => fill(document.createElement(name), props, children);
export const s = (name, props, ...children) => fill(document.createElementNS(SVG, name), props, children);

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value == null || value === false) continue;
    if (name === "style") {
      // Through the object model: the content security policy refuses style attributes.
      for (const [key, text] of Object.entries(value)) element.style.setProperty(key, text);
    } else if (typeof value === "function") element[name.toLowerCase()] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children) {
    if (child == null || child === false) continue;
    if (Array.isArray(child)) append(element, child);
    else element.append(child instanceof Node ? child : String(child));
  }
}

/// Makes `host` show `tree` (a node or a list), keeping every element that is still wanted, so that focus,
/// scroll position and running transitions survive a refresh.
export function draw(host, ...tree) {
  const next = h("div");
  append(next, tree);
  const focused = document.activeElement;
  children(host, next);
  // What had the focus is gone (a button that no longer applies): the heading is the nearest place to go on from.
  if (focused && !focused.isConnected) document.querySelector("h1")?.focus({ preventScroll: true });
}

const keyOf = (node) => (node.nodeType === 1 ? node.getAttribute("data-key") : null);
const alike = (a, b) => a.nodeName === b.nodeName && keyOf(a) === keyOf(b);

function children(from, to) {
  const keyed = new Map();
  for (const node of from.childNodes) if (keyOf(node)) keyed.set(keyOf(node), node);
  let at = from.firstChild;
  for (const want of [...to.childNodes]) {
    const key = keyOf(want);
    const have = key ? keyed.get(key) : at;
    if (have && alike(have, want)) {
      if (have === at) at = at.nextSibling;
      else from.insertBefore(have, at);
      update(have, want);
    } else {
      from.insertBefore(want, at);
    }
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

const HANDLERS = ["onclick", "onsubmit", "onchange", "oninput"];

function update(from, to) {
  if (from.nodeType !== 1) {
    if (from.data !== to.data) from.data = to.data;
    return;
  }
  for (const { name, value } of [...to.attributes]) {
    if (name !== "style" && from.getAttribute(name) !== value) from.setAttribute(name, value);
  }
  for (const { name } of [...from.attributes]) {
    // A person opened that <details>; a refresh does not close it.
    if (name !== "style" && name !== "open" && !to.hasAttribute(name)) from.removeAttribute(name);
  }
  if (from.style.cssText !== to.style.cssText) from.style.cssText = to.style.cssText;
  for (const name of HANDLERS) from[name] = to[name];
  children(from, to);
}

/// Tells a screen reader, without moving focus.
export function say(text) {
  document.getElementById("said").textContent = text;
}
