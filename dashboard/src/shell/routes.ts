// Which addresses there are, which page each shows, and where it stands in the navigation. A page is a file
// pages/FOLDER/NamePage.tsx that exports its component by the file's name, or as default; each is loaded when it is first
// asked for. To add one: its file, and a line here.
import type { IconName } from "../components/Icon";
import type { Action } from "../data/me";

export interface Route {
  readonly path: string;
  /** Below pages/, without the ending. */
  readonly page: string;
  readonly title: string;
  /** In the navigation; left out: not there. */
  readonly nav?: { readonly group: "Now" | "Work" | "Watch" | "Site"; readonly icon: IconName };
  /** Only for those who may. */
  readonly needs?: Action;
}

export const ROUTES: readonly Route[] = [
  { path: "/", page: "fleet/FleetPage", title: "Fleet", nav: { group: "Now", icon: "fleet" } },
  { path: "/nodes", page: "nodes/NodesPage", title: "Nodes", nav: { group: "Now", icon: "node" } },
  { path: "/nodes/:name", page: "nodes/NodePage", title: "Node" },
  { path: "/gpus/:uuid", page: "gpu/GpuPage", title: "GPU" },
  { path: "/workloads", page: "workloads/WorkloadsPage", title: "Workloads", nav: { group: "Now", icon: "list" } },
  { path: "/workstation", page: "workstation/WorkstationPage", title: "Workstation", nav: { group: "Now", icon: "user" } },
  { path: "/jobs", page: "jobs/JobsPage", title: "Jobs", nav: { group: "Work", icon: "play" } },
  { path: "/jobs/new", page: "jobs/SubmitPage", title: "Submit a job", needs: "submit" },
  { path: "/jobs/:id", page: "jobs/JobPage", title: "Job" },
  { path: "/queue", page: "queue/QueuePage", title: "Queue", nav: { group: "Work", icon: "queue" } },
  { path: "/usage", page: "usage/UsagePage", title: "Usage", nav: { group: "Work", icon: "chart" } },
  { path: "/alerts", page: "alerts/AlertsPage", title: "Alerts", nav: { group: "Watch", icon: "alert" } },
  { path: "/alerts/rules", page: "alerts/RulesPage", title: "Alert rules" },
  { path: "/alerts/silences", page: "alerts/SilencesPage", title: "Silences" },
  { path: "/alerts/channels", page: "alerts/ChannelsPage", title: "Channels" },
  { path: "/alerts/routes", page: "alerts/RoutesPage", title: "Alert routes" },
  { path: "/alerts/deliveries", page: "alerts/DeliveriesPage", title: "Deliveries" },
  { path: "/alerts/:id", page: "alerts/AlertPage", title: "Alert" },
  { path: "/events", page: "events/EventsPage", title: "Events", nav: { group: "Watch", icon: "events" } },
  { path: "/settings", page: "settings/SettingsPage", title: "Settings", nav: { group: "Site", icon: "settings" } },
];

/** The fleet's page is not among them: it comes with the shell. */
export const FILES = import.meta.glob<Readonly<Record<string, unknown>>>(["../pages/*/*Page.tsx", "!../pages/fleet/FleetPage.tsx"]);

export const fileOf = (route: Route): string => `../pages/${route.page}.tsx`;
