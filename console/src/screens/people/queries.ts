// What this screen asks the server for.
import { useQuery } from "@tanstack/react-query";
import { api, body } from "../../api/client";
import { useMe } from "../../api/queries";
import type { Departments } from "./departments";
import type { Credential, Program } from "./programs";

export function usePeople() {
  return useQuery({ queryKey: ["people"], queryFn: () => body(api.GET("/api/v1/people")) });
}

export function useDepartments() {
  return useQuery({
    queryKey: ["departments"],
    queryFn: async () => (await body(api.GET("/api/v1/departments"))) as unknown as Departments,
  });
}

export function usePrograms() {
  return useQuery({
    queryKey: ["clients"],
    queryFn: async () => (await body(api.GET("/api/v1/clients"))) as unknown as Program[],
  });
}

export function useCredentials(client: string) {
  return useQuery({
    queryKey: ["credentials", client],
    queryFn: async () => {
      const answer = await body(api.GET("/api/v1/clients/{client}/credentials", { params: { path: { client } } }));
      return answer as unknown as Credential[];
    },
  });
}

/** Which systems outside are connected, for who may read the configuration. */
export function useConnected() {
  const allowed = useMe().data?.actions.includes("read-configuration") ?? false;
  return useQuery({
    queryKey: ["configuration"],
    queryFn: async () => (await body(api.GET("/api/v1/system/configuration"))) as unknown as { connected: Record<string, boolean> },
    select: (configuration) => configuration.connected,
    staleTime: 60_000,
    enabled: allowed,
  });
}
