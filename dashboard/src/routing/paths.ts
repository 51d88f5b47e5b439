// The addresses of what can be looked at. Used wherever something is linked.
const part = encodeURIComponent;

export const paths = {
  fleet: "/",
  nodes: "/nodes",
  node: (name: string) => `/nodes/${part(name)}`,
  gpu: (uuid: string) => `/gpus/${part(uuid)}`,
  workloads: "/workloads",
  jobs: "/jobs",
  job: (id: string) => `/jobs/${part(id)}`,
  queue: "/queue",
  alerts: "/alerts",
  usage: "/usage",
  events: "/events",
  settings: "/settings",
  workstation: "/workstation",
} as const;
