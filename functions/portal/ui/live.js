// Keeps a page fresh: asks again after a delay, stops while the tab is hidden, backs off when the server does
// not answer. Used by the pages that move; it never draws more than the header's small light.

const SLOWEST = 30_000;

/// Calls `step` now and then every `delay()` milliseconds until `signal` aborts. The first failure of all goes
/// to `failed`; later ones keep what is on the page and show in the light.
export function live(signal, delay, step, failed) {
  let timer = 0;
  let busy = false;
  let failures = 0;
  let seen = false;

  async function turn() {
    clearTimeout(timer);
    if (busy || document.hidden || signal.aborted) return;
    busy = true;
    let wait;
    try {
      await step();
      failures = 0;
      seen = true;
      wait = delay();
      light("live");
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      if (!seen) failed(error);
      // A thing that is not there will not come back by asking.
      wait = error.status === 404 || error.status === 403 ? Infinity : backoff(failures, delay(), error.retryAfter);
      light(wait === Infinity ? "off" : "trying");
      if (error.status === undefined) console.error(error);
    } finally {
      busy = false;
    }
    if (wait !== Infinity && !signal.aborted) timer = setTimeout(turn, wait);
  }

  const visible = () => (document.hidden ? (clearTimeout(timer), light("paused")) : turn());
  document.addEventListener("visibilitychange", visible, { signal });
  signal.addEventListener("abort", () => { clearTimeout(timer); light("off"); });
  turn();
  return turn;
}

function backoff(failures, delay, retryAfter) {
  const wait = Math.min(SLOWEST, delay * 2 ** failures) * (0.75 + Math.random() / 2);
  return Math.max(wait, (retryAfter ?? 0) * 1000);
}

const WORDS = { live: "live", trying: "reconnecting", paused: "paused", off: "" };

function light(state) {
  const element = document.getElementById("light");
  if (!element || element.dataset.state === state) return;
  element.dataset.state = state;
  element.textContent = WORDS[state];
}
