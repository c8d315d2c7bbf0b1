// The way from a person, a patient and a time to what the audit log has of them, for roles that read it.
import { ScrollText } from "lucide-react";
import type { ReactNode } from "react";
import { Link } from "react-router";
import { useMe } from "../api/queries";
import { screensOf } from "../app/screens";

interface AuditFilter {
  actor?: string;
  patient?: string | null;
  study?: string | null;
  from_ms?: number;
  until_ms?: number;
}

export function AuditLink({ filter, children }: { filter: AuditFilter; children: ReactNode }) {
  const me = useMe().data;
  const screen = screensOf(me?.actions ?? []).find((one) => one.name === "audit");
  if (me?.actions.includes("read-audit") !== true || !screen) return null;
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filter)) if (value != null) query.set(name, String(value));
  return (
    <Link to={`/${screen.path}?${query}`} className="inline-flex h-8 items-center gap-1.5 rounded-md border bg-surface px-3 font-medium hover:bg-raised">
      <ScrollText size={15} aria-hidden />
      {children}
    </Link>
  );
}
