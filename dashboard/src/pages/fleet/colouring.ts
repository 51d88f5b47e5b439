// What colour a GPU has on the map, and what the colours mean. Pure; used by FleetPage.tsx.
import type { Paint } from "../../components/heat/HeatMap";
import type { FleetGpus } from "../../data/fleet/fleet";
import { NAMES, OTHERS, SCALE, type Scheme, stepOf } from "../../theme/palette";

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

export interface Entry {
  readonly paint: Paint;
  readonly word: string;
  readonly count: number;
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
    entries: lost === 0 ? [] : [{ paint: unknown, word: "unknown", count: lost }],
  };
}

/** Per cent; null where either is not known. */
export function part(used: number | null | undefined, total: number | null | undefined): number | null {
  if (used === null || used === undefined || total === null || total === undefined || total <= 0) return null;
  return (100 * used) / total;
}

function byOwner(gpus: FleetGpus, scheme: Scheme, token: Token, unknown: Paint): Colouring {
  const counts = new Map<string, number>();
  for (const owner of gpus.owner) if (owner !== null) counts.set(owner, (counts.get(owner) ?? 0) + 1);
  const ranked = [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
  const looks = new Map(ranked.map(([owner], nth): [string, Paint] => [owner, { fill: NAMES[scheme][nth] ?? OTHERS[scheme] }]));
  const free: Paint = { fill: token("--sunken"), ink: token("--border"), mark: "ring" };
  const blank = (row: number) => (gpus.state[row] === "free" ? free : unknown);
  const shown = ranked.slice(0, NAMES[scheme].length);
  const rest = ranked.slice(NAMES[scheme].length).reduce((sum, [, count]) => sum + count, 0);
  const nobody = gpus.owner.map((owner, row) => (owner === null ? gpus.state[row] : null));
  const frees = nobody.filter((state) => state === "free").length;
  const lost = nobody.filter((state) => state !== null && state !== undefined && state !== "free").length;
  return {
    paint: (row) => looks.get(gpus.owner[row] ?? "") ?? blank(row),
    scale: null,
    entries: [
      ...shown.map(([owner, count]) => ({ paint: looks.get(owner) ?? unknown, word: owner, count })),
      { paint: { fill: OTHERS[scheme] }, word: "others", count: rest },
      { paint: free, word: "nobody", count: frees },
      { paint: unknown, word: "not known", count: lost },
    ].filter(({ count }) => count > 0),
  };
}

type Looks = Readonly<Record<string, readonly [Paint, string]>>;

function health(token: Token, unknown: Paint): Looks {
  return {
    critical: [{ fill: token("--bad"), ink: token("--surface"), mark: "cross" }, "critical"],
    warning: [{ fill: token("--warn"), ink: token("--surface"), mark: "triangle" }, "warning"],
    info: [{ fill: token("--accent-soft"), ink: token("--accent"), mark: "bar" }, "info"],
    none: [{ fill: token("--ok-soft"), ink: token("--ok"), mark: "ring" }, "nothing found"],
    unknown: [unknown, "unknown"],
  };
}

function states(token: Token, unknown: Paint): Looks {
  return {
    leased: [{ fill: token("--accent") }, "in use"],
    free: [{ fill: token("--ok-soft"), ink: token("--ok"), mark: "ring" }, "free"],
    blocked: [{ fill: token("--warn-soft"), ink: token("--warn"), mark: "bar" }, "blocked"],
    unknown: [unknown, "unknown"],
  };
}

function named(of: readonly string[], looks: Looks): Colouring {
  const counts = new Map<string, number>();
  for (const one of of) counts.set(one, (counts.get(one) ?? 0) + 1);
  const entries = Object.entries(looks).map(([name, [paint, word]]) => ({ paint, word, count: counts.get(name) ?? 0 }));
  const fallback: Paint = looks.unknown?.[0] ?? { fill: "transparent" };
  return {
    paint: (row) => looks[of[row] ?? ""]?.[0] ?? fallback,
    scale: null,
    entries: entries.filter(({ count }) => count > 0),
  };
}
