// What this screen asks the server for: often while something moves there and somebody is here, else once.
import { useQuery } from "@tanstack/react-query";
import { api, body } from "../../api/client";
import { useInterval } from "../../api/queries";
import { isMoving, type Compaction, type Replica, type Store } from "./storage";

export function useReplicas() {
  const every = useInterval(1500);
  return useQuery({
    queryKey: ["replicas"],
    queryFn: async () => (await body(api.GET("/api/v1/system/replicas"))) as unknown as Replica[],
    refetchInterval: (query) => (isMoving(query.state.data ?? []) ? every : false),
  });
}

export function useStore() {
  return useQuery({
    queryKey: ["status"],
    queryFn: async () => (await body(api.GET("/api/v1/system/status"))) as unknown as { storage: Store },
  });
}

export function useCompaction() {
  const every = useInterval(1500);
  return useQuery({
    queryKey: ["compaction"],
    queryFn: async () => (await body(api.GET("/api/v1/system/compaction"))) as unknown as Compaction,
    refetchInterval: (query) => (query.state.data?.state === "running" ? every : false),
  });
}
