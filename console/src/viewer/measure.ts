// When the first picture was there, and when it could be worked with, for who measures the console:
// `performance.getEntriesByName("viewer:first-picture")`.

export function firstPicture(): void {
  once("viewer:first-picture");
}

export function toolsReady(): void {
  once("viewer:tools-ready");
}

// === helpers ===

function once(name: string): void {
  if (performance.getEntriesByName(name).length === 0) performance.mark(name);
}
