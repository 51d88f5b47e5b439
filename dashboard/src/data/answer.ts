// An answer of the controller, with when it was had. Used by every page that only reads.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { ask } from "./ask";
import { silent, useLink } from "./link/link-store";
import { LinkLost, trouble, type Trouble } from "./refusal";
import type { AnswerOf, AskOf, PathOf } from "./shapes";

export interface How {
  /** Milliseconds: asked again as often as that, while it is looked at. */
  readonly every?: number;
  /** While something else is asked, what was had before stays on the screen. */
  readonly keep?: boolean;
  readonly when?: boolean;
}

export interface Answer<T> {
  readonly data: T | undefined;
  readonly error: Trouble | null;
  /** Epoch milliseconds. */
  readonly fetchedAt: number | null;
  /** It is old: the controller cannot be heard, or refused to say it again. */
  readonly stale: boolean;
  readonly pending: boolean;
  readonly again: () => void;
}

export function useAnswer<P extends PathOf<"get">>(
  path: P,
  asked: AskOf<"get", P>,
  { every, keep = false, when = true }: How = {},
): Answer<AnswerOf<"get", P>> {
  const link = useLink();
  const found = useQuery({
    queryKey: ["answer", path, asked],
    queryFn: ({ signal }) => patiently(signal, (until) => ask("get", path, asked, { signal: until })),
    enabled: when,
    ...(every === undefined ? {} : { refetchInterval: every }),
    ...(keep ? { placeholderData: keepPreviousData } : {}),
  });
  return {
    data: found.data,
    error: found.error === null ? null : trouble(found.error),
    fetchedAt: found.dataUpdatedAt === 0 ? null : found.dataUpdatedAt,
    stale: found.dataUpdatedAt !== 0 && (found.error !== null || link.kind === "lost" || found.isPlaceholderData),
    pending: found.isPending,
    again: () => void found.refetch(),
  };
}

/** Milliseconds. Nothing that is only read takes longer, unless nobody is there to answer. */
const PATIENCE = 30_000;

/** An answer that does not come is a lost link: else a page would wait for ever, and show what is old as new. */
async function patiently<T>(signal: AbortSignal, asking: (until: AbortSignal) => Promise<T>): Promise<T> {
  const late = AbortSignal.timeout(PATIENCE);
  try {
    return await asking(AbortSignal.any([signal, late]));
  } catch (error) {
    if (signal.aborted || !late.aborted) throw error;
    silent();
    throw new LinkLost("the controller did not answer within 30 s");
  }
}
