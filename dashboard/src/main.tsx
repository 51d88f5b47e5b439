// Begins: the look, the data, the pages.
import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "./theme/mantine-parts.css";
import "./theme/tokens.css";
import "./theme/mantine.css";
import "./theme/base.css";
import { watchEarly } from "./data/fleet/fleet-store";
import { makeClient } from "./data/query-client";
import { WHOAMI } from "./data/session";
import { whenSignedOut } from "./data/stream/read-stream";
import { App } from "./shell/App";
import { fetchPage } from "./shell/Pages";
import { theme } from "./theme/mantine";

// What the first page needs comes while React draws what is around it.
fetchPage(window.location.pathname);
watchEarly();

const client = makeClient();
whenSignedOut(() => void client.invalidateQueries({ queryKey: WHOAMI }));

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto" withCssVariables={false} withGlobalClasses={false} withStaticClasses={false} deduplicateInlineStyles={false}>
      <QueryClientProvider client={client}>
        <App />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
