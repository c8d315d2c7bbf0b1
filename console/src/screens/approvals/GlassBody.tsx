// What was done while the glass was broken, for who reads the audit log.
import { DoneUnder } from "../../components/DoneUnder";
import type { BrokenGlass } from "../../api/rows";

export function GlassBody({ row }: { row: BrokenGlass }) {
  const until_ms = (row.ended_ms ?? row.valid_until_ms) + 1;
  return <DoneUnder right={{ grant: row.grant, actor: row.name, from_ms: row.valid_from_ms, until_ms }} />;
}
