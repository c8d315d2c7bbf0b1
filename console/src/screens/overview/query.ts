// One question for the screen of the overview and for the numbers in the menu.
import { queryOptions } from "@tanstack/react-query";
import { api, body } from "../../api/client";
import type { Overview } from "./parts";

export const OVERVIEW = queryOptions({ queryKey: ["overview"], queryFn: () => body<Overview>(api.GET("/api/v1/overview")) });
