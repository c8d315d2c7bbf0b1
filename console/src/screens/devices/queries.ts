// What this screen asks the server for.
import { useQuery } from "@tanstack/react-query";
import { api, body } from "../../api/client";
import type { Device } from "./devices";

export function useDevices() {
  return useQuery({
    queryKey: ["devices"],
    queryFn: async () => (await body(api.GET("/api/v1/devices"))) as unknown as Device[],
  });
}
