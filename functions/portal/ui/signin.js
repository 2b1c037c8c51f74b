// The sign-in page. It asks for nothing itself: the organisation's own sign-in does.
import { h, draw } from "./dom.js";
import { ICON, code } from "./parts.js";

const SAID = {
  no_role: "You are known to your organisation, but nobody has given you a role in its workspace yet. Ask its administrator to add you.",
  not_onboarded: "Your organisation has no workspace here yet. Ask whoever runs signalbox to add it.",
  workspace_suspended: "This workspace is suspended. Ask its administrator.",
  no_spare: "Your workspace is still being made ready. Try again in a minute.",
  signed_out: "You are signed out.",
};

/// Only a path on this site: an address elsewhere would make the sign-in page a springboard.
export function returnTo(text) {
  if (!text?.startsWith("/") || /^\/[/\\]/.test(text) || /[\u0000-\u001f]/.test(text)) return "/";
  const url = new URL(text, location.origin);
  return url.origin === location.origin ? url.pathname + url.search : "/";
}

export function signin(top, main) {
  document.title = "Sign in · signalbox";
  const query = new URLSearchParams(location.search);
  const why = query.get("error") ?? query.get("code") ?? (query.has("signed_out") ? "signed_out" : null);
  const request = query.get("request_id");
  const calm = why === "signed_out";
  draw(top);
  draw(main, h("div", { class: "signin" },
    h("img", { src: ICON, alt: "", width: "56", height: "56" }),
    h("h1", { tabindex: "-1" }, "signalbox"),
    h("p", { class: "muted" }, "Every run on every one of your data platforms, on time and in one place."),
    why ? h("div", { class: calm ? "note" : "trouble", role: calm ? "status" : "alert" },
      h("p", null, SAID[why] ?? "The sign-in did not work. Try once more."),
      request ? h("p", { class: "muted" }, "Request ", code(request)) : null) : null,
    h("a", { class: "button primary big", href: `/auth/login?return_to=${encodeURIComponent(returnTo(query.get("return_to")))}` }, "Sign in with your organisation"),
    h("p", { class: "muted small" }, "You sign in at your organisation's own page; signalbox never sees your password.")));
}
