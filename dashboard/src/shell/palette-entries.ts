// What the command palette finds, and in which order. Pure; used by Palette.tsx.
import type { FleetGpus, FleetNode } from "../data/fleet/fleet";
import { paths } from "../routing/paths";
import type { Command, Deed } from "./commands";

/** In the order in which they are shown where all fit as well. */
export const GROUPS = ["Recent", "Commands", "Pages", "Nodes", "GPUs", "Alerts", "Rules", "People", "Jobs"] as const;
export type Group = (typeof GROUPS)[number];

/** What is done: go somewhere, something of the palette's own, or ask whether a node shall be drained. */
export type Act =
  | { readonly kind: "go"; readonly to: string }
  | { readonly kind: "deed"; readonly deed: Deed }
  | { readonly kind: "drain"; readonly node: string };

export interface Entry {
  readonly group: Group;
  readonly title: string;
  /** To the right of it. */
  readonly note: string;
  readonly act: Act;
  /** What it is found by, in small letters; the title comes first. */
  readonly words: string;
}

export interface Section {
  readonly group: Group;
  readonly entries: readonly Entry[];
}

/** Of each group. */
const MOST = 6;

export function entry(group: Group, title: string, note: string, act: Act | string, more = ""): Entry {
  const words = `${title} ${more}`.toLowerCase();
  return { group, title, note, act: typeof act === "string" ? { kind: "go", to: act } : act, words };
}

export const ofCommands = (commands: readonly Command[]): readonly Entry[] =>
  commands.map(({ title, words, to, deed }) =>
    entry("Commands", title, "", deed === undefined ? (to ?? "/") : { kind: "deed", deed }, words),
  );

export const ofPages = (routes: readonly { readonly path: string; readonly title: string }[]): readonly Entry[] =>
  routes.map(({ path, title }) => entry("Pages", title, "", path));

/** `drain`: those who may are offered it, for nodes that are in use. */
export function ofNodes(nodes: readonly Pick<FleetNode, "name" | "state">[], drain: boolean): readonly Entry[] {
  return nodes.flatMap((node) => [
    entry("Nodes", node.name, node.state, paths.node(node.name)),
    ...(drain ? [entry("Commands", `Drain ${node.name}…`, node.state, { kind: "drain", node: node.name })] : []),
  ]);
}

export function ofGpus(
  gpus: Pick<FleetGpus, "uuid" | "node" | "index" | "model"> | undefined,
  nodes: readonly Pick<FleetNode, "name">[],
): readonly Entry[] {
  return (gpus?.uuid ?? []).map((uuid, row) => {
    const node = nodes[gpus?.node[row] ?? -1]?.name ?? "?";
    return entry("GPUs", `${node} · GPU ${gpus?.index[row] ?? "?"}`, gpus?.model[row] ?? "", paths.gpu(uuid), uuid);
  });
}

/** How well `words` fit what was asked: 0 is best; null is not at all. */
export function fit(words: string, asked: string): number | null {
  if (!asked.split(/\s+/).every((word) => words.includes(word))) return null;
  if (words.startsWith(asked)) return 0;
  return words.includes(` ${asked}`) ? 1 : 2;
}

/** What fits best first, in its group; the groups by what fits best in them, then in their usual order. With nothing asked:
 *  what was opened last, and what one can do. */
export function found(all: readonly Entry[], text: string): readonly Section[] {
  const asked = text.trim().toLowerCase();
  if (asked === "") {
    const usual: readonly Group[] = ["Recent", "Commands", "Pages"];
    return sections(all.filter(({ group, act }) => usual.includes(group) && act.kind !== "drain"), () => 0, 20);
  }
  const fits = new Map<Entry, number>();
  for (const one of all) {
    const rank = one.group === "Recent" ? null : fit(one.words, asked);
    if (rank !== null) fits.set(one, rank);
  }
  return sections([...fits.keys()], (one) => fits.get(one) ?? 2, MOST);
}

function sections(entries: readonly Entry[], rank: (one: Entry) => number, most: number): readonly Section[] {
  const best = (section: Section) => Math.min(...section.entries.map(rank));
  return GROUPS.map((group) => ({
    group,
    entries: entries
      .filter((one) => one.group === group)
      .sort((one, other) => rank(one) - rank(other))
      .slice(0, most),
  }))
    .filter((section) => section.entries.length > 0)
    .sort((one, other) => best(one) - best(other));
}

/** What may be the id of a job is offered as one, known or not. */
export function maybeJob(text: string): Entry | null {
  const asked = text.trim();
  return /^[\w-]{4,40}$/.test(asked) && /\d/.test(asked) ? entry("Jobs", asked, "open this id", paths.job(asked)) : null;
}
