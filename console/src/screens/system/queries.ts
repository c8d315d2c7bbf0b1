// What this screen asks the server for.
import { useQuery } from "@tanstack/react-query";
import { api, body } from "../../api/client";
import { useInterval } from "../../api/queries";
import type { Configuration, Health, Status } from "./system";

export function useHealth(allowed: boolean) {
  return useQuery({
    queryKey: ["health"],
    queryFn: async () => (await body(api.GET("/api/v1/system/health"))) as unknown as Health,
    refetchInterval: useInterval(15_000),
    enabled: allowed,
  });
}

export function useStatus(allowed: boolean) {
  return useQuery({
    queryKey: ["status"],
    queryFn: async () => (await body(api.GET("/api/v1/system/status"))) as unknown as Status,
    refetchInterval: useInterval(15_000),
    enabled: allowed,
  });
}

export function useConfiguration(allowed = true) {
  return useQuery({
    queryKey: ["configuration"],
    queryFn: async () => (await body(api.GET("/api/v1/system/configuration"))) as unknown as Configuration,
    staleTime: 60_000,
    enabled: allowed,
  });
}
