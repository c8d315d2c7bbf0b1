// The whole console: who is signed in, where they are, and what is around every screen.
import { CSPProvider } from "@base-ui/react/csp-provider";
import { QueryClientProvider } from "@tanstack/react-query";
import { useLayoutEffect, useState, type ComponentType } from "react";
import { BrowserRouter, Route, Routes } from "react-router";
import { queryClient } from "../api/queries";
import { Loading } from "../components/basics";
import { viewer } from "../viewer/load";
import { Finder } from "./finder/Finder";
import { SessionGate } from "./SessionGate";
import { Shell } from "./Shell";
import { SlowedDown } from "./SlowedDown";

const nonce = document.querySelector<HTMLMetaElement>('meta[name="nonce"]')?.content ?? "";

export function App() {
  return (
    <CSPProvider nonce={nonce}>
      <QueryClientProvider client={queryClient}>
        <BrowserRouter basename="/console">
          <SessionGate>
            <Finder />
            <Routes>
              <Route path="viewer/:study" element={<ViewerPage />} />
              <Route path="*" element={<Shell />} />
            </Routes>
          </SessionGate>
          <SlowedDown />
        </BrowserRouter>
      </QueryClientProvider>
    </CSPProvider>
  );
}

// === helpers ===

/** The viewer, which has the whole window. Not by `lazy`: React holds back what comes after a fallback for 300 ms, and pictures would wait for nothing. */
function ViewerPage() {
  const [Viewer, setViewer] = useState<ComponentType | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  useLayoutEffect(() => {
    viewer().then((module) => setViewer(() => module.default), setFailure);
  }, []);
  if (failure !== null) throw failure;
  return Viewer ? <Viewer /> : <Loading />;
}
