// What this screen asks the server for.
import { useQuery } from "@tanstack/react-query";
import { api, body } from "../../api/client";
import { useInterval } from "../../api/queries";
import type { Keys } from "./keys";

/** The keys in numbers; anew every second while they are being wrapped again and somebody is there. */
export function useKeys() {
  const every = useInterval(1000);
  return useQuery({
    queryKey: ["keys"],
    queryFn: async () => (await body(api.GET("/api/v1/keys"))) as unknown as Keys,
    refetchInterval: (query) => (query.state.data?.rewrap?.state === "running" ? every : false),
  });
}
