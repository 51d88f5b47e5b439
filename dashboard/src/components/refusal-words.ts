// What to do next after a call went wrong, in words. Pure; used by components/Refusal.tsx.
import { Refused, type Trouble } from "../data/refusal";

const USUAL: Readonly<Record<number, string>> = {
  401: "You are signed in no more: sign in, and do it again.",
  403: "An admin can give you another role, or somebody who has it can do this.",
  408: "Nothing says whether it was done: look, before you do it again.",
  409: "Somebody else may have changed it meanwhile: look at what is there, then do it again.",
  413: "It is larger than the controller takes.",
  429: "That was too often: wait a minute, and do it again.",
  500: "The controller's log says more. Look at what is there before you do it again.",
  502: "What is between you and the controller cannot reach it: is the controller running?",
  503: "The controller is busy or just starting: wait a moment, and do it again.",
  504: "Nothing says whether it was done: look, before you do it again.",
};

export interface Piece {
  readonly text: string;
  readonly code: boolean;
}

/** What stands between backticks is to be typed, or a name. */
export function pieces(text: string): readonly Piece[] {
  const parts = text.split("`");
  if (parts.length % 2 === 0) return [{ text, code: false }];
  return parts.map((part, nth) => ({ text: part, code: nth % 2 === 1 })).filter((piece) => piece.text !== "");
}

/** The controller's own words where it has some. `reading`: what was asked changes nothing, and is asked again by itself. */
export function nextStep(why: Trouble, reading: boolean): string {
  if (why instanceof Refused) return why.hint !== "" ? why.hint : (USUAL[why.status] ?? "");
  return reading
    ? "It is tried again by itself. If this lasts: is the controller running, and is there a way to it?"
    : "Nothing says whether it was done: look at what is there once the controller answers, before you do it again.";
}

/** The controller's sentences begin small, as the command line prints them; an address stays as it is. */
export function sentence(text: string): string {
  const first = /^[a-z]+:\/\//.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?`:]$/.test(first) ? first : `${first}.`;
}
