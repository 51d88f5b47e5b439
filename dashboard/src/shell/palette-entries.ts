// What the command palette finds. Pure; used by Palette.tsx.
import type { FleetGpus, FleetNode } from "../data/fleet/fleet";
import { paths } from "../routing/paths";

export interface Entry {
  readonly title: string;
  readonly kind: string;
  readonly to: string;
  /** What it is found by, in small letters. */
  readonly words: string;
}

const MOST = 12;

export function entriesOf(
  routes: readonly { readonly path: string; readonly title: string }[],
  nodes: readonly Pick<FleetNode, "name">[],
  gpus: Pick<FleetGpus, "uuid" | "node" | "index" | "model"> | undefined,
): readonly Entry[] {
  const pages = routes.map(({ path, title }) => entry(title, "page", path, ""));
  const machines = nodes.map(({ name }) => entry(name, "node", paths.node(name), ""));
  const cards = (gpus?.uuid ?? []).map((uuid, row) => {
    const node = nodes[gpus?.node[row] ?? -1]?.name ?? "?";
    return entry(`${node} · GPU ${gpus?.index[row] ?? "?"}`, gpus?.model[row] ?? "GPU", paths.gpu(uuid), uuid);
  });
  return [...pages, ...machines, ...cards];
}

function entry(title: string, kind: string, to: string, more: string): Entry {
  return { title, kind, to, words: `${title} ${more}`.toLowerCase() };
}

/** Those that have all words of `text`; what begins with it first. What may be the id of a job is offered as one. */
export function found(all: readonly Entry[], text: string): readonly Entry[] {
  const asked = text.trim().toLowerCase();
  const words = asked.split(/\s+/);
  const fits = all.filter((one) => words.every((word) => one.words.includes(word)));
  const ranked = [...fits.filter((one) => one.words.startsWith(asked)), ...fits.filter((one) => !one.words.startsWith(asked))];
  const job = /^[\w-]{4,40}$/.test(asked) && /\d/.test(asked) ? [{ title: text.trim(), kind: "job", to: paths.job(text.trim()), words: asked }] : [];
  return [...ranked.slice(0, MOST), ...job];
}
