// What the pages do better with JavaScript. Each of them works without.

// Components of Alpine's CSP build: markup names them, expressions only call them.
document.addEventListener("alpine:init", () => {
  // A <details> that closes on Escape and on a click elsewhere.
  window.Alpine.data("menu", () => ({
    close(event) {
      const menu = this.$root;
      if (!menu.open) return;
      menu.open = false;
      if (event.type === "keydown") menu.querySelector("summary").focus();
    },
  }));

  // A message that can be put away.
  window.Alpine.data("dismissible", () => ({
    shown: true,
    dismiss() {
      this.shown = false;
    },
  }));

  // Light, dark or as the system has it: shown at once, kept by the server.
  window.Alpine.data("colorScheme", () => ({
    async choose(event) {
      const form = this.$root;
      const scheme = event.submitter.value;
      show(scheme);
      for (const button of form.querySelectorAll("button")) {
        button.setAttribute("aria-pressed", String(button === event.submitter));
      }
      const body = new URLSearchParams(new FormData(form, event.submitter));
      const answer = await fetch(form.action, { method: "POST", body, redirect: "manual" });
      // A redirect is the answer that was hoped for; anything else is for the server's own page to say.
      if (answer.type !== "opaqueredirect") HTMLFormElement.prototype.submit.call(form);
    },
  }));
});

function show(scheme) {
  const root = document.documentElement;
  const meta = document.querySelector('meta[name="color-scheme"]');
  if (scheme === "system") {
    root.removeAttribute("data-theme");
    meta.content = "light dark";
  } else {
    root.setAttribute("data-theme", scheme);
    meta.content = scheme;
  }
}

// What a part of a page cannot show, such as an error or the sign-in form, the browser loads as a page.
document.addEventListener("htmx:before:response", (event) => {
  const { status, raw } = event.detail.ctx.response;
  if (status < 400 && !raw.redirected) return;
  event.preventDefault();
  window.location.assign(raw.url);
});

// htmx goes through the page as soon as it can, which may be before an extension of that page has come: once all have, it
// goes through it again, and takes up what it has not.
document.addEventListener("DOMContentLoaded", () => window.htmx.process(document.body));

// A link that was exchanged cannot keep the focus: what came in its place takes it.
document.addEventListener("htmx:after:swap", (event) => {
  if (document.activeElement !== document.body) return;
  const arrived = document.getElementById(event.detail.ctx.target.id);
  if (!arrived) return;
  arrived.tabIndex = -1;
  arrived.focus({ preventScroll: true });
});

// A form that is on its way says so and cannot be sent twice by a second click.
document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (event.defaultPrevented || !button || event.target.method === "get") return;
  if (button.getAttribute("aria-busy") === "true") {
    event.preventDefault();
    return;
  }
  button.setAttribute("aria-busy", "true");
  button.classList.add("is-loading");
});

// Going back shows a page as it was left: its buttons work again.
window.addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll('button[aria-busy="true"]')) {
    button.removeAttribute("aria-busy");
    button.classList.remove("is-loading");
  }
});

// Errors of a form take the focus, also where the browser knows `autofocus` on controls only.
window.addEventListener("load", () => {
  requestAnimationFrame(() => document.querySelector(".error-summary")?.focus());
});
