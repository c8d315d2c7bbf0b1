// What the browser tells of captures and prints, as far as a page can see it. It sees keys that reach it and a window that loses focus; no camera, and no
// picture that the operating system takes.
import { useEffect, useRef } from "react";
import { request } from "../../api/client";
import { Teller, type Signal, type SignalKind } from "./teller";

export interface Seen {
  /** Control P: a page from the server instead of what the browser would print. */
  onPrint: () => void;
  /** The study on the screen. */
  study: string;
}

/** Watches while the viewer is open; what comes back tells of something else. */
export function useSignals({ onPrint, study }: Seen): (kind: SignalKind) => void {
  const teller = useRef<Teller | null>(null);
  teller.current ??= new Teller(send);
  const latest = useRef({ onPrint, study });
  latest.current = { onPrint, study };
  const tell = useRef((kind: SignalKind) => teller.current?.tell(kind, latest.current.study, Date.now())).current;

  useEffect(() => {
    const down = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
      const key = event.key.toLowerCase();
      if (key === "p") {
        event.preventDefault();
        event.stopPropagation();
        tell("print");
        // A dialog has the keys: what it asks comes first.
        if (document.querySelector("[role=dialog]") === null) latest.current.onPrint();
      } else if (key === "s") {
        event.preventDefault();
        event.stopPropagation();
        tell("save");
      }
    };
    const up = (event: KeyboardEvent) => {
      if (event.key === "PrintScreen") tell("print-key");
    };
    const printed = () => tell("print");
    const copied = (event: Event) => {
      if (isText(event.target)) return;
      event.preventDefault();
      tell("copy");
    };
    const dragged = (event: Event) => {
      // A series is dragged into a pane; that carries its UID, and nothing out of the page.
      if (event.target instanceof Element && event.target.closest("[draggable=true]") !== null) return;
      event.preventDefault();
      tell("copy");
    };
    const blurred = () => tell("unfocused");
    const turned = () => {
      if (document.hidden) tell("hidden");
    };
    const left = () => teller.current?.flush(Date.now(), true);
    const timer = setInterval(() => teller.current?.flush(Date.now(), false), FLUSH_MS);
    window.addEventListener("pagehide", left);
    window.addEventListener("keydown", down, { capture: true });
    window.addEventListener("keyup", up, { capture: true });
    window.addEventListener("beforeprint", printed);
    window.addEventListener("blur", blurred);
    document.addEventListener("visibilitychange", turned);
    document.addEventListener("copy", copied);
    document.addEventListener("dragstart", dragged);
    return () => {
      left();
      clearInterval(timer);
      window.removeEventListener("pagehide", left);
      window.removeEventListener("keydown", down, { capture: true });
      window.removeEventListener("keyup", up, { capture: true });
      window.removeEventListener("beforeprint", printed);
      window.removeEventListener("blur", blurred);
      document.removeEventListener("visibilitychange", turned);
      document.removeEventListener("copy", copied);
      document.removeEventListener("dragstart", dragged);
    };
  }, [tell]);
  return tell;
}

// === helpers ===

/** How often it is looked whether a minute is over. */
const FLUSH_MS = 10_000;

function send(signal: Signal): void {
  // A page that is being left still sends it. Whether it came is the server's to say, by the numbers.
  request("/api/v1/me/signals", { method: "POST", keepalive: true, headers: { "Content-Type": "application/json" }, body: JSON.stringify(signal) }).catch(() => undefined);
}

/** Numbers and digests in a dialog are to be copied. */
function isText(target: EventTarget | null): boolean {
  const element = target instanceof Element ? target : target instanceof Node ? target.parentElement : null;
  return element?.closest("input, textarea, [role=dialog]") !== null && element !== null;
}
