// Filters that somebody named and kept: what stands behind the question mark, and which columns were hidden. Pure; who shows them keeps them.

export interface View {
  name: string;
  /** Filters and order, as in the address, without the question mark. */
  query: string;
  /** Which columns were hidden, where somebody had said so. */
  hidden: string[] | null;
}

/** More names than this nobody chooses from. */
export const VIEWS_MAX = 30;
export const VIEW_NAME_MAX = 40;
/** No address of a list is as long. */
const QUERY_MAX = 2000;

/** What is kept, as far as it is what it should be: whoever else writes into this browser is not trusted. */
export function viewsOf(kept: unknown): View[] {
  if (!Array.isArray(kept)) return [];
  const views: View[] = [];
  for (const one of kept as unknown[]) {
    if (typeof one !== "object" || one === null) continue;
    const { name, query, hidden } = one as Record<string, unknown>;
    if (typeof name !== "string" || name === "" || name.length > VIEW_NAME_MAX || views.some((view) => view.name === name)) continue;
    if (typeof query !== "string" || query.length > QUERY_MAX) continue;
    views.push({ name, query, hidden: Array.isArray(hidden) ? hidden.filter((word): word is string => typeof word === "string") : null });
  }
  return views.slice(0, VIEWS_MAX);
}

/** Of an address, what is kept: these parameters, and no others. */
export function keptOf(search: string, names: readonly string[]): string {
  const present = new URLSearchParams(search);
  const kept = new URLSearchParams();
  for (const name of [...names].sort()) {
    const value = present.get(name);
    if (value !== null && value !== "") kept.set(name, value);
  }
  return kept.toString();
}

/** The address with a view in place of what it had of these parameters; the others stay. */
export function shownBy(view: View, names: readonly string[], search: string): URLSearchParams {
  const shown = new URLSearchParams(search);
  for (const name of names) shown.delete(name);
  for (const [name, value] of new URLSearchParams(keptOf(view.query, names))) shown.set(name, value);
  return shown;
}

/** With one more; one of the same name is replaced in its place. */
export function withView(views: View[], view: View): View[] {
  const at = views.findIndex((one) => one.name === view.name);
  return at === -1 ? [...views, view] : views.map((one, index) => (index === at ? view : one));
}

/** Why a name cannot be taken, or nothing. */
export function faultOf(name: string, views: View[], own?: string): "empty" | "taken" | "many" | null {
  if (name.trim() === "") return "empty";
  if (views.some((view) => view.name === name.trim() && view.name !== own)) return "taken";
  return own === undefined && views.length >= VIEWS_MAX ? "many" : null;
}
