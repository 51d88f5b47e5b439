// The controller's sentences as a page says them: they begin small, for the command line, and have moments as machines
// write them. Used by the pages of jobs and of the queue. Pure.
import { exact, momentOf } from "../../data/format/moment";

const MOMENT = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g;

/** Words that are no names: a sentence may begin with a node's or a user's name, which stays as it is. */
const BEGINS =
  /^(?:all|an?|after|at|canceled|ended|every|exit|gpu|gpus|group|held|in|is|found|how|it|its|job|jobs|kept|killed|made|makes|no|nobody|node|none|needs|nothing|only|reservation|so|submitted|the|there|they|this|tried|user|waits|what|your)(?=[ ,:;]|$)/;

/** "The freest node …, from 2026-11-27 01:39:00 UTC+1". */
export function sentence(reason: string): string {
  const said = reason.replace(MOMENT, (found) => {
    const at = momentOf(found);
    return at === null ? found : exact(at);
  });
  return BEGINS.test(said) ? said.charAt(0).toUpperCase() + said.slice(1) : said;
}
