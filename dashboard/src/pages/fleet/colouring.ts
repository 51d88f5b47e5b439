// What colour a GPU has on the map, and what the colours mean. Pure; used by FleetPage.tsx.
import type { Paint } from "../../components/heat/HeatMap";
import type { FleetGpus } from "../../data/fleet/fleet";
import { NAMES, OTHERS, SCALE, type Scheme, stepOf } from "../../theme/palette";
import { UNKNOWN, type Wanted } from "./choosing";

export const COLOURS = ["util", "memory", "temperature", "owner", "health", "state"] as const;
export type Colour = (typeof COLOURS)[number];

export const COLOUR_WORDS: Readonly<Record<Colour, string>> = {
  util: "Utilisation",
  memory: "Memory",
  temperature: "Temperature",
  owner: "Owner",
  health: "Health",
  state: "State",
};

/** What is read off the colours, for whoever sees the map for the first time. */
export const MEANINGS: Readonly<Record<Colour, string>> = {
  util: "How much of the last second a program ran on it",
  memory: "How much of its memory is taken",
  temperature: "Of the chip; most cards slow down near 90 °C",
  owner: "Whose job, or unqueued workload, has it",
  health: "The worst finding or alert that stands against it",
  state: "Whether a job can get it",
};

export interface Entry {
  readonly paint: Paint;
  readonly word: string;
  readonly count: number;
  /** The filter that leaves these alone; undefined: there is none. */
  readonly only?: Partial<Wanted>;
}

export interface Colouring {
  readonly paint: (row: number) => Paint;
  /** Little to much, where there is a scale. */
  readonly scale: { readonly colours: readonly string[]; readonly from: string; readonly to: string } | null;
  readonly entries: readonly Entry[];
}

/** Of the theme, as "--ok" → "#126c37". */
export type Token = (name: string) => string;

const RANGES = { util: [0, 100, "%"], memory: [0, 100, "%"], temperature: [30, 90, "°C"] } as const;

export function colouringOf(gpus: FleetGpus, by: Colour, scheme: Scheme, token: Token): Colouring {
  const unknown: Paint = { fill: token("--unknown-soft"), ink: token("--border-strong"), mark: "hatch" };
  if (by === "owner") return byOwner(gpus, scheme, token, unknown);
  if (by === "health") return named(gpus.health.map((one, row) => (gpus.state[row] === "unknown" ? "unknown" : (one ?? "none"))), health(token, unknown));
  if (by === "state") return named(gpus.state, states(token, unknown));
  const [from, to, unit] = RANGES[by];
  const colours = SCALE[scheme];
  const value = (row: number) => (by === "memory" ? part(gpus.memory_used[row], gpus.memory_total[row]) : (gpus[by][row] ?? null));
  const looks = colours.map((fill): Paint => ({ fill }));
  const of = (row: number) => looks[stepOf(value(row), from, to) ?? -1] ?? unknown;
  const lost = gpus.uuid.reduce((sum, _, row) => sum + (value(row) === null ? 1 : 0), 0);
  return {
    paint: of,
    scale: { colours, from: `${from} ${unit}`, to: `${to} ${unit}` },
    entries: lost === 0 ? [] : [{ paint: unknown, word: "not measured", count: lost }],
  };
}

/** Per cent; null where either is not known. */
export function part(used: number | null | undefined, total: number | null | undefined): number | null {
  if (used === null || used === undefined || total === null || total === undefined || total <= 0) return null;
  return (100 * used) / total;
}

/** Which of `count` colours each name has. The same name has the same colour from second to second, whoever has more than
 *  whom: it goes to the place that its letters say, or to the next that is free. */
export function slotsOf(names: readonly string[], count: number): ReadonlyMap<string, number> {
  const slots = new Map<string, number>();
  const taken = new Set<number>();
  for (const name of [...names].sort().slice(0, count)) {
    let slot = Array.from(name).reduce((sum, letter) => (sum * 31 + (letter.codePointAt(0) ?? 0)) % 65_521, 7) % count;
    while (taken.has(slot)) slot = (slot + 1) % count;
    taken.add(slot);
    slots.set(name, slot);
  }
  return slots;
}

function byOwner(gpus: FleetGpus, scheme: Scheme, token: Token, unknown: Paint): Colouring {
  const counts = new Map<string, number>();
  for (const owner of gpus.owner) if (owner !== null) counts.set(owner, (counts.get(owner) ?? 0) + 1);
  const ranked = [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
  const colours = NAMES[scheme];
  const shown = ranked.slice(0, colours.length);
  const others: Paint = { fill: OTHERS[scheme] };
  const looks = new Map<string, Paint>();
  for (const [owner, slot] of slotsOf(shown.map(([owner]) => owner), colours.length)) looks.set(owner, { fill: colours[slot] ?? OTHERS[scheme] });
  const free: Paint = { fill: token("--sunken"), ink: token("--border-strong"), mark: "ring" };
  let [rest, frees, lost] = [0, 0, 0];
  for (let row = 0; row < gpus.owner.length; row += 1) {
    const owner = gpus.owner[row] ?? null;
    if (owner !== null) rest += looks.has(owner) ? 0 : 1;
    else if (gpus.state[row] === "free") frees += 1;
    else lost += 1;
  }
  const few = ranked.length - shown.length;
  return {
    paint: (row) => {
      const owner = gpus.owner[row] ?? null;
      if (owner !== null) return looks.get(owner) ?? others;
      return gpus.state[row] === "free" ? free : unknown;
    },
    scale: null,
    entries: [
      ...shown.map(([owner, count]): Entry => ({ paint: looks.get(owner) ?? others, word: owner, count, only: { owner } })),
      { paint: others, word: few === 1 ? "one other" : `${few} others`, count: rest },
      { paint: free, word: "nobody", count: frees, only: { owner: "", state: "free" } },
      { paint: unknown, word: "not known", count: lost, only: { owner: UNKNOWN } },
    ].filter(({ count }) => count > 0),
  };
}

type Looks = Readonly<Record<string, readonly [Paint, string, Partial<Wanted>?]>>;

function health(token: Token, unknown: Paint): Looks {
  return {
    critical: [{ fill: token("--bad"), ink: token("--surface"), mark: "cross" }, "critical", { state: "ill" }],
    warning: [{ fill: token("--warn"), ink: token("--surface"), mark: "triangle" }, "warning", { state: "ill" }],
    info: [{ fill: token("--accent-soft"), ink: token("--accent"), mark: "bar" }, "info"],
    none: [{ fill: token("--ok-soft"), ink: token("--ok"), mark: "ring" }, "nothing found"],
    unknown: [unknown, "unknown"],
  };
}

function states(token: Token, unknown: Paint): Looks {
  return {
    leased: [{ fill: token("--accent") }, "in use", { state: "leased" }],
    free: [{ fill: token("--ok-soft"), ink: token("--ok"), mark: "ring" }, "free", { state: "free" }],
    blocked: [{ fill: token("--warn-soft"), ink: token("--warn"), mark: "bar" }, "blocked", { state: "blocked" }],
    unknown: [unknown, "unknown", { state: "unknown" }],
  };
}

function named(of: readonly string[], looks: Looks): Colouring {
  const counts = new Map<string, number>();
  for (const one of of) counts.set(one, (counts.get(one) ?? 0) + 1);
  const entries = Object.entries(looks).map(([name, [paint, word, only]]): Entry => ({ paint, word, count: counts.get(name) ?? 0, ...(only === undefined ? {} : { only }) }));
  const fallback: Paint = looks.unknown?.[0] ?? { fill: "transparent" };
  return {
    paint: (row) => looks[of[row] ?? ""]?.[0] ?? fallback,
    scale: null,
    entries: entries.filter(({ count }) => count > 0),
  };
}
