// Runs in every page before its own scripts, ours and the peer's alike: says when a picture is there, and counts from keys to what they change.
(() => {
  performance.setResourceTimingBufferSize(20_000);
  const say = (what, more) => console.log(`probe:${JSON.stringify({ what, at_ms: performance.timeOrigin + performance.now(), ...more })}`);
  const SUBMITTED = "probe-submitted";

  // Whoever presses Enter in the sign-in form: kept over the change of pages.
  window.addEventListener("submit", () => sessionStorage.setItem(SUBMITTED, String(performance.timeOrigin + performance.now())), true);

  // A canvas counts when something is on it: both viewers draw with one library, which tells that it drew before there is a picture, too. Ours
  // draws its first pictures itself and tells when by a mark; they count after the frame of the browser in which they are drawn. When the
  // library has drawn is told, too: from then on there are tools.
  const small = new OffscreenCanvas(32, 32);
  const isBright = (canvas) => {
    const context = small.getContext("2d", { willReadFrequently: true });
    context.drawImage(canvas, 0, 0, 32, 32);
    const { data } = context.getImageData(0, 0, 32, 32);
    let bright = 0;
    for (let at = 0; at < data.length; at += 4) if (data[at] > 24) bright += 1;
    return bright > 32;
  };
  let shown = false;
  let worked = false;
  const picture = (kind) => {
    if (shown) return;
    shown = true;
    const submitted = sessionStorage.getItem(SUBMITTED);
    say("picture", { kind, since_opening_ms: performance.now(), submitted_ms: submitted === null ? null : Number(submitted) });
  };
  window.addEventListener(
    "CORNERSTONE_IMAGE_RENDERED",
    (event) => {
      const canvas = event.detail?.element?.querySelector("canvas");
      if (worked || !canvas || canvas.width === 0 || !isBright(canvas)) return;
      worked = true;
      picture("frame");
      say("tools", { since_opening_ms: performance.now() });
    },
    true,
  );
  new PerformanceObserver((list) => {
    if (list.getEntries().some((entry) => entry.name === "viewer:first-picture"))
      painted(() => [...document.querySelectorAll("canvas[data-still]")].some(isBright) && picture("still"));
  }).observe({ type: "mark", buffered: true });
  // A pane that the server fills tells when a picture is on its canvas, and whether that is the one in full or one of those while something moves.
  const RENDERED = "viewer:picture";
  const kindOf = (event) => (event.detail.full ? "rendered" : "rendered-half");
  window.addEventListener(RENDERED, (event) => picture(kindOf(event)), true);

  // From a key to the picture that it leads to, on the screen: after the frame in which it is drawn.
  const painted = (then) => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = then;
    channel.port2.postMessage(null);
  });
  let pressed = null;
  window.addEventListener("keydown", (event) => { pressed = event.timeStamp; }, true);
  // What an input method writes has no key.
  window.addEventListener("input", (event) => { pressed ??= event.timeStamp; }, true);
  const answered = (kind) => {
    if (pressed === null) return;
    const from = pressed;
    pressed = null;
    painted(() => say("answered", { kind, took_ms: performance.now() - from }));
  };
  window.addEventListener(RENDERED, (event) => answered(kindOf(event)), true);
  window.addEventListener("CORNERSTONE_STACK_NEW_IMAGE", () => answered("frame"), true);

  // From a key to rows: when the search was asked for, when it was answered, and when the table shows it. Rows that stay the same change nothing.
  const SAME_MS = 300;
  let changed_ms = 0;
  let waiting = null;
  const inTable = (node) => (node instanceof Element ? node : node.parentElement)?.closest("[role=grid]");
  new MutationObserver((changes) => {
    if (!changes.some((change) => inTable(change.target))) return;
    changed_ms = performance.now();
    if (waiting) waiting();
  }).observe(document, { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ["aria-rowcount"] });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      if (pressed === null || !/\/api\/v1\/studies\/search\?/.test(entry.name) || entry.startTime < pressed) continue;
      const from = pressed;
      pressed = null;
      const shownRows = (same) => {
        waiting = null;
        const until = performance.now();
        say("rows", {
          since_key_ms: until - from,
          since_asking_ms: until - entry.startTime,
          answered_ms: entry.responseEnd - entry.startTime,
          same,
          text: new URL(entry.name).searchParams.get("text"),
        });
      };
      if (changed_ms >= entry.responseEnd) painted(() => shownRows(false));
      else {
        const none = setTimeout(() => {
          waiting = null;
          say("rows", { since_key_ms: entry.responseEnd - from, since_asking_ms: entry.duration, answered_ms: entry.responseEnd - entry.startTime, same: true, text: new URL(entry.name).searchParams.get("text") });
        }, SAME_MS);
        waiting = () => {
          clearTimeout(none);
          waiting = null;
          painted(() => shownRows(false));
        };
      }
    }
  }).observe({ type: "resource", buffered: false });
})();
