// Where the viewer is, and when it is fetched: when its address is opened, at once, and with it what it will ask for first; from elsewhere, as
// soon as somebody is likely to open it.
import { queryClient } from "../api/queries";
import { stackQuery, studyQuery } from "./study";

export const viewer = () => import("./Viewer");

/** Everything that a study is read with, once its first pictures are there. */
export const workspace = () => import("./Workspace");

/** The address of a study in the viewer, below the console. */
export function viewerOf(study: string, { compared = false } = {}): string {
  return `/viewer/${encodeURIComponent(study)}${compared ? `?${COMPARED}` : ""}`;
}

/** In the address of the viewer: the study of the patient that goes best with this one is to stand beside it. */
export const COMPARED = "compared";

/** Asks for what the viewer shows of a study first. What is refused, the viewer asks again and says. */
async function ahead(study: string): Promise<void> {
  const found = await queryClient.fetchQuery(studyQuery(study));
  const [first] = found?.series ?? [];
  if (first) await queryClient.fetchQuery(stackQuery(first));
}

const [, opened] = /^\/console\/viewer\/([^/]+)$/.exec(window.location.pathname) ?? [];
if (opened !== undefined) {
  void viewer();
  ahead(decodeURIComponent(opened)).catch(() => undefined);
}
