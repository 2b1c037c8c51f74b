// Forms in dialogs: fields (also from a JSON Schema), reading them, and showing a problem beside the field its
// pointer names. Used by everything that creates or starts; the server alone decides what is valid.
import { h, draw } from "./dom.js";
import { button, trouble } from "./parts.js";

let count = 0;

/// One labelled control. `pointer` is where the server would say it is wrong.
export function field({ label, pointer, help, required, type = "text", value, options, rows, read, ...rest }) {
  const id = `field-${(count += 1)}`;
  const common = { id, required, "aria-describedby": `${id}-help`, ...rest };
  const control = options ? h("select", common, options.map(([v, text]) => h("option", { value: v, selected: v === value }, text)))
    : type === "area" ? h("textarea", { ...common, rows: rows ?? 4, spellcheck: "false" }, value ?? "")
    : h("input", { ...common, type, value: type === "checkbox" ? null : value, checked: type === "checkbox" && value === true, autocomplete: "off" });
  const wrong = h("p", { class: "wrong", hidden: true });
  const node = h("div", { class: type === "checkbox" ? "field check" : "field" },
    h("label", { for: id }, label, required ? null : h("span", { class: "muted" }, type === "checkbox" ? "" : " (optional)")), control,
    h("div", { id: `${id}-help` }, help ? h("p", { class: "help" }, help) : null, wrong));
  const plain = () => (type === "checkbox" ? control.checked : control.value === "" ? undefined : control.value);
  return {
    node, control, pointer,
    read: () => (read ? read(plain()) : plain()),
    complain(message) {
      wrong.hidden = !message;
      wrong.textContent = message ?? "";
      control.setAttribute("aria-invalid", String(Boolean(message)));
    },
  };
}

const JSON_HELP = "JSON";

/// Fields for the properties of an object schema: [name, field] pairs.
export function schemaFields(schema, base, values = {}) {
  const required = new Set(schema?.required ?? []);
  return Object.entries(schema?.properties ?? {}).map(([name, rule]) => [name, schemaField(name, rule, {
    required: required.has(name), pointer: `${base}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`, value: values[name] ?? rule.default,
  })]);
}

function schemaField(name, rule, { required, pointer, value }) {
  const common = { label: rule.title ?? name, help: rule.description, pointer, required: required && value === undefined };
  const kind = Array.isArray(rule.type) ? rule.type.find((t) => t !== "null") : rule.type;
  if (rule.enum) {
    const texts = rule.enum.map((v) => [JSON.stringify(v), String(v)]);
    return field({ ...common, options: required ? texts : [["", "–"], ...texts], value: JSON.stringify(value), read: (v) => (v === undefined ? v : JSON.parse(v)) });
  }
  if (kind === "boolean") return field({ ...common, required: false, type: "checkbox", value });
  if (kind === "integer" || kind === "number") {
    return field({ ...common, type: "number", step: kind === "integer" ? "1" : "any", min: rule.minimum, max: rule.maximum, value, read: (v) => (v === undefined ? v : Number(v)) });
  }
  if (kind === "string") {
    const type = rule.writeOnly || rule.format === "password" ? "password" : rule.format === "date" ? "date" : rule.format === "uri" ? "url" : "text";
    return field({ ...common, type, maxlength: rule.maxLength, value });
  }
  return field({ ...common, type: "area", help: rule.description ?? JSON_HELP, value: value === undefined ? "" : JSON.stringify(value, null, 2), read: parse(common.label) });
}

export const parse = (label) => (text) => {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw Object.assign(new Error(`${label} is not valid JSON: ${error.message}`), { title: "Not sent" });
  }
};

/// The values of [name, field] pairs, those left empty left out.
export const values = (fields) => Object.fromEntries(fields.map(([name, f]) => [name, f.read()]).filter(([, v]) => v !== undefined));

/// Opens a dialog. `body` is nodes; `fields()` gives the fields a problem may point at; `act()` does it and the
/// dialog closes when it worked.
export function dialog({ title, intro, body, fields = () => [], submit, act, danger, wide }) {
  const problem = h("div");
  const id = `dialog-${(count += 1)}`;
  const go = submit ? h("button", { class: danger ? "button danger" : "button primary", type: "submit" }, submit) : null;
  const close = () => box.close();
  const form = h("form", { method: "dialog" },
    h("h2", { id }, title), intro ? h("p", { class: "muted" }, intro) : null, body, problem,
    h("div", { class: "actions" }, button(submit ? "Not now" : "Close", close), go));
  const box = h("dialog", { "aria-labelledby": id, class: wide ? "wide" : null }, form);
  form.onsubmit = async (event) => {
    event.preventDefault();
    if (!submit || go.disabled) return;
    go.disabled = true;
    draw(problem);
    for (const f of fields()) f.complain(null);
    try {
      await act();
      close();
    } catch (error) {
      const left = place(error, fields());
      draw(problem, trouble(left));
    }
    go.disabled = false;
  };
  box.addEventListener("close", () => box.remove());
  document.body.append(box);
  box.showModal();
  return { box, close };
}

/// Puts each pointed-at message beside its field; what has no field stays in the general message.
function place(error, fields) {
  let first = null;
  const errors = (error.errors ?? []).filter(({ pointer, message }) => {
    const found = fields.find((f) => f.pointer && (pointer === f.pointer || pointer?.startsWith(`${f.pointer}/`)));
    found?.complain(message);
    first ??= found;
    return !found;
  });
  first?.control.focus();
  return Object.assign(Object.create(error), { title: error.title, message: error.message, requestId: error.requestId, errors });
}

/// Asks before something that cannot be undone.
export const ask = (title, intro, submit, act) => dialog({ title, intro, submit, act, danger: true });
