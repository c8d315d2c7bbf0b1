// The visible mark over every picture: who looks, when, and at whom. It stands in the page and not in the pixels, which are for reading, so
// it can be taken away by who opens the tools of the browser; then it comes back, or the picture goes.

export interface Guard {
  /** Other words from now on. */
  say(text: string): void;
  end(): void;
}

/** How often it is looked whether the mark is really seen, in milliseconds: style sheets tell nobody when they change. */
const LOOK_MS = 1_000;

/** Visible where it lies over dark and over bright tissue, and never in the way of what is read. */
const OPACITY = 0.15;

const CLASS = "viewer-mark";

/** Lays the mark over an element and keeps it there. `removed` is called when somebody took it away; `hidden` when it cannot be kept. */
export function guard(host: HTMLElement, text: string, removed: () => void, hidden: (is: boolean) => void): Guard {
  let said = text;
  let mark = lay();
  let defeated = false;

  const observer = new MutationObserver(check);
  watch();
  const timer = window.setInterval(check, LOOK_MS);

  function lay(): HTMLElement {
    for (const old of host.querySelectorAll(`:scope > .${CLASS}`)) old.remove();
    const made = document.createElement("div");
    made.className = CLASS;
    made.setAttribute("aria-hidden", "true");
    made.style.backgroundImage = tile(said);
    host.append(made);
    return made;
  }

  function watch(): void {
    observer.disconnect();
    observer.observe(host, { childList: true });
    observer.observe(mark, { attributes: true, childList: true, characterData: true });
  }

  function check(): void {
    if (!host.isConnected || stands(host, mark)) {
      if (defeated) hidden((defeated = false));
      return;
    }
    mark = lay();
    watch();
    removed();
    const kept = stands(host, mark);
    if (kept === defeated) hidden((defeated = !kept));
  }

  check();

  return {
    say(next) {
      if (next === said) return;
      said = next;
      mark = lay();
      watch();
    },
    end() {
      observer.disconnect();
      window.clearInterval(timer);
      mark.remove();
    },
  };
}

/** The mark as a picture that is repeated. */
export function tile(text: string): string {
  const words = escaped(text);
  // The words lie wholly in the tile, twice: the second line wraps over its sides.
  const width = Math.max(260, Math.ceil(8.6 * length(text)) + 40);
  const height = Math.ceil(width * 0.31) * 2 + 100;
  const letters = `font-family="system-ui,PingFang SC,Microsoft YaHei,Noto Sans CJK SC,sans-serif" font-size="14"`;
  const line = (x: number, y: number) =>
    `<text x="${x}" y="${y}" transform="rotate(-18 ${x} ${y})" ${letters} fill="#fff" stroke="#000" stroke-width=".6" paint-order="stroke" opacity="${OPACITY}">${words}</text>`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${line(20, height / 2 - 20)}${line(20 - width / 2, height - 20)}${line(20 + width / 2, height - 20)}</svg>`;
  return `url("data:image/svg+xml,${encodeURIComponent(svg)}")`;
}

// === helpers ===

/** Whether the mark is seen all over the element. */
function stands(host: HTMLElement, mark: HTMLElement): boolean {
  if (mark.parentElement !== host || mark.className !== CLASS || mark.hidden) return false;
  const style = getComputedStyle(mark);
  return (
    style.display !== "none" &&
    style.visibility === "visible" &&
    style.opacity === "1" &&
    style.backgroundImage.startsWith('url("data:image/svg+xml') &&
    style.filter === "none" &&
    style.clipPath === "none" &&
    style.transform === "none" &&
    mark.clientWidth >= host.clientWidth - 1 &&
    mark.clientHeight >= host.clientHeight - 1
  );
}

/** Letters of Chinese are twice as wide. */
function length(text: string): number {
  return [...text].reduce((sum, letter) => sum + (letter > "\u2e80" ? 2 : 1), 0);
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
