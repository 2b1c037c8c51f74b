// The only place that calls the JSON API. Used by every page; it never draws.
// The session is the cookie; a tenant is never named.

const cached = new Map();
let skew = 0;

/// The server's answer to a request that did not work (RFC 9457), or a network that did not answer (status 0).
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || body.title || `The server answered ${status}`);
    this.status = status;
    this.title = body.title;
    this.code = body.code;
    this.requestId = body.request_id;
    this.errors = body.errors ?? [];
    this.retryAfter = body.retry_after;
  }
}

/// Now by the server's clock, in milliseconds: a viewer's wrong clock must not show wrong durations.
export const now = () => Date.now() + skew;

/// Reads; sends the ETag of the last answer, and gives the kept body when nothing changed.
export async function get(path, { signal } = {}) {
  const kept = cached.get(path);
  const answer = await call("GET", path, { signal, headers: kept ? { "if-none-match": kept.etag } : {} });
  if (answer.status === 304) return { ...kept, changed: false };
  const data = await read(answer);
  const etag = answer.headers.get("etag");
  if (etag) cached.set(path, { etag, data });
  return { data, changed: true, etag };
}

/// Forgets the kept answers; called when another page opens.
export const forget = () => cached.clear();

const keys = new Map();

/// Acts. The same body sent again before an answer was seen carries the same Idempotency-Key, so that a
/// second press after a broken connection never starts a second run.
export async function send(method, path, body, { match } = {}) {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const headers = {};
  if (text !== undefined) headers["content-type"] = "application/json";
  if (match) headers["if-match"] = match;
  const same = `${method} ${path} ${text}`;
  if (method === "POST") {
    if (!keys.has(same)) keys.set(same, crypto.randomUUID());
    headers["idempotency-key"] = keys.get(same);
  }
  const answer = await call(method, path, { headers, body: text });
  keys.delete(same);
  return answer.status === 204 ? null : read(answer);
}

async function call(method, path, { signal, headers, body }) {
  const limit = AbortSignal.timeout(30_000);
  const options = {
    method, body, headers: { accept: "application/json", ...headers },
    signal: signal ? AbortSignal.any([signal, limit]) : limit,
    credentials: "same-origin", cache: "no-store", redirect: "error",
  };
  let answer;
  try {
    answer = await fetch(`/api/v1${path}`, options);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem(0, { title: "No answer", detail: "signalbox could not be reached. Check the network, then try again." });
  }
  const date = Date.parse(answer.headers.get("date") ?? "");
  // The header has whole seconds; a smaller difference is no difference.
  if (Math.abs(date - Date.now()) > 2_000) skew = date - Date.now();
  if (answer.ok || answer.status === 304) return answer;
  if (answer.status === 401) await leave();
  throw await problem(answer);
}

async function read(answer) {
  const text = await answer.text();
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    throw new Problem(answer.status, { title: "Unreadable answer", detail: "The answer was not JSON." });
  }
}

async function problem(answer) {
  let body = {};
  try {
    body = JSON.parse(await answer.text());
  } catch {
    // A gateway's own page, not ours: the status is all there is to say.
  }
  body.request_id ??= answer.headers.get("x-request-id");
  body.retry_after = Number(answer.headers.get("retry-after")) || null;
  return new Problem(answer.status, body);
}

/// The session ended: to the sign-in page and back here afterwards. Never settles, as the page is going away.
function leave() {
  location.assign(`/signin?return_to=${encodeURIComponent(location.pathname + location.search)}`);
  return new Promise(() => {});
}
