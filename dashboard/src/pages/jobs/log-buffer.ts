// The lines of a log that comes in pieces. Used by the log panel of the job page. Pure: no clock, no network.
//
// Terminals' escape sequences are taken out, and of a line that was written over with carriage returns (a progress
// bar) the last version stays. The oldest lines go when there are more than `most`.
/* eslint-disable no-control-regex -- that is what is looked for */
const CSI = /\u001b\[[0-?]*[ -/]*[@-~]/g;
const OSC = /\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)/g;
const OTHER = /\u001b[@-Z\\-_]/g;
// What would be invisible, or turn the text around, must not look like something else.
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

export const MOST_LINES = 50_000;
export const LONGEST_LINE = 8_000;

export class LogBuffer {
  readonly #lines: string[] = [];
  readonly #most: number;
  #decoder = new TextDecoder();
  #open = "";
  #dropped = 0;

  constructor(most = MOST_LINES) {
    this.#most = most;
  }

  /** How many lines there were before the first one that is kept. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Kept lines; the last one may still grow. */
  get length(): number {
    return this.#lines.length + (this.#open === "" ? 0 : 1);
  }

  /** The line at `index` of the kept ones; empty beyond the end. */
  line(index: number): string {
    if (index === this.#lines.length && this.#open !== "") return shown(this.#open);
    return this.#lines[index] ?? "";
  }

  append(bytes: Uint8Array): void {
    this.#take(this.#decoder.decode(bytes, { stream: true }));
  }

  /** A line of ours between those of the job: that something is missing here. */
  note(text: string): void {
    this.#close();
    this.#lines.push(text);
    this.#trim();
  }

  /** Indices of lines that have `text` in them, case ignored; none for an empty one. */
  find(text: string): number[] {
    if (text === "") return [];
    const wanted = text.toLowerCase();
    const found: number[] = [];
    for (let at = 0; at < this.length; at++) if (this.line(at).toLowerCase().includes(wanted)) found.push(at);
    return found;
  }

  #take(text: string): void {
    let from = 0;
    for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", from)) {
      this.#lines.push(shown(this.#open + text.slice(from, at)));
      this.#open = "";
      from = at + 1;
    }
    this.#open += text.slice(from);
    if (this.#open.length > LONGEST_LINE) {
      const again = this.#open.lastIndexOf("\r", this.#open.length - 2);
      if (again !== -1) this.#open = this.#open.slice(again + 1);
    }
    this.#trim();
  }

  #close(): void {
    this.#take(this.#decoder.decode());
    this.#decoder = new TextDecoder();
    if (this.#open !== "") this.#lines.push(shown(this.#open));
    this.#open = "";
  }

  #trim(): void {
    // In big steps: taking from the front moves all that is behind it.
    const over = this.#lines.length - this.#most;
    if (over > this.#most / 10) {
      this.#lines.splice(0, over);
      this.#dropped += over;
    }
  }
}

/** A line as it would be seen on a terminal, without colours. */
export function shown(raw: string): string {
  let line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
  const again = line.lastIndexOf("\r");
  if (again !== -1) line = line.slice(again + 1);
  if (line.search(CONTROL) !== -1) {
    line = line.replace(OSC, "").replace(CSI, "").replace(OTHER, "").replace(CONTROL, "\ufffd");
  }
  if (line.length > LONGEST_LINE)
    line = `${line.slice(0, LONGEST_LINE)} … (${line.length - LONGEST_LINE} more characters)`;
  return line.replaceAll("\t", "    ");
}
