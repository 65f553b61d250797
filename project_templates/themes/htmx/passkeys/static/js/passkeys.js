// Forms that a passkey is needed for: `data-passkey` says whether one is made (`create`) or used (`get`). The question for
// the device is fetched below the form's own address; the form then carries the answer as any form does.

const forms = document.querySelectorAll("form[data-passkey]");

// What waits for somebody to choose a passkey where the address is typed. The browser takes one such wish at a time.
let waiting = null;

for (const form of forms) {
  form.addEventListener("submit", (event) => {
    // What the server has to say of a name needs no device.
    const name = form.elements.namedItem("name");
    if (name && !name.value.trim()) return;
    event.preventDefault();
    const button = event.submitter ?? form.querySelector("button");
    if (button.getAttribute("aria-busy") !== "true") ask(form, button);
  });
  if (form.hasAttribute("data-passkey-autofill")) fillIn(form);
}

// By a click: the browser asks at once.
async function ask(form, button) {
  tell(form, "");
  if (!window.PublicKeyCredential || !navigator.credentials) {
    tell(form, "This browser knows no passkeys. Go another way, or open this page in another browser.");
    return;
  }
  busy(button, true);
  waiting?.abort();
  try {
    const question = await fetchQuestion(form);
    const publicKey = decoded(question.publicKey);
    const isNew = form.dataset.passkey === "create";
    const credential = isNew
      ? await navigator.credentials.create({ publicKey })
      : await navigator.credentials.get({ publicKey });
    send(form, question, credential);
  } catch (error) {
    busy(button, false);
    tell(form, reason(error));
  }
}

// Without a click: the browser offers passkeys among the addresses that it knows.
async function fillIn(form) {
  if (!(await window.PublicKeyCredential?.isConditionalMediationAvailable?.())) return;
  const wish = new AbortController();
  waiting = wish;
  try {
    const question = await fetchQuestion(form);
    if (wish.signal.aborted) return;
    const publicKey = decoded(question.publicKey);
    const credential = await navigator.credentials.get({
      publicKey,
      mediation: "conditional",
      signal: wish.signal,
    });
    send(form, question, credential);
  } catch {
    // Nobody asked for it: the button is there.
  }
}

async function fetchQuestion(form) {
  const answer = await fetch(`${form.action}/question`, {
    method: "POST",
    headers: { accept: "application/json", "x-csrf-token": form.elements.namedItem("csrf").value },
  });
  const body = await answer.json();
  if (answer.ok) return body;
  // The password is wanted again: the server's own page asks for it.
  if (body.code === "password_required") window.location.reload();
  throw new Told(body.detail ?? "That did not work. Try again.");
}

// A reason in the server's own words.
class Told extends Error {}

function reason(error) {
  if (error instanceof Told) return error.message;
  switch (error.name) {
    case "NotAllowedError":
    case "AbortError":
      return "Nothing was done: it was cancelled, or took too long.";
    case "InvalidStateError":
      return "This device has a passkey of your account already.";
    case "SecurityError":
      return "Passkeys do not work at this address. Open this site by its own.";
    default:
      return "That did not work. Try again, or go another way.";
  }
}

function send(form, question, credential) {
  form.elements.namedItem("ticket").value = question.ticket;
  form.elements.namedItem("answer").value = JSON.stringify(encoded(credential));
  HTMLFormElement.prototype.submit.call(form);
}

function busy(button, isBusy) {
  button.classList.toggle("is-loading", isBusy);
  if (isBusy) button.setAttribute("aria-busy", "true");
  else button.removeAttribute("aria-busy");
}

function tell(form, text) {
  form.querySelector("[data-passkey-status]").textContent = text;
}

// Bytes travel as base64url (WebAuthn level 3, section 5.1).
function bytes(text) {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

function text(buffer) {
  const binary = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function decoded(options) {
  const named = (all) => all?.map((one) => ({ ...one, id: bytes(one.id) }));
  return {
    ...options,
    challenge: bytes(options.challenge),
    ...(options.user && { user: { ...options.user, id: bytes(options.user.id) } }),
    ...(options.excludeCredentials && { excludeCredentials: named(options.excludeCredentials) }),
    ...(options.allowCredentials && { allowCredentials: named(options.allowCredentials) }),
  };
}

function encoded({ rawId, type, response }) {
  const parts = { clientDataJSON: text(response.clientDataJSON) };
  if (response.attestationObject) parts.attestationObject = text(response.attestationObject);
  if (response.authenticatorData) parts.authenticatorData = text(response.authenticatorData);
  if (response.signature) parts.signature = text(response.signature);
  if (response.userHandle) parts.userHandle = text(response.userHandle);
  return { id: text(rawId), rawId: text(rawId), type, response: parts };
}
