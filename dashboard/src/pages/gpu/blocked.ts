// Why no job is put onto a GPU, and what would change that. Pure; used by the pages of a GPU and of a workstation.

import type { BlockKind } from "../../data/node";

export interface BlockWords {
  readonly word: string;
  readonly means: string;
  readonly next: string;
}

const WORDS: Readonly<Record<BlockKind, BlockWords>> = {
  unmanaged: {
    word: "in use, not queued",
    means: "Somebody uses it who did not ask the queue, so no job is put beside them.",
    next: "Ask them to end it, or to submit it as a job; the GPU is free again by itself once it is over.",
  },
  quarantined: {
    word: "quarantined",
    means: "A fault was found, or an admin took it out. No new job starts on it; what runs there goes on.",
    next: "Mend what was found, then on its node: sentinel gpu check",
  },
  leased: {
    word: "lent on the node",
    means: "Somebody on the machine itself was given it, with sentinel-request.",
    next: "It is free again when they give it back.",
  },
  unknown: {
    word: "unknown",
    means: "Whether it is free cannot be told, so no job is put onto it.",
    next: "On its node, sentinel health says what could not be looked at.",
  },
};

export function blockWords(kind: BlockKind): BlockWords {
  return WORDS[kind];
}
