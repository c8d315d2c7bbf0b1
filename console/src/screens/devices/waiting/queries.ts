// What this list asks the server for.
import { useQuery } from "@tanstack/react-query";
import { api, body } from "../../../api/client";
import { useInterval, useMe } from "../../../api/queries";
import type { Door, Waiting } from "./waiting";

/** Who waits, for who may do something about it; asked anew as often as is said. */
export function useWaiting(every_ms: number) {
  const enabled = useMe().data?.actions.includes("manage-accounts") ?? false;
  const every = useInterval(every_ms);
  return useQuery({
    queryKey: ["waiting-devices"],
    queryFn: async () => (await body(api.GET("/api/v1/waiting-devices", { params: { query: { dismissed: true } } }))) as unknown as { waiting: Waiting[]; doors: Door[] },
    enabled,
    refetchInterval: every,
  });
}
