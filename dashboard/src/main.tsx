// Begins: the look, the data, the pages.
import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "./theme/mantine-parts.css";
import "./theme/tokens.css";
import "./theme/mantine.css";
import "./theme/base.css";
import { makeClient } from "./data/query-client";
import { App } from "./shell/App";
import { theme } from "./theme/mantine";

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto" withCssVariables={false} withGlobalClasses={false} withStaticClasses={false} deduplicateInlineStyles={false}>
      <QueryClientProvider client={makeClient()}>
        <App />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
