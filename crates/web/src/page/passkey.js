"use strict";
(() => {
  const form = document.querySelector("form[data-passkey]");
  if (!form) return;
  const button = form.querySelector("button[data-ask]");
  const opened = Date.now();
  const say = (word) => {
    for (const note of form.querySelectorAll("[data-say]")) note.hidden = note.dataset.say !== word;
  };
  const bytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const known = (list) => list.map((one) => ({ ...one, id: bytes(one.id) }));
  if (!window.PublicKeyCredential || !navigator.credentials) {
    say("unable");
    return;
  }
  button.disabled = false;
  const question = JSON.parse(form.dataset.passkey);
  const create = "user" in question;
  const ask = () => {
    const publicKey = { ...question, challenge: bytes(question.challenge) };
    if (!create) {
      publicKey.allowCredentials = known(question.allowCredentials);
      return navigator.credentials.get({ publicKey });
    }
    publicKey.user = { ...question.user, id: bytes(question.user.id) };
    publicKey.excludeCredentials = known(question.excludeCredentials);
    return navigator.credentials.create({ publicKey });
  };
  button.addEventListener("click", async () => {
    if (!form.reportValidity()) return;
    if (Date.now() - opened > question.timeout) {
      say("late");
      return;
    }
    button.disabled = true;
    say("waiting");
    try {
      const made = await ask();
      const response = { clientDataJSON: text(made.response.clientDataJSON) };
      if (create) {
        response.attestationObject = text(made.response.attestationObject);
      } else {
        response.authenticatorData = text(made.response.authenticatorData);
        response.signature = text(made.response.signature);
        if (made.response.userHandle) response.userHandle = text(made.response.userHandle);
      }
      form.elements.namedItem("passkey").value =
        JSON.stringify({ id: text(made.rawId), type: made.type, response });
      say("");
      form.submit();
    } catch (error) {
      button.disabled = false;
      say({ NotAllowedError: "cancelled", AbortError: "cancelled", InvalidStateError: "known",
            SecurityError: "elsewhere" }[error.name] || "failed");
    }
  });
})();
